#!/usr/bin/env bash
# peers.sh - daemons that Debian ships as services, unpacked under out/peers and never installed:
# the lab runs them from there, chrooted, in a namespace of its own.
#
#	tests/peers.sh          make out/peers, or do nothing when it is there
set -euo pipefail
cd "$(dirname "$0")/.."

packages="dbus-daemon firewalld hostapd ifupdown iperf3 isc-dhcp-client kea-dhcp4-server kea-dhcp6-server lldpd netbase network-manager radvd wireguard-go wireguard-tools wpasupplicant"
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
tree=out/peers
stamp=$tree/.made-of
[ "$(cat "$stamp" 2>/dev/null)" = "$suite $packages" ] && exit 0
if [ "$(id -u)" != 0 ]; then
	echo "peers: root is needed to unpack '$packages' under $tree; run this with sudo" >&2
	exit 1
fi

mkdir -p out
rm -rf "$tree" "$tree.new"
echo "peers: unpacking $packages"
# This machine's own sources, so that a mirror it is told to use is used; only Debian's.
sources=(/etc/apt/sources.list.d/debian.sources)
if [ ! -e "${sources[0]}" ]; then
	mapfile -t sources < <(grep -E '^deb .*(http|https|file):.*debian' /etc/apt/sources.list || true)
fi
mmdebstrap --quiet --variant=extract --mode=root --aptopt='APT::Install-Recommends "false"' \
	--dpkgopt='path-exclude=/usr/share/*' --include="$packages" \
	"$suite" "$tree.new" "${sources[@]}" >out/peers.log 2>&1 || {
	tail -n 20 out/peers.log >&2
	exit 1
}
# What the packages' own scripts would have made: users, and folders for sockets.
printf '%s\n' root:x:0:0::/: _lldpd:x:901:901::/run/lldpd: >"$tree.new/etc/passwd"
printf '%s\n' root:x:0: _lldpd:x:901: >"$tree.new/etc/group"
mkdir -p "$tree.new/run/lldpd" "$tree.new/dev" "$tree.new/proc"
mv "$tree.new" "$tree"
echo "$suite $packages" >"$stamp"
