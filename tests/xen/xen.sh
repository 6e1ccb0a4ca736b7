# xen.sh - a laptop that is a real Xen: boots it, plugs it into the lab's corporate LAN, and plays IT.
# Sourced inside the lab (lab.sh, lans.sh and pki.sh before it); needs the LAN 'corp' and its beacon.
#
# shellcheck shell=bash

XEN_DIR=$LAB/xen
XEN_SHARE=$XEN_DIR/share # dom0's /shared
XEN_PIN=493817
XEN_MARKER=
XEN_UID_BASE=64100
XEN_NIC=02:00:00:00:e0:02
XEN_HERE=$LAB_TOP/tests/xen

# What dom0 finds in /shared: what is installed, IT's documents, the scenario and its words.
xen_share() {
	rm -rf "$XEN_DIR"
	mkdir -p "$XEN_SHARE/etc" "$XEN_DIR/guest"
	cp -a "$LAB_OUT/demo-root" "$XEN_SHARE/root"
	cp "$XEN_HERE/scenario.sh" "$LAB_TOP/tests/lab/roles.sh" "$XEN_SHARE/"
	cp "$IT"/trust.yaml "$IT"/trust.yaml.minisig "$IT"/policy.yaml "$IT"/policy.yaml.minisig \
		"$XEN_SHARE/etc/"
	XEN_MARKER=$(lab_token guest)
	XEN_WITHOUT=$(lab_token w)
	XEN_WITHOUT=${XEN_WITHOUT:0:16} # what fits into a ping
	XEN_PERSONAL=$(lab_token p)
	XEN_PERSONAL=${XEN_PERSONAL:0:16}
	printf '%s=%q\n' MARKER "$XEN_MARKER" WITHOUT "$XEN_WITHOUT" PERSONAL "$XEN_PERSONAL" \
		PIN "$XEN_PIN" UID_BASE "$XEN_UID_BASE" LAN "$LAN_GATEWAY_corp" > "$XEN_SHARE/words"
}

# The guest's own disk, at IT: a static busybox, and an init that does what guest-init says.
xen_guest_disk() { # xen_guest_disk IMAGE
	local root=$XEN_DIR/guest tool
	mkdir -p "$root"/{bin,sbin,dev,proc,sys,etc}
	cp "$1/busybox" "$root/bin/"
	for tool in sh grep sed ip wget timeout sync sleep poweroff; do
		ln -s busybox "$root/bin/$tool"
	done
	install -m 755 "$XEN_HERE/guest-init" "$root/sbin/guest-init"
	mke2fs -q -t ext4 -m 0 -d "$root" "$IT/guest.raw" 32M > /dev/null &&
		qemu-img convert -f raw -O vpc -o subformat=dynamic,force_size=on \
			"$IT/guest.raw" "$IT/guest.vhd"
}

xen_plug() { # dom0's NIC is in the corporate LAN, and a sniffer hears its cable
	ip -n corp tuntap add xen0 mode tap || return 1
	lab_record xen corp xen0 || return 1
	ip -n corp link set xen0 master br0
	ip -n corp link set xen0 up
}

xen_unplug() {
	ip -n corp link del xen0
	lab_stop wire-xen
}

# IT's part, while dom0 runs: sign the device's record, check the disk out for it. Says nothing.
xen_it() {
	lab_wait 120 test -e "$XEN_SHARE/enrolled" || return 1
	cp "$XEN_SHARE/device.yaml" "$IT/xen-device.yaml"
	pki_sign policy "$IT/xen-device.yaml" &&
		printf %s "$XEN_PIN" | bulkhead disk create --source "$IT/guest.vhd" --name work \
			--out "$XEN_SHARE/checkout" --device "$IT/xen-device.yaml" --trust "$IT/trust.yaml" \
			--lease-key "$IT/keys/lease.key" --not-after "$(pki_date +1day)" \
			--recovery-out "$IT/xen-recovery" --pin-fd 0 || return 1
	cp "$IT/xen-device.yaml.minisig" "$XEN_SHARE/device.yaml.minisig"
	: > "$XEN_SHARE/checked-out"
}

xen_boot() { # xen_boot IMAGE - dom0's lines on standard output; its exit status
	local it status
	xen_it > "$LAB/xen-it.log" 2>&1 &
	it=$!
	LIMIT=${XEN_LIMIT:-400} nsenter --net=/run/netns/corp "$XEN_HERE/boot-xen.sh" "$1" "$XEN_SHARE" \
		'bash scenario.sh' -netdev tap,id=corp,ifname=xen0,script=no,downscript=no \
		-device "virtio-net-pci,netdev=corp,mac=$XEN_NIC,romfile=" 2>&1
	status=$?
	kill $it 2> /dev/null && wait $it
	sed 's/^/IT: /' "$LAB/xen-it.log"
	return $status
}

