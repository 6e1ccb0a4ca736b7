#!/usr/bin/env bash
# The weaker proof, on a running laptop: where no beacon is heard, the policy's TLS servers prove a
# network that shows a sign, all of them or any as the policy says, and audit and status name the pin.
# On a network without a sign nobody is asked. prove's uid reaches those servers and no others.
# limit: 300 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox openssl >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq, openssl or busybox is not installed"

fail() {
	echo "$1; zone $(laptop_zone), log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
work_is() { [ "$(laptop_status '.ports[] | select(.ifname == "vif1.0") | .allowed')" = "$1" ]; }
serve() { # serve PORT - a server on the corporate LAN with a key of its own; its pin in PIN
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
		-subj /CN=pinned -keyout "$IT/$1.key" -out "$IT/$1.pem" 2>/dev/null
	PIN=$(openssl x509 -in "$IT/$1.pem" -noout -pubkey | openssl pkey -pubin -outform DER |
		sha256sum | cut -d' ' -f1)
	again "$1"
}
again() {
	lab_start "tls-$1" nsenter --net=/run/netns/corp openssl s_server -accept "$1" \
		-cert "$IT/$1.pem" -key "$IT/$1.key" -tls1_3 -quiet
	lab_wait 10 lans_listens corp "$1" || fail "the TLS server does not start"
}
policy() { # policy SERIAL all|any - in force
	pki_policy "$1" "$(pki_date +20days)" | sed "/^  sites:/i\\
  tls_need: $2\\
  tls_probes:\\
    - {address: 10.77.0.1, port: 443, spki_sha256: $pin1}\\
    - {address: 10.77.0.1, port: 8443, spki_sha256: $pin2}" >"$IT/tls.yaml"
	pki_sign policy "$IT/tls.yaml"
	bulkhead policy install "$IT/tls.yaml" >"$LAB/install.log" 2>&1 || fail "policy $1 is refused: $(cat "$LAB/install.log")"
}
zone_proof() { laptop_audit 'map(select(.kind == "zone" and .to == "proven"))[-1].proof'; }
asked() { # connections to the servers' ports that LAN's router saw
	lab_in "$1" nft list counter inet asked n | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}
reaches() { # reaches UID PORT - does a socket of this uid in the namespace get through?
	lab_in bulkhead setpriv --reuid "$1" --clear-groups timeout 3 "$BASH" -c "exec 3<>/dev/tcp/10.77.0.1/$2" 2>/dev/null
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start && laptop_guest || fail "bulkheadd does not start"
for lan in corp home; do
	lab_in $lan nft 'table inet asked { counter n { }; chain c { type filter hook prerouting priority -300; tcp dport { 443, 8443 } counter name n; }; }'
done
serve 443 && pin1=$PIN
serve 8443 && pin2=$PIN
policy 20 all

lans_plug home
lab_wait 60 laptop_zone_is foreign || fail "the home LAN does not become foreign"
lab_pause 3
[ "$(asked home)" = 0 ] || fail "a network without a sign was told of our servers"
echo "ok - without a sign nobody is asked"

lans_plug corp
lab_wait 60 laptop_zone_is proven || fail "both servers answer, and nothing is proven"
proof_is() { [ "$(zone_proof)" = "$1" ]; }
lab_wait 5 proof_is "TLS '${pin2:0:32}'" || fail "audit calls the proof $(zone_proof)"
lab_wait 10 work_is true || fail "work stays closed"
personal_gets "http://$LAN_SERVER/" && fail "personal is open beside a proof"
[ "$(asked corp)" -gt 1 ] || fail "nobody was asked"
echo "ok - proven by all pinned servers, and said so: $(zone_proof)"

prove_uid=$((LAPTOP_UID_BASE + 5))
reaches $prove_uid 443 || fail "prove's uid does not reach a pinned server"
reaches $prove_uid 80 && fail "prove's uid reaches another port"
reaches $prove_uid 5001 && fail "prove's uid reaches another port"
reaches $((LAPTOP_UID_BASE + 3)) 443 && fail "another uid reaches a pinned server"
echo "ok - prove's uid reaches these and no others, and nobody else reaches them"

lab_stop tls-8443
lab_wait 100 laptop_zone_is suspect || fail "proven with one of two servers"
lab_wait 10 work_is false || fail "work is open without a proof"
[ "$(laptop_audit '[.[] | select(.kind == "proof" and .reason == "tls-connect")] | length')" -gt 0 ] ||
	fail "audit does not say why"
policy 21 any
lab_wait 60 laptop_zone_is proven || fail "any of them is enough, and nothing is proven"
echo "ok - all of them, unless the policy says any"

serve 8443 # another key under the old address
policy 22 all
lab_wait 100 laptop_zone_is suspect || fail "proven by another key"
lab_wait 20 laptop_audit_says 'any(.[]; .kind == "proof" and .reason == "tls-pin")' true ||
	fail "audit does not name the pin"
beacon_start || fail "no beacon"
lab_wait 60 laptop_zone_is proven || fail "a beacon is there, and nothing is proven"
lab_wait 5 proof_is "beacon 'hq'" || fail "audit calls the proof $(zone_proof)"
echo "ok - another key is refused; where a beacon speaks, it alone counts"
