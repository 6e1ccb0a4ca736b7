#!/usr/bin/env bash
# A power cut while `bulkhead vhd snapshot` makes a layer, plain or encrypted: behind each of its calls, and
# whatever of the names and sectors that were not synced is lost, the folder is as it was, or the layer is
# there with its header and its recovery key. CRASH_STATES states at least of each, from CRASH_SEED on.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
. tests/system/crash.bash
need strace qemu-img
D=$WORK/layers
mkdir "$D"
qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$D/base.vhd" 8M
crash_record "$D" "$WORK" "$OUT/bulkhead" vhd snapshot "$D/base.vhd" "$D/plain.vhd" >/dev/null || fail "no snapshot"
plain=$(crash_replay "$D" "$WORK" plain.vhd) || exit 1
crash_record "$D" "$WORK" "$OUT/bulkhead" vhd snapshot "$D/plain.vhd" "$D/sealed.vhd" --recovery-out "$D/sealed.key" \
	>/dev/null || fail "no snapshot"
"$OUT/bulkhead" vhd check "$D/sealed.vhd" >/dev/null || fail "what is there is not sound"
sealed=$(crash_replay "$D" "$WORK" sealed.vhd) || exit 1
# a command that names before it syncs is found out
rm -rf "${D:?}"/* && echo old >"$D/file"
crash_record "$D" "$WORK" sh -c "echo new >$D/file.new; mv $D/file.new $D/file; sync $D" || fail "no move"
! crash_replay "$D" "$WORK" file >"$WORK/said" 2>&1 || fail "an early name is not noticed"
grep -q "names first: 'file' is neither" "$WORK/said" || fail "not for that reason: $(cat "$WORK/said")"
echo "plain: $plain; encrypted: $sealed"
