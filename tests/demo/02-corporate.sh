# The corporate LAN: proven for work, silent for personal.
#
# shellcheck shell=bash
demo_step 2 "Cable into the corporate LAN: suspect, then proven"

if attack_flow_open; then
	good "before, at home: personal's flow to a server on the internet"
else
	bad "before, at home: personal's flow to a server on the internet" "$(tail -n 1 "$LAB/flow.log")"
fi
lans_switch || return 1
lab_record host0 bulkhead host0
seq=$(laptop_seq)
from=$(lab_ms)
lans_plug corp
attacks_send bh0
early=$(attacks_found corp)
sign() {
	laptop_audit "[.[] | select(.kind == \"zone\" and .seq > $seq and .to == \"$1\")] | last.proof // \"\""
}
if lab_wait 40 laptop_zone_is suspect; then
	from="$(lab_since "$from") s"
	lab_wait 5 eval '[ -n "$(sign suspect)" ]' || true
	# whichever comes first: dnsmasq advertises unasked, too
	expect "unknown -> suspect, by what the network says" "$from: $(sign suspect)" grep -q \
		"^LLDP 'sw-floor2\.\|^DHCP 'domain corp\.example'\|^RA 'prefix fd77::/64'" <<<"$(sign suspect)"
else
	bad "unknown -> suspect" "$(laptop_zones "$seq")"
fi
work_gets http://$LAN_GATEWAY_corp/ && bad "work waits for the proof" || good "work waits for the proof"
attacks_send bh0
early=$((early + $(attacks_found corp)))
# (each new address of the uplink begins anew: the proof is of the network with all of them)
addressed() { [[ $(ip -n bulkhead addr show dev en0) == *"inet 10.77."*"inet6 fd77:"* ]]; }
lab_wait 20 addressed && lab_wait 20 laptop_zone_is suspect
from=$(lab_ms)
beacon_start || return 1
lab_wait 40 laptop_zone_is proven && lab_wait 5 eval '[ -n "$(sign proven)" ]' || true
expect "suspect -> proven, a beacon's reply verified" "$(lab_since "$from") s: $(sign proven)" \
	grep -q 'suspect -> proven$' <<<"$(laptop_zones "$seq")"
if lab_wait 5 work_gets http://$LAN_GATEWAY_corp/; then
	good "the work VM gets the intranet's page" "'$(cat "$LAB/work-page")'"
else
	bad "the work VM gets the intranet's page"
fi
from=$(lab_ms)
if lab_wait 5 laptop_guest_lease && lab_wait 10 work_finds http://intranet.corp.example/; then
	good "the work VM gets its resolver by DHCP, and that page by name" "$(lab_since "$from") s"
else
	bad "the work VM gets its resolver by DHCP, and that page by name"
fi
expect "personal, which has a resolver too, gets no name here" "" test -s /etc/resolv.conf -a \
	"$(personal_gets http://intranet.corp.example/ || echo none)" = none
if personal_gets http://$LAN_GATEWAY_corp/; then
	bad "personal gets no page" "$(cat "$LAB/personal-page")"
else
	good "personal gets no page"
fi
expect "tries of personal before the proof" "$early frames on the wire" test "$early" -eq 0
attacks_send bh0
expect "personal's flow from before lives on, unheard" "" attack_flow_lives
for kind in $ATTACKS; do
	heard=$(lab_count corp "text:${ATTACK_TOKEN[$kind]}")
	port=$(lab_count host0 "text:${ATTACK_TOKEN[$kind]}")
	expect "personal's try '$kind'" "${ATTACK_SENT[$kind]} sent, $port at its port, $heard on the wire" \
		test "$heard" -eq 0 -a "$port" -gt 0
done
read -r -a heard < <(lab_count corp "mac:$(</sys/class/net/bh0/address)" \
	"mac:$(ip -n bulkhead -j link show host0 | jq -r '.[0].address')" \
	ip:100.64.0.2 ip:fd62:756c:6b00::2 | tr '\n' ' ')
expect "personal's MACs and addresses on the wire" "${heard[*]}" test "${heard[*]}" = "0 0 0 0"
lab_stop flow
