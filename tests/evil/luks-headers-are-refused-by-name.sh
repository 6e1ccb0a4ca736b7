#!/usr/bin/env bash
# What a thief with time makes of a LUKS2 header, valid in every checksum: cryptsetup opens many of these
# with the right passphrase, or with any. `bulkhead disk export`, which has the recovery key and no TPM,
# refuses each with exit status 4, file and field, within a second of CPU, and writes nothing. A header
# that is gone or another disk's is refused as well: there is no "no key, so plain".
# limit: 240 s
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
. tests/evil/evil.bash
keys_on laptop
keys_it
keys_enrol
keys_plain 2>/dev/null
for name in disk other; do
	keys_create $name >/dev/null || fail "create"
done
evil=$OUT/tests/evil/luks_header
dir=$WORK/out/disks/disk
luks=$dir/leaf.luks
cp "$luks" "$WORK/good.luks"
EVIL_ABSENT=$WORK/plaintext.raw
EVIL_KIB=$((256 * 1024)) # libcryptsetup, libtss2 and what they link take 100 MiB of address space before main()
export_it() { # export_it NAME STATUS WORDS
	sha256sum "$dir/leaf.vhd" >"$WORK/vhd"
	refused "$1" "$2" "$luks" "$3" "$BULKHEAD" disk export "$dir" "$EVIL_ABSENT" --recovery-file "$WORK/recovery-disk"
	sha256sum --quiet -c "$WORK/vhd" || fail "$1: the image was changed"
}
opens=0
while IFS=$'\t' read -r name words; do
	cp "$WORK/good.luks" "$luks"
	"$evil" "$name" "$luks" || fail "$name"
	cp "$luks" "$WORK/theirs.luks" # cryptsetup repairs what it reads
	! timeout -s KILL 2 cryptsetup open --test-passphrase --header "$WORK/theirs.luks" --key-file "$WORK/recovery-disk" \
		"$dir/leaf.vhd" 2>/dev/null || opens=$((opens + 1))
	export_it "$name" 4 "$words"
done < <("$evil")
cp "$WORK/out/disks/other/leaf.luks" "$luks" # attack 16: another disk's
EVIL_NAME=disks/disk export_it another-disks-header 3 "no recovery key that was given opens it"
rm "$luks" && : >"$luks"
export_it no-header 4 ""
rm "$luks"
EVIL_NAME=leaf
luks=$dir/leaf.vhd export_it header-gone 3 "it has no header beside it"
cp "$WORK/good.luks" "$dir/leaf.luks"
"$BULKHEAD" disk export "$dir" "$EVIL_ABSENT" --recovery-file "$WORK/recovery-disk" >/dev/null || fail "the good one"
[ "$opens" -gt 0 ] || fail "cryptsetup refuses them all: this shows nothing"
echo "$EVIL_N hostile headers are refused by name; cryptsetup opens $opens of them"
