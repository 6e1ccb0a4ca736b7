#!/usr/bin/env bash
# `bulkhead report` turns a log of the real writer into one page without script or outside parts, and
# into JSON that says the same.
set -euo pipefail
out=${OUT:-out}
[ "$(id -u)" = 0 ] || { echo "needs root: the role changes its uid"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
driver=$out/tests/system/audit_driver
[ -x "$driver" ] || make -s OUT="$out" "$driver"
fail() { echo "$*"; exit 1; }
has() { grep -qF -- "$2" "$1" || fail "'$2' is not in $1"; }

log=$tmp/00000001.jsonl
"$driver" "$out/bulkhead-audit" "$log" 61000 > /dev/null << 'EOF'
start
zone eth0 unknown foreign
grant host0 intent closed open-less-corporate
grant host0 outcome closed open-less-corporate
zone eth0 foreign suspect
grant host0 event open-less-corporate closed
zone eth0 suspect proven
unlock <b>corp</b> 0
stop
EOF
none=$tmp/no-configuration.yaml

page=$("$out/bulkhead" report --config "$none" --audit "$tmp" --out "$tmp/page.html")
[ "$page" = "$tmp/page.html" ] || fail "the path was not printed: '$page'"
has "$page" "All 9 records follow from one another."
has "$page" "opened 1 times, never while"
has "$page" "closed 1 times because one came there"
has "$page" 'class="z-proven"'
has "$page" '&lt;b&gt;corp&lt;/b&gt;'
! grep -qiE '<script|https?:|url\(|<b>' "$page" || fail "the page holds markup from the log or outside parts"
if command -v xmllint > /dev/null; then
	xmllint --html --noout "$page" 2>&1 | grep -viE 'Tag (header|main|section|figure|figcaption|svg|rect|title|text|time|details|summary) invalid|^<|^ *\^|^$' |
		grep error && fail "the page is not well formed"
fi

json=$("$out/bulkhead" report --json --config "$none" --audit "$tmp")
for part in '"records":9' '"verdict":"good","title":"Company network"' '"zone":"proven"' '"unlocks":1'; do
	[[ $json == *"$part"* ]] || fail "$part is not in the JSON"
done

sed -i '5s/suspect/foreign/' "$log"
json=$("$out/bulkhead" report --json --config "$none" --audit "$tmp")
[[ $json == *'"fault":"edited","line":6,"seq":5'* ]] || fail "the edit is not in the report: $json"
"$out/bulkhead" report --config "$none" --audit "$tmp" --out "$page" > /dev/null
has "$page" "Something is broken"
"$out/bulkhead" report --config "$none" --audit "$tmp" --out "$tmp/none/x.html" 2> "$tmp/err" && fail "wrote into no folder"
has "$tmp/err" "No such file"
