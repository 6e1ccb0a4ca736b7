#!/usr/bin/env bash
# mutants - is there a test for each line of the firewall? By hand, or as a part of `make soak`.
#
#	OUT=out [JOBS=2] [TESTS='GLOB...'] [TSV=FILE] [HOLD=1] [KNOWN=skip] tests/mutants.sh [lines|conditions|all] [WORD...]
#
# Takes the text that the real bulkhead-nft loads, and for each of its rules (lines), or for each
# condition within one (conditions), builds a bulkhead-nft without just that, in a copy of the tree: the
# product has no switch for it. The firewall-level system tests run against each until one fails; those
# go first that killed this mutant the last time, and those that name its chain on a line "# holds: CHAIN...".
# WORDs choose the mutants whose chain or text holds one of them. A line for each mutant:
#
#	TEST  or  SURVIVES  or  INVALID (it does not load)	CHAIN	RULE	WITHOUT
#
# A test that fails on the tree as it is ends the run; one that skips is left out. HOLD=1: they were seen to hold
# the last time that this ran, and are not tried first. A test kills by failing twice, unless it is one that
# names the chain: on a busy machine each may fail once. KNOWN=skip: whoever may survive is not tried; each costs
# all tests. tests/mutants.known lists who may
# survive, a line each: CHAIN, RULE, WITHOUT and the reason, with tabs between. Exit status 1: something survives
# that it does not explain, or it explains what a test kills, or what is no rule any more.
set -euo pipefail
cd "$(dirname "$0")/.."

top=$PWD
out=$(realpath "${OUT:-out}")
jobs=${JOBS:-2}
mode=${1:-lines}
shift || true
words=("$@")
work=$(mktemp -d "${TMPDIR:-/tmp}/mutants.XXXXXX")
kept=$out/mutants # who killed whom, for the next run
mkdir -p "$kept"
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The tests that need netguard's namespace and bulkhead-nft, and nothing of the rest.
tests_all() {
	local t
	# shellcheck disable=SC2086 # globs
	for t in ${TESTS:-tests/system/net-*.sh tests/system/net/*.sh}; do
		case $(<"$t") in
		*laptop.sh* | *'case_begin laptop'*) ;;
		*'case_begin fw'* | *fw_links*) echo "$t" ;;
		esac
	done
}

run_test() { # run_test TEST OUT LOG
	timeout -k 5 300 env OUT="$2" "$1" >"$3" 2>&1
}

# A copy of the sources with objects that are up to date, and an OUT that differs in bulkhead-nft alone.
make_tree() { # make_tree FOLDER
	local entry
	mkdir -p "$1/out/roles"
	git ls-files -z --cached --others --exclude-standard | xargs -0 cp -a --parents -t "$1"
	for entry in base netguard policy vhdcrypt hypervisor-glue; do
		[ ! -d "$out/$entry" ] || cp -a "$out/$entry" "$1/out/"
	done
	cp -a "$out"/lib*.a "$out/bulkhead-nft" "$1/out/"
	cp -a "$out"/roles/*.[od] "$1/out/roles/"
	for entry in "$out"/*; do
		[ -e "$1/out/${entry##*/}" ] || ln -s "$entry" "$1/out/"
	done
	sed -i 's/^int ruleset_build(/static int whole_build(/' "$1/netguard/ruleset.c"
	cat >>"$1/netguard/ruleset.c" <<'END'

#include <stdio.h>
#include <stdlib.h>

#include "netguard/mutant.h"

/* The chains of several uplinks differ in their number alone. */
static void say_class(const char *name, size_t n, char ret[64])
{
	while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9')
		n--;
	(void)snprintf(ret, 64, "%.*s", (int)n, name);
}

int ruleset_build(const struct ruleset *ruleset, char *ret_text, size_t text_bytes)
{
	int r = whole_build(ruleset, ret_text, text_bytes);
	char *copy = strdup(ret_text), *next = copy, *line, class[64] = "";
	size_t at = 0;

	if (r < 0 || !copy)
		return r;
	while ((line = strsep(&next, "\n")) && next) {
		if (strncmp(line, "\tchain ", 7) == 0)
			say_class(line + 7, strcspn(line + 7, " "), class);
		if (strncmp(line, "\t\t", 2) == 0 && MUTANT_FROM[0] == '\0')
			fprintf(stderr, "rule\t%s\t%s\n", class, line + 2);
		if (strncmp(line, "\t\t", 2) == 0 && strcmp(class, MUTANT_CHAIN) == 0 &&
		    strcmp(line + 2, MUTANT_FROM) == 0)
			line = MUTANT_TO;
		at += (size_t)snprintf(ret_text + at, text_bytes - at, "%s\n", line);
		if (at >= text_bytes)
			abort();
	}
	free(copy);
	return 0;
}
END
	sed -i 's/^#include <errno.h>$/&\n#include <stdio.h>/' "$1/netguard/ruleset.c"
}

