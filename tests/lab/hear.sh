# hear.sh - what netguard's input chain lets in, heard by raw sockets inside. Sourced after firewall.sh.
#
# shellcheck shell=bash

HEAR_AT="4-17 4-6 4-1 6-17 6-6 6-58"

hear_begin() {
	local at
	for at in $HEAR_AT; do
		lab_start "hear-$at" nsenter --net=/run/netns/bulkhead "$LAB_OUT/tests/system/net_hear" "${at%-*}" "${at#*-}"
		lab_wait 5 grep -qs ready "$LAB/hear-$at.log" || fail "no raw socket for $at"
	done
}

heard() { # heard TEXT
	grep -qsF "$1" "$LAB"/hear-*.log
}

hear_all() { # hear_all SAY TOKEN KIND...
	local say=$1 token=$2 kind
	shift 2
	for kind; do
		lab_wait 5 heard "$token-$kind." || fail "$say: $kind is not heard inside"
	done
}

hear_none() { # hear_none TOKEN KIND... - after something later was heard
	local token=$1 kind
	shift
	for kind; do
		! heard "$token-$kind." || fail "$kind is heard inside"
	done
}
