#!/usr/bin/env bash
# What a thief has: the files, time, other laptops, and checksums that he can make right again. Each
# way in is refused with a reason of its own; the untouched disk opens before and after.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
keys_on laptop
keys_it
keys_enrol
keys_plain
keys_create disk >/dev/null
keys_create other >/dev/null
header=$WORK/out/disks/disk/leaf.luks
cp "$header" "$WORK/good.luks"
keys_unlock disk "$PIN" ok

# AFTER FROM TO REASON PART: changed in both copies, re-checksummed
theft() {
	"$OUT/tests/system/luks_edit" "$header" "$1" "$2" "$3" || fail "edit $2"
	keys_unlock disk "$PIN" "$4" "${5-}"
	cp "$WORK/good.luks" "$header"
}
segment='"segments"'
theft $segment aes-xts-plain64 cipher_null-ecb header-shape segments.0.encryption
theft $segment '"sector_size":512' '"sector_size":4096' header-shape segments.0.sector_size
theft $segment '"sector_size":512}' '"sector_size":512},"1":{"type":"linear"}' header-shape "segments has '1'"
theft '"keyslots"' '{"0":' '{"2":{"type":"luks2"},"0":' header-shape "keyslots has '2'"
theft '"keyslots"' aes-xts-plain64 cipher_null-ecb header-shape keyslots.0.area.encryption
theft '"digests"' '{"0":' '{"1":' header-shape digests
theft '"config"' '"json_size"' '"requirements":{"mandatory":["online-reencrypt"]},"json_size"' \
	header-shape requirements
theft '"keyslots"' '"type":"luks2"' '"type":"reencrypt"' header-shape keyslots.0.type
theft '"digests"' '"iterations":1000' '"iterations":1001' header-seal generation
# the stock program would open the first of these: it looks at nothing but the checksum
"$OUT/tests/system/luks_edit" "$header" "$segment" aes-xts-plain64 cipher_null-ecb
cryptsetup open --test-passphrase --header "$header" --key-file "$WORK/recovery-disk" \
	"$WORK/out/disks/disk/leaf.vhd" || fail "the edited header is not valid LUKS2: the test shows nothing"

cp "$WORK/out/disks/other/leaf.luks" "$header" # same source, so same UUID: another check-out
keys_unlock disk "$PIN" header-disk "another TPM object"
cp "$WORK/good.luks" "$header"
byte=$(xxd -p -s 40000 -l 1 "$header")
printf "\\x$(printf %02x $((16#$byte ^ 1)))" | dd of="$header" bs=1 seek=40000 conv=notrunc status=none
keys_unlock disk "$PIN" header-shape "keyslot 0 is damaged"
truncate -s -1 "$header"
keys_unlock disk "$PIN" header-shape "no file of 557056 bytes"
cp "$WORK/good.luks" "$header"

keys_off
keys_on thief
keys_unlock disk "$PIN" tpm-other "no storage root key"
"$BULKHEAD" device enrol --name thief --tpm "$WORK/tpm.sock" >/dev/null 2>&1
keys_unlock disk "$PIN" tpm-other "not the one in the lease"

keys_off
keys_on laptop "rd.break" # the same laptop, another command line
keys_unlock disk "$PIN" tpm-pcr "not as enrolled: PCR 8"

keys_off
keys_on laptop
keys_unlock disk "$PIN" ok
keys_unlock disk 123456 pin-wrong "tries left: 2"
keys_unlock disk 12345 pin-wrong "no try was used"
keys_unlock disk 1234567 pin-wrong "tries left: 1"
keys_unlock disk 000000 pin-wrong "tries left: 0"
keys_unlock disk "$PIN" tpm-lockout "forgives one every"
