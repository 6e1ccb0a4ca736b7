#!/usr/bin/env bash
# Attacks 16 and 17. While a disk is served, no other program of ours changes, merges, converts or exports it, and what
# somebody moves over its files or writes to its header is nothing to the guest, nor to the successor of a killed server; after a lock
# the files that lie there then are judged anew. While another program holds an image the daemon serves it to nobody. A header
# that was the disk's before, with its own right seal, is refused.
# limit: 180 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v nbdkit swtpm qemu-img mke2fs >/dev/null || lab_skip "nbdkit, swtpm, qemu-img or mke2fs is not installed"

fail() {
	echo "$1: $(cat "$LAB/unlock.log" 2>&1); log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
refused() { # refused WHAT STATUS WORDS - the unlock is, so; no block serves the disk
	local status=0
	disk_unlock work "$DISK_PIN" || status=$?
	[ $status = "$2" ] || fail "$1: exit status $status, not $2"
	grep -q -- "$3" "$LAB/unlock.log" || fail "$1: not '$3'"
	lab_wait 10 no_block || fail "$1: a block process runs"
	echo "$1: $(tail -n 1 "$LAB/unlock.log")"
}
opens() { disk_unlock work "$DISK_PIN" || fail "$1: it does not open"; }
locks() { bulkhead disk lock work >"$LAB/unlock.log" 2>&1 && lab_wait 10 no_block || fail "it does not lock"; }
reads() { disk_same_to_qemu work || fail "$1: not IT's image: $(cat "$LAB/qemu.log")"; }
put_back() { rm -rf "$disk" && cp -a "$LAB/kept" "$disk"; }

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
disk_plain work 16 || fail "no plain image"
disk_enrol || fail "$(cat "$LAB/disk.log")"
disk_create work +1hour --upon encrypted || fail "$(cat "$LAB/disk.log")"
mv "$IT/out" "$IT/before" && mv "$IT/recovery-work" "$IT/recovery-before"
disk_create work +1hour --upon encrypted || fail "$(cat "$LAB/disk.log")"
disk_deliver work
disk=$LAPTOP_STATE/disks/work
cp -a "$disk" "$LAB/kept"
laptop_start || fail "bulkheadd does not start"

# ---- 17: a second writer ----
opens untouched
n_busy=0
before=$(sha256sum "$disk"/*)
mkdir "$LAPTOP_STATE/alone" && ln "$disk"/{leaf,gold}.vhd "$LAPTOP_STATE/alone/" || fail "no second names" # where no header speaks for them
key=(--recovery-file "$IT/recovery-work")
it=(--device "$IT/device.yaml" --trust "$IT/trust.yaml" --lease-key "$IT/keys/lease.key" --recovery-out "$IT/recovery-none" --pin-fd 0)
while read -r command; do
	case $command in
	"disk export"* | "disk decrypt"* | "vhd coalesce"*) options=("${key[@]}") ;;
	"disk rekey"*) options=("${key[@]}" "${it[@]}") ;;
	"disk snapshot"*) options=(--recovery-out "$IT/recovery-none" --pin-fd 0) ;;
	*) options=() ;;
	esac
	status=0
	printf '%s' "$DISK_PIN" | timeout 10 bulkhead $command "${options[@]}" >"$LAB/unlock.log" 2>&1 || status=$?
	[ $status = 1 ] && grep -q "in use" "$LAB/unlock.log" ||
		{ [ $status = 3 ] && grep -q "a layer of a checked-out disk\|vouches for it" "$LAB/unlock.log"; } || fail "$command beside a server: exit status $status"
	echo "$command: $(tail -n 1 "$LAB/unlock.log")"
	n_busy=$((n_busy + 1))
done <<-COMMANDS
	disk export $disk $LAB/out.raw
	disk decrypt $disk
	disk rekey $disk
	disk snapshot work
	vhd coalesce $disk/leaf.vhd
	vhd snapshot $disk/leaf.vhd $disk/new.vhd --recovery-out $IT/recovery-none
	vhd resize $disk/leaf.vhd --size 32M
	vhd resize $LAPTOP_STATE/alone/gold.vhd --size 32M
	vhd repair --yes $LAPTOP_STATE/alone/gold.vhd
	vhd repair --yes $LAPTOP_STATE/alone/leaf.vhd
COMMANDS
[ "$(sha256sum "$disk"/*)" = "$before" ] || fail "a refused command has written"
rm -r "$LAPTOP_STATE/alone"
reads "after the second writers"

# ---- 17: files that change under way ----
cp "$disk/gold.vhd" "$LAB/another" && mv "$LAB/another" "$disk/leaf.vhd"
head -c 100000 /dev/urandom >"$disk/gold.vhd.new" && mv "$disk/gold.vhd.new" "$disk/gold.vhd"
ln -sf /dev/null "$disk/gold.tree"
head -c 4096 /dev/urandom | dd of="$disk/leaf.luks" conv=notrunc status=none
reads "with other files in their places"
disk_crash block || fail "$(cat "$LAB/core.log")"
lab_wait 10 disk_served work || fail "nobody serves it again"
reads "a successor with other files in their places"
locks
refused "the files that were put there" 4 "gold.tree"
put_back

# ---- 17: another program has it ----
exec 7<>"$disk/leaf.vhd"
flock -n 7 || fail "the leaf is held by somebody"
refused "a leaf that another program holds" 1 "another program holds 'leaf.vhd'"
exec 7<&-
exec 7<>"$disk/gold.vhd"
flock -n 7 || fail "the gold image is held by somebody"
refused "a gold image that another program writes" 1 "another program holds 'gold.vhd'"
exec 7<&-

# ---- 16: a header of the same image, sealed and right, but of an earlier check-out ----
for layer in leaf gold; do
	cp "$IT/before/disks/work/$layer.luks" "$disk/"
	refused "the header that $layer had before" 4 "layer '$layer'"
	put_back
done
opens "all put back"
reads "all put back"
echo "$n_busy commands beside a server and 2 programs before it were refused; 4 files changed under way, 2 older headers"
