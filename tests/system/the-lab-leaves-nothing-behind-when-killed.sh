#!/usr/bin/env bash
# Killed at its worst moment, the lab takes its processes, namespaces, links and mounts along. Only
# what the lab itself had is looked for: others mount and link on this machine at the same time.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/lans.sh"

if [ "${1-}" = inside ]; then
	lab_enter "$@"
	lans_up
	touch /etc/bulkhead-was-here /var/lib/bulkhead-was-here
	for ns in /run/netns/*; do
		echo "netns ${ns##*/}"
		nsenter --net="$ns" ip -o link
	done | sed -E 's/^[0-9]+: ([^:@]*).*/link \1/' | grep -vx 'link lo' | sort -u
	ip -o link | sed -E 's/^[0-9]+: ([^:@]*).*/link \1/' | grep -vx 'link lo'
	sed 's/^/mount /' /proc/self/mounts
	echo ready
	lab_pause 3600
fi

fail() {
	echo "$1"
	exit 1
}
state() { # of this machine, in the words of the lab's own list
	ls /run/netns 2>/dev/null | sed 's/^/netns /' || true
	ip -o link | sed -E 's/^[0-9]+: ([^:@]*).*/link \1/'
	sed 's/^/mount /' /proc/self/mounts
}
[ "$(id -u)" = 0 ] || lab_skip "root is needed"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
state | sort >"$dir/before"
exec 3< <(exec "$0" inside 2>&1)
lab=$!
line=
while read -r -t 60 -u 3 line && [ "$line" != ready ]; do
	echo "$line" >>"$dir/lab"
done
[ "$line" = ready ] || fail "the lab does not start: ${line-}"
has=$(grep -c -E '^(netns|link) ' "$dir/lab")
[ "$has" -gt 8 ] && grep -q '^mount lab /run ' "$dir/lab" || fail "the lab does not say what it has"
exec 4<"/proc/$(cat /proc/$lab/task/$lab/children | tr -d ' ')/ns/pid" # so that no other gets its number
world=$(readlink /proc/self/fd/4)
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
left() { # what is new since, and is the lab's
	state | sort | comm -13 "$dir/before" - | grep -Fxf "$dir/lab"
}
! left >/dev/null || fail "namespaces, links or mounts are left: $(left)"
[ ! -e /etc/bulkhead-was-here ] && [ ! -e /var/lib/bulkhead-was-here ] || fail "files are left"
echo "$alive processes went with it, and $has namespaces and links"
