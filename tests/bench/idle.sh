#!/usr/bin/env bash
# What all roles together take while nothing happens on a foreign network: memory besides what is
# locked (each page counted once, shared ones by their share), and how often anything wakes up.
# Beside it lldpd, which does less: it listens to one link.
#
#	SECONDS_IDLE=30 tests/bench/idle.sh
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
for part in lab lans tpm roles laptop pki disk; do
	. "$here/lab/$part.sh"
done
. "$here/bench/bench.sh"
lab_enter "$@"

SECONDS_IDLE=${SECONDS_IDLE:-30}
fail() {
	echo "$1: $(tail -n 3 "$LAB/bulkheadd.log" 2>/dev/null)"
	exit 1
}
kib() { # kib PID FIELD - of smaps_rollup; 0 when the process is gone
	awk -v f="$2:" '$1 == f { n = $2 } END { print n + 0 }' "/proc/$1/smaps_rollup" 2>/dev/null || echo 0
}
wakes() { # wakes PID - how often it gave up the CPU of its own will: once for each wake-up
	cat "/proc/$1"/task/*/status 2>/dev/null | awk '/^voluntary/ { n += $2 } END { print n + 0 }'
}
family() { # family PID - it and its descendants
	local pid
	echo "$1"
	for pid in $(cat "/proc/$1"/task/*/children 2>/dev/null); do
		family "$pid"
	done
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start && laptop_guest || fail "bulkheadd does not start"
lans_plug home
lab_wait 60 laptop_zone_is foreign || fail "the home LAN does not become foreign"
lans_switch || echo "# no lldpd in out/peers"

bench_head "idle for $SECONDS_IDLE s on a foreign network"
mapfile -t pids < <(family "$(laptop_pid)")
declare -A before name
for pid in "${pids[@]}"; do
	before[$pid]=$(wakes "$pid")
	name[$pid]=$(tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's|[^ ]*/||; s| .*||')
done
lab_pause "$SECONDS_IDLE"
all_kib=0 all_wakes=0
for pid in "${pids[@]}"; do
	[ -e "/proc/$pid" ] || continue
	pss=$(kib "$pid" Pss) locked=$(kib "$pid" Locked)
	own=$((pss > locked ? pss - locked : 0))
	n=$(($(wakes "$pid") - ${before[$pid]}))
	all_kib=$((all_kib + own)) all_wakes=$((all_wakes + n))
	printf '%-18s %6d KiB  locked %6d KiB  rss %6d KiB  %s wake-ups/s\n' "${name[$pid]}" "$own" "$locked" "$(kib "$pid" Rss)" \
		"$(bench_ratio "$n" "$SECONDS_IDLE")"
done
echo "all of Bulkhead     $((all_kib / 1024)) MiB besides what is locked, $(bench_ratio "$all_wakes" "$SECONDS_IDLE") wake-ups/s"
if [ -e "$LAB/lldpd.pid" ]; then
	peer_kib=0
	for pid in $(family "$(<"$LAB/lldpd.pid")"); do
		peer_kib=$((peer_kib + $(kib "$pid" Pss)))
	done
	echo "lldpd               $((peer_kib / 1024)) MiB; all of Bulkhead is $(bench_ratio "$all_kib" "$peer_kib") of it"
fi
