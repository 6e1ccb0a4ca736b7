#!/usr/bin/env bash
# Each broken VHD of the generator is refused by `bulkhead vhd check` with exit status 4 and a line
# that names file, field and value; within a second and 64 MiB, without a byte of it changed. The
# unbroken one passes. (The plugin opens by the same call, image_open.)
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
[ -x "$OUT/bulkhead" ] || skip "the command line is not built"
evil=$OUT/tests/evil/vhd_metadata
file=$WORK/evil.vhd
n=0

"$evil" none "$file"
"$OUT/bulkhead" vhd check "$file" >/dev/null || fail "the unbroken one is refused"
while IFS=$'\t' read -r name words; do
	"$evil" "$name" "$file"
	sha256sum "$file" >"$WORK/before"
	status=0
	(
		ulimit -v 65536
		exec timeout -s KILL 1 "$OUT/bulkhead" vhd check "$file" >/dev/null 2>"$WORK/err"
	) || status=$?
	[ "$status" = 4 ] || fail "$name: exit status $status: $(cat "$WORK/err")"
	grep -qF "bulkhead: vhd check '$file': " "$WORK/err" || fail "$name: no file: $(cat "$WORK/err")"
	grep -qF "$words" "$WORK/err" || fail "$name: $(cat "$WORK/err")"
	[ "$(wc -l <"$WORK/err")" = 1 ] || fail "$name: more than one line"
	sha256sum --quiet -c "$WORK/before" || fail "$name: the file was changed"
	n=$((n + 1))
done < <("$evil")
[ "$n" -ge 40 ] || fail "only $n cases"
echo "$n broken images are refused by name"
