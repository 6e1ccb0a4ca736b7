#!/usr/bin/env bash
# A file system without room, with ever more of it, and enough: `vhd coalesce`, into the parent or a new
# file, is refused or ends in nothing but a line, and no byte of any layer is another; at last it merges.
# limit: 120 s
[ "${1:-}" = inside ] || exec unshare -m --kill-child "$0" inside
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
[ "$(id -u)" = 0 ] || skip "needs root to mount"
[ -x "$OUT/bulkhead" ] || skip "the command line is not built"
layers=$OUT/tests/system/vhd_layers
seed=${SEED:-$RANDOM}
echo "# SEED=$seed"
D=$WORK/small
mkdir "$D"
mount -t tmpfs -o size=256M,mode=700 tmpfs "$D" || skip "cannot mount a tmpfs"

vhd() { "$OUT/bulkhead" vhd "$@" >"$WORK/out" 2>"$WORK/err"; }
did() { vhd "$@" || fail "vhd $*: $(cat "$WORK/err")"; }
left() { df --output=avail -B1 "$D" | tail -n 1; }
sums() { (cd "$D" && find . -type f ! -name filler -exec sha256sum {} + | sort); }

did create "$D/a.vhd" --size 24M
"$layers" work "$seed" 4 "$D/a.vhd" >"$WORK/a.raw"
did snapshot "$D/a.vhd" "$D/b.vhd"
"$layers" work $((seed + 1)) 300 "$D"/{a,b}.vhd >"$WORK/b.raw"
before=$(sums)
full=0

# full_then_merges ARGUMENT...
full_then_merges() {
	local status room=0 was=$full
	while :; do
		rm -f "$D/filler"
		fallocate -l $(($(left) - room)) "$D/filler" || fail "the file system does not fill"
		status=0
		vhd coalesce "$@" || status=$?
		[ "$status" != 0 ] || break
		[ "$status" = 1 ] && [ "$(wc -l <"$WORK/err")" = 1 ] || fail "coalesce $*: status $status: $(cat "$WORK/err")"
		grep -qiE 'no (room|space)' "$WORK/err" || fail "coalesce $*: $(cat "$WORK/err")"
		[ "$(sums)" = "$before" ] || fail "coalesce $* with $room bytes left changed: $(diff <(echo "$before") <(sums))"
		full=$((full + 1))
		room=$((room + (3 << 20)))
		[ $room -lt $((200 << 20)) ] || fail "coalesce $* with $room bytes left: $(cat "$WORK/err")"
	done
	[ $((full - was)) -ge 2 ] || fail "coalesce $* met a full disk $((full - was)) times only: this shows little"
}

full_then_merges --into "$D/flat.vhd" "$D/b.vhd"
"$layers" cat "$D/flat.vhd" >"$WORK/now.raw"
cmp "$WORK/now.raw" "$WORK/b.raw" || fail "the flat file is not what the layers were"
rm "$D/flat.vhd"
full_then_merges "$D/b.vhd"
"$layers" cat "$D/a.vhd" >"$WORK/now.raw"
cmp "$WORK/now.raw" "$WORK/b.raw" || fail "the merge lost something"
echo "full $full times, with no byte changed"
