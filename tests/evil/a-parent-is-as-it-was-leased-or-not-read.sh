#!/usr/bin/env bash
# Attacks 12 and 20: an image that a leaf rests upon is rewritten, has other bits or another block table, or gives way to
# another one with its UUID; every checksum is right, and the hash tree beside it fits or does not. It is refused
# at the unlock with exit status 4 and its layer's name, or, where only a later read can tell, the guest gets an error
# and the log says which layer: nobody reads another byte than IT's.
# limit: 240 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v nbdkit swtpm qemu-img mke2fs >/dev/null || lab_skip "nbdkit, swtpm, qemu-img or mke2fs is not installed"
evil=$LAB_OUT/tests/evil/vhd_parent

fail() {
	echo "$1: $(cat "$LAB/unlock.log" 2>&1); log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
locks() { bulkhead disk lock work >"$LAB/unlock.log" 2>&1 && lab_wait 10 no_block || fail "it does not lock"; }
put_back() { cp "$IT/out/disks/work/"* "$disk/"; }
n_refused=0 n_stopped=0
attacked() { # attacked WHAT [must-be-refused]
	local before status
	before=$(cd "$disk" && sha256sum gold.*)
	disk_unlock work "$DISK_PIN"
	status=$?
	if [ $status != 0 ]; then
		[ $status = 4 ] || fail "$1: exit status $status, not 4"
		grep -q "layer 'gold': .* at 0x\|layer 'gold': .*hash tree" "$LAB/unlock.log" || fail "$1: it does not say where"
		lab_wait 10 no_block || fail "$1: a block process runs"
		n_refused=$((n_refused + 1))
	else
		[ -z "${2-}" ] || fail "$1: it opens"
		: >"$LAB/bulkheadd.log"
		! disk_read work "$LAB/work.raw" >"$LAB/read.log" 2>&1 || fail "$1: it reads to its end"
		grep -q "of layer 'gold' was altered" "$LAB/bulkheadd.log" || fail "$1: the log does not name the layer"
		n_stopped=$((n_stopped + 1))
		locks
	fi
	[ "$(cd "$disk" && sha256sum gold.*)" = "$before" ] || fail "$1: a file was changed"
	echo "$1: $([ $status = 0 ] && echo "an error to the guest" || tail -n 1 "$LAB/unlock.log")"
	put_back
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
# a source with holes within its blocks, which other makers of images do not leave
seed=${SEED:-$RANDOM}
"$LAB_OUT/bulkhead" vhd create "$IT/work.vhd" --size 128M >"$LAB/disk.log" 2>&1 &&
	"$LAB_OUT/tests/system/vhd_layers" work $seed 24 "$IT/work.vhd" >"$IT/work.raw" || fail "no source, seed $seed"
disk_enrol && disk_create work +1hour --upon encrypted || fail "$(cat "$LAB/disk.log")"
disk_deliver work
disk=$LAPTOP_STATE/disks/work
laptop_start || fail "bulkheadd does not start"
disk_unlock work "$DISK_PIN" && disk_same_to_qemu work || fail "IT's own files do not read as IT's image"
locks

for name in $("$evil"); do
	"$evil" "$name" "$disk/gold.vhd" || fail "$name: not made"
	! cmp -s "$IT/out/disks/work/gold.vhd" "$disk/gold.vhd" || fail "$name: nothing was changed"
	attacked "$name"
done
for name in one-bit-of-data grown-by-another-program; do
	"$evil" "$name" "$disk/gold.vhd" "$disk/gold.tree" || fail "$name: not made"
	attacked "$name, and a tree to fit" must-be-refused
done
[ $n_refused -ge 10 ] && [ $n_stopped -ge 1 ] || fail "only $n_refused refused, $n_stopped stopped"
disk_unlock work "$DISK_PIN" && disk_same_to_qemu work || fail "what was put back does not read as IT's image"
echo "$n_refused altered parents refused, $n_stopped stopped at the guest's read; no byte but IT's was served"
