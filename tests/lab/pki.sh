# pki.sh - IT's keys and documents, made with IT's tools: minisign, bulkhead policy sign, beacon's.
#
# shellcheck shell=bash

# The silence that attests an absence, as short as what a test waits for; empty: a policy that does not say,
# which means 10 s (the demo).
PKI_WINDOW=${PKI_WINDOW-2s}

pki_make() {
	local name
	mkdir -p "$IT/keys"
	for name in root policy lease stranger; do
		minisign -G -W -f -p "$IT/keys/$name.pub" -s "$IT/keys/$name.key" >/dev/null || return 1
	done
	pki_beacon && pki_trust && pki_policy 7 "$(pki_date +30days)" >"$IT/policy.yaml" &&
		pki_sign policy "$IT/policy.yaml"
}

pki_public() { # pki_public NAME - the key itself, without its comment
	tail -n 1 "$IT/keys/$1.pub"
}

pki_date() { # pki_date [OFFSET] - as the documents have it
	date -u -d "now ${1-}" +%Y-%m-%dT%H:%M:%SZ
}

pki_sign() { # pki_sign KEY FILE - FILE.minisig
	bulkhead policy sign --key "$IT/keys/$1.key" "$2" >>"$LAB/pki.log"
}

pki_trust() {
	cat >"$IT/trust.yaml" <<-YAML
		kind: trust
		version: 1
		serial: 1
		threshold: 1
		root: ["$(pki_public root)"]
		policy: ["$(pki_public policy)"]
		lease: ["$(pki_public lease)"]
		beacon_root: "$(pki_beacon_root)"
	YAML
	minisign -S -s "$IT/keys/root.key" -m "$IT/trust.yaml" >/dev/null
}

pki_policy() { # pki_policy SERIAL EXPIRES
	cat <<-YAML
		kind: policy
		version: 1
		serial: $1
		issued: $(pki_date -1hour)
		expires: $2
		grace: 3d
		network:
		  foreign: allow
		  ${PKI_WINDOW:+foreign_window: $PKI_WINDOW}
		  corporate:
		    prefixes: ["10.77.0.0/16", "fd77::/64"]
		    dns_suffixes: ["corp.example"]
		    lldp_systems: ["sw-*"]
		  sites: ["hq"]
		images:
		  pin_min: 6
	YAML
}

pki_install() { # as a package of IT's would
	install -m 644 "$IT/trust.yaml" "$IT/trust.yaml.minisig" /etc/bulkhead/
	install -d -m 700 $LAPTOP_STATE $LAPTOP_STATE/policy
	install -m 600 "$IT/policy.yaml" $LAPTOP_STATE/policy/current.yaml
	install -m 600 "$IT/policy.yaml.minisig" $LAPTOP_STATE/policy/current.yaml.minisig
}

pki_beacon() { # the beacon's own keys: an offline root, one beacon, its certificate for site hq
	local keys=$IT/keys
	bulkhead-beacon keygen root "$keys/beacon-root" >"$keys/beacon-root.pub" &&
		bulkhead-beacon keygen beacon "$keys/beacon" >"$keys/beacon.pub" &&
		bulkhead-beacon certify --root "$keys/beacon-root" --key "$(<"$keys/beacon.pub")" \
			--site hq --epoch 1 --days 30 "$IT/beacon.certificate"
}

pki_beacon_root() {
	cat "$IT/keys/beacon-root.pub"
}

# IT's server on the corporate LAN, with the very binary that is installed.
beacon_start() {
	lab_start beacon nsenter --net=/run/netns/corp bulkhead-beacon serve --interface br0 \
		--key "$IT/keys/beacon" --certificate "$IT/beacon.certificate"
	lab_wait 5 lans_listens_udp corp 6262 || {
		echo "lab: the beacon does not start: $(cat "$LAB/beacon.log")" >&2
		return 1
	}
}
