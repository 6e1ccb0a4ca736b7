#!/usr/bin/env bash
# A laptop enrols, IT checks a disk out for it, its TPM and the PIN open it after a power cut, and
# the recovery key opens it without us; other programs agree about all of it.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
keys_on laptop
keys_it
keys_enrol
keys_plain

name=$(keys_tool tpm2_readpublic -c 0x81000001 | sed -n '/^name:/s/.* //p')
grep -q "srk_name: \"$name\"" "$WORK/device.yaml" || fail "tpm2_readpublic names another SRK: $name"
echo "enrolled: $name"

for ss in 512 4096; do
	disk=disk-$ss
	keys_create "$disk" --sector-size "$ss" >"$WORK/create.log" || fail "create with sectors of $ss"
	grep -q '^proof: ' "$WORK/create.log" || fail "no proof was made"
	minisign -V -q -p "$WORK/lease.pub" -m "$WORK/out/leases/$disk.yaml" || fail "minisign refuses the lease"
	keys_unlock "$disk" "$PIN" ok

	dir=$WORK/out/disks/$disk
	cryptsetup open --test-passphrase --header "$dir/leaf.luks" --key-file "$WORK/recovery-$disk" \
		"$dir/leaf.vhd" || fail "cryptsetup refuses the recovery key"
	cryptsetup luksDump "$dir/leaf.luks" | grep -qE "sector: $ss " || fail "luksDump shows other sectors"
	"$BULKHEAD" disk export "$dir" "$WORK/$disk.raw" --recovery-file "$WORK/recovery-$disk" >/dev/null
	cmp "$WORK/$disk.raw" "$WORK/plain.raw" || fail "the exported raw disk differs"
	"$BULKHEAD" disk export "$dir" "$WORK/$disk.vhd" --recovery-fd 5 5<"$WORK/recovery-$disk" >/dev/null
	qemu-img compare -q -f vpc -F raw "$WORK/$disk.vhd" "$WORK/plain.raw" || fail "the exported VHD differs"
	"$BULKHEAD" disk info "$dir" --json | grep -q "\"sector_bytes\":$ss" || fail "disk info"
done

grep -qaF "$MARKER" "$WORK/plain.vhd" || fail "the marker is not where it should be"
! grep -rqaF "$MARKER" "$WORK/out" || fail "plaintext is in the laptop's files"
! grep -rqaF "$(cat "$WORK/recovery-disk-512")" "$WORK/out" || fail "the recovery key is in the laptop's files"
grep -q '"sealed":"' "$WORK/out/disks/disk-512/leaf.escrow" || fail "nothing in escrow"

# the wrong recovery key, a slip in the right one, an existing folder, a short PIN
! "$BULKHEAD" disk export "$WORK/out/disks/disk-512" "$WORK/x.raw" --recovery-file "$WORK/recovery-disk-4096" \
	2>"$WORK/log" || fail "another disk's recovery key opens it"
grep -q 'no recovery key that was given' "$WORK/log"
[ ! -e "$WORK/x.raw" ] || fail "a refused export left a file"
tr 0-9A-H 1-9A-J <"$WORK/recovery-disk-512" >"$WORK/slip"
! "$BULKHEAD" disk export "$WORK/out/disks/disk-512" "$WORK/x.raw" --recovery-file "$WORK/slip" \
	2>"$WORK/log" || fail "a slip passes"
grep -q 'has a slip' "$WORK/log"
! keys_create disk-512 2>"$WORK/log" || fail "a disk was overwritten"
grep -q "exists" "$WORK/log"
PIN=12345
! keys_create short 2>"$WORK/log" || fail "a PIN of five passes"
PIN=271828
[ ! -e "$WORK/out/disks/short.partial" ] || fail "a refused check-out left its folder"

# the power goes without warning, four times: the right PIN still costs nothing
for _ in 1 2 3 4; do
	keys_off
	keys_on laptop
	keys_unlock disk-512 "$PIN" ok
done
keys_unlock disk-512 000000 pin-wrong "tries left: 2"
