#!/usr/bin/env bash
# What a beacon said of one uplink proves nothing on another: neither its recorded reply, nor one that it
# gives today to who took over the first uplink's MAC and address. And roaming within a site, between
# floors that are LANs and beacons of their own: a cable that moves is unknown first and proven anew;
# where the carrier stays, because a switch of nobody's is in between, another network is noticed by its
# router or address, and the other beacon of the same site proves it. Personal is closed throughout.
# limit: 300 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
. "$here/lab/attacks.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"
FORGE=$LAB_OUT/tests/system/beacon_forge

fail() {
	echo "$1; $(laptop_status '[.uplinks[] | "\(.ifname) \(.zone)"] | join(", ")'), log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
zone_is() { [ "$(laptop_status ".uplinks[] | select(.ifname == \"$1\") | .zone")" = "$2" ]; }
refused() { # refused SEQ REASON - on en1, since that record
	[ "$(laptop_audit "[.[] | select(.kind == \"proof\" and .subject == \"en1\" and .seq > $1 and .reason == \"$2\")] | length")" -gt 0 ]
}
expect() { # expect REASON WHAT - since $seq, and never proven
	lab_wait 40 refused "$seq" "$1" || fail "$2: not refused as $1: $(laptop_audit "[.[] | select(.kind == \"proof\" and .seq > $seq)]")"
	! zone_is en1 proven || fail "$2: proven"
	echo "ok - $2: $1"
}
port_is() { [ "$(laptop_status ".ports[] | select(.ifname == \"$1\") | .allowed")" = "$2" ]; }
address() { ip -n bulkhead -4 -br addr show en0 | awk '{ sub("/.*", "", $3); print $3 }'; }

floor2_up() { # the same site: a LAN of its own, with a beacon of its own
	lab_ns floor2
	lans_bridge floor2 10.78.0.1/16 fd78::1/64
	LAN_GATEWAY_floor2=10.78.0.1 lans_dnsmasq floor2 corp.example 10.78.1.1,10.78.1.99,255.255.0.0,2m fd78:: || return
	bulkhead-beacon keygen beacon "$IT/keys/beacon2" >"$IT/keys/beacon2.pub"
	bulkhead-beacon certify --root "$IT/keys/beacon-root" --key "$(<"$IT/keys/beacon2.pub")" \
		--site hq --epoch 1 --days 30 "$IT/beacon2.certificate" >/dev/null || return
	lab_start beacon2 nsenter --net=/run/netns/floor2 bulkhead-beacon serve --interface br0 \
		--key "$IT/keys/beacon2" --certificate "$IT/beacon2.certificate"
	lab_wait 5 lans_listens_udp floor2 6262
}
lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
sed -i 's/^uplinks: .*/uplinks: [en0, en1]/' "$LAPTOP_CONFIG"
beacon_start && floor2_up || fail "no beacons"
laptop_start && laptop_guest || fail "bulkheadd does not start"
lans_plug corp
lab_wait 40 zone_is en0 proven || fail "the beacon proves nothing"
announcement=$("$FORGE" pick "$LAB/corp.pcap" BHAN) && reply=$("$FORGE" pick "$LAB/corp.pcap" BHRP) ||
	fail "nothing was recorded"

# The first uplink's proof, on the second, while the first is still proven.
lab_start replay nsenter --net=/run/netns/home "$FORGE" replay $LAN_GATEWAY_home "$announcement" "$reply"
seq=$(laptop_seq)
ip link add en1 address 02:00:00:00:e1:01 type veth peer name cable1 netns home
/usr/libexec/bulkhead/bulkhead-netns uplink en1
ip -n home link set cable1 master br0
ip -n home link set cable1 up
expect beacon-format "the reply to one uplink, on another"
lab_wait 60 zone_is en0 proven || fail "the first uplink is no longer proven"
lab_stop replay

# Today's answer to who has the first uplink's MAC and address, once its cable is out.
own=$(address)
lans_unplug
ip -n corp link add worm type veth peer name foot netns home
ip -n corp link set worm master br0 up
ip -n home link set foot address 02:00:00:00:e0:01
ip -n home addr add "$own/32" dev foot
ip -n home link set foot up
ip -n home route add 10.77.0.1/32 dev foot src "$own"
seq=$(laptop_seq)
lab_start relay nsenter --net=/run/netns/home "$FORGE" relay $LAN_GATEWAY_home $LAN_GATEWAY_corp "$own"
expect beacon-observed "an answer about one uplink, on another"
lab_stop relay
ip -n home link del foot
ip -n bulkhead link del en1

# A cable that moves between floors.
lans_plug corp
lab_wait 60 zone_is en0 proven || fail "not proven again"
lab_wait 10 port_is vif1.0 true || fail "work stays closed"
seq=$(laptop_seq) from=$(lab_ms)
ip -n corp link set cable down
ip -n corp link set cable netns floor2
ip -n floor2 link set cable master br0
ip -n floor2 link set cable up
again() { case $(laptop_zones "$seq") in *unknown*proven) zone_is en0 proven ;; *) false ;; esac; }
lab_wait 60 again || fail "the other floor is not unknown, then proven: $(laptop_zones "$seq")"
moved=$(lab_since "$from")
lab_wait 10 port_is vif1.0 true || fail "work stays closed on the other floor"
case $(laptop_zones "$seq") in *foreign* | *home*) fail "opened for personal: $(laptop_zones "$seq")" ;; esac

# The carrier stays: the cable is in a small switch, whose way on moves.
lab_ns desk
ip -n desk link add br0 type bridge stp_state 0 mcast_snooping 0
ip -n desk link set br0 up
ip -n floor2 link set cable netns desk
ip -n desk link set cable master br0
ip -n desk link set cable up
for floor in corp floor2; do
	ip -n desk link add "up-$floor" type veth peer name desk netns "$floor"
	ip -n desk link set "up-$floor" master br0
	ip -n "$floor" link set desk master br0
	ip -n "$floor" link set desk up
done
ip -n desk link set up-floor2 up
lab_wait 60 zone_is en0 proven && lab_wait 30 port_is vif1.0 true || fail "not proven through a switch"
seq=$(laptop_seq) from=$(lab_ms)
lab_record desk corp desk || fail "no sniffer"
ip -n desk link set up-floor2 down
ip -n desk link set up-corp up
answered() { "$FORGE" pick "$LAB/desk.pcap" BHRP >/dev/null 2>&1 && zone_is en0 proven; }
lab_wait 90 answered || fail "the other floor is not proven: $(laptop_zones "$seq")"
roamed=$(lab_since "$from")
lab_wait 10 port_is vif1.0 true || fail "work stays closed behind the switch"
port_is host0 false || fail "personal is open"
case $(laptop_zones "$seq") in *foreign* | *home*) fail "opened for personal: $(laptop_zones "$seq")" ;; esac
echo "two answers about another uplink refused; a cable that moves is proven again after $moved s, behind a switch after $roamed s, zones: $(laptop_zones "$seq")"
