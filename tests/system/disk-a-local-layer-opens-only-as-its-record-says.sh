#!/usr/bin/env bash
# A snapshot on the laptop: gold image, leased leaf and local layers are one disk, through restarts, each parent read
# through its hash tree. The record under the TPM's seal, each header, tree and image, edited, swapped, missing
# or put back from an earlier day, are refused by name with exit status 4; the lease's end is theirs; no snapshot while the disk
# is served. With the keys the layers merge again, through a kill at any time.
# limit: 600 s
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
refused() { # refused WHAT STATUS WORDS - the unlock is, so; no block serves the disk
	local status=0
	disk_unlock work "$DISK_PIN" || status=$?
	[ $status = "$2" ] || fail "$1: exit status $status, not $2"
	grep -q -- "$3" "$LAB/unlock.log" || fail "$1: not '$3'"
	lab_wait 10 no_block || fail "$1: a block process runs"
	n_refused=$((n_refused + 1))
	echo "$1: $(tail -n 1 "$LAB/unlock.log")"
}
opens() { disk_unlock work "$DISK_PIN" || fail "$1: it does not open"; }
locks() { bulkhead disk lock work >"$LAB/unlock.log" 2>&1 && lab_wait 10 no_block || fail "it does not lock"; }
reads() { disk_same_to_qemu work || fail "$1: not what was written: $(cat "$LAB/qemu.log")"; }
writes() { # writes BYTE OFFSET LENGTH - to the disk and to what it should be
	local target
	for target in "$(disk_uri work)" "$IT/work.raw"; do
		qemu-io -f raw -c "write -P $1 $2 $3" -c flush "$target" >"$LAB/qemu.log" 2>&1 || fail "no write: $(cat "$LAB/qemu.log")"
	done
}
snapshot() { # snapshot NUMBER
	printf '%s' "$DISK_PIN" | bulkhead disk snapshot work --recovery-out "$IT/recovery-local-$1" --pin-fd 0 >"$LAB/unlock.log" 2>&1
}
merge() { # the newest layer, by all keys that there are
	local key keys=()
	for key in "$IT"/recovery-*; do
		keys+=(--recovery-file "$key")
	done
	printf '%s' "$DISK_PIN" | bulkhead disk merge work --pin-fd 0 "${keys[@]}" >"$LAB/unlock.log" 2>&1
}
flip() { # flip FILE OFFSET - one byte becomes another
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
keep() { rm -rf "$LAB/kept-$1" && cp -a "$disk" "$LAB/kept-$1"; }
put_back() { rm -rf "$disk" && cp -a "$LAB/kept-$1" "$disk"; }

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
disk_plain work 32 || fail "no plain image"
# IT's source is a chain, too
seed=${SEED:-$RANDOM}
mv "$IT/work.vhd" "$IT/base.vhd" && bulkhead vhd snapshot "$IT/base.vhd" "$IT/work.vhd" >"$LAB/disk.log" 2>&1 &&
	"$LAB_OUT/tests/system/vhd_layers" work $seed 24 "$IT/base.vhd" "$IT/work.vhd" >"$IT/work.raw" || fail "no chain, seed $seed"
disk_enrol || fail "$(cat "$LAB/disk.log")"
! disk_create work +1hour --upon plain && grep -q "a copy to the byte is of one image" "$LAB/disk.log" || fail "a plain chain"
disk_create work +1hour --upon encrypted && disk_deliver work || fail "$(cat "$LAB/disk.log")"
disk=$LAPTOP_STATE/disks/work
laptop_start || fail "bulkheadd does not start"
opens untouched
reads "a check-out of a chain, seed $seed"
writes 0x11 1048000 70000

# ---- a snapshot, and another ----
! snapshot 0 || fail "a snapshot of a disk that is served"
grep -q "in use; lock the disk" "$LAB/unlock.log" || fail "it does not say that the disk is in use"
locks
keep leased
leased_sum=$(sha256sum <"$disk/leaf.vhd")
rm -f "$IT/recovery-local-0"
snapshot 1 || fail "no snapshot"
opens "the first time upon the leased layer"
writes 0x22 1000000 150000
locks
laptop_stop
laptop_start || fail "bulkheadd does not start again"
opens "after a restart"
reads "after a restart"
disk_crash block || fail "$(cat "$LAB/core.log")"
lab_wait 10 disk_served work || fail "nobody serves it again"
reads "a successor"
faults=$(roles_check "$(laptop_pid)" $LAPTOP_UID_BASE)
[ -z "$faults" ] || fail "$faults"
locks
[ "$(sha256sum <"$disk/leaf.vhd")" = "$leased_sum" ] || fail "the leased layer was written"
keep one
snapshot 2 || fail "no second snapshot"
opens "four layers"
writes 0x33 1500000 20000000
reads "four layers"
locks
keep two
# a PIN that is wrong, and a record that was never used
printf 000000 | bulkhead disk snapshot work --recovery-out "$IT/recovery-none" --pin-fd 0 >"$LAB/unlock.log" 2>&1 && fail "a snapshot with a wrong PIN"
grep -q "PIN is wrong" "$LAB/unlock.log" || fail "the wrong PIN is not named"
rm "$IT/recovery-none"
diff -r "$disk" "$LAB/kept-two" >"$LAB/unlock.log" || fail "a snapshot that was refused left something"

# ---- the record ----
for at in 20 60 130 170 420; do
	flip "$disk/layers.local" $at
	refused "byte $at of the record" 4 "layer\|No such file"
	put_back two
done
truncate -s -1 "$disk/layers.local"
refused "a cut record" 4 "layers.local: its length"
put_back two
rm "$disk/layers.local"
refused "no record" 4 "layers.local is missing; the TPM has seen number 2"
put_back leased
refused "the whole folder as it was before the snapshots" 4 "layers.local is missing"
put_back one
refused "the whole folder as it was a layer ago" 4 "layers.local is number 1, the TPM has seen 2"
put_back two
cp "$LAB/kept-one/layers.local" "$disk/"
snapshot 3 && fail "a snapshot upon an old record"
rm -f "$IT/recovery-local-3"
grep -q "is number 1" "$LAB/unlock.log" || fail "the old record is not named"
cmp -s "$disk/local-2.vhd" "$LAB/kept-two/local-2.vhd" || fail "an old record cost a layer"
put_back two

# ---- headers, trees, images ----
cp "$disk/local-1.luks" "$disk/local-2.luks"
refused "one layer's header for another" 4 "layer 'local-2'"
put_back two
cp "$disk/leaf.luks" "$disk/local-1.luks"
refused "the leased header for a local layer" 4 "layer 'local-1'"
put_back two
rm "$disk/local-2.luks"
refused "a lost header" 4 "open 'local-2.luks': No such file"
put_back two
cp "$disk/local-1.tree" "$disk/leaf.tree"
refused "one layer's tree for another" 4 "layer 'leaf'"
put_back two
rm "$disk/local-1.tree"
refused "a lost tree" 4 "open 'local-1.tree': No such file"
put_back two
flip "$disk/leaf.vhd" 600
refused "a byte of the leased layer" 4 "layer 'leaf'"
put_back two
cp "$LAB/kept-leased/leaf.vhd" "$disk/local-1.vhd"
refused "the leased image for a local layer" 4 "layer 'local-1'"
put_back two
cp "$disk/local-1.vhd" "$disk/local-2.vhd"
refused "a parent for the writable layer" 4 "local-2"
put_back two
# its one block of 2 MiB lies before the end footer
at=$(($(stat -c %s "$disk/local-1.vhd") - 512 - 2097152 + 1100000))
flip "$disk/local-1.vhd" $at
opens "a byte of a local layer's data is another"
! disk_read work "$LAB/work.raw" >"$LAB/read.log" 2>&1 || fail "an altered byte of a local layer is served"
grep -q "of layer 'local-1' was altered" "$LAB/bulkheadd.log" || fail "the log does not name the layer"
locks
put_back two

# ---- the lease decides for all of them ----
sed -i "s/^issued: .*/issued: $(pki_date -2hour)/; s/^not_after: .*/not_after: $(pki_date -1hour)/" "$LAPTOP_STATE/leases/work.yaml"
pki_sign lease "$LAPTOP_STATE/leases/work.yaml"
refused "the lease's end" 3 "lease"
cp "$IT/out/leases/"work.* "$LAPTOP_STATE/leases/"
opens "all put back"
reads "all put back"
locks

# ---- commands that know nothing of the record ----
keys=()
for key in "$IT"/recovery-*; do
	keys+=(--recovery-file "$key")
done
bulkhead disk export "$disk" "$LAB/out.raw" "${keys[@]}" >"$LAB/unlock.log" 2>&1 || fail "no export"
cmp -s "$LAB/out.raw" "$IT/work.raw" || fail "an export is not what the newest layer shows"
for command in "disk decrypt $disk" "vhd coalesce $disk/local-2.vhd"; do
	status=0
	bulkhead $command "${keys[@]}" >"$LAB/unlock.log" 2>&1 || status=$?
	[ $status = 3 ] && grep -q "bulkhead disk merge" "$LAB/unlock.log" || fail "$command: not refused"
done

# ---- merged again ----
flip "$disk/local-1.vhd" $at
! merge || fail "a merge into a layer that was altered"
grep -q "layer 'local-1' is not what it was" "$LAB/unlock.log" || fail "the altered layer is not named"
put_back two
killed() { # a merge dies when it has begun to write
	[ -e "$disk/local-2.merge" ] && return
	put_back two # the last one was through: its record was never used
	merge 2>/dev/null &
	until [ -e "$disk/local-2.merge" ] || ! kill -0 $! 2>/dev/null; do :; done
	pkill -KILL -P $! bulkhead
	wait $! 2>/dev/null
	[ -e "$disk/local-2.merge" ]
}
lab_wait 60 killed || fail "no merge dies while it writes"
refused "a merge that was killed" 1 "'local-2.merge' is there: finish that conversion or merge first"
merge || fail "no merge after one that was killed"
[ ! -e "$disk/local-2.vhd" ] && [ ! -e "$disk/local-2.merge" ] || fail "what was merged is still there"
opens merged
reads merged
locks
merge || fail "no second merge"
[ ! -e "$disk/local-1.vhd" ] && [ ! -e "$disk/leaf.tree" ] || fail "what was merged is still there"
opens "merged into the leased layer"
reads "merged into the leased layer"
locks
cp -a "$disk" "$LAB/merged"
put_back two
refused "the layers as they were before the merge" 4 "is number 2, the TPM has seen 4"
rm -rf "$disk" && mv "$LAB/merged" "$disk"

# ---- as many layers as there may be ----
rm "$IT"/recovery-local-*
for n in 3 4 5 6 7 8; do
	snapshot $n-of-8 || fail "no layer $n"
	case $n in 4 | 6 | 7) continue ;; esac # a layer may lie upon one that was never used
	opens "$n layers"
	writes 0x4$n $((n * 700000)) 30000
	reads "$n layers"
	locks
done
! snapshot 9-of-8 && grep -q "8 layers, which is the limit" "$LAB/unlock.log" || fail "a ninth layer"
laptop_stop
laptop_start || fail "bulkheadd does not start again"
opens "8 layers after a restart"
reads "8 layers after a restart"
locks
merge || fail "no merge of the eighth"
opens "7 layers"
reads "7 layers"
locks
"$LAB_OUT/bulkhead" audit verify "$LAPTOP_STATE/audit" >"$LAB/unlock.log" 2>&1 || fail "the audit log does not verify"
[ "$(cat "$LAPTOP_STATE"/audit/*.jsonl | grep -c '"kind":"layers","phase":"outcome","reason":"ok"')" -ge 4 ] || fail "the audit log has no changes of layers"
echo "2 to 8 layers in one disk; $n_refused refusals by name; merged again, once after a kill"