# xen_step - the whole of it; results by the caller's good WHAT [MEASURED] and bad WHAT [MEASURED].
xen_step() {
	local image verdict what measured status from
	image=$("$LAB_TOP/tests/vm/image.sh") || return 1
	xen_share && xen_guest_disk "$image" && xen_plug || return 1
	from=$(lab_ms)
	exec {lines}< <(
		xen_boot "$image"
		echo "status|$?"
	)
	while IFS='|' read -r -u "$lines" verdict what measured; do
		case $verdict in
		good | bad) $verdict "$what" "$measured" ;;
		status) status=$what ;;
		*) echo "$verdict${what:+|$what}${measured:+|$measured}" >> "$LAB/xen.log" ;;
		esac
	done
	exec {lines}<&-
	xen_unplug
	if [ "$status" = 0 ]; then
		good "dom0 came to its end" "$(lab_since "$from") s with its boot"
	else
		bad "dom0 came to its end" "exit status $status; $(tail -n 3 "$LAB/xen.log" | tr '\n' ' ')"
	fi
	xen_roles
	xen_wire
	xen_disk
}

# Each process in dom0 against the role table, by what it copied of its /proc while the guest ran.
xen_roles() {
	local fault n supervisor
	mkdir "$XEN_DIR/roles"
	if ! tar -xf "$XEN_SHARE/roles.tar" -C "$XEN_DIR/roles"; then
		bad "each role in dom0 has what roles.tsv grants" "nothing was copied"
		return
	fi
	supervisor=$(<"$XEN_DIR/roles/supervisor")
	n=$(ROLES_PROC=$XEN_DIR/roles/proc roles_of "$supervisor" | grep -c .)
	fault=$(ROLES_PROC=$XEN_DIR/roles/proc roles_check "$supervisor" $XEN_UID_BASE)
	if [ -z "$fault" ] && [ "$n" -ge 9 ]; then
		good "each role in dom0 has what roles.tsv grants" "$n processes"
	else
		bad "each role in dom0 has what roles.tsv grants" "$n processes; ${fault//$'\n'/; }"
	fi
}

# What the cable carried. The first count shows that this sniffer sees what it looks for.
xen_wire() {
	local without udp personal
	without=$(lab_count xen "text:$XEN_WITHOUT")
	udp=$(lab_count xen "text:$XEN_WITHOUT-udp")
	personal=$(lab_count xen "text:$XEN_PERSONAL")
	if [ "$without" -ge 4 ] && [ "$udp" -ge 1 ] && [ "$personal" = 0 ]; then
		good "frames of personal on the corporate cable" "0 with Bulkhead, $without without"
	else
		bad "frames of personal on the corporate cable" "$personal with Bulkhead, $without ($udp of UDP) without"
	fi
}

# What a thief of the disk finds, and what IT's recovery key opens.
xen_disk() {
	local after=$XEN_SHARE/after n
	if [ ! -s "$after/leaf.vhd" ] || [ ! -s "$after/leaf.luks" ]; then
		bad "the guest's marker is nowhere on the disk" "dom0 left no disk behind"
		return
	fi
	n=$(cat "$after/leaf.vhd" "$after/leaf.luks" | grep -caF "$XEN_MARKER")
	if ! bulkhead disk export "$after" "$IT/xen-after.raw" --recovery-file "$IT/xen-recovery" \
		> "$LAB/xen-export.log" 2>&1; then
		bad "the recovery key opens what the guest wrote" "$(tail -n 1 "$LAB/xen-export.log")"
	elif [ "$n" = 0 ] && grep -qaF "$XEN_MARKER" "$IT/xen-after.raw"; then
		good "the guest's marker is nowhere on the disk" \
			"0 times in $(stat -c %s "$after/leaf.vhd") bytes; $(grep -caF "$XEN_MARKER" "$IT/xen-after.raw") lines by the recovery key"
	else
		bad "the guest's marker is nowhere on the disk" "$n times; by the recovery key $(grep -caF "$XEN_MARKER" "$IT/xen-after.raw"); its file has: $(debugfs -R 'cat /marker.txt' "$IT/xen-after.raw" 2> /dev/null | head -n 2 | tr '\n' ' ')"
	fi
}
