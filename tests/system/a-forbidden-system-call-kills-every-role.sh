#!/usr/bin/env bash
# Every role that works under a filter is killed by a system call outside its list, and the supervisor
# puts another in its place. The call is injected into the running role itself.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
for part in lans laptop pki disk roles tpm; do . "$(dirname "$0")/../lab/$part.sh"; done
lab_enter "$@"

roles=(sniff decide nft prove key audit attach xen)
forbidden=101 # ptrace(2): on nobody's list

runs() { [ -n "$(laptop_role_pid "$1")" ]; }

lans_up
tpm_on
laptop_install
laptop_start
bad=0
for role in "${roles[@]}"; do
	lab_wait 10 runs "$role" && pid=$(laptop_role_pid "$role") || { echo "$role: it does not run"; bad=1; continue; }
	lab_wait 5 grep -qs '^Seccomp:.2$' "/proc/$pid/status" || { echo "$role: has no filter"; bad=1; continue; }
	how=$("$LAB_OUT/tests/system/inject" "$pid" $forbidden) || { echo "$role: $how"; bad=1; continue; }
	lab_wait 10 laptop_role_replaced "$role" "$pid" || { echo "$role: killed, and not replaced"; bad=1; continue; }
	echo "$role: $how, replaced"
done

# Two that the supervisor does not keep: one reads its file for ever, the other is IT's.
mkfifo "$LAB/endless"
(
	for fd in /proc/"$BASHPID"/fd/*; do
		[ "${fd##*/}" -le 2 ] || eval "exec ${fd##*/}>&-"
	done
	exec /usr/libexec/bulkhead/bulkhead-config endless 3> /dev/null 4<> "$LAB/endless"
) &
echo $! > "$LAB/config.pid"
pki_make && beacon_start
for name in config beacon; do
	pid=$(< "$LAB/$name.pid")
	lab_wait 5 grep -qs '^Seccomp:.2$' "/proc/$pid/status" || { echo "$name: has no filter"; bad=1; continue; }
	how=$("$LAB_OUT/tests/system/inject" "$pid" $forbidden) || { echo "$name: $how"; bad=1; continue; }
	echo "$name: $how"
done
[ $bad = 0 ]
