#!/usr/bin/env bash
# cases.sh - the table of the numbered leak cases, from the headers of tests/system/net (see case.sh).
#
#	cases.sh check          every file's header is whole, every number has one file
#	cases.sh table          doc/leak-cases.md, on standard output
#	cases.sh results LOGS   how each went, from the logs of tests/run; nothing when none ran
set -euo pipefail
cd "$(dirname "$0")/../.."

N_CASES=42

header() { # header FILE KEY
	sed -n "1,24s/^# $2: *//p" "$1"
}

files() {
	printf '%s\n' tests/system/net/[0-9][0-9]-*.sh
}

check() {
	local file key number bad=0
	complain() {
		echo "$1" >&2
		bad=1
	}
	while read -r file; do
		for key in case title 'expect dom0' 'expect guard' 'expect split' kernels; do
			[ "$(header "$file" "$key" | wc -l)" = 1 ] || complain "$file: one line '# $key:' is needed"
		done
		number=${file##*/}
		number=${number%%-*}
		[ "$(header "$file" case)" = "$((10#$number))" ] || complain "$file: its name and '# case:' disagree"
		case $(header "$file" kernels) in
		any | '6.1 6.18') ;;
		*) complain "$file: '# kernels:' is 'any' or '6.1 6.18'" ;;
		esac
		[ -x "$file" ] || complain "$file: is not executable"
		grep -q '^case_end' "$file" || complain "$file: does not end with case_end"
	done < <(files)
	for ((number = 1; number <= N_CASES; number++)); do
		[ "$(files | grep -c "/$(printf %02d $number)-")" = 1 ] || complain "case $number: not one file"
	done
	return $bad
}

table() {
	local file
	cat <<-'TEXT'
		# Leak cases

		What has been tried against such firewalls, and what must come of it here: one file each under
		`tests/system/net`, which first shows that its sniffer hears the leak without Bulkhead. `make check`
		runs them and prints how each went. This table is made of their headers by `tests/lab/cases.sh table`.

		*dom0, guard, split* are the placements of the personal OS (SECURITY.md). *Kernels*: "any" runs where
		`make check` runs; the others also in the emulated Debian machine (`tests/vm`), on 6.1.

		| # | case | dom0 | guard | split | kernels | file |
		|---|---|---|---|---|---|---|
	TEXT
	while read -r file; do
		printf '| %s | %s | %s | %s | %s | %s | `%s` |\n' "$(header "$file" case)" "$(header "$file" title)" \
			"$(header "$file" 'expect dom0')" "$(header "$file" 'expect guard')" \
			"$(header "$file" 'expect split')" "$(header "$file" kernels)" "$(basename "$file" .sh)"
	done < <(files)
}

results() { # results LOGS
	local file log verdict n=0 said
	while read -r file; do
		log=$(printf '%s\n' "$1"/[0-9][0-9][0-9]-system_net_"$(basename "$file" .sh)".verdict)
		[ -e "$log" ] || continue
		[ $((n++)) -gt 0 ] || echo "leak cases (kernel $(uname -r); doc/leak-cases.md says what must hold):"
		verdict=$(head -n 1 "$log" | cut -f1)
		said=$(tail -n 1 "${log%.verdict}")
		printf '%3s %-4s %s: %s\n' "$(header "$file" case)" "$verdict" "$(header "$file" title)" "${said#case *: }"
	done < <(files)
}

case ${1-}:$# in
check:1 | table:1 | results:2) "$@" ;;
*)
	sed -n '2,6p' "$0" >&2
	exit 2
	;;
esac
