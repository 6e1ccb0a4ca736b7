# lab.sh - namespaces of its own, waiting for events, sniffers. Sourced by tests and by the demo.
#
#	. tests/lab/lab.sh
#	lab_enter "$@"		# from here on this process is pid 1 of a world that ends with it
#
# Everything the lab makes lives in that world: a private tmpfs on /run (so /run/netns is the lab's
# too), and private layers over /etc, /usr and /var/lib. Its network namespace, the one that pid 1 is
# in, is the laptop's host. Whatever ends the process, SIGKILL included, ends all of it at once.
#
# shellcheck shell=bash

# shellcheck source=tests/lab/wait.sh
. "$(dirname "${BASH_SOURCE[0]}")/wait.sh"

LAB_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LAB_OUT=${OUT:-out}
case $LAB_OUT in /*) ;; *) LAB_OUT=$LAB_TOP/$LAB_OUT ;; esac
LAB_TOOLS=$LAB_OUT/tests/lab
LAB=/run/lab	# what the lab itself writes: captures, logs, fifos

lab_skip() { # lab_skip REASON - end as "not tested"
	echo "$1"
	exit 77
}

# Re-run this script in namespaces of its own. The caller's arguments are passed on.
lab_enter() {
	if [ "$(id -u)" != 0 ]; then
		echo "lab: root is needed for network namespaces and nftables; run this with sudo" >&2
		exit 1
	fi
	if [ "${LAB_INSIDE-}" != "$LAB_TOP" ]; then
		LAB_INSIDE=$LAB_TOP exec unshare --mount --net --pid --fork --kill-child \
			--mount-proc "$BASH" "$0" "$@"
	fi
	unset LAB_INSIDE
	# Signals with no handler do not reach a pid 1.
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	lab_mounts
	ip link set lo up
	cd "$LAB_TOP" || exit 1
}

lab_mounts() {
	local dir
	mount -t tmpfs -o mode=755 lab /run
	mkdir -p "$LAB" /run/netns /run/lock
	mount -t sysfs sysfs /sys
	[ ! -d /sys/fs/bpf ] || mount -t bpf bpf /sys/fs/bpf 2>/dev/null || true
	for dir in etc var/lib; do	# dhcpcd and the like write there: not on this machine
		mkdir -p "$LAB/over/$dir/upper" "$LAB/over/$dir/work"
		mount -t overlay overlay -o \
			"lowerdir=/$dir,upperdir=$LAB/over/$dir/upper,workdir=$LAB/over/$dir/work" "/$dir"
	done
	rm -f /etc/protocols /etc/services	# as on a machine without netbase
}

lab_since() { # lab_since MS - seconds from then until now, for people
	local ms=$(($(lab_ms) - $1))
	printf '%d.%02d\n' $((ms / 1000)) $((ms % 1000 / 10))
}

lab_now() { # seconds since 1970, with milliseconds
	local t=$EPOCHREALTIME
	echo "${t%???}"
}

lab_in() { # lab_in NAMESPACE COMMAND... - only the network namespace changes
	local ns=$1
	shift
	nsenter --net="/run/netns/$ns" "$@"
}

# lab_ns NAME... - network namespaces whose links are up and whose addresses are there at once.
lab_ns() {
	local ns
	for ns; do
		ip netns add "$ns"
		lab_in "$ns" sysctl -qw net.ipv6.conf.default.accept_dad=0 \
			net.ipv6.conf.all.accept_dad=0 net.ipv4.ip_forward=1 \
			net.ipv6.conf.all.forwarding=1
		ip -n "$ns" link set lo up
	done
}

# lab_start NAME COMMAND... - in the background, its output in $LAB/NAME.log, its pid in $LAB/NAME.pid.
lab_start() {
	local name=$1
	shift
	"$@" >>"$LAB/$name.log" 2>&1 </dev/null &
	echo $! >"$LAB/$name.pid"
	disown # its end, whatever it is, is no news for people
}

lab_stop() { # lab_stop NAME... - and wait until each is gone
	local name pid
	for name; do
		[ -e "$LAB/$name.pid" ] || continue
		pid=$(<"$LAB/$name.pid")
		rm -f "$LAB/$name.pid"
		kill "$pid" 2>/dev/null || true
		lab_wait 10 lab_gone "$pid" || echo "lab: '$name' does not end" >&2
	done
}

lab_gone() { # lab_gone PID
	[ ! -e "/proc/$1" ]
}

# lab_record NAME NAMESPACE LINK - hear all of LINK from now on, into $LAB/NAME.pcap. Returns when it
# hears; the link may still be down.
lab_record() {
	lab_stop "wire-$1"
	rm -f "$LAB/wire-$1.log"
	lab_start "wire-$1" nsenter --net="/run/netns/$2" "$LAB_TOOLS/wire" record "$3" "$LAB/$1.pcap"
	lab_wait 5 grep -qs ready "$LAB/wire-$1.log" || {
		echo "lab: sniffer '$1' does not start: $(cat "$LAB/wire-$1.log")" >&2
		return 1
	}
}

# lab_sync NAME NAMESPACE LINK - all that has been on that link so far is in $LAB/NAME.pcap
lab_sync() {
	local mark
	mark=$(lab_token sync)
	nsenter --net="/run/netns/$2" "$LAB_TOOLS/forge" "$3" own ff:ff:ff:ff:ff:ff frame 88b5 "$mark" 1 >/dev/null
	lab_wait 10 lab_seen "$1" "text:$mark" || {
		echo "lab: sniffer '$1' is stuck" >&2
		return 1
	}
}

# lab_count NAME WHAT... - one number for each WHAT (see wire.c)
lab_count() {
	local name=$1
	shift
	"$LAB_TOOLS/wire" count "$LAB/$name.pcap" "$@"
}

lab_seen() { # lab_seen NAME WHAT - at least one frame so far
	[ "$(lab_count "$1" "$2")" -gt 0 ]
}

lab_token() { # lab_token KIND - never sent before
	local n
	n=$(od -An -N6 -tx1 /dev/urandom)
	echo "bh-$1-${n// /}"
}
