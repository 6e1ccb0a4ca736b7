#!/usr/bin/env bash
# The whole daemon through a random life: cables, networks, NICs, roles killed and stopped, the daemon
# stopped, started and upgraded, policies, while personal sends 50,000 datagrams a second and a TCP
# stream. By the time stamps in them, none that was sent after the kernel took the grant away is on any
# wire, and on the company's LAN there is none at all.
#
#	TRANSITIONS=50 SEED=1 KEEP=/tmp/kept tests/system/random-transitions.sh
#
# The seed is printed; the same one makes the same sequence. KEEP: a folder for what was heard, when it fails.
# limit: 420 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
. "$here/lab/stamps.sh"
export TRANSITIONS=${TRANSITIONS:-50} SEED=${SEED:-$((16#$(od -An -N3 -tx1 /dev/urandom | tr -d ' ')))} RATE=${RATE:-50000}
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox chrt >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"

TARGET=203.0.113.77	# a way there, and nobody: no answer costs anything
ROLES=(sniff decide nft prove audit key)
HISTORY=() CABLE=none STOPPED=

fail() {
	echo "seed $SEED, after ${#HISTORY[@]} transitions (${HISTORY[*]: -8}): $1"
	[ -z "${KEEP-}" ] || cp "$LAB"/watch "$LAB"/*.runs "$LAB/bulkheadd.log" "$KEEP/" # for "stamp judge"
	echo "log: $(tail -n "${LOG_LINES:-8}" "$LAB/bulkheadd.log")"
	exit 1
}

pick() { # pick N - a number below N, in PICKED: the only source of chance
	PICKED=$((RANDOM % $1))
}

linger() { # up to PICKED/10 of two seconds
	pick 16
	lab_pause "0.$((PICKED * 6 + 1))"
}

is_open() { # does the kernel let personal out?
	tail -n 1 "$LAB/watch" | grep -q '^open'
}

wake() { # whoever was stopped goes on
	[ -z "$STOPPED" ] || kill -CONT $STOPPED 2>/dev/null
	STOPPED=
}

told_down() { # has the kernel told that the cable is out? (not there: it needs not)
	! ip -n bulkhead link show en0 2>/dev/null | grep -q "state UP"
}

# plug LAN - without a capture: there are too many frames. Out for as long as copper is at least: two ends
# that lost each other are silent for 1.2 s (IEEE 802.3 28.3.2, break_link_timer), and the kernel tells
# within 1 s, so 0.2 s are left to who closes. Faster swaps are case 35.
plug() {
	lans_unplug
	lab_wait 2 told_down || true
	lab_pause 0.2
	ip -n nowhere link set cable netns "$1" && ip -n "$1" link set cable master br0 && ip -n "$1" link set cable up
	CABLE=$1
}

# Plugged at home it has, now and then, the time to open: else nothing would be at stake.
act_home() {
	plug home
	pick 3
	[ "$PICKED" = 0 ] || lab_wait 8 is_open
}
act_corp() { plug corp; }
act_unplug() { lans_unplug; CABLE=none; }
act_flap() {
	local n
	[ $CABLE != none ] || return 0
	pick 5
	for ((n = PICKED; n >= 0; n--)); do
		ip -n $CABLE link set cable down
		ip -n $CABLE link set cable up
	done
}
act_roam() { if [ $CABLE = home ]; then plug corp; else act_home; fi; }
act_remove() { # a NIC is pulled out, and another comes in under its name
	lans_unplug
	ip -n bulkhead link del en0 2>/dev/null || ip link del en0 2>/dev/null
	linger
	ip link add en0 address 02:00:00:00:e0:01 type veth peer name cable netns nowhere &&
		/usr/libexec/bulkhead/bulkhead-netns uplink en0 # as its udev unit does
	CABLE=none
	act_home
}
act_add() { # an adapter that no configuration lists
	ip link add usb0 type veth peer name usb-far netns home
	/usr/libexec/bulkhead/bulkhead-netns uplink usb0 >/dev/null
	ip -n home link set usb-far up
	linger
	ip -n bulkhead link del usb0
}
act_rename() { # by root, and back
	ip -n bulkhead link set en0 down 2>/dev/null
	ip -n bulkhead link set en0 name en9 2>/dev/null || return 0
	linger
	ip -n bulkhead link set en9 down
	ip -n bulkhead link set en9 name en0
}
act_kill() {
	pick ${#ROLES[@]}
	HISTORY[-1]+=":${ROLES[PICKED]}"
	kill -KILL "$(laptop_role_pid "${ROLES[PICKED]}")" 2>/dev/null
}
act_stop() { # stopped through the next transition
	pick ${#ROLES[@]}
	HISTORY[-1]+=":${ROLES[PICKED]}"
	STOPPED=$(laptop_role_pid "${ROLES[PICKED]}")
	kill -STOP $STOPPED 2>/dev/null
	pick 3
	case $PICKED in
	0) act_corp ;;
	1) act_unplug ;;
	*) linger ;;
	esac
	linger
	wake
}
act_restart() { laptop_stop && laptop_start || fail "it does not start again"; }
act_upgrade() { # other files where the running programs are, then a restart
	local new
	new=$(mktemp -d "$LAB/new.XXXX") && cp -a /usr/libexec/bulkhead/. "$new" &&
		mount --bind "$new" /usr/libexec/bulkhead || fail "no upgrade"
	act_restart
}
act_murder() { # the whole tree
	kill -KILL $(laptop_pids) 2>/dev/null
	lab_stop bulkheadd
	linger
	laptop_start || fail "it does not start again"
}
act_resume() { # asleep in one place, awake in the other; a role may be dead: then nothing is confirmed
	timeout 10 bulkhead net suspend >>"$LAB/sleep.log" 2>&1
	if [ $CABLE = home ]; then plug corp; else plug home; fi
	linger
	timeout 10 bulkhead net resume >>"$LAB/sleep.log" 2>&1
}
act_policy() {
	SERIAL=$((SERIAL + 1))
	pick 2
	policy $SERIAL $((PICKED + 1)) >"$IT/next.yaml" && pki_sign policy "$IT/next.yaml" || fail "no policy"
	# a role may be dead right now: then it is not accepted, and nothing has changed
	timeout 5 bulkhead policy install "$IT/next.yaml" >>"$LAB/policy.log" 2>&1
}
policy() { # policy SERIAL WINDOW_S
	PKI_WINDOW=${2}s pki_policy "$1" "$(pki_date +20days)"
}

ACTIONS=(home home corp roam roam roam unplug flap flap remove add rename kill kill kill stop stop restart
	upgrade murder policy policy resume resume)

lans_up && tpm_on && laptop_install && pki_make || fail "the lab does not come up"
SERIAL=10
policy $SERIAL 1 >"$IT/policy.yaml" && pki_sign policy "$IT/policy.yaml" && pki_install || fail "no policy"
for lan in corp home; do
	ip -n $lan route add blackhole $TARGET
	stamps_hear $lan || fail "no sniffer in $lan"
done

# What personal sends is heard when nothing is in its way.
plug corp
ip addr add 10.77.0.200/16 dev en0
ip link set en0 up
ip route add default via $LAN_GATEWAY_corp
lab_start flood "$STAMP" send $TARGET 9999 "$RATE"
lab_wait 10 stamps_hears corp 1000 || fail "without Bulkhead the sniffer hears nothing"
before=$(stamps_heard corp)
lab_stop flood hear-corp
lans_unplug
ip addr flush dev en0
ip link set en0 down
stamps_hear corp || fail "no sniffer in corp"

laptop_start || fail "bulkheadd does not start"
stamps_watch bulkhead host0 || fail "no watch on the grants"
lab_start flood "$STAMP" send $TARGET 9999 "$RATE"
( # a TCP stream, and another whenever it breaks
	while :; do
		"$LAB_TOOLS/send" tcp $LAN_SERVER 5001 "$(lab_token stream)" >/dev/null 2>&1
		lab_pause 0.1
	done
) &
echo $! >"$LAB/streams.pid"
disown
act_home
lab_wait 40 is_open || fail "the home LAN does not open"
lab_wait 10 stamps_hears home 1000 || fail "open, and nothing is heard"
tcp_heard() { [ "$(stamps_heard home tcp)" -gt 0 ]; }
lab_wait 10 tcp_heard || fail "open, and no TCP is heard"

RANDOM=$SEED
read -r -a sequence <<<"${SEQUENCE-}" # actions by name, to look at one of them
from=$(lab_ms)
while [ ${#HISTORY[@]} -lt "$TRANSITIONS" ]; do
	pick ${#ACTIONS[@]}
	HISTORY+=("${sequence[${#HISTORY[@]}]:-${ACTIONS[PICKED]}}")
	"act_${HISTORY[-1]}"
	linger
	lost=$(cat "$LAB"/hear-*.log "$LAB/watch" | grep lost)
	[ -z "$lost" ] || fail "the round does not count: $lost"
	heard=$(stamps_heard corp)
	[ "$heard" = 0 ] || fail "$heard frames of personal on the company's LAN: $(head -n 3 "$LAB/corp.runs")"
done
took=$(lab_since "$from")
wake
openings() { awk '$1 == "open" && !o { n++; o = 1 } $1 == "closed" { o = 0 } END { print n + 0 }' "$LAB/watch"; }
for ((n = 0; n < 10 && $(openings) < TRANSITIONS / 10; n++)); do # chance was never long enough at home
	HISTORY+=(home)
	plug home
	lab_wait 20 is_open || fail "the home LAN does not open"
done
lab_stop flood streams
stamps_judge home corp || fail "frames after the acknowledgement: ${STAMPS_SAID-}"
tcp=$(stamps_heard home tcp)
[ "$tcp" -gt 0 ] || fail "the TCP stream was never heard"
opened=$(openings)
[ "$opened" -ge $((TRANSITIONS / 10)) ] || fail "only $opened openings in $TRANSITIONS transitions"
echo "seed $SEED: $TRANSITIONS transitions in $took s, $opened openings, $(sed 's/ refused.*//' "$LAB/flood.log" | tail -n 1);" \
	"without Bulkhead $before; $STAMPS_SAID ($tcp of TCP at home);" \
	"at the company 0; $(grep -c 'nft does not close' "$LAB/bulkheadd.log") times closed without nft," \
	"$(grep -c 'decide does not answer' "$LAB/bulkheadd.log") without decide"
