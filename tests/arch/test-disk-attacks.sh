#!/bin/bash
# Each of the 24 attacks of doc/disk-attacks.md has a test, which is there and is run.
set -euo pipefail
n=0
while IFS='|' read -r _ number _ _ test _; do
	number=${number// /} test=${test//[\` ]/}
	n=$((n + 1))
	[ "$number" = "$n" ] || { echo "doc/disk-attacks.md: $number stands where $n should" >&2; exit 1; }
	[ -s "tests/$test" ] || { echo "doc/disk-attacks.md: attack $n: there is no tests/$test" >&2; exit 1; }
	[[ $test != *.sh || -x tests/$test ]] || { echo "tests/$test is not executable" >&2; exit 1; }
done < <(grep '^| [0-9]' doc/disk-attacks.md)
[ "$n" = 24 ] || { echo "doc/disk-attacks.md: $n attacks, not 24" >&2; exit 1; }
for script in tests/evil/*.sh; do
	grep -qF "evil/${script##*/}" doc/disk-attacks.md || { echo "doc/disk-attacks.md does not name $script" >&2; exit 1; }
done
echo "$n attacks on a disk, each with its test"
