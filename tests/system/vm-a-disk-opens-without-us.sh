#!/usr/bin/env bash
# In the emulated Debian machine, which has nothing of ours: the commands of doc/recovery.md, taken from
# that page, open a checked-out disk with its recovery key, for both sector sizes. Every byte that was
# ever written is the plain disk's, and the file system in it mounts and has its file.
# limit: 300 s
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
need qemu-system-x86_64 jq
image=$(tests/vm/image.sh) || skip "the image of the emulated machine cannot be built here"
keys_on laptop
keys_it
keys_enrol
keys_plain -b 4096 # smaller blocks do not mount on sectors of 4096
mkdir "$WORK/share"
for ss in 512 4096; do
	keys_create "disk-$ss" --sector-size "$ss" >"$WORK/create.log" || fail "create: $(cat "$WORK/create.log")"
	mkdir "$WORK/share/$ss"
	cp "$WORK/out/disks/disk-$ss"/leaf.{vhd,luks} "$WORK/share/$ss"
	cp "$WORK/recovery-disk-$ss" "$WORK/share/$ss/recovery-key"
	"$BULKHEAD" vhd map --json "$WORK/share/$ss/leaf.vhd" |
		jq -r '.[] | select(.type == "data") | "\(.offset) \(.length)"' >"$WORK/share/$ss/data"
	[ "$(wc -l <"$WORK/share/$ss/data")" -ge 2 ] || fail "hardly any data"
done
cp "$WORK/plain.raw" "$WORK/files/marked" "$WORK/share"
# the commands: what is indented behind "## One disk", up to the next heading
sed -n '/^## One disk/,/^## /s/^    //p' doc/recovery.md >"$WORK/share/commands"
[ "$(wc -l <"$WORK/share/commands")" -ge 4 ] || fail "doc/recovery.md names no commands"
cat >"$WORK/share/run" <<'RUN'
set -euo pipefail
export DM_DISABLE_UDEV=1 # nobody runs udev in this machine
mkdir -p /run/cryptsetup /mnt
! ls /usr/bin/bulkhead* /usr/libexec/bulkhead* 2>/dev/null
for ss in 512 4096; do
	rm -rf /tmp/disk && cp -r /shared/$ss /tmp/disk && cd /tmp/disk
	sed '/^umount/,$d' /shared/commands >open && sed -n '/^umount/,$p' /shared/commands >close
	bash -ex open
	n=0
	while read -r at len; do
		cmp -i "$at" -n "$len" /dev/mapper/work /shared/plain.raw || { echo "sectors of $ss: differs in $at $len"; exit 1; }
		n=$((n + len))
	done <data
	cmp /mnt/marked /shared/marked
	bash -ex close
	cmp leaf.vhd /shared/$ss/leaf.vhd && cmp leaf.luks /shared/$ss/leaf.luks
	echo "sectors of $ss: $n bytes identical on $(uname -r)"
done
RUN
LIMIT=280 tests/vm/boot.sh "$image" "$WORK/share" 'bash run' >"$WORK/vm.log" 2>&1 || fail "$(tail -n 20 "$WORK/vm.log")"
grep '^sectors of' "$WORK/vm.log"
