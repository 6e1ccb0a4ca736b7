#!/usr/bin/env bash
# Whatever call of `disk snapshot` and `disk merge` that changes a file fails, or is the last before SIGKILL,
# the disk is there with every byte: a snapshot that failed leaves nothing, a merge is given again and ends, and
# nothing that it did not need is left. Half of what is read and written each time is enough. What changed
# between a kill and that is refused with exit status 4.
# A power cut in a snapshot, behind each of its calls, leaves the disk with the old leaf or with the new one.
# FAULTS (3) of each kind, from SEED (random) on; all: every one. CRASH_STATES (one of each kind) power cuts at least.
# limit: 300 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
for part in lab lans tpm roles laptop pki disk; do
	. "$here/lab/$part.sh"
done
lab_enter "$@"
command -v nbdkit swtpm qemu-img mke2fs strace >/dev/null || lab_skip "nbdkit, swtpm, qemu-img, mke2fs or strace is not installed"
WORK=$LAB
. tests/system/faults.bash
. tests/system/crash.bash
echo "# SEED=$SEED"

fail() {
	echo "$1: $(cat "$LAB/said" 2>&1); log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
opens() { disk_unlock work "$DISK_PIN" || { cp "$LAB/unlock.log" "$LAB/said"; fail "$1: it does not open"; }; }
locks() { bulkhead disk lock work >"$LAB/said" 2>&1 && lab_wait 10 no_block || fail "it does not lock"; }
writes() { # writes BYTE OFFSET LENGTH - to the disk and to what it should be
	local target
	for target in "$(disk_uri work)" "$IT/work.raw"; do
		qemu-io -f raw -c "write -P $1 $2 $3" -c flush "$target" >"$LAB/said" 2>&1 || fail "no write"
	done
}
with_pin() { "$@" <<<"$DISK_PIN" >"$LAB/said" 2>&1; }
keys() { printf -- '--recovery-file\n%s\n' "$IT"/recovery-work "$IT"/recovery-[0-9]*; }
holds() { # holds WHEN [--without-mac] - all layers as they lie there are the disk
	rm -f "$LAB/out.raw"
	mapfile -t key < <(keys)
	bulkhead disk export "$disk" "$LAB/out.raw" "${key[@]}" "${@:2}" >"$LAB/said" 2>&1 && cmp -s "$LAB/out.raw" "$IT/work.raw" ||
		fail "$1: it does not hold what it held"
}
cut_short() { # cut_short COMMAND... - half of each transfer to or from the disk's folder
	with_pin "$OUT/tests/system/shorten" "$disk" "$@" && grep -q "^shorten: [1-9]" "$LAB/said" || fail "cut short"
	holds "cut short: $*"
}
put_back() { rm -rf "$disk" && cp -a "$LAB/kept" "$disk"; }

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
disk_plain work 24 && disk_enrol && disk_create work +1hour && disk_deliver work || fail "$(cat "$LAB/disk.log")"
disk=$LAPTOP_STATE/disks/work
laptop_start || fail "bulkheadd does not start"
opens untouched
writes 0x11 400000 718000
locks
SNAPSHOT=(bulkhead disk snapshot work --pin-fd 0 --recovery-out)
with_pin "${SNAPSHOT[@]}" "$IT/recovery-1" || fail "no snapshot"
opens "one layer more"
writes 0x22 900000 200000 && writes 0 4194304 65536 && writes 0x33 20000000 4096 # where the leaf has no block
locks

# ---- a snapshot: nothing of it, or all ----
cp -a "$disk" "$LAB/kept"
with_pin crash_record "$disk" "$LAB" "${SNAPSHOT[@]}" "$disk/recovery" || fail "no snapshot to be replayed"
states=$(CRASH_SEED=$SEED crash_replay "$disk" "$LAB" layers.local 2>"$LAB/said") || fail "a power cut in a snapshot"
put_back
cut_short "${SNAPSHOT[@]}" "$IT/recovery-2"
rm "$IT/recovery-2"
put_back
with_pin faults_of "${SNAPSHOT[@]}" "$IT/recovery-2" || fail "no second snapshot"
put_back
whole=0
while read -r call n same; do
	for how in $(faults_how "$n" "$same"); do
		rm -f "$IT/recovery-2"
		status=0
		with_pin fault $how "$call" "$n" "${SNAPSHOT[@]}" "$IT/recovery-2" || status=$?
		cp "$LAB/said" "$LAB/why"
		holds "a snapshot, $how at $call $n"
		if [ $how != KILL ] && [ $status != 0 ] && cmp -s "$disk/layers.local" "$LAB/kept/layers.local"; then
			[[ $call == unlink* ]] || diff -r "$disk" "$LAB/kept" >"$LAB/said" || fail "$how at $call $n left something"
			[ ! -e "$IT/recovery-2" ] || fail "$how at $call $n left a key that opens nothing"
		elif [ $how = KILL ] && cmp -s "$disk/layers.local" "$LAB/kept/layers.local"; then
			with_pin "${SNAPSHOT[@]}" "$IT/recovery-2" || fail "no snapshot after a kill at $call $n"
			holds "a snapshot after a kill at $call $n"
			! compgen -G "$disk/*.partial" || fail "left behind after a kill at $call $n"
			whole=$((whole + 1))
		fi
		put_back
	done
done < <(faults_some)
rm -f "$IT/recovery-2"

# ---- a merge ----
mapfile -t key < <(keys)
MERGE=(bulkhead disk merge work --pin-fd 0 "${key[@]}")
with_pin faults_of "${MERGE[@]}" || fail "no merge"
holds merged
merged=$(cd "$disk" && echo *)
put_back
cut_short "${MERGE[@]}"
[ "$(cd "$disk" && echo *)" = "$merged" ] || fail "cut short, it left behind: $(ls "$disk")"
put_back
again=0
while read -r call n same; do
	for how in $(faults_how "$n" "$same"); do
		status=0
		with_pin fault $how "$call" "$n" "${MERGE[@]}" || status=$?
		holds "a merge, $how at $call $n" --without-mac # which names the layer below as it was
		if [ "$(cd "$disk" && echo *)" != "$merged" ]; then
			[ $status != 0 ] || fail "$how at $call $n: exit status 0, and left behind: $(ls "$disk")"
			again=$((again + 1))
			with_pin "${MERGE[@]}" || fail "no merge after $how at $call $n"
			holds "merged after $how at $call $n"
			[ "$(cd "$disk" && echo *)" = "$merged" ] || fail "left behind after $how at $call $n: $(ls "$disk")"
		fi
		put_back
	done
done < <([ "$FAULTS" = all ] || faults_some "rename|unlink|fsync"; faults_some)
# between a kill and the next run: the data of the layer below, where the upper one has none, and the mark
for spoil in "leaf.vhd 500000" "local-1.merge 20" "local-1.merge 3"; do
	read -r file at <<<"$spoil"
	with_pin fault KILL rename 2 "${MERGE[@]}" && fail "no kill"
	[ -e "$disk/local-1.merge" ] || fail "the second rename comes before the mark"
	printf '\x5a\xa5' | dd of="$disk/$file" bs=1 seek="$at" conv=notrunc status=none
	status=0
	with_pin "${MERGE[@]}" || status=$?
	[ $status = 4 ] && [ -e "$disk/local-1.vhd" ] || fail "$spoil changed after a kill: exit status $status"
	put_back
done
# a full disk: not even begun
mount -o remount,size=$(($(df --output=used -B1 /run | tail -n 1) + 400000)) /run || fail "it does not fill"
with_pin "${MERGE[@]}" && fail "a merge on a full disk"
grep -q "no room" "$LAB/said" && diff -r "$disk" "$LAB/kept" >>"$LAB/said" || fail "a full disk"
mount -o remount,size=50% /run
with_pin "${MERGE[@]}" || fail "no merge"
(($(stat -c '%b * 512 - %s' "$disk/leaf.vhd") < 65536)) || fail "what was reserved is not given back"
opens merged
disk_same_to_qemu work || fail "the merged disk is not what was written"
echo "a snapshot's power cuts: $states"
faults_met || exit 1
echo "$n_faults faults, $whole snapshots and $again merges given again; nothing lost, nothing left"
