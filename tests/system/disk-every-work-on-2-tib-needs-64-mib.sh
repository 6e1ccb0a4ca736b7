#!/usr/bin/env bash
# Whatever is done with a disk needs at most 64 MiB of memory, whatever the disk's size: one of 2040 GiB with
# 96 MiB of data here and there goes through all of it, each command's peak is measured, the data is the same.
# limit: 240 s
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
need qemu-io
keys_on laptop
keys_it
keys_enrol
KIB=$((64 * 1024)) most=0
d=$WORK/d
mkdir "$d"
papers=(--device "$WORK/device.yaml" --trust "$WORK/trust.yaml" --lease-key "$WORK/lease.key" --days 7 --pin-fd 0)

# lean COMMAND... - it ends well, and the most memory that it had at once is within the bound
lean() {
	local used
	printf '%s' "$PIN" | tests/lab/peak.py "$WORK/peak" "$BULKHEAD" "$@" >"$WORK/log" 2>&1 || fail "$*: $(cat "$WORK/log")"
	used=$(<"$WORK/peak")
	[ "$used" -le $KIB ] || fail "$1 $2: $used KiB"
	[ "$used" -le $most ] || most=$used
	n=$((n + 1))
}
n=0
spots=(0 700G 1300G 2039G)
same() { # same FORMAT FILE - the data is where it was
	local at
	for at in "${spots[@]}"; do
		qemu-io -f "$1" -r -c "read -q -P 0x5a $at 24M" "$2" >"$WORK/log" 2>&1 || fail "qemu reads $2: $(cat "$WORK/log")"
		! grep -q 'Pattern verification failed' "$WORK/log" || fail "$2 differs at $at"
	done
}

lean vhd create "$d/plain.vhd" --size 2G
lean vhd resize "$d/plain.vhd" --size 2040G
for at in "${spots[@]}"; do
	qemu-io -f vpc -c "write -q -P 0x5a $at 24M" "$d/plain.vhd" >/dev/null || fail "qemu-io writes at $at"
done
lean vhd info "$d/plain.vhd"
lean vhd check "$d/plain.vhd"
lean vhd repair "$d/plain.vhd"
lean vhd map "$d/plain.vhd"
lean vhd snapshot "$d/plain.vhd" "$d/child.vhd"
lean vhd coalesce "$d/child.vhd" --into "$d/flat.vhd"
same vpc "$d/flat.vhd"
lean vhd coalesce "$d/child.vhd"

for upon in alone encrypted; do
	upons=(--upon encrypted)
	[ $upon != alone ] || upons=()
	lean disk create --source "$d/plain.vhd" --name $upon --out "$WORK/out" "${upons[@]}" "${papers[@]}" --recovery-out "$WORK/key-$upon"
	lean disk info "$WORK/out/disks/$upon"
	lean disk export "$WORK/out/disks/$upon" "$WORK/x.raw" --recovery-file "$WORK/key-$upon"
	same raw "$WORK/x.raw"
	rm "$WORK/x.raw"
done
rm -r "$WORK/out"
lean disk create --in-place --source "$d/plain.vhd" --name huge --out "$WORK/out" "${papers[@]}" --recovery-out "$WORK/key-1"
dir=$WORK/out/disks/huge
lean disk rekey "$dir" --recovery-file "$WORK/key-1" "${papers[@]}" --recovery-out "$WORK/key-2"
lean disk export "$dir" "$WORK/x.vhd" --recovery-file "$WORK/key-2"
same vpc "$WORK/x.vhd"
lean disk decrypt "$dir" --recovery-file "$WORK/key-2"
grep -q '^proof: all data' "$WORK/log" || fail "$(cat "$WORK/log")"
same vpc "$dir/leaf.vhd"
echo "2040 GiB: $n commands with $((most / 1024)) MiB at most"
