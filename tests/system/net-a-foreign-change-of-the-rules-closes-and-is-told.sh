#!/usr/bin/env bash
# Root changes the rules in the namespace, in nine ways: each time the uplink goes down, nft names the
# process and ends, and its successor's rules are the ones from before. Personal sends without a grant
# all the while: nothing gets out, unless all rules are taken away or a grant is forged, and then for the
# moment that is measured here. News that were lost count as a change.
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

rules() { lab_in bulkhead nft -s list ruleset; }
is_down() { [[ $(ip -n bulkhead -br link show up0) != *[\<,]UP[,\>]* ]]; }
told() { grep -q "^tamper $1 by '$2' [0-9]*: '$3'" "$LAB/nft.log"; }
flood() { # flood TOKEN - personal's, as fast as one process can
	lab_start flood "$LAB_OUT/tests/system/flood" $FW_LAN 9 "$1"
}

# The process that changed it is named, the uplink is down within a second, nft is gone.
closes() { # closes WHAT KIND PROCESS LINK COMMAND...
	local what=$1 kind=$2 process=$3 link=$4 from
	shift 4
	from=$(lab_ms)
	lab_in bulkhead "$@" || fail "$what: the change itself fails"
	lab_wait 5 told "$kind" "$process" "$link" || fail "$what: nobody is told: $(<"$LAB/nft.log")"
	[ -n "$link" ] || is_down || fail "$what: the uplink is still up"
	took=$(($(lab_ms) - from))
	slowest=$((took > slowest ? took : slowest))
	fw_tell send
	[ "$FW_ANSWER" = "exited 1" ] || fail "$what: nft goes on: $FW_ANSWER"
	wait "$FW_CHILD" || true
}

again() { # again WHAT - the rules are as they were, and a grant works
	: >"$LAB/nft.log"
	fw_with
	[ "$(rules)" = "$good" ] || fail "$1: other rules than before: $(diff <(rules) - <<<"$good")"
	fw_carries || fail "$1: no way to the LAN"
}

fw_carries() { # (addresses of IPv6 went with the link)
	ip -n bulkhead addr replace fd07::50/64 dev up0 nodad
	ip -n bulkhead -6 route replace default via $FW_LAN6
	ip -n bulkhead route replace default via $FW_LAN
}

# change WHAT EXPECTATION COMMAND... - EXPECTATION "none": no frame of personal's; "some": says how many
change() {
	local what=$1 expect=$2 token n
	shift 2
	token=$(lab_token change)
	fw_tell none "pair vif1.0 up0 open 1 10000" send # work's: so that there is something to flush
	flood "$token"
	lab_wait 5 fw_blocks || fail "$what: personal does not send"
	closes "$what" 1 nft '' "$@"
	lab_stop flood
	n=$(lab_count lan "text:$token")
	[ "$expect" = some ] || [ "$n" = 0 ] || fail "$what: $n frames of personal passed"
	[ "$n" = 0 ] || leaked+=" '$what' $n;"
	again "$what"
}

fw_blocks() { [ "$(fw_counter inet blocked)" -gt 50 ]; }

slowest=0 leaked=
fw_links
lab_record lan lan w0
fw_with
good=$(rules)

change "a foreign table that accepts" none nft 'table inet other { chain f { type filter hook forward priority -400; policy accept; accept; }; }'
change "an accept rule before ours" none nft 'insert rule inet bulkhead forward accept'
change "a grant of one's own" some nft 'add element inet bulkhead grant { "host0" . "up0" : accept }; add rule inet bulkhead clock goto dispatch'
change "the epoch set is flushed" none nft 'flush set netdev bulkhead epoch'
change "an egress chain is gone" none nft 'delete chain netdev bulkhead egress_0'
change "our table is gone" none nft 'delete table inet bulkhead'
change "all rules are gone" some nft 'flush ruleset'

closes "a renamed uplink" 3 '' x9 ip link set up0 name x9
ip -n bulkhead link set x9 down
ip -n bulkhead link set x9 name up0
again "a renamed uplink"

# More news than the socket holds while nft is stopped.
pid=$(pgrep -x bulkhead-nft -P "$FW_CHILD")
kill -STOP "$pid"
before=$(lab_in bulkhead awk '$2 == 12 { n += $9 } END { print n + 0 }' /proc/net/netlink)
for ((i = 0; i < 40; i++)); do
	{ for ((k = 0; k < 400; k++)); do echo "table inet other$k { chain a { }; chain b { }; }"; done; } |
		lab_in bulkhead nft -f -
	lab_in bulkhead nft flush ruleset
	after=$(lab_in bulkhead awk '$2 == 12 { n += $9 } END { print n + 0 }' /proc/net/netlink)
	[ "$after" -le "$before" ] || break
done
[ "$after" -gt "$before" ] || fail "the socket does not overflow"
kill -CONT "$pid"
lab_wait 5 grep -q '^tamper' "$LAB/nft.log" || fail "an overflow is not told"
fw_tell send
[ "$FW_ANSWER" = "exited 1" ] || fail "an overflow: nft goes on: $FW_ANSWER"
wait "$FW_CHILD" || true
again "an overflow"
echo "nine changes closed and told, the slowest after $slowest ms, the command included; frames meanwhile:${leaked:- none}"
