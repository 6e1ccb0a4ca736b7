#!/usr/bin/env bash
# In the emulated machine, with a real card (e1000; VM_ARGUMENTS of the test that runs this): when the last
# that holds the namespace goes, the kernel gives the card back to the first namespace, and gives it back
# down. Personal, which sends all the while there too, is not on the cable (QEMU's own record of it).
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
wire=/shared/cable.pcap
if [ -z "${LAB_INSIDE-}" ]; then
	exec 7</proc/self/ns/net # where the kernel puts what nobody holds
	for card in /sys/bus/{pci,virtio}/devices/*/net/*; do
		[ ! -e "$card" ] || CARD=${card##*/}
	done
	[ -n "${CARD-}" ] || { echo "this machine has no card"; exit 1; }
	export CARD
fi
for part in lab lans tpm roles laptop pki; do
	. "$here/lab/$part.sh"
done
lab_enter "$@"
IT=$LAB/it
PATH=$LAB_OUT/demo-root/usr/bin:$LAB_OUT/demo-root/usr/sbin:$PATH:/sbin
mkdir -p "$IT"

fail() {
	echo "$1; log: $(tail -n 10 "$LAB/bulkheadd.log" 2>/dev/null)"
	exit 1
}
outside() { nsenter --net=/proc/self/fd/7 "$@"; }
is_up() { [[ $("$@" ip -o link show dev "$CARD" 2>/dev/null) == *[\<,]UP[,\>]* ]]; }
on_the_cable() { grep -aqF "$1" $wire; }
sends() { # sends TOKEN - to everybody on the cable, by whatever way there is
	"$LAB_TOOLS/send" udp 192.168.9.1 9 "$1" 5
	outside "$LAB_TOOLS/send" packet "$CARD" ff:ff:ff:ff:ff:ff "$1" 5
}
come_back() { outside ip link show dev "$CARD" >/dev/null 2>&1; }

# Without Bulkhead the cable has it.
token=$(lab_token plain)
outside ip link set "$CARD" up
outside "$LAB_TOOLS/send" packet "$CARD" ff:ff:ff:ff:ff:ff "$token" 5 >/dev/null
lab_wait 5 on_the_cable "$token" || fail "the record of the cable does not have what is sent"
outside ip link set "$CARD" down
outside ip link set "$CARD" netns $$ || fail "the card does not move"

laptop_install && pki_make && pki_install || fail "the lab does not come up"
sed -i "s/^uplinks: .*/uplinks: [$CARD]/" $LAPTOP_CONFIG
laptop_start || fail "bulkheadd does not start"
lab_wait 10 is_up lab_in bulkhead || fail "the card is not up in the namespace"
token=$(lab_token kept)
sends "$token" >/dev/null 2>&1

# The daemon's end leaves the namespace; so does its name's, while the sentinel lives.
read -r sentinel </run/bulkhead-sentinel.pid
pids=$(laptop_pids)
# shellcheck disable=SC2086 # one word each
kill -KILL $pids 2>/dev/null
for pid in $pids; do
	lab_wait 10 lab_gone "$pid" || fail "process $pid stays"
done
umount /run/netns/bulkhead
come_back && fail "the namespace ended while the sentinel holds it"
ip -n bulkhead link show >/dev/null 2>&1 && fail "the name is still there"
kill -KILL "$sentinel"
lab_wait 20 come_back || fail "the card does not come back"
is_up outside && fail "the card comes back up"
sends "$token" >/dev/null 2>&1
is_up outside && fail "the card is up"
on_the_cable "$token" && fail "personal is on the cable"
outside ip link set "$CARD" up
outside "$LAB_TOOLS/send" packet "$CARD" ff:ff:ff:ff:ff:ff "$token-end" 1 >/dev/null
lab_wait 5 on_the_cable "$token-end" || fail "the record of the cable has ended"
echo "$CARD came back down; $(stat -c %s $wire) bytes on the cable, none of personal's"
