#!/usr/bin/env bash
# What all roles together take while nothing happens on a foreign network: memory besides what is
# locked, each page once and whole (also a library's that the rest of the machine uses; a process's line
# has what none above it has), and how often anything wakes up. The programs of others that Bulkhead
# starts (dhcpcd, dnsmasq) are counted apart. Beside it lldpd, which does less: it listens to one link.
# Aims: under 16 MiB and one wake-up a second.
#
#	SECONDS_IDLE=30 tests/bench/idle.sh
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
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

account() { # account WHOSE PID... - a line each; the sums are in KIB and WAKES
	local pid new locked n whose=$1
	shift
	KIB=0 WAKES=0
	while read -r pid new locked; do
		n=$(($(wakes "$pid") - ${before[$pid]-0}))
		KIB=$((KIB + new)) WAKES=$((WAKES + n))
		printf '%-18s %6d KiB  locked %6d KiB  rss %6d KiB  %s wake-ups/s\n' "${name[$pid]}" "$new" "$locked" \
			"$(kib "$pid" Rss)" "$(bench_ratio "$n" "$SECONDS_IDLE")"
	done < <("$LAB_OUT/tests/bench/resident" "$@")
	[ "$KIB" -gt 0 ] || fail "nothing is seen of $whose"
	printf '%-18s %6d KiB besides what is locked, %s wake-ups/s\n' "$whose" "$KIB" "$(bench_ratio "$WAKES" "$SECONDS_IDLE")"
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
mapfile -t pids < <(family "$(laptop_pid)" && head -n 1 /run/bulkhead-sentinel.pid)
declare -A before name
for pid in "${pids[@]}"; do
	before[$pid]=$(wakes "$pid")
	name[$pid]=$(tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's|[^ ]*/||; s| .*||')
done
lab_pause "$SECONDS_IDLE"
ours=() others=()
for pid in "${pids[@]}"; do
	if [ ! -e "/proc/$pid" ]; then
		continue
	elif is_others "${name[$pid]}"; then
		others+=("$pid")
	else
		ours+=("$pid")
	fi
done
account "programs of others" "${others[@]}"
account "our roles" "${ours[@]}"
our_kib=$KIB
for role in sentinel attach audit decide key nft prove sniff xen; do
	[[ " ${name[*]} " = *" bulkhead-$role "* ]] || fail "bulkhead-$role does not run: the figures are not whole"
done
[ "$our_kib" -lt $((16 * 1024)) ] || fail "our roles take more than 16 MiB"
if [ -e "$LAB/lldpd.pid" ]; then
	peer_kib=$("$LAB_OUT/tests/bench/resident" $(family "$(<"$LAB/lldpd.pid")") | awk '{ n += $2 } END { print n }')
	echo "lldpd               $((peer_kib / 1024)) MiB; our roles are $(bench_ratio "$our_kib" "$peer_kib") of it"
fi
