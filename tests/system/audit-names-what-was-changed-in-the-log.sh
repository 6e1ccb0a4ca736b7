#!/usr/bin/env bash
# The real writer makes a log; in copies one byte is changed, a line cut, two swapped, the tail cut.
# `bulkhead audit verify` names each place; a torn tail is recovered by the writer, and recorded.
set -euo pipefail
out=${OUT:-out}
[ "$(id -u)" = 0 ] || { echo "needs root: the role changes its uid"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/audit"
log=$tmp/audit/00000001.jsonl
driver=$out/tests/system/audit_driver
[ -x "$driver" ] || make -s OUT="$out" "$driver"
fail() { echo "$*"; exit 1; }

play() { # commands on standard input, answers on standard output
	"$driver" "$out/bulkhead-audit" "$log" 61000
}

verify() { # ARGS... - exit status and text in $status and $text
	status=0
	text=$("$out/bulkhead" audit verify "$@" 2>&1) || status=$?
}

expect() { # WHAT STATUS PART
	[ "$status" = "$2" ] || fail "$1: exit $status, wanted $2: $text"
	[[ $text == *"$3"* ]] || fail "$1: '$3' is not in: $text"
	echo "$1: $text"
}

play > "$tmp/answers" << 'EOF'
start
zone eth0 unknown foreign
grant host0 intent closed open-less-corporate
grant host0 outcome closed open-less-corporate
checkpoint
zone eth0 foreign suspect
grant host0 event open-less-corporate closed
zone eth0 suspect proven
unlock corp 0
checkpoint
anchor
EOF
grep '^{' "$tmp/answers" > "$tmp/anchor"
[ "$(grep -c '^ack 0 ' "$tmp/answers")" = 10 ] || fail "not every record was acknowledged: $(cat "$tmp/answers")"

verify "$tmp/audit" --anchor "$tmp/anchor"; expect "whole" 0 "10 records, whole"
verify "$log"; expect "whole, one file, no anchor" 0 "not compared with the TPM"

copy=$tmp/copy.jsonl
sed '6s/suspect/foreign/' "$log" > "$copy"; verify "$copy"; expect "one word changed" 4 "edited at record 6, line 7"
sed '6s/"kind"/"kimd"/' "$log" > "$copy"; verify "$copy"; expect "one byte of the form" 4 "syntax at record 6, line 6"
sed 4d "$log" > "$copy"; verify "$copy"; expect "one line cut" 4 "cut at record 4, line 4"
{ sed -n 1,2p "$log"; sed -n 4p "$log"; sed -n 3p "$log"; sed -n '5,$p' "$log"; } > "$copy"; verify "$copy"; expect "two lines swapped" 4 "reordered at record 3"
sed '1,3d' "$log" > "$copy"; verify "$copy"; expect "the head cut" 4 "records 1 to 3 are missing"
head -n 7 "$log" > "$copy"; verify "$copy"; expect "the tail cut, without the TPM" 0 "7 records, whole"
verify "$copy" --anchor "$tmp/anchor"; expect "the tail cut" 4 "tail-cut at record 7"
{ cat "$log"; printf '{"v":1,"seq":11'; } > "$copy"; verify "$copy"; expect "a torn line" 4 "torn at record 11, line 11"
verify "$tmp/none"; expect "no such log" 1 "No such file"
sed 's/41/41x/;s/42/42x/' "$tmp/anchor" > "$tmp/bad-anchor"
verify "$log" --anchor "$tmp/bad-anchor"; expect "a damaged anchor" 4 "not an anchor"

# a crash in the middle of a line: the next writer cuts it off, says so, and goes on
printf '{"v":1,"seq":11' >> "$log"
play > "$tmp/answers" << 'EOF'
start
EOF
grep -q '^ack 0 12$' "$tmp/answers" || fail "the writer did not go on: $(cat "$tmp/answers")"
verify "$tmp/audit" --anchor "$tmp/anchor"; expect "recovered" 0 "12 records, whole"
sed -n 11p "$log" | grep -q '"kind":"recover".*"detail":"cut 15 bytes' || fail "the cut is not recorded"

# a log whose end is not ours is never written to
echo 'not a record' >> "$log"
sum=$(sha256sum "$log")
play > "$tmp/answers" 2> "$tmp/log" << 'EOF'
start
EOF
grep -q '^ack 74 ' "$tmp/answers" || fail "EBADMSG was expected: $(cat "$tmp/answers")"
[ "$sum" = "$(sha256sum "$log")" ] || fail "the foreign log was written to"
sed -i '$d' "$log"

# what breaks the contract ends decide's socket, not the log
printf 'start\nbroken\n' | play > "$tmp/answers"
grep -qx "hung up" "$tmp/answers" || fail "the broken peer is served on"
verify "$tmp/audit"; expect "after a broken peer" 0 "13 records, whole"
