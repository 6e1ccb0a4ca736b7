#!/usr/bin/env bash
# What personal tries in vain at the company is sampled: `bulkhead net explain` names the last of it, the
# audit log sums it up, a line a minute at most for each kind. A flood of 50,000 packets a second costs
# neither the daemon its CPU nor work its way; samples that overflow are told as lost, and no sample, here
# or lost, changes a permission.
# limit: 240 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
. "$here/lab/attacks.sh"
. "$here/lab/stamps.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"

RATE=50000 FLOOD_S=10
CPU_TICKS=100	# of 1/100 s: of all roles together in those ten seconds, a tenth of one CPU
SAMPLES_MAX=500	# a minute and kind: five a second, the first ten, and what a busy machine's clock adds

fail() {
	echo "$1; explain: $(bulkhead net explain personal 2>&1 | tr '\n' '|'); log: $(tail -n 3 "$LAB/bulkheadd.log")"
	exit 1
}
blocked() { # blocked JQ - of the port's last sample
	bulkhead net explain personal --json | jq -r ".[0].blocked | $1"
}
last_is() { # last_is WHAT PATTERN
	[ "$(blocked .what)" = "$1" ] && blocked .last | grep -qE "$2"
}
records() { # records FILTER - how many summaries since $seq
	laptop_audit "[.[] | select(.kind == \"blocked\" and .seq > $seq and ($1))] | length"
}
audited() { [ "$(records "$1")" -gt 0 ]; }
ticks() { # CPU that every process of Bulkhead used so far
	local pid sum=0
	for pid in $(laptop_pids); do
		sum=$((sum + $(awk '{ print $14 + $15 }' "/proc/$pid/stat" 2>/dev/null || echo 0)))
	done
	echo $sum
}
dropped() { lab_in bulkhead nft -j list counter inet bulkhead blocked | jq '[.nftables[].counter.packets? // 0] | add'; }

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start && laptop_guest || fail "bulkheadd does not start"
lab_wait 10 laptop_lease || fail "the host's port has no lease"
beacon_start || fail "no beacon"
lans_plug corp
lab_wait 40 laptop_zone_is proven || fail "the company is not proven"
lab_wait 10 work_gets "http://$LAN_SERVER/" || fail "work gets no page"
seq=$(laptop_seq)
lab_start monitor bulkhead monitor --json
lab_wait 5 grep -q host0 "$LAB/monitor.log" || fail "the monitor says nothing"

# Each kind, by itself, is the last one that is shown.
ATTACK_TOKEN[udp]=$(lab_token udp) ATTACK_TOKEN[icmp]=$(lab_token icmp) ATTACK_TOKEN[dns]=$(lab_token dns) ATTACK_TOKEN[new]=$(lab_token new)
attack_one udp udp $LAN_GATEWAY_corp 9999 || fail "nothing is sent"
lab_wait 10 last_is blocked "^udp .* -> $LAN_GATEWAY_corp:9999$" || fail "UDP is not shown"
attack_one icmp icmp $LAN_GATEWAY_corp || fail "nothing is sent"
lab_wait 10 last_is blocked "^icmp .* -> $LAN_GATEWAY_corp$" || fail "ICMP is not shown"
attack_one new new $LAN_SERVER 80 || fail "nothing is sent"
lab_wait 10 last_is blocked "^tcp .* -> $LAN_SERVER:80$" || fail "TCP is not shown"
attack_one dns dns $LAN_GATEWAY_corp || fail "nothing is sent"
lab_wait 10 last_is blocked "^udp .* -> $LAN_GATEWAY_corp:53$" || fail "DNS is not shown"
bulkhead net explain personal | grep -qE "blocked last udp $LAN_GATEWAY_corp:53 \(blocked\), [0-9]+ s ago, at least [0-9]+ in the last minute" ||
	fail "people are not told"
lab_wait 15 audited '.subject == "host0" and .to == "blocked" and (.detail | test("^at least [0-9]+ in [0-9]+ s, last [a-z]+ "))' ||
	fail "the audit log has no sum"

# The flood.
from=$(ticks) n=$(dropped)
told=$(grep -c '"kind":"port"' "$LAB/monitor.log")
lab_start flood "$LAB_TOOLS/stamp" send $LAN_GATEWAY_corp 9998 $RATE
lab_pause $FLOOD_S
work_gets "http://$LAN_SERVER/" || fail "work gets no page during the flood"
lab_wait 10 last_is blocked "$LAN_GATEWAY_corp:9998" || fail "the flood is not shown"
n=$(($(dropped) - n)) used=$(($(ticks) - from))
[ "$n" -gt $((RATE * FLOOD_S / 10)) ] || fail "only $n packets came: no flood"
[ $used -le $CPU_TICKS ] || fail "the daemon used $used ticks for $n packets"
[ "$(grep -c '"kind":"port"' "$LAB/monitor.log")" = "$told" ] || fail "the monitor tells of counts: $(tail -n 2 "$LAB/monitor.log")"
samples=$(blocked .at_least_in_minute)
[ "$samples" -le $SAMPLES_MAX ] || fail "$samples samples in a minute"

# A reader that is stopped until samples are lost, which is for less than decide's patience: it is told, and all
# is as before as soon as it beats. (two kinds: one alone would fill the socket too slowly)
losses() { # of all sockets of netfilter's there
	lab_in bulkhead awk '$2 == 12 { n += $9 } END { print n + 0 }' /proc/net/netlink
}
sniff=$(laptop_role_pid sniff)
host0=$(ip -n bulkhead -o link show host0 | sed 's/.*ether \([^ ]*\).*/\1/')
from=$(lab_ms) before=$(losses)
kill -STOP "$sniff"
while [ "$(losses)" = "$before" ] && [ $(($(lab_ms) - from)) -lt 6000 ]; do
	"$LAB_TOOLS/forge" bh0 own "$host0" ip4 100.64.0.99 $LAN_GATEWAY_corp 17 0 - 0fa0000900000000 forged 20 >/dev/null
	lab_pause 0.3
done
kill -CONT "$sniff"
lab_wait 20 audited '.subject == "samples" and (.detail | test("^samples were lost: at least [0-9]+$"))' || fail "nobody is told of lost samples"
lost=$(laptop_audit 'map(select(.subject == "samples")) | last.detail')
[ "$(laptop_role_pid sniff)" = "$sniff" ] || fail "sniff ended"
lab_wait 40 laptop_zone_is proven || fail "the zone does not come back"
lab_wait 10 work_gets "http://$LAN_SERVER/" || fail "work gets no page after it"
lab_stop flood

# A line a minute: all of this took less than two.
sums=$(records '.subject == "host0" and .to == "blocked"')
close=$(laptop_audit '[.[] | select(.kind == "blocked") | [.subject + .to, (.t | sub("\\.[0-9]+Z"; "Z") | fromdate)]] |
	group_by(.[0]) | map([range(1; length) as $i | .[$i][1] - .[$i - 1][1]] | min // 60) | min')
[ "$close" -ge 59 ] || fail "two sums about the same within $close s"
bulkhead audit verify $LAPTOP_STATE/audit/*.jsonl >"$LAB/verify.log" 2>&1 || fail "the log does not verify: $(<"$LAB/verify.log")"
laptop_stop
echo "4 kinds shown; $n packets blocked, $samples samples, $sums sums, $used ticks of CPU; $lost"
