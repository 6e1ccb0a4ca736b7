#!/usr/bin/env bash
# macvlan, ipvlan, VLAN, bridge and tap upon what the personal OS has, and, by root, upon the uplink in
# the namespace: a new link is a stranger to the rules and its frames meet the egress chain.
# case: 8
# title: macvlan, ipvlan, VLAN, bridge, tap upon the NIC
# expect dom0: 0 frames, also by root in the namespace
# expect guard: 0 frames
# expect split: 0 frames
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

all=ff:ff:ff:ff:ff:ff
upon() { # upon BASE KIND [COMMAND...] - a link of that kind upon BASE, or nothing: the kernel has none
	local base=$1 kind=$2
	shift 2
	case $kind in
	vlan) "$@" ip link add link "$base" name v9 type vlan id 9 ;;
	macvlan) "$@" ip link add link "$base" name v9 type macvlan mode bridge ;;
	ipvlan) "$@" ip link add link "$base" name v9 type ipvlan mode l2 ;;
	bridge)
		"$@" ip link add v9 type bridge && "$@" ip link add v8 type veth peer name v7 &&
			"$@" ip link set "$base" master v9 && "$@" ip link set v8 master v9 &&
			"$@" ip link set v8 up && "$@" ip link set v7 up
		;;
	esac 2>>"$LAB/upon.log" || return 1
	"$@" ip link set v9 up
}
clear() { # clear [COMMAND...]
	"$@" ip link del v9 2>/dev/null || true
	"$@" ip link del v8 2>/dev/null || true
}
try_on() { # try_on TOKEN BASE [COMMAND...]
	local token=$1 base=$2 kind from
	shift 2
	for kind in $kinds; do
		upon "$base" $kind "$@" || { clear "$@" && continue; }
		from=v9
		[ $kind != bridge ] || from=v7
		"$@" "$FW_SEND" packet $from $all "$token-$base-$kind-" 3 || true
		clear "$@"
	done
}
inside() { try_on "$1" up0 lab_in bulkhead; }
host() { try_on "$1" bh0; }

fw_without && CASE_PLAIN=1 # (a VLAN wants the link below to be up)
kinds=
for kind in vlan macvlan ipvlan bridge; do
	! upon up0 $kind lab_in bulkhead || kinds+=" $kind"
	clear lab_in bulkhead
done
[ -n "$kinds" ] || lab_skip "this kernel has no link to put upon another"
# shellcheck disable=SC2086 # words
case_without lan inside ${kinds// / up0-}
ip -n bulkhead link set up0 nomaster
case_with
# shellcheck disable=SC2086
case_none lan inside ${kinds// / up0-}
# shellcheck disable=SC2086
case_none lan host ${kinds// / bh0-}
fw_grant host0 open 0
# shellcheck disable=SC2086
case_none lan inside ${kinds// / up0-}
# shellcheck disable=SC2086
case_none lan host ${kinds// / bh0-}
case_end "kinds:$kinds"
