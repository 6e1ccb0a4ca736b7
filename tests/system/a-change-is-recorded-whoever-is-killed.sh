#!/usr/bin/env bash
# Somebody changes the rules, and decide or audit is killed just then, or hangs and is replaced: what nft
# found is told again until it is in the audit log, so each change is named there, by the process that made
# it. Each process has a name of its own; the kills come up to 60 ms before and after the change.
#
#	ROUNDS=3 SEED=1 tests/system/a-change-is-recorded-whoever-is-killed.sh
#
# limit: 240 s
set -euo pipefail
. "$(dirname "$0")/../lab/case.sh"
ROUNDS=${ROUNDS:-3} SEED=${SEED:-$((16#$(od -An -N3 -tx1 /dev/urandom | tr -d ' ')))}
export ROUNDS SEED
case_begin laptop "$@"

fail() {
	echo "seed $SEED: $1"
	tail -n 12 "$LAB/bulkheadd.log"
	exit 1
}
named() { case_audited ".kind == \"tamper\" and .subject == \"rules\" and (.detail | contains(\"'$1'\"))"; }
stands() { laptop_status .net_up 2>/dev/null | grep -qx true; }
change() { # change NAME - as a process of this name
	ln -sf "$(command -v nft)" "$LAB/bin/$1"
	lab_in bulkhead "$LAB/bin/$1" add table inet "$1"
}
recorded() { # recorded NAME WHAT
	lab_wait 15 named "$1" || fail "$2: nobody recorded the change"
	lab_wait 30 stands || fail "$2: nft does not come back"
	n=$((n + 1))
}

mkdir -p "$LAB/bin"
n=0 RANDOM=$SEED
case_laptop
lab_wait 10 stands || fail "nft does not start"

# decide hangs: what it was told lies unread, and goes with it.
kill -STOP "$(laptop_role_pid decide)"
change hung
recorded hung "decide hangs"

# audit hangs, and is killed with the record unread.
audit=$(laptop_role_pid audit)
kill -STOP "$audit"
change unread
lab_wait 10 grep -q "tampered: rules: .*'unread'" "$LAB/bulkheadd.log" || fail "decide is not told"
kill -KILL "$audit"
recorded unread "audit is killed"

# Nobody writes the log at all, and decide is killed: later it can be written.
mount --bind /bin/false /usr/libexec/bulkhead/bulkhead-audit
kill -KILL "$(laptop_role_pid audit)"
change nobody
kill -KILL "$(laptop_role_pid decide)"
lab_pause 0.5
umount -l /usr/libexec/bulkhead/bulkhead-audit # the supervisor may be starting it just now
recorded nobody "audit and decide are killed"

# The supervisor reads late: a switch, the rules and nft's end are there at once. (20 s: in "make soak".)
if [ "$ROUNDS" -ge 10 ]; then
	switch=net.ipv4.conf.all.send_redirects
	right() { [ "$(lab_in bulkhead sysctl -n $switch)" = 0 ]; }
	ended() { [ ! -e "/proc/$1/exe" ]; }
	nft=$(laptop_role_pid nft)
	kill -STOP "$(laptop_pid)"
	lab_in bulkhead sysctl -qw $switch=1
	lab_wait 60 right || fail "nft does not set the switch right"
	change late
	lab_wait 5 ended "$nft" || fail "nft goes on"
	kill -CONT "$(laptop_pid)"
	recorded late "the supervisor is late"
	case_audited '.kind == "tamper" and .subject == "kernel switch"' || fail "the supervisor is late: the switch is lost"
fi

for ((i = 0; i < ROUNDS; i++)); do
	pid=$(laptop_role_pid decide)
	a=$(printf '0.%03d' $((RANDOM % 60))) b=$(printf '0.%03d' $((RANDOM % 60)))
	{ lab_pause "$a"; kill -KILL "$pid"; } &
	lab_pause "$b"
	change "round$i"
	wait $!
	recorded "round$i" "round $i, change at $b s, decide killed at $a s"
done
twice=$(laptop_audit '[.[] | select(.kind == "tamper" and .subject == "rules") | .detail | sub("; told again"; "")] | length - (unique | length)')
again=$(laptop_audit '[.[] | select(.kind == "tamper" and (.detail | contains("told again")))] | length')
[ "$twice" -le "$again" ] || fail "$twice records stand twice, $again of them say so"
echo "seed $SEED: $n changes, each named in the audit log; $again told again, $twice recorded twice"
