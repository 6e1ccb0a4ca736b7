# laptop.sh - Bulkhead on the lab's laptop: installed, configured, started, asked.
#
# The laptop's host is the network namespace that the lab's pid 1 is in. What `make install` put under
# OUT/demo-root is laid over /usr, so every program is found where it is on a real machine.
#
# shellcheck shell=bash

LAPTOP_UID_BASE=64100
LAPTOP_STATE=/var/lib/bulkhead
LAPTOP_CONFIG=/etc/bulkhead/bulkheadd.yaml

laptop_install() {
	local root=$LAB_OUT/demo-root
	[ -e "$root/usr/sbin/bulkheadd" ] || {
		echo "lab: '$root' holds no installation; run 'make demo' or 'make check'" >&2
		return 1
	}
	mount -t overlay overlay -o "lowerdir=$root/usr:/usr" /usr
	mkdir -p /etc/bulkhead
	laptop_configure
}

laptop_configure() {
	cat >$LAPTOP_CONFIG <<-YAML
		placement: dom0
		uplinks: [en0]
		ports:
		  - {match: host0, class: personal}
		  - {match: "vif*", class: work}
		tpm: $TPM_SOCKET
		uid_base: $LAPTOP_UID_BASE
		state: $LAPTOP_STATE
		runtime: /run/bulkhead
	YAML
}

# With what its unit gives it and no more (tests/system/units-are-valid.sh holds the unit to the table).
laptop_start() {
	local caps
	modprobe -q nf_conntrack || true # (what the boot unit loads, which may)
	caps=$(awk -F'\t' '$1 == "supervisor" { gsub(/ /, ",+", $4); print "-all,+" $4 }' "$LAB_TOP/roles/roles.tsv")
	lab_start bulkheadd setpriv "--bounding-set=$caps" --no-new-privs bulkheadd
	lab_wait 10 laptop_answers || {
		echo "lab: bulkheadd does not answer: $(tail -n 5 "$LAB/bulkheadd.log")" >&2
		return 1
	}
}

laptop_pid() {
	cat "$LAB/bulkheadd.pid"
}

laptop_pids() { # of every process of Bulkhead
	roles_of "$(laptop_pid)" | cut -d' ' -f2
}

laptop_role_pid() { # laptop_role_pid ROLE (to the end: who writes on into a closed pipe fails)
	roles_of "$(laptop_pid)" | awk -v role="$1" '$1 == role && !n++ { print $2 }'
}

no_block() { # no disk is served
	[ -z "$(laptop_role_pid block)" ]
}

laptop_role_replaced() { # laptop_role_replaced ROLE OLD-PID
	local pid
	pid=$(laptop_role_pid "$1")
	[ -n "$pid" ] && [ "$pid" != "$2" ]
}

laptop_stop() {
	lab_stop bulkheadd
}

laptop_grants() { # how many the kernel holds
	lab_in bulkhead nft -j list map inet bulkhead grant | jq '[.nftables[].map.elem? // empty | .[]] | length'
}

laptop_answers() {
	[ -S /run/bulkhead/control.sock ] && bulkhead status --json >"$LAB/status.json" 2>/dev/null
}

laptop_status() { # laptop_status JQ-EXPRESSION
	bulkhead status --json | jq -r "$1"
}

laptop_zone() {
	laptop_status '.uplinks[0].zone'
}

laptop_zone_is() {
	[ "$(laptop_zone)" = "$1" ]
}

# laptop_zone_becomes ZONE SECONDS - prints how many seconds it took
laptop_zone_becomes() {
	local from
	from=$(lab_ms)
	lab_wait "$2" laptop_zone_is "$1" || return 1
	lab_since "$from"
}

laptop_audit() { # laptop_audit JQ-EXPRESSION - over the records as an array
	jq -rs "$1" $LAPTOP_STATE/audit/00000001.jsonl
}

# laptop_audit_says JQ-EXPRESSION TEXT - for lab_wait: a command is answered when its outcome is on its way
laptop_audit_says() {
	[ "$(laptop_audit "$1")" = "$2" ]
}

laptop_seq() { # of the last record
	laptop_audit 'last.seq // 0'
}

# laptop_zones SEQ - the zones that en0 has been in since that record, as the audit log has them
laptop_zones() {
	laptop_audit "[.[] | select(.kind == \"zone\" and .subject == \"en0\" and .seq > $1) | .to] |
		join(\" -> \")"
}

# The work VM: a namespace, its link's other end handed to Bulkhead as vif-bulkhead does.
laptop_guest() {
	local port
	lab_ns work
	ip link add vif1.0 type veth peer name eth0 netns work
	ip link set vif1.0 netns bulkhead
	port=$(/usr/libexec/bulkhead/bulkhead-netns port vif1.0) || return 1
	read -r -a port <<<"$port"
	ip -n work addr add "${port[0]}" dev eth0
	ip -n work addr add "${port[2]}" dev eth0 nodad
	ip -n work link set eth0 up
	ip -n work route add default via "${port[1]}"
	ip -n work -6 route add default via "${port[3]}"
}

# The host's port by DHCP, as a network manager does it: address, route, resolver.
laptop_lease() {
	laptop_lease_script
	rm -f /etc/resolv.conf # (the lab's own /etc)
	busybox udhcpc -i bh0 -q -n -f -t 3 -T 1 -s "$LAB/lease" >/dev/null 2>&1 && [ -s /etc/resolv.conf ]
}

laptop_guest_lease() { # the same in the work VM
	laptop_lease_script
	mkdir -p /etc/netns/work
	touch /etc/netns/work/resolv.conf
	ip netns exec work busybox udhcpc -i eth0 -q -n -f -t 3 -T 1 -s "$LAB/lease" >/dev/null 2>&1 &&
		[ -s /etc/netns/work/resolv.conf ]
}

laptop_lease_script() {
	cat >"$LAB/lease" <<-'SH'
		#!/bin/sh
		[ "$1" = bound ] || exit 0
		ip addr replace "$ip/$mask" dev "$interface"
		ip route replace default via "$router" dev "$interface" metric 4096
		echo "nameserver $dns" >/etc/resolv.conf
	SH
	chmod +x "$LAB/lease"
}

work_finds() { # work_finds URL - a page by name, with the resolver of its lease
	ip netns exec work timeout 5 busybox wget -q -O "$LAB/work-page" "$1" 2>/dev/null
}

work_gets() { # work_gets URL - does the work VM get a page?
	lab_in work timeout 3 busybox wget -q -O "$LAB/work-page" "$1" 2>/dev/null
}

personal_gets() {
	timeout 3 busybox wget -q -O "$LAB/personal-page" "$1" 2>/dev/null
}
