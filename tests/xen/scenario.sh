#!/bin/bash
# scenario.sh - in dom0: personal is dom0 itself, the work VM is a guest, Bulkhead is what `make install`
# installed. Says "good|WHAT|MEASURED" or "bad|WHAT|MEASURED", and leaves the disk in /shared/after.
set -uo pipefail
cd /shared || exit 1
. ./words
. ./roles.sh
STATE=/var/lib/bulkhead

now_ms() {
	local up
	read -r up _ < /proc/uptime
	echo "${up/./}0"
}
since() { # since MS - seconds, for people
	local ms=$(($(now_ms) - $1))
	printf '%d.%02d s' $((ms / 1000)) $((ms % 1000 / 10))
}
mark() { echo "$(since "$from"): $1"; } # for the log
good() { echo "good|$1|${2-}"; }
bad() { echo "bad|$1|${2-}"; }
wait_for() { # wait_for SECONDS COMMAND... - nothing tells of files on 9p, zones or sysfs
	local limit=$(($(now_ms) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt "$limit" ] || return 1
		sleep 0.3
	done
}
give_up() { # give_up WHAT MEASURED - what comes after makes no sense without it
	bad "$1" "$2"
	cp /tmp/*.log /var/log/xen/*.log /shared/ 2> /dev/null
	exit 1
}
page() { timeout -k 1 4 busybox wget -q -O - "http://$LAN/?$1" 2>&1; }

# tries WORD - what personal may try, all at once, each with a word that a sniffer outside looks for;
# prints what got an answer.
tries() {
	{ [ "$(page "$1")" != "this is the corp page" ] || echo page; } &
	{ [ "$(echo "$1" | timeout -k 1 3 busybox nc -w 2 "$LAN" 5001 2> /dev/null)" != "$1" ] || echo TCP; } &
	{ echo "$1-udp" > "/dev/udp/$LAN/5001"; } 2> /dev/null &
	{ timeout -k 1 4 ping -c 2 -W 1 -w 3 -p "$(printf %s "$1" | od -An -tx1 | tr -d ' \n')" "$LAN" \
		> /dev/null 2>&1 && echo ICMP; } &
	wait
}

# The firmware measures nothing of Xen on this way of booting (multiboot); the lab plays the rest of it.
measure() {
	export TPM2TOOLS_TCTI=device:/dev/tpmrm0
	local pcr
	for pcr in $(tpm2_pcrread sha256:4,8,9,15 | sed -n 's/^ *\([0-9]*\) *: 0x0*$/\1/p'); do
		tpm2_pcrevent "$pcr" <<< "laptop's boot, PCR $pcr" > /dev/null || return 1
	done
}

# Without Bulkhead personal is on the corporate LAN: the sniffer outside must see this.
without_bulkhead() {
	ip addr add 10.77.200.1/16 dev eth0
	ip link set eth0 up
	said=$(tries "$WITHOUT" | sort | tr '\n' ' ')
	[ "$said" = "ICMP TCP page " ] || give_up "without Bulkhead personal is on the corporate LAN" "only '$said'"
	good "without Bulkhead personal is on the corporate LAN" "by HTTP, TCP, ICMP"
	ip addr flush dev eth0
	ip link set eth0 down
}

install_all() {
	cp -a root/. / && mkdir -p /etc/bulkhead $STATE/policy $STATE/leases $STATE/disks || return 1
	cp etc/trust.yaml etc/trust.yaml.minisig /etc/bulkhead/
	chmod 700 $STATE
	install -m 600 etc/policy.yaml $STATE/policy/current.yaml
	install -m 600 etc/policy.yaml.minisig $STATE/policy/current.yaml.minisig
	cat > /etc/bulkhead/bulkheadd.yaml <<-YAML
		placement: dom0
		uplinks: [eth0]
		ports:
		  - {match: host0, class: personal}
		  - {match: "vif*", class: work}
		tpm: /dev/tpmrm0
		uid_base: $UID_BASE
		state: $STATE
		runtime: /run/bulkhead
	YAML
	modprobe nbd
}

enrol() {
	bulkhead device enrol --name xen-laptop --tpm /dev/tpmrm0 > /tmp/device.yaml || return 1
	cp /tmp/device.yaml /shared/device.yaml && : > /shared/enrolled
}

take_checkout() {
	wait_for 120 test -e /shared/checked-out || return 1
	install -m 600 device.yaml device.yaml.minisig $STATE/
	cp -r checkout/disks/. $STATE/disks/ && cp checkout/leases/* $STATE/leases/ || return 1
	find $STATE -type d -exec chmod 700 {} +
}

start_daemon() {
	bulkheadd > /tmp/bulkheadd.log 2>&1 &
	daemon=$!
	wait_for 120 answers
}
answers() { [ -S /run/bulkhead/control.sock ] && bulkhead status --json > /tmp/status.json 2> /dev/null; }
zone() { bulkhead status --json | jq -r '.uplinks[] | select(.ifname == "eth0") | .zone'; }
zone_is() { [ "$(zone)" = "$1" ]; }

guest_config() {
	cat > /tmp/work.cfg <<-XL
		name = "work"
		type = "pv"
		kernel = "/boot/vmlinux"
		ramdisk = "/boot/initramfs-guest"
		memory = 192
		extra = "console=hvc0 quiet mitigations=off nokaslr rodata=off address=100.64.0.6/30 gateway=100.64.0.5 page=http://$LAN/ marker=$MARKER"
		disk = ["format=raw,vdev=xvda,access=w,script=block-bulkhead,target=work"]
		vif = ["script=vif-bulkhead"]
		on_poweroff = "destroy"
		on_crash = "destroy"
	XL
}

locked_is_refused() {
	if said=$(xl create -q /tmp/work.cfg 2>&1); then
		give_up "a guest whose disk is locked does not start" "it does"
	fi
	said=$(sed -n 's/.*script: //p' <<< "$said" | head -n 1)
	case $said in
	*"bulkhead disk unlock work"*) good "a guest whose disk is locked does not start" "$said" ;;
	*) bad "a guest whose disk is locked does not start" "$said" ;;
	esac
}

unlocks() { said=$(printf %s "$PIN" | bulkhead disk unlock work --pin-fd 0 2>&1); }

# An emulated machine can be so slow that decide is replaced right then: the command says that nobody
# answered, and a person asks again when what was begun is undone.
unlock() {
	local start again=
	start=$(now_ms)
	if ! unlocks && [[ "$said" = *"ended the talk"* ]]; then
		again="; decide was replaced, so asked again"
		wait_for 120 unlocks
	fi
	bulkhead status --json | jq -e '.disks[0].name == "work"' > /dev/null ||
		give_up "the disk is unlocked with its PIN and this TPM" "$said"
	good "the disk is unlocked with its PIN and this TPM" "$(since "$start")$again"
}

personal_tries() { # while the guest is on the LAN
	local got
	got=$(tries "$PERSONAL" | tr '\n' ' ')
	! ip link show eth0 > /dev/null 2>&1 || got="$got(and dom0 holds the NIC)"
	if [ -z "$got" ]; then
		good "dom0, which is personal, does not reach the corporate LAN" "no answer by HTTP, TCP, ICMP"
	else
		bad "dom0, which is personal, does not reach the corporate LAN" "$got"
	fi
}

while_it_runs() {
	local log=$1 fault
	wait_for 120 test -e /sys/block/nbd0/pid || give_up "the disk is /dev/nbdN" "$(tail -n 3 /tmp/xl.log)"
	udevadm test --action=change /sys/block/nbd0 > /tmp/udev.log 2>&1
	fault=$(grep -c 'ID_FS_TYPE=' /tmp/udev.log)
	if [ "$(stat -c %a:%U /dev/nbd0)" = 600:root ] && [ "$fault" = 0 ]; then
		good "/dev/nbd0 is the guest's only" "mode 600, not probed by udev, backend '$(cat /sys/block/nbd0/backend)'"
	else
		bad "/dev/nbd0 is the guest's only" "$(stat -c %a:%U /dev/nbd0), $fault signs of probing"
	fi
	# read outside, where a program does not cost so much; one file, as 9p is slow with many
	roles_copy /tmp/roles "$daemon"
	echo "$daemon" > /tmp/roles/supervisor
	busybox tar -cf /shared/roles.tar -C /tmp/roles .
	mark "attached"
	personal_tries
	mark "personal has tried"
	# The guest has all that it wants from the network. Its disk is taken back and locked by a decide that
	# did not unlock it.
	wait_for 120 grep -qs '^GUEST page' "$log"
	wait_for 30 pkill -KILL -x bulkhead-decide || bad "decide is killed while the disk is served" "it does not run"
}

run_guest() {
	local start log=/var/log/xen/guest-work.log xl
	start=$(now_ms)
	timeout 200 xl create -q -F /tmp/work.cfg > /tmp/xl.log 2>&1 &
	xl=$!
	while_it_runs "$log"
	wait $xl || give_up "the guest boots from its disk" "$(tail -n 3 /tmp/xl.log | tr '\n' ' ')"
	if grep -qs '^GUEST root /dev/xvda / ext4 rw' $log; then
		good "a PV guest boots from the encrypted VHD" "/dev/xvda, $(since "$start") to its end"
	else
		bad "a PV guest boots from the encrypted VHD" "$(tail -n 2 $log | tr '\n' ' ')"
	fi
	said=$(sed -n 's/^GUEST page //p' $log | tr -d '\r')
	if [ "$said" = "this is the corp page" ]; then
		good "the guest gets the intranet's page" "'$said'"
	else
		bad "the guest gets the intranet's page" "'$said'"
	fi
	grep -qs '^GUEST marker 64' $log || bad "the guest writes its marker" "$(tail -n 1 $log)"
}

leave() {
	wait_for 120 test ! -e /sys/block/nbd0/pid || bad "/dev/nbd0 is taken back" "it is still connected"
	said=$(bulkhead disk lock work 2>&1) || bad "the disk is locked again" "$said"
	said=$(bulkhead audit verify 2>&1) && good "bulkhead audit verify" "$said" ||
		bad "bulkhead audit verify" "$said"
	kill "$daemon"
	wait "$daemon"
	mkdir -p /shared/after
	cp $STATE/disks/work/* /shared/after/
	said=$(grep -rlaF "$MARKER" $STATE /tmp /run/bulkhead 2> /dev/null | grep -v '^/tmp/work.cfg$')
	[ -z "$said" ] || bad "the guest's marker is in no file of dom0" "$said"
	cp /tmp/*.log /var/log/xen/*.log /shared/
}

from=$(now_ms)
# The kernel would load each by itself and try the whole ruleset anew every time: seconds, emulated.
modprobe -a nft_masq nft_limit nft_ct nft_connlimit nft_objref nft_fib_inet nft_fib_ipv4 nft_fib_ipv6 \
	nft_chain_nat veth
measure || give_up "PCRs 4, 8, 9 and 15 are not blank" "tpm2_pcrevent failed"
mark "PCRs are measured"
without_bulkhead
mark "without Bulkhead"
install_all || give_up "Bulkhead is installed in dom0" ""
enrol || give_up "the laptop's TPM is enrolled" ""
mark "enrolled"
take_checkout || give_up "IT checks the disk out for this laptop" "no answer"
mark "checked out"
begin=$(now_ms)
start_daemon || give_up "bulkheadd answers" "$(tail -n 3 /tmp/bulkheadd.log | tr '\n' ' ')"
mark "the daemon answers"
wait_for 120 zone_is proven || give_up "eth0 is proven corporate" "zone '$(zone)'"
good "in dom0 eth0 is proven corporate" "$(since "$begin") after bulkheadd's start"
guest_config
locked_is_refused
mark "refused"
unlock
mark "unlocked"
run_guest
mark "the guest is gone"
leave
mark "left"
