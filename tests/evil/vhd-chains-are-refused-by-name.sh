#!/usr/bin/env bash
# Each broken chain of the generator is refused by `bulkhead vhd check` with a line that names file,
# field and value; within a second of CPU and 64 MiB, without a byte changed. A merge refuses it alike.
cd "$(dirname "$0")/../.." || exit 1
export TMPDIR=/dev/shm
. tests/system/vhd.bash
[ -x "$OUT/bulkhead" ] || skip "the command line is not built"
evil=$OUT/tests/evil/vhd_chain
n=0

refused() { # refused STATUS WORDS COMMAND...
	local want=$1 words=$2 status=0
	shift 2
	(
		ulimit -v 65536
		ulimit -t 1
		exec timeout -s KILL 20 "$OUT/bulkhead" vhd "$@" "$WORK/d/leaf.vhd" >/dev/null 2>"$WORK/err"
	) || status=$?
	[ "$status" = "$want" ] || fail "$name: $*: exit status $status: $(cat "$WORK/err")"
	grep -qF "bulkhead: vhd $*" "$WORK/err" || fail "$name: no command: $(cat "$WORK/err")"
	grep -qF -- "$words" "$WORK/err" || fail "$name: $*: $(cat "$WORK/err")"
	[ "$(wc -l <"$WORK/err")" = 1 ] || fail "$name: more than one line"
}
sums() { (cd "$WORK/d" && find . -type f -exec sha256sum {} + | sort); }

while IFS=$'\t' read -r name status words; do
	rm -rf "$WORK/d"
	mkdir "$WORK/d"
	"$evil" "$name" "$WORK/d" || fail "$name: not made"
	before=$(sums)
	refused "$status" "$words" check
	refused "$status" "$words" coalesce
	[ "$(sums)" = "$before" ] || fail "$name: a file was changed"
	n=$((n + 1))
done < <("$evil")
[ "$n" -ge 20 ] || fail "only $n cases"
echo "$n broken chains are refused by name"
