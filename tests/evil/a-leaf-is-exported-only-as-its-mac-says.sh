#!/usr/bin/env bash
# Attacks 14 and 20 on who has a recovery key and neither lease nor TPM: each field that leaf.mac vouches for, of the
# image, of its own, of the LUKS2 header, of the layers below, is changed by itself, with every checksum right.
# `bulkhead disk export` refuses each with exit status 4, file, field and value, within a second of CPU and
# 64 MiB, before it writes a byte. Without leaf.mac, or a layer's tree, it does so only when it is told to.
# limit: 240 s
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
. tests/evil/evil.bash
keys_on laptop
keys_it
keys_enrol
keys_plain 2>/dev/null
keys_create disk >/dev/null && keys_create chain --upon encrypted >/dev/null || fail "create"
evil=$OUT/tests/evil/leaf_mac
SEED=${SEED:-$RANDOM}
echo "# SEED=$SEED, SEEDS=${SEEDS:=1}"
EVIL_ABSENT=$WORK/plaintext.raw
EVIL_KIB=$((256 * 1024)) # libcryptsetup, libtss2 and what they link take 100 MiB of address space before main()
export_it() { # export_it DISK NAME STATUS FILE WORDS [OPTION...]
	local disk=$1 dir=$WORK/out/disks/$1 name=$2 status=$3 file=$4 words=$5
	shift 5
	sha256sum "$dir"/* >"$WORK/all"
	refused "$name" "$status" "$file" "$words" "$BULKHEAD" disk export "$dir" "$EVIL_ABSENT" \
		--recovery-file "$WORK/recovery-$disk" "$@"
	sha256sum --quiet -c "$WORK/all" || fail "$name: a file was changed"
}
spoil() { # spoil DISK NAME SEED WORDS
	local dir=$WORK/out/disks/$1
	cp -r "$dir" "$WORK/good"
	"$evil" "$2" "$3" "$dir" || fail "$2: seed $3"
	! diff -rq "$dir" "$WORK/good" >/dev/null || fail "$2: nothing was changed, seed $3"
	EVIL_NAME=disks/$1/leaf.vhd export_it "$1" "$2, seed $3" 4 "$dir/leaf.vhd" "$4"
	rm -r "$dir" && mv "$WORK/good" "$dir"
}
for ((n = 0; n < SEEDS; n++)); do
	while IFS=$'\t' read -r name words; do
		disk=disk
		[ "$name" != parents-locator ] || disk=chain
		spoil $disk "$name" $((SEED + n)) "$words"
	done < <("$evil")
done
cases=$EVIL_N

# ---- what is below, by the leaf's word ----
dir=$WORK/out/disks/chain
attack() { # attack NAME WORDS COMMAND... - of the chain, which is put back
	local name=$1 words=$2
	shift 2
	cp -r "$dir" "$WORK/good"
	"$@" || fail "$name"
	EVIL_NAME=disks/chain export_it chain "$name" 4 "$dir/leaf.vhd" "$words"
	rm -r "$dir" && mv "$WORK/good" "$dir"
}
edit() { "$OUT/tests/system/luks_edit" "$1" '"segments"' '"sector_size":512' '"sector_size":4096'; }
flip() { "$OUT/tests/evil/vhd_parent" "$@"; }
attack sectors-of-the-image "layers below: digest" edit "$dir/gold.luks"
attack sectors-of-the-leaf "'leaf.luks': LUKS2 header: sector_size 0x1000" edit "$dir/leaf.luks"
attack bits-of-the-image "gold.vhd" flip one-bit-cleared "$dir/gold.vhd"
attack bits-of-the-image-and-tree "layers below: digest" flip one-bit-cleared "$dir/gold.vhd" "$dir/gold.tree"
attack data-of-the-image "is not the one that its hash tree names" flip one-bit-of-data "$dir/gold.vhd"
attack no-tree "its 'gold.tree' is not there" rm "$dir/gold.tree"
attack no-mac "its 'leaf.mac' is not there" rm "$dir/leaf.mac"
attack another-disks-mac "leaf.mac: UUID" cp "$WORK/out/disks/disk/leaf.mac" "$dir/leaf.mac"

# ---- and the way out, which says what it is ----
rm "$dir/leaf.mac" "$dir/gold.tree"
for disk in disk chain; do
	option=() && [ $disk = disk ] || option=(--without-mac)
	"$BULKHEAD" disk export "$WORK/out/disks/$disk" "$EVIL_ABSENT" --recovery-file "$WORK/recovery-$disk" "${option[@]}" \
		>/dev/null || fail "no export of '$disk'"
	cmp "$EVIL_ABSENT" "$WORK/plain.raw" || fail "'$disk' is exported otherwise"
	rm "$EVIL_ABSENT"
done
echo "$cases alterations of one field, $((EVIL_N - cases)) of what is around, refused by name, seed $SEED"
