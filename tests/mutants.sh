#!/usr/bin/env bash
# mutants - is there a test for each line of the firewall? By hand, or as a part of `make soak`.
#
#	OUT=out [JOBS=2] [TESTS='GLOB...'] [TSV=FILE] [HOLD=1] [ONCE=1] [NAMED=1] [KNOWN=skip] \
#		tests/mutants.sh [lines|conditions|pairs|all] [WORD...]
#
# Takes the text that the real bulkhead-nft loads, and for each of its rules (lines), or for each
# condition within one (conditions), has a bulkhead-nft without just that, built in a copy of the tree: the
# product has no switch for it. The firewall-level system tests run against each until one fails; those
# go first that killed this mutant the last time, and those that name its chain on a line "# holds: CHAIN...";
# NAMED=1: only they. WORDs choose the mutants whose chain or text holds one of them. A line for each mutant:
#
#	TEST  or  SURVIVES  or  INVALID (it does not load)	CHAIN	RULE	WITHOUT	what the test said
#
# A test that fails on the tree as it is ends the run; one that skips is left out. HOLD=1: they were seen to hold
# the last time that this ran, and are not tried first. A test kills by failing twice with the same words, or once
# with those by which it killed this mutant the last time: on a busy machine each may fail once. ONCE=1, for a first
# look: by failing. A test with a line "# alone" runs beside no other that has one. KNOWN=skip: whoever may
# survive is not tried; each costs all tests. tests/mutants.known lists who may survive, a line each: CHAIN,
# RULE, WITHOUT and the reason, with tabs between; and where that is another rule, which does the same, its CHAIN
# and RULE: pairs leaves out both, and a test that passes without the other one alone has to kill that. Exit
# status 1: something survives that it does not explain, or it explains what a test kills, or what is no rule any more.
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
touch "$kept/times"
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
	local alone=()
	! grep -q '^# alone' "$1" || alone=(flock "${TMPDIR:-/tmp}/mutants.lock")
	"${alone[@]}" timeout -k 5 300 env OUT="$2" "$1" >"$3" 2>&1
}

# A copy of the sources with objects that are up to date, and an OUT that differs in bulkhead-nft alone: it
# leaves out what the environment says.
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

/* The chains of several uplinks differ in their number alone. */
static void say_class(const char *name, size_t n, char ret[64])
{
	while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9')
		n--;
	(void)snprintf(ret, 64, "%.*s", (int)n, name);
}

/* MUTANT is CHAIN, RULE and what stands in its place, each with a newline behind it; any number of them. */
static const char *replaced(const char *line, const char *class)
{
	static char to[1024];
	const char *at = getenv("MUTANT");
	size_t n_class = strlen(class), n = strlen(line + 2);

	for (; at && *at; at = strchr(strchr(strchr(at, '\n') + 1, '\n') + 1, '\n') + 1) {
		const char *from = strchr(at, '\n') + 1, *by = strchr(from, '\n') + 1;

		if ((size_t)(from - at) != n_class + 1 || strncmp(at, class, n_class) != 0 ||
		    (size_t)(by - from) != n + 1 || strncmp(from, line + 2, n) != 0)
			continue;
		(void)snprintf(to, sizeof(to), "\t\t%.*s", (int)strcspn(by, "\n"), by);
		fprintf(stderr, "mutant\n");
		return to;
	}
	return line;
}

int ruleset_build(const struct ruleset *ruleset, char *ret_text, size_t text_bytes)
{
	int r = whole_build(ruleset, ret_text, text_bytes);
	char *copy = strdup(ret_text), *next = copy, *line, class[64] = "";
	size_t at = 0;

	if (r < 0 || !copy)
		return r;
	while ((line = strsep(&next, "\n")) && next) {
		const char *rule = strncmp(line, "\t\t", 2) == 0 ? replaced(line, class) : line;

		if (strncmp(line, "\tchain ", 7) == 0)
			say_class(line + 7, strcspn(line + 7, " "), class);
		if (rule != line || strncmp(line, "\t\t", 2) == 0)
			fprintf(stderr, "rule\t%s\t%s\n", class, rule + 2);
		at += (size_t)snprintf(ret_text + at, text_bytes - at, "%s\n", rule);
		if (at >= text_bytes)
			abort();
	}
	fprintf(stderr, "rules end\n");
	free(copy);
	return 0;
}
END
	sed -i 's/^#include <errno.h>$/&\n#include <stdio.h>/' "$1/netguard/ruleset.c"
	make -s -C "$1" OUT=out WERROR= out/bulkhead-nft >"$1/build.log" 2>&1 || { cat "$1/build.log" >&2; exit 2; }
	cat >"$1/list.sh" <<END
