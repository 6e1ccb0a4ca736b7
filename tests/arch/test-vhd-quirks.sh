#!/bin/bash
# Each of the 22 quirks of doc/vhd-quirks.md has a test, which names it.
set -euo pipefail
n=0
while IFS='|' read -r _ quirk _ _ test _; do
	quirk=${quirk// /} test=${test//[\` ]/}
	n=$((n + 1))
	[ "$quirk" = "Q$n" ] || { echo "doc/vhd-quirks.md: $quirk stands where Q$n should" >&2; exit 1; }
	grep -qw "$quirk" "tests/$test" || { echo "doc/vhd-quirks.md: tests/$test does not name $quirk" >&2; exit 1; }
done < <(grep '^| Q' doc/vhd-quirks.md)
[ "$n" = 22 ] || { echo "doc/vhd-quirks.md: $n quirks, not 22" >&2; exit 1; }
echo "$n quirks of VHDs, each with its test"