quoted() { # as a C string
	local s=${1//\\/\\\\}
	printf '"%s"' "${s//\"/\\\"}"
}

# build FOLDER CHAIN FROM TO
build() {
	{
		echo "#define MUTANT_CHAIN $(quoted "$2")"
		echo "#define MUTANT_FROM $(quoted "$3")"
		echo "static char MUTANT_TO[] = $(quoted "${4:+		$4}");"
	} >"$1/netguard/mutant.h"
	touch "$1/netguard/ruleset.c"
	make -s -C "$1" OUT=out WERROR= out/bulkhead-nft >"$1/build.log" 2>&1
}

# What bulkhead-nft says that it loads, for an uplink of each kind.
list_rules() {
	cat >"$work/list.sh" <<END
. $top/tests/lab/lab.sh
. $top/tests/lab/firewall.sh
lab_enter "\$@"
fw_links
ip -n bulkhead link add tun0 type veth peer name tun1
FW_UPLINKS='up0 tunnel:tun0'
fw_start >/dev/null
grep ^rule "\$LAB/nft.log" | cut -f 2-
[ "\$FW_ANSWER" = "ack 0" ]
END
	OUT="$1/out" bash "$work/list.sh" | awk '!seen[$0]++'
}

# CHAIN RULE WITHOUT, from CHAIN RULE: the whole rule (WITHOUT empty) or one condition of it.
mutants_of() {
	awk -F'\t' -v mode="$mode" -v OFS='\t' '
	function without(re,  at, line, done) {
		at = 1
		while (match(substr($2, at), re)) {
			line = substr($2, 1, at + RSTART - 2) substr($2, at + RSTART - 1 + RLENGTH)
			sub(/^ +/, "", line)
			if (line !~ /^(accept|drop)$/) print $1, $2, line
			at += RSTART + RLENGTH - 1
		}
	}
	$2 ~ /^type / { if (mode != "conditions" && $2 ~ /policy drop/) { p = $2; sub(/policy drop/, "policy accept", p); print $1, $2, p } next }
	mode != "conditions" { print $1, $2, "" }
	mode != "lines" {
		n = split("meta skuid [0-9]+ |ct mark 0 |ct state [a-z,]+ |ct direction reply |[io]ifname [.] [io]ifname [.] ct mark @pair_ok |" \
			"ip6 hoplimit [0-9]+ |ip ttl 1 |ip6? [sd]addr [^ @]+ |udp [sd]port [0-9]+ |tcp [sd]port [0-9]+ |limit rate [0-9a-z/]+( burst [0-9]+ packets)? |" \
			"fib saddr [.] oif type local |meta l4proto [0-9]+ |meta l4proto {[^}]*} | random|[io]ifname [.] [io]if != @uplinks ", res, "|")
		for (i = 1; i <= n; i++) without(res[i])
	}'
}

chosen() { # chosen LINE
	local word
	[ "${KNOWN-}" != skip ] || ! grep -qF "$1	" tests/mutants.known || return 1
	[ ${#words[@]} -gt 0 ] || return 0
	for word in "${words[@]}"; do [[ $1 != *"$word"* ]] || return 0; done
	return 1
}

# The likely killers of a mutant first.
order() { # order CHAIN KEY
	local last t first=() rest=()
	last=$(awk -F'\t' -v k="$2" '$2 == k { print $1 }' "$kept/killers" 2>/dev/null | tail -n 1)
	[ -z "$last" ] || ! grep -qxF "$last" "$work/tests" || echo "$last"
	while read -r t; do
		[ "$t" != "$last" ] || continue
		if grep -q "^# holds:.*\<$1\>" "$t"; then first+=("$t"); else rest+=("$t"); fi
	done <"$work/tests"
	[ ${#first[@]} -eq 0 ] || printf '%s\n' "${first[@]}"
	[ ${#rest[@]} -eq 0 ] || printf '%s\n' "${rest[@]}"
}

try() { # try FOLDER CHAIN RULE WITHOUT - prints its verdict
	local t status key
	key=$(printf '%s' "$2|$3|$4" | md5sum | cut -c 1-32)
	if ! build "$1" "$2" "$3" "$4"; then
		echo INVALID
		return
	fi
	while read -r t; do
		run_test "$t" "$1/out" "$1/test.log" </dev/null && status=0 || status=$?
		[ $status -ne 0 ] || continue
		! grep -q 'nft does not start' "$1/test.log" || { echo INVALID && return; } # the loader refuses it
		grep -q "^# holds:.*\<$2\>" "$t" || ! run_test "$t" "$1/out" "$1/test.log" </dev/null || continue
		printf '%s\t%s\n' "$t" "$key" >>"$kept/killers"
		printf '%s\t%s\t%s\t%s\n' "${t#tests/system/}" "$2" "$3" "$(tail -n 1 "$1/test.log")" >>"$kept/words"
		echo "${t#tests/system/}"
		return
	done < <(order "$2" "$key")
	echo SURVIVES
}

worker() { # worker NUMBER - each takes the next line that nobody took
	local n chain rule without verdict folder=$work/tree$1
	make_tree "$folder"
	while :; do
		n=$(flock "$work/lock" sh -c 'n=$(cat "$1"); echo $((n + 1)) >"$1"; echo "$n"' - "$work/next")
		IFS=$'\x1f' read -r chain rule without < <(sed -n "${n}p" "$work/mutants" | tr '\t' '\037') || return 0
		verdict=$(try "$folder" "$chain" "$rule" "$without")
		printf '%s\t%s\t%s\t%s\n' "$verdict" "$chain" "$rule" "$without" | tee -a "$work/verdicts"
	done
}

# The tree as it is: each test must hold; the quick ones come first later.
baseline() {
	local t from status
	while read -r t; do
		from=$(date +%s%N)
		run_test "$t" "$out" "$work/baseline.log" </dev/null && status=0 || status=$?
		[ $status -ne 77 ] || { echo "mutants: '$t' is left out: $(tail -n 1 "$work/baseline.log")" >&2; continue; }
		[ $status -eq 0 ] || run_test "$t" "$out" "$work/baseline.log" </dev/null ||
			{ echo "mutants: '$t' does not pass on the tree as it is: $(tail -n 1 "$work/baseline.log")" >&2; exit 2; }
		echo "$((($(date +%s%N) - from) / 1000000)) $t"
	done < <(tests_all) | sort -n >"$work/times"
	cp "$work/times" "$kept/times"
}

tests_in_order() {
	if [ -n "${HOLD-}" ] && [ -s "$kept/times" ]; then cp "$kept/times" "$work/times"; else baseline; fi
	awk '{ print $2 }' "$work/times" >"$work/tests"
	[ -s "$work/tests" ] || { echo "mutants: no test" >&2; exit 2; }
}

[ "$(id -u)" = 0 ] || { echo "mutants: needs root (network namespaces, nftables)" >&2; exit 1; }
tests_in_order
make_tree "$work/tree0"
build "$work/tree0" '' '' '' || { cat "$work/tree0/build.log" >&2; exit 2; }
list_rules "$work/tree0" >"$work/rules" || { echo "mutants: bulkhead-nft does not say its rules" >&2; exit 2; }
mutants_of <"$work/rules" | while IFS= read -r line; do ! chosen "$line" || echo "$line"; done >"$work/mutants"
echo 1 >"$work/next"
touch "$work/verdicts"
for ((i = 1; i <= jobs; i++)); do worker "$i" & done
wait
[ -z "${TSV-}" ] || cp "$work/verdicts" "$TSV"

awk -F'\t' -v tests="$(wc -l <"$work/tests")" -v whole="$([ "$mode${#words[@]}" != all0 ] || echo yes)" '
	function key(at) { return $at "\t" $(at + 1) "\t" $(at + 2) }
	FILENAME ~ /known$/ { if (!/^#/ && $4 != "") known[key(1)]; next }
	{ n++; seen[key(2)]; s += $1 == "SURVIVES"; i += $1 == "INVALID" }
	$1 == "SURVIVES" && !(key(2) in known) { print "unexplained: " key(2); u++ }
	$1 != "SURVIVES" && key(2) in known { print "explained, and held by " $1 ": " key(2); u++ }
	END {
		for (k in known) if (whole && !(k in seen)) { print "explained, and no rule: " k; u++ }
		printf "%d mutants, %d tests: %d killed, %d invalid, %d survive; %d faults in tests/mutants.known\n", n, tests, n - s - i, i, s, u
		exit u > 0
	}' tests/mutants.known "$work/verdicts"