. $top/tests/lab/lab.sh
. $top/tests/lab/firewall.sh
lab_enter "\$@"
fw_links
ip -n bulkhead link add tun0 type veth peer name tun1
FW_UPLINKS='up0 tunnel:tun0'
fw_start >/dev/null
lab_wait 5 grep -qx 'rules end' "\$LAB/nft.log"
cat "\$LAB/nft.log"
[ "\$FW_ANSWER" = "ack 0" ]
END
}

# What bulkhead-nft says that it loads, for an uplink of each kind; fails where it does not load.
say_loaded() {
	OUT="$work/tree/out" bash "$work/tree/list.sh" 2>/dev/null
}

list_rules() {
	say_loaded | grep -P '^rule\t' | cut -f 2- | awk '!seen[$0]++'
}

# CHAIN RULE WITHOUT, from CHAIN RULE: the whole rule (WITHOUT empty) or one condition of it.
mutants_of() {
	awk -F'\t' -v mode="$mode" -v OFS='\t' '
	BEGIN {
		field = "([io]ifname|[io]if|meta (skuid|mark|oifname|l4proto)|ct (mark( and [0-9a-fx]+)?|state|direction)|" \
			"ip6? ([sd]addr( and [0-9a-f:]+)?|protocol|ttl|hdrlength|hoplimit)|(udp|tcp|th) [sd]port|icmp(v6)? type|" \
			"fib [sd]addr [.] [io]if (oif|type)|ether type|@[a-z]+,[0-9]+,[0-9]+|exthdr [a-z]+)"
		condition = "(" field "( [.] " field ")* ([=!]= |> )?(@[a-z_0-9]+|[{][^}]*[}]|\"[a-z0-9]+\"|[0-9a-z:.,/-]+) |limit rate [0-9a-z/]+( burst [0-9]+ packets)? | random)"
	}
	function conditions(  at, line) {
		for (at = 1; match(substr($2, at), condition); at += RLENGTH + RSTART - 1) {
			if (substr($2, at + RSTART - 1, RLENGTH) ~ / (v?map|set) $/) continue
			line = substr($2, 1, at + RSTART - 2) substr($2, at + RSTART - 1 + RLENGTH)
			sub(/^ +/, "", line)
			print $1, $2, line
		}
	}
	$2 ~ /^type / { if (mode != "conditions" && $2 ~ /policy drop/) { p = $2; sub(/policy drop/, "policy accept", p); print $1, $2, p } next }
	mode != "conditions" { print $1, $2, "" }
	mode != "lines" && $2 !~ /^add / { conditions() }'
}

