#!/usr/bin/env bash
# A conversion in place needs at most 64 MiB of memory, whatever the disk's size: 2040 GiB with a few
# blocks are decrypted, and measured.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
need qemu-io
keys_on laptop
keys_it
keys_enrol
MIB=$((64 * 1024))
# peak COMMAND... - the most memory it had at once, in KiB; its output in $WORK/log
peak() {
	python3 - "$WORK/log" "$@" <<-'PY'
		import resource, subprocess, sys
		with open(sys.argv[1], 'w') as log:
		    status = subprocess.call(sys.argv[2:], stdout=log, stderr=log)
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
		sys.exit(status)
	PY
}

"$BULKHEAD" vhd create "$WORK/plain.vhd" --size 2040G >/dev/null
for at in 0 700G 1300G 2039G; do
	qemu-io -f vpc -c "write -q -P 0x5a $at 24M" "$WORK/plain.vhd" >/dev/null || fail "qemu-io writes at $at"
done
keys_create huge --in-place >/dev/null
dir=$WORK/out/disks/huge

used=$(peak "$BULKHEAD" disk decrypt "$dir" --recovery-file "$WORK/recovery-huge") || fail "$(cat "$WORK/log")"
grep -q '^proof: all data' "$WORK/log" || fail "$(cat "$WORK/log")"
[ "$used" -le $MIB ] || fail "decrypting took $used KiB"
qemu-io -f vpc -r -c "read -q -P 0x5a 1300G 24M" "$dir/leaf.vhd" >"$WORK/log" 2>&1 || fail "qemu reads it: $(cat "$WORK/log")"
! grep -q 'Pattern verification failed' "$WORK/log" || fail "it differs"
echo "2040 GiB: decrypted with $((used / 1024)) MiB"
