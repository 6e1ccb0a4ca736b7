# peers.sh - the programs of out/peers (tests/peers.sh), run in a namespace of the lab.
#
# shellcheck shell=bash

PEERS_ROOT=$LAB_TOP/out/peers

peers_have() { # peers_have PATH... - is it unpacked?
	local path
	for path; do
		[ -x "$PEERS_ROOT/$path" ] || return 1
	done
}

# A writable layer over the unpacked tree, at $LAB/peers; made once.
peers_up() {
	[ ! -d "$LAB/peers" ] || return 0
	mkdir -p "$LAB/peers" "$LAB/over/peers/upper" "$LAB/over/peers/work"
	mount -t overlay overlay \
		-o "lowerdir=$PEERS_ROOT,upperdir=$LAB/over/peers/upper,workdir=$LAB/over/peers/work" \
		"$LAB/peers" || return 1
	mkdir -p "$LAB/peers/dev" "$LAB/peers/proc" "$LAB/peers/sys" "$LAB/peers/run" "$LAB/peers/tmp"
	mount --rbind /dev "$LAB/peers/dev"
	mount -t proc proc "$LAB/peers/proc"
	echo "hosts: files" >"$LAB/peers/etc/nsswitch.conf"
}

# peers_exec NAMESPACE HOSTNAME COMMAND... - with a host name of its own, and a /sys that shows the links
# of its namespace. Replaces the caller: for lab_start, or in ( ).
peers_exec() {
	local ns=$1 name=$2
	shift 2
	# shellcheck disable=SC2016 # expanded inside
	exec nsenter --net="/run/netns/$ns" unshare --mount --uts "$BASH" -c '
		busybox hostname "$1" && mount -t sysfs sysfs "$2/sys" && root=$2 && shift 2 &&
			exec chroot "$root" "$@"' - "$name" "$LAB/peers" "$@"
}
