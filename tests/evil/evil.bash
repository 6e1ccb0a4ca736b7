# evil.bash - what a hostile file must meet; source it from the top of the tree after vhd.bash or keys.bash.
#
# shellcheck shell=bash

EVIL_N=0
# refused NAME STATUS FILE WORDS COMMAND... - it ends with that exit status within a second of CPU, 64 MiB of memory
# and as much address space (EVIL_KIB: another bound for that), with one line that names file and words, and no
# byte of FILE changes. EVIL_ABSENT: a file that must not come to be. EVIL_NAME: the
# file that is named, if it is another one.
refused() {
	local name=$1 want=$2 file=$3 words=$4 status=0
	shift 4
	sha256sum "$file" >"$WORK/before"
	(
		ulimit -v "${EVIL_KIB:-65536}"
		ulimit -t 1
		exec tests/lab/peak.py "$WORK/peak" timeout -s KILL 20 "$@" >/dev/null 2>"$WORK/err" </dev/null
	) || status=$?
	[ "$status" = "$want" ] || fail "$name: exit status $status: $(cat "$WORK/err")"
	[ "$(<"$WORK/peak")" -le 65536 ] || fail "$name: $(<"$WORK/peak") KiB of memory"
	grep -qF "${EVIL_NAME:-${file##*/}}" "$WORK/err" || fail "$name: no file: $(cat "$WORK/err")"
	grep -qF -- "$words" "$WORK/err" || fail "$name: $(cat "$WORK/err")"
	[ "$(wc -l <"$WORK/err")" = 1 ] || fail "$name: more than one line: $(cat "$WORK/err")"
	sha256sum --quiet -c "$WORK/before" || fail "$name: the file was changed"
	[ -z "${EVIL_ABSENT-}" ] || [ ! -e "$EVIL_ABSENT" ] || fail "$name: '$EVIL_ABSENT' was made"
	EVIL_N=$((EVIL_N + 1))
}
