#!/usr/bin/env bash
# A leaf upon a gold image that is never written, plain by the policy's word or encrypted. It reads
# through, writes only itself, and outlives its block. A gold image that is not the leased one to the
# byte, has another header, or is plain without the policy's word is refused by name; a byte altered in
# what is read later is an error to the guest, never data.
# limit: 240 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v nbdkit swtpm qemu-img mke2fs >/dev/null || lab_skip "nbdkit, swtpm, qemu-img or mke2fs is not installed"

fail() {
	echo "$1: $(cat "$LAB/unlock.log" 2>&1); log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
n_refused=0
refused() { # refused WHAT WORDS NAME - the unlock is, with these words, and no block serves the disk
	! disk_unlock "$3" "$DISK_PIN" || fail "$1: it opens"
	grep -q -- "$2" "$LAB/unlock.log" || fail "$1: not '$2'"
	lab_wait 10 no_block || fail "$1: a block process runs"
	n_refused=$((n_refused + 1))
	echo "$1: $(tail -n 1 "$LAB/unlock.log")"
}
opens() { disk_unlock "$1" "$DISK_PIN" || fail "$1, $2: it does not open"; }
locks() {
	bulkhead disk lock "$1" >"$LAB/unlock.log" 2>&1 && lab_wait 10 no_block || fail "it does not lock"
}
flip() { # flip FILE OFFSET - one byte becomes another
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
put_back() { cp "$IT/out/disks/$1/"* "$LAPTOP_STATE/disks/$1/"; }
policy() { # policy SERIAL [ROOT] - with one plain image allowed
	pki_policy "$1" "$(pki_date +30days)" >"$IT/policy.yaml"
	[ -z "${2-}" ] || printf '  plain_allowed: ["%s"]\n' "$2" >>"$IT/policy.yaml"
	pki_sign policy "$IT/policy.yaml" &&
		bulkhead policy install "$IT/policy.yaml" >"$LAB/unlock.log" 2>&1 || fail "no policy"
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
disk_plain a 32 && disk_plain b 32 || fail "no plain image"
disk_enrol || fail "$(cat "$LAB/disk.log")"
cp "$IT/a.vhd" "$IT/c.vhd"
cp "$IT/a.raw" "$IT/c.raw"
disk_create a +1hour --upon plain || fail "$(cat "$LAB/disk.log")"
root=$(sed -n 's/.*plain_allowed lists //p' "$LAB/disk.log")
for name in b c; do
	disk_create $name +1hour --upon encrypted || fail "$(cat "$LAB/disk.log")"
done
disk_deliver a
laptop_start || fail "bulkheadd does not start"

# ---- plain, by whose word? ----
refused "a plain image that the policy does not name" "$root" a
policy 8 "$(tr 0-9a-f 1-9a-f0 <<<"$root")"
refused "a plain image when the policy names another" "plain" a
policy 9 "$root"
gold=$LAPTOP_STATE/disks/a/gold.vhd
cmp -s "$IT/a.vhd" "$gold" || fail "the gold image is not IT's to the byte"

# ---- both kinds: reads through, writes only itself, outlives its block ----
for name in a b; do
	opens $name first
	disk_same_to_qemu $name || fail "$name: not IT's image: $(cat "$LAB/qemu.log")"
	qemu-io -f raw -c "write -P 0x5a 1048000 70000" "$(disk_uri $name)" >"$LAB/qemu.log" 2>&1 &&
		qemu-io -f raw -c "write -P 0x5a 1048000 70000" "$IT/$name.raw" >>"$LAB/qemu.log" 2>&1 ||
		fail "$name: no write: $(cat "$LAB/qemu.log")"
	disk_crash block || fail "$name: $(cat "$LAB/core.log")"
	lab_wait 10 disk_served $name || fail "$name: nobody serves it again"
	disk_same_to_qemu $name || fail "$name: the written is not there: $(cat "$LAB/qemu.log")"
	faults=$(roles_check "$(laptop_pid)" $LAPTOP_UID_BASE)
	[ -z "$faults" ] || fail "$faults"
	locks $name
	opens $name again
	disk_same_to_qemu $name || fail "$name: the written is gone: $(cat "$LAB/qemu.log")"
	locks $name
	cmp -s "$IT/out/disks/$name/gold.vhd" "$LAPTOP_STATE/disks/$name/gold.vhd" || fail "$name: the gold image was written"
	! grep -qaF "$(head -c 64 /dev/zero | tr '\0' '\132')" "$LAPTOP_STATE/disks/$name/leaf.vhd" ||
		fail "$name: the leaf holds plaintext"
done
! grep -qaF "$DISK_MARKER" "$LAPTOP_STATE"/disks/b/* || fail "b: plaintext is in its files"
grep -qaF "$DISK_MARKER" "$gold" || fail "a: the marker is not where it should be"

# ---- another gold image ----
cp "$IT/b.vhd" "$gold"
refused "a swapped plain image" "layer 'gold': open image" a
put_back a
cp "$IT/out/disks/c/gold.vhd" "$IT/out/disks/c/gold.tree" "$LAPTOP_STATE/disks/b/"
refused "another disk's encrypted image with its tree" "layer 'gold'" b
put_back b
mv "$gold" "$gold.real" && ln -s gold.vhd.real "$gold"
refused "a gold image by way of a link" "image" a
rm "$gold" && mv "$gold.real" "$gold"
flip "$gold" 600
refused "a byte of its metadata" "layer 'gold'" a
put_back a
truncate -s -512 "$gold"
refused "a lost end" "layer 'gold'" a
put_back a
rm "$LAPTOP_STATE/disks/a/gold.tree"
refused "a lost tree" "" a
put_back a

# ---- another header: keys of this layer are for this layer ----
cp "$LAPTOP_STATE/disks/b/leaf.luks" "$LAPTOP_STATE/disks/b/gold.luks"
refused "the leaf's header for the gold image" "layer 'gold'" b
put_back b
cp "$IT/out/disks/c/gold.luks" "$LAPTOP_STATE/disks/b/gold.luks"
refused "another disk's header for the gold image" "layer 'gold'" b
rm "$LAPTOP_STATE/disks/b/gold.luks"
refused "no header: no key, and not plain" "" b
put_back b
sed -i '/^parents:/,/^tpm:/{s/cipher: .*/cipher: none/;/sector_bytes\|fingerprint\|generation/d}' "$LAPTOP_STATE/leases/b.yaml"
pki_sign lease "$LAPTOP_STATE/leases/b.yaml"
refused "encryption switched off by who signs leases" "does not allow" b
cp "$IT/out/leases/"b.* "$LAPTOP_STATE/leases/"
sed -i '/^parents:/,/^tpm:/{/^tpm:/!d}' "$LAPTOP_STATE/leases/b.yaml"
pki_sign lease "$LAPTOP_STATE/leases/b.yaml"
refused "a lease that leaves the gold image out" "layers below: digest" b
cp "$IT/out/leases/"b.* "$LAPTOP_STATE/leases/"

# ---- what is read later ----
at=$(grep -abom 1 -F "$DISK_MARKER" "$gold" | cut -d: -f1)
flip "$gold" $((at + 1))
opens a "one byte of its payload differs"
! disk_read a "$LAB/a.raw" >"$LAB/read.log" 2>&1 || fail "an altered byte is served"
grep -q "of layer 'gold' was altered" "$LAB/bulkheadd.log" || fail "the log does not name the layer"
locks a
put_back a
# a splice: a block's ciphertext from another check-out of the same layout
cmp -l "$IT/out/disks/c/gold.vhd" "$LAPTOP_STATE/disks/b/gold.vhd" >"$LAB/differ" 2>/dev/null
at=$(($(sed -n '100000{s/^ *//;s/ .*//;p}' "$LAB/differ") / 4096 * 4096))
dd if="$IT/out/disks/c/gold.vhd" of="$LAPTOP_STATE/disks/b/gold.vhd" bs=4096 count=1 skip=$((at / 4096)) \
	seek=$((at / 4096)) conv=notrunc status=none
opens b "one unit of its ciphertext is another disk's"
! disk_read b "$LAB/b.raw" >"$LAB/read.log" 2>&1 || fail "a spliced block is served"
locks b
put_back b
opens b "all put back"
locks b

# ---- another key, object and lease: what stays below has a header for them ----
disk_at_it bulkhead disk rekey "$IT/out/disks/b" --recovery-file "$IT/recovery-b" --device "$IT/device.yaml" \
	--trust "$IT/trust.yaml" --lease-key "$IT/keys/lease.key" --recovery-out "$IT/recovery-b2" --pin-fd 0 \
	<<<"$DISK_PIN" >"$LAB/disk.log" 2>&1 || fail "no rekey: $(cat "$LAB/disk.log")"
put_back b
refused "another key, and the lease of before" "" b
cp "$IT/out/leases/"b.* "$LAPTOP_STATE/leases/"
opens b "another key"
qemu-img compare -f raw -F vpc "$(disk_uri b)" "$IT/b.vhd" >"$LAB/qemu.log" 2>&1 || fail "not IT's image: $(cat "$LAB/qemu.log")"
echo "2 disks of two layers; $n_refused refusals by name, 2 alterations that no guest could read"
