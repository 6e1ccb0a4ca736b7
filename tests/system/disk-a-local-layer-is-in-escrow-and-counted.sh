#!/usr/bin/env bash
# Each layer's recovery key, of a check-out and of a snapshot on the laptop, is sealed for IT's escrow key alone: with
# its secret half, and nothing that the laptop or the user kept, the disk is exported. The TPM's owner takes
# away the number of local layers: the layers are refused and say why; what was checked out opens, as SECURITY.md
# says. No layer that is encrypted already is checked out.
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v nbdkit swtpm qemu-img mke2fs tpm2_nvundefine >/dev/null || lab_skip "nbdkit, swtpm, qemu-img, mke2fs or tpm2-tools is not installed"
fail() {
	echo "$1: $(cat "$LAB/unlock.log" 2>&1); log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
locks() { bulkhead disk lock work >"$LAB/unlock.log" 2>&1 && lab_wait 10 no_block || fail "it does not lock"; }
escrow() { "$here/lab/escrow.py" "$@"; }

lans_up && tpm_on && laptop_install && pki_make || fail "the lab does not come up"
echo "escrow: \"$(escrow key "$IT/keys/escrow.secret")\"" >>"$IT/trust.yaml"
minisign -S -s "$IT/keys/root.key" -m "$IT/trust.yaml" >/dev/null
pki_install && disk_plain work 32 && disk_enrol && disk_create work +1hour && disk_deliver work ||
	fail "no disk: $(cat "$LAB/disk.log")"
disk=$LAPTOP_STATE/disks/work
laptop_start || fail "bulkheadd does not start"
cp -a "$disk" "$LAB/leased"
printf '%s' "$DISK_PIN" | bulkhead disk snapshot work --recovery-out "$IT/recovery-local" --pin-fd 0 >"$LAB/unlock.log" 2>&1 ||
	fail "no snapshot"
disk_unlock work "$DISK_PIN" || fail "it does not open"
for target in "$(disk_uri work)" "$IT/work.raw"; do
	qemu-io -f raw -c "write -P 0x22 1000000 150000" -c flush "$target" >"$LAB/qemu.log" 2>&1 || fail "no write: $(cat "$LAB/qemu.log")"
done
locks

# ---- by IT's secret, and what lies in the disk's folder ----
keys=()
for layer in leaf local-1; do
	escrow open "$IT/keys/escrow.secret" "$disk/$layer.escrow" >"$LAB/$layer.key" || fail "the escrow of '$layer' does not open"
	keys+=(--recovery-file "$LAB/$layer.key")
done
cmp -s "$LAB/leaf.key" "$IT/recovery-work" && cmp -s "$LAB/local-1.key" "$IT/recovery-local" || fail "what is in escrow is another key"
escrow key "$LAB/stranger" >/dev/null
! escrow open "$LAB/stranger" "$disk/local-1.escrow" >/dev/null 2>&1 || fail "another key opens what is in escrow"
bulkhead disk export "$disk" "$LAB/out.raw" "${keys[@]}" >"$LAB/unlock.log" 2>&1 || fail "no export by what was in escrow"
cmp -s "$LAB/out.raw" "$IT/work.raw" || fail "an export by what was in escrow is another disk"

# ---- an encrypted layer is nobody's source ----
for source in leaf local-1; do
	status=0
	disk_at_it bulkhead disk create --source "$disk/$source.vhd" --name again --out "$LAB/again" --device "$IT/device.yaml" \
		--trust "$IT/trust.yaml" --lease-key "$IT/keys/lease.key" --recovery-out "$LAB/again.key" --pin-fd 0 \
		<<<"$DISK_PIN" >"$LAB/unlock.log" 2>&1 || status=$?
	[ $status = 3 ] && grep -q "has an encrypted layer; export it first" "$LAB/unlock.log" && [ ! -e "$LAB/again/disks/again" ] ||
		fail "a check-out of '$source.vhd', status $status"
done

# ---- the TPM's owner takes the number away ----
laptop_stop || fail "bulkheadd does not stop"
index=$(tpm_tool tpm2_getcap handles-nv-index | grep -io '0x181[0-9a-f]*') || fail "the TPM has no number"
[ "$(wc -w <<<"$index")" = 1 ] || fail "the TPM has more than one number: $index"
tpm_tool tpm2_nvundefine -C o "$index" >"$LAB/unlock.log" 2>&1 || fail "the owner cannot take it away"
laptop_start || fail "bulkheadd does not start again"
status=0
disk_unlock work "$DISK_PIN" || status=$?
[ $status = 4 ] && grep -q "the TPM has no number of it any more" "$LAB/unlock.log" || fail "without the number: status $status"
echo "without the number: $(cat "$LAB/unlock.log")"
rm -rf "$LAB/out.raw"
bulkhead disk export "$disk" "$LAB/out.raw" "${keys[@]}" >"$LAB/unlock.log" 2>&1 && cmp -s "$LAB/out.raw" "$IT/work.raw" ||
	fail "without the number what was written is lost"
rm -rf "$disk" && mv "$LAB/leased" "$disk"
disk_unlock work "$DISK_PIN" || fail "what was checked out does not open"
locks
echo "two layers out of escrow; no second check-out; a number that was taken away refuses the layers, and is known to pass for none"
