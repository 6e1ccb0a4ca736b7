#!/usr/bin/env bash
# What all roles together take while nothing happens on a foreign network: memory besides what is
# locked (each page counted once, shared ones by their share), and how often anything wakes up. The
# programs of others that Bulkhead starts (dhcpcd, dnsmasq) are counted apart. Beside it lldpd, which
# does less: it listens to one link. Aims: under 16 MiB and one wake-up a second.
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
ROUTER_STARTS_S=75
fail() {
	echo "$1: $(tail -n 3 "$LAB/bulkheadd.log" 2>/dev/null)"
	exit 1
}
kib() { # kib PID FIELD - of smaps_rollup; 0 when the process is gone
	awk -v f="$2:" '$1 == f { n = $2 } END { print n + 0 }' "/proc/$1/smaps_rollup" 2>/dev/null || echo 0
}
is_others() { # is_others NAME
	case $1 in dhcpcd* | dnsmasq* | wpa_supplicant*) return 0 ;; esac
	return 1
}
figures() { # figures KIB WAKE-UPS
	echo "$(($1 / 1024)) MiB besides what is locked, $(bench_ratio "$2" "$SECONDS_IDLE") wake-ups/s"
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

began=$SECONDS
lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start && laptop_guest || fail "bulkheadd does not start"
lans_plug home
lab_wait 60 laptop_zone_is foreign || fail "the home LAN does not become foreign"
lans_switch || echo "# no lldpd in out/peers"

# a router that has just started advertises itself every few seconds for a minute, then every ten
lab_pause $((began + ROUTER_STARTS_S > SECONDS ? began + ROUTER_STARTS_S - SECONDS : 5))

bench_head "idle for $SECONDS_IDLE s on a foreign network"
mapfile -t pids < <(family "$(laptop_pid)")
declare -A before name
for pid in "${pids[@]}"; do
	before[$pid]=$(wakes "$pid")
	name[$pid]=$(tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's|[^ ]*/||; s| .*||')
done
lab_pause "$SECONDS_IDLE"
our_kib=0 our_wakes=0 others_kib=0 others_wakes=0
for pid in "${pids[@]}"; do
	[ -e "/proc/$pid" ] || continue
	pss=$(kib "$pid" Pss) locked=$(kib "$pid" Locked)
	own=$((pss > locked ? pss - locked : 0))
	n=$(($(wakes "$pid") - ${before[$pid]}))
	if is_others "${name[$pid]}"; then
		others_kib=$((others_kib + own)) others_wakes=$((others_wakes + n))
	else
		our_kib=$((our_kib + own)) our_wakes=$((our_wakes + n))
	fi
	printf '%-18s %6d KiB  locked %6d KiB  rss %6d KiB  %s wake-ups/s\n' "${name[$pid]}" "$own" "$locked" "$(kib "$pid" Rss)" \
		"$(bench_ratio "$n" "$SECONDS_IDLE")"
done
for role in audit decide key nft prove sniff xen; do
	[[ " ${name[*]} " = *" bulkhead-$role "* ]] || fail "bulkhead-$role does not run: the figures are not whole"
done
echo "our roles           $(figures "$our_kib" "$our_wakes")"
echo "programs of others  $(figures "$others_kib" "$others_wakes")"
[ "$our_kib" -lt $((16 * 1024)) ] || fail "our roles take more than 16 MiB"
if [ -e "$LAB/lldpd.pid" ]; then
	peer_kib=0
	for pid in $(family "$(<"$LAB/lldpd.pid")"); do
		peer_kib=$((peer_kib + $(kib "$pid" Pss)))
	done
	echo "lldpd               $((peer_kib / 1024)) MiB; our roles are $(bench_ratio "$our_kib" "$peer_kib") of it"
fi
