# manager.sh - a Debian's network managers on the laptop's host: NetworkManager, with the udev that tells it
# which links are its own, and ifupdown. Sourced after peers.sh.
#
# shellcheck shell=bash

# The host under a name that peers_exec can enter, and the laptop's resolver where a manager writes it.
manager_host() { # manager_host RESOLV-CONF-OF-THE-PEERS
	peers_up || return 1
	: >/run/netns/host
	mount --bind /proc/self/ns/net /run/netns/host
	[ -e "$LAB/peers/var/run" ] || ln -s ../run "$LAB/peers/var/run"
	echo lab-laptop >"$LAB/peers/etc/hostname"
	tr -d - </proc/sys/kernel/random/uuid >"$LAB/peers/etc/machine-id"
	rm -f /etc/resolv.conf # (the lab's own /etc)
	ln -s "$LAB/peers$1" /etc/resolv.conf
}

manager_in() { # manager_in COMMAND... - among the peers, in the host's network
	(peers_exec host lab-laptop "$@")
}

# udev with Debian's rules for links alone: links of a namespace are told to those inside it.
manager_udev() {
	local rules=$LAB/peers/lib/udev/rules.d
	find "$rules" -type f ! -name '7[0-9]-net-*' ! -name '8[0-9]-n*' -delete
	mkdir -p "$LAB/peers/run/udev/rules.d"
	# en0 plays a NIC, which the rules for a veth do not mean
	echo 'SUBSYSTEM=="net", KERNEL=="en0", ENV{NM_UNMANAGED}="0"' >"$LAB/peers/run/udev/rules.d/90-lab.rules"
	lab_start udev peers_exec host lab-laptop /lib/systemd/systemd-udevd
	export SYSTEMD_IGNORE_CHROOT=1
	lab_wait 10 manager_in udevadm control --ping 2>>"$LAB/udev.log" || return 1
	manager_in udevadm trigger --settle --subsystem-match=net --action=add
}

manager_bus() {
	cat >"$LAB/peers/etc/bus.conf" <<-'XML'
		<busconfig>
		<type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
		<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
		<allow send_destination="*" eavesdrop="true"/><allow receive_sender="*"/></policy>
		</busconfig>
	XML
	mkdir -p "$LAB/peers/run/dbus"
	lab_start bus peers_exec host lab-laptop /usr/bin/dbus-daemon --nofork --config-file=/etc/bus.conf
	lab_wait 10 test -S "$LAB/peers/run/dbus/system_bus_socket"
}

# NetworkManager as Debian configures it, with what Bulkhead installs below ROOT.
manager_nm() { # manager_nm ROOT
	local nm=$LAB/peers/usr/lib/NetworkManager
	cp "$1"/usr/lib/NetworkManager/conf.d/* "$nm/conf.d/"
	cp -p "$1"/usr/lib/NetworkManager/system-connections/* "$nm/system-connections/"
	mkdir -p "$LAB/peers/var/lib/NetworkManager"
	lab_start nm peers_exec host lab-laptop /usr/sbin/NetworkManager --debug --log-level=INFO
	lab_wait 20 manager_in nmcli -t general >/dev/null 2>"$LAB/nmcli.log"
}

manager_link() { # manager_link LINK - its state and connection, as NetworkManager has them
	manager_in nmcli -t -f DEVICE,STATE,CONNECTION device | sed -n "s/^$1://p"
}
