#!/usr/bin/env bash
# Each broken VHD of the generator is refused by `bulkhead vhd check` with exit status 4 and a line
# that names file, field and value; within a second of CPU and 64 MiB, without a byte of it changed.
# The unbroken one passes. With --json the same is an object. Those that could be served by mistake are refused for writing and for a
# map, too. (The plugin opens by the same call, image_open.)
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
. tests/evil/evil.bash
need jq
[ -x "$OUT/bulkhead" ] || skip "the command line is not built"
evil=$OUT/tests/evil/vhd_metadata
file=$WORK/evil.vhd

"$evil" none "$file"
vhd check "$file" >/dev/null || fail "the unbroken one is refused"
while IFS=$'\t' read -r name words; do
	"$evil" "$name" "$file"
	refused "$name" 4 "$file" "$words" "$OUT/bulkhead" vhd check "$file"
	! "$OUT/bulkhead" vhd check --json "$file" >"$WORK/json" 2>"$WORK/err" || fail "$name: passes with --json"
	jq -e --rawfile err "$WORK/err" '(.sound | not) and (.fault as $f | $err | contains($f.part) and
		contains($f.field) and contains($f.rule))' "$WORK/json" >/dev/null || fail "$name: $(cat "$WORK/json")"
	[[ $words == *"is lost"* || $name == *-footer-lost ]] ||
		refused "$name" 4 "$file" "$words" "$OUT/bulkhead" vhd resize "$file" --size 1G
done < <("$evil")
[ "$EVIL_N" -ge 70 ] || fail "only $EVIL_N cases"
echo "$EVIL_N broken images are refused by name"