chosen() { # chosen LINE
	local word
	[ "${KNOWN-}" != skip ] || [ "$mode" = pairs ] || ! grep -qF "$1	" tests/mutants.known || return 1
	[ ${#words[@]} -gt 0 ] || return 0
	for word in "${words[@]}"; do [[ $1 != *"$word"* ]] || return 0; done
	return 1
}

last_killer() { # last_killer KEY - the test, and what it said, without its figures
	awk -F'\t' -v k="$1" '$2 == k { t = $1 "\t" $3 } END { print t }' "$kept/killers" 2>/dev/null || true
}

said() { # said LOG
	tail -n 1 "$1" | tr -d '0-9\t'
}

# The likely killers of a mutant first.
order() { # order CHAIN KEY
	local last t first=() rest=()
	last=$(last_killer "$2" | cut -f 1)
	[ -z "$last" ] || ! grep -qxF "$last" "$work/tests" || echo "$last"
	while read -r t; do
		[ "$t" != "$last" ] || continue
		if grep -q "^# holds:.*\<$1\>" "$t"; then first+=("$t"); else rest+=("$t"); fi
	done <"$work/tests"
	[ ${#first[@]} -eq 0 ] || printf '%s\n' "${first[@]}"
	[ -n "${NAMED-}" ] || [ ${#rest[@]} -eq 0 ] || printf '%s\n' "${rest[@]}"
}

try() { # try CHAIN RULE WITHOUT [CHAIN RULE] - prints its verdict
	local t status key log first why again
	key=$(printf '%s' "$1|$2|$3${4:+|$4|$5}" | md5sum | cut -c 1-32)
	log=$work/$BASHPID.log
	export MUTANT="$1"$'\n'"$2"$'\n'"$3"$'\n'${4:+$4$'\n'$5$'\n\n'}
	say_loaded >"$log" || { echo INVALID && return; }
	grep -qx mutant "$log" || { echo LOST && return; }
	first=$(last_killer "$key")
	while read -r t; do
		run_test "$t" "$work/tree/out" "$log" </dev/null && status=0 || status=$?
		[ $status -ne 0 ] || continue
		why=$(tail -n 1 "$log")
		again=$t$'\t'$(said "$log")
		[ "$again" = "$first" ] || [ -n "${ONCE-}" ] ||
			{ ! run_test "$t" "$work/tree/out" "$log" </dev/null && [ "$again" = "$t"$'\t'"$(said "$log")" ]; } || continue
		[ -z "${4-}" ] || MUTANT="$4"$'\n'"$5"$'\n\n' run_test "$t" "$work/tree/out" "$log" </dev/null || continue
		printf '%s\t%s\t%s\n' "$t" "$key" "${again#*$'\t'}" >>"$kept/killers"
		printf '%s\t%s\t%s\t%s\t%s\n' "${t#tests/system/}" "$1" "$2" "$3" "$why" >>"$kept/words"
		echo "${t#tests/system/}	$why"
		return
	done < <(order "$1" "$key")
	echo SURVIVES
}

worker() { # each takes the next line that nobody took; the tests run from the copy, whoever edits them here
	local n chain rule without chain2 rule2 verdict why
	cd "$work/tree"
	while :; do
		n=$(flock "$work/lock" sh -c 'n=$(cat "$1"); echo $((n + 1)) >"$1"; echo "$n"' - "$work/next")
		IFS=$'\x1f' read -r chain rule without chain2 rule2 < <(sed -n "${n}p" "$work/mutants" | tr '\t' '\037') || return 0
		IFS=$'\t' read -r verdict why < <(try "$chain" "$rule" "$without" ${chain2:+"$chain2" "$rule2"})
		[ -z "$chain2" ] || without="$without and without: $chain2 $rule2"
		printf '%s\t%s\t%s\t%s\t%s\n' "$verdict" "$chain" "$rule" "$without" "$why" | tee -a "$work/verdicts"
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
	[ -n "${TESTS-}" ] || cp "$work/times" "$kept/times"
}

tests_in_order() {
	if [ -z "${HOLD-}" ]; then
		baseline
	else # in the order of the last time; who is new goes first
		tests_all | awk 'FILENAME != "-" { ms[$2] = $1; next } { print ms[$1] + 0, $1 }' "$kept/times" - | sort -n >"$work/times"
	fi
	awk '{ print $2 }' "$work/times" >"$work/tests"
	[ -s "$work/tests" ] || { echo "mutants: no test" >&2; exit 2; }
}

[ "$(id -u)" = 0 ] || { echo "mutants: needs root (network namespaces, nftables)" >&2; exit 1; }
tests_in_order
make_tree "$work/tree"
list_rules >"$work/rules" || { echo "mutants: bulkhead-nft does not say its rules" >&2; exit 2; }
pairs_known() { awk -F'\t' -v OFS='\t' '!/^#/ && $6 != "" { print $1, $2, $3, $5, $6 }' tests/mutants.known; }
case $mode in pairs) pairs_known ;; all) mutants_of <"$work/rules"; pairs_known ;; *) mutants_of <"$work/rules" ;; esac | while IFS= read -r line; do ! chosen "$line" || echo "$line"; done >"$work/mutants"
echo 1 >"$work/next"
touch "$work/verdicts"
for ((i = 1; i <= jobs; i++)); do worker & done
wait
[ -z "${TSV-}" ] || cp "$work/verdicts" "$TSV"

awk -F'\t' -v tests="$(wc -l <"$work/tests")" -v whole="$([ "$mode${#words[@]}" != all0 ] || echo yes)" '
	function key(at) { return $at "\t" $(at + 1) "\t" $(at + 2) }
	FILENAME ~ /known$/ { if (!/^#/ && $4 != "") known[key(1)]; next }
	$1 == "LOST" { print "not left out: " key(2); u++; next }
	{ n++; seen[key(2)]; s += $1 == "SURVIVES"; i += $1 == "INVALID" }
	$1 == "SURVIVES" && !(key(2) in known) { print "unexplained: " key(2); u++ }
	$1 != "SURVIVES" && key(2) in known { print "explained, and held by " $1 ": " key(2); u++ }
	END {
		for (k in known) if (whole && !(k in seen)) { print "explained, and no rule: " k; u++ }
		printf "%d mutants, %d tests: %d killed, %d invalid, %d survive; %d faults in tests/mutants.known\n", n, tests, n - s - i, i, s, u
		exit u > 0
	}' tests/mutants.known "$work/verdicts"
