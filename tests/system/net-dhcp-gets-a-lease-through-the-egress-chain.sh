#!/usr/bin/env bash
# dhcpcd as the supervisor starts it, against a real dnsmasq: it waits until nft has brought the link
# up, gets address and route, renews, says no host name, and sees nothing of this machine; it cannot
# touch the rules. It ends with whoever started it.
# holds: local_ input_uplink
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

command -v dhcpcd dnsmasq >/dev/null || lab_skip "dhcpcd-base or dnsmasq-base is not installed"

inside() { # inside COMMAND... - where dhcpcd is
	nsenter -t "$first" -m -p -n "$@"
}
leased() { [[ $(ip -n bulkhead -4 addr show dev up0) == *192.168.7.1[0-2]* ]]; }
routed() { [[ $(ip -n bulkhead route) == *"default via 192.168.7.1"* ]]; }
requests() { grep -c "$1(w0)" "$LAB/dnsmasq.log"; }
renewed() { [ "$(requests DHCPREQUEST)" -gt "$before" ]; }
gone() { ! kill -0 "$main" 2>/dev/null; }
all_gone() { ! pgrep -x dhcpcd >/dev/null; }
field() { awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status" 2>/dev/null || true; } # empty: it is gone

mkdir -p /etc/bulkhead # the lab's own /etc
echo "not for dhcpcd" >/etc/bulkhead/trust.yaml
fw_links
lab_start dnsmasq nsenter --net=/run/netns/lan dnsmasq --no-daemon --port=0 --bind-interfaces \
	--interface=w0 --no-ping --dhcp-range=192.168.7.100,192.168.7.120,2m --domain=corp.example \
	--dhcp-option-force=121,10.99.0.0/16,192.168.7.9 --dhcp-option-force=249,10.98.0.0/16,192.168.7.9 \
	--log-dhcp --user=root --leasefile-ro --pid-file= --conf-file=/dev/null
lab_record lan lan w0
lab_start dhcpcd nsenter --net=/run/netns/bulkhead "$LAB_OUT/tests/system/dhcp_run" up0
fw_pause 1
[ "$(lab_count lan all)" = 0 ] || fail "frames before nft: $(lab_count lan all)"
fw_start
[ "$FW_ANSWER" = "ack 0" ] || fail "nft does not start: $(<"$LAB/nft.log")"
from=$(lab_ms)
lab_wait 10 leased || fail "no lease: $(<"$LAB/dhcpcd.log") $(tail -3 "$LAB/dnsmasq.log")"
lab_wait 5 routed || fail "no default route"
took=$(lab_since "$from")
[[ $(ip -n bulkhead route) != *10.9[89].* ]] || fail "the server draws traffic by routes of its own"
lab_seen lan text:corp.example || fail "the answer does not carry the company's domain"
! grep -q 'client provides name' "$LAB/dnsmasq.log" || fail "it says a host name"
[ "$(lab_count lan "text:$(hostname)")" = 0 ] || fail "the host name is on the wire"
! grep -q 'vendor class' "$LAB/dnsmasq.log" || fail "it says a vendor class: $(grep 'vendor class' "$LAB/dnsmasq.log")"

run=$(<"$LAB/dhcpcd.pid")
first=$(pgrep -P "$run" | head -n 1)
main=$(pgrep -P "$first" | head -n 1)
before=$(requests DHCPREQUEST)
inside dhcpcd -N up0 2>/dev/null || fail "dhcpcd does not take the order to renew"
lab_wait 10 renewed || fail "no renewal reaches the server"

# what it may
proxy=
for pid in $(pgrep .); do
	[ "$(readlink "/proc/$pid/ns/pid_for_children" 2>/dev/null)" = "$(readlink "/proc/$first/ns/pid")" ] || continue
	privileges=$(field "$pid" NoNewPrivs)
	[ -e "/proc/$pid" ] || continue # gone since: one of "inside"
	[ "$privileges" = 1 ] || fail "process $pid may gain privileges"
	case $(field "$pid" CapEff) in
	0000000000000000) ;;
	*) proxy=$pid
		# NET_ADMIN NET_RAW NET_BIND_SERVICE, SETUID SETGID SYS_CHROOT KILL
		[ "$(field "$pid" CapEff)" = 00000000000434e0 ] || fail "process $pid has capabilities $(field "$pid" CapEff)" ;;
	esac
done
[ -n "$proxy" ] || fail "found no privileged process of dhcpcd"
[ "$(field "$proxy" Seccomp)" = 2 ] || fail "the privileged process has no filter"
inside test -z "$(inside ls /run/netns 2>/dev/null)" || fail "it sees the namespaces"
! inside touch /etc/x /usr/x /proc/sys/net/ipv4/ip_forward 2>/dev/null || fail "it may write outside"
! inside cat /etc/bulkhead/trust.yaml >/dev/null 2>&1 || fail "it reads our configuration"
! inside ls /run/lab >/dev/null 2>&1 || fail "it sees /run of this machine"

# all else that is local is dropped, DHCP or not
try=$(lab_token local)
lab_in bulkhead "$FW_FORGE" socket 0 $FW_LAN 4000 4000 "$try" 3 >/dev/null
lab_sync lan lan w0 || fail "the sniffer is stuck"
[ "$(lab_count lan "text:$try")" = 0 ] || fail "another local packet is on the wire"

kill -KILL "$run"
wait "$run" 2>/dev/null || true
lab_wait 5 gone || fail "dhcpcd outlives its parent"
lab_wait 5 all_gone || fail "a part of dhcpcd outlives its parent"
echo "lease and route $took s after nft; renewal passes; nothing is left after a kill"
