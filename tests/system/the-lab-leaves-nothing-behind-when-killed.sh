#!/usr/bin/env bash
# Killed at its worst moment, the lab takes its processes, namespaces and mounts along.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/lans.sh"

if [ "${1-}" = inside ]; then
	lab_enter "$@"
	lans_up
	touch /etc/bulkhead-was-here /var/lib/bulkhead-was-here
	echo ready
	lab_pause 3600
fi

fail() {
	echo "$1"
	exit 1
}
[ "$(id -u)" = 0 ] || lab_skip "root is needed"
before=$(ls /run/netns 2>/dev/null; ip -o link | cut -d: -f2; wc -l </proc/self/mounts)
exec 3< <(exec "$0" inside 2>&1)
lab=$!
read -r -t 60 -u 3 line && [ "$line" = ready ] || fail "the lab does not start: ${line-}"
world=$(readlink "/proc/$(cat /proc/$lab/task/$lab/children | tr -d ' ')/ns/pid")
inhabitants() {
	local n=0 proc
	for proc in /proc/[0-9]*; do
		[ "$(readlink "$proc/ns/pid" 2>/dev/null)" != "$world" ] || n=$((n + 1))
	done
	echo $n
}
alive=$(inhabitants)
[ "$alive" -gt 5 ] || fail "the lab has only $alive processes"

kill -KILL $lab
gone() { [ "$(inhabitants)" = 0 ]; }
lab_wait 5 gone || fail "$(inhabitants) processes of the lab are left"
after=$(ls /run/netns 2>/dev/null; ip -o link | cut -d: -f2; wc -l </proc/self/mounts)
[ "$before" = "$after" ] || fail "namespaces, links or mounts are left: $after"
[ ! -e /etc/bulkhead-was-here ] && [ ! -e /var/lib/bulkhead-was-here ] || fail "files are left"
echo "$alive processes went with it"
