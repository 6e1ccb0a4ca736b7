#!/usr/bin/env bash
# Granted or not, a port gets no answer from the namespace's own addresses, nor does the LAN: no ping,
# no TCP, no UDP.
# holds: input input_port
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

try_all() { # try_all WORD - prints the addresses that answered
	local a
	for a in 100.64.0.1 100.64.0.5 192.168.7.50 fd62:756c:6b00::1 fd07::50; do
		! fw_pings $a || echo "personal:$a"
		case $a in *:*) nc=6 ;; *) nc=4 ;; esac
		! busybox timeout 1 busybox nc "-$nc" -w 1 -z $a 7000 2>/dev/null || echo "tcp:$a"
	done
	for a in 192.168.7.50 fd07::50; do
		! lab_in lan ping -q -c 1 -W 1 $a >/dev/null 2>&1 || echo "lan:$a"
	done
}

fw_links
fw_without
lab_start service nsenter --net=/run/netns/bulkhead busybox nc -ll -p 7000 -e /bin/cat
without=$(try_all | wc -l)
[ "$without" -ge 7 ] || fail "without rules only $without answer: $(try_all)"
fw_reset
fw_with
[ -z "$(try_all)" ] || fail "closed, yet answered: $(try_all)"
fw_grant host0 open 0
fw_pings $FW_LAN || fail "granted, ping does not pass"
[ -z "$(try_all)" ] || fail "granted, yet answered: $(try_all)"
echo "without rules $without answered, with them none"
