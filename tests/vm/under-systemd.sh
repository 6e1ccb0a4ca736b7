#!/usr/bin/env bash
# In the emulated machine, with systemd as PID 1, udev, and systemd-networkd which takes every card that it sees
# (systemd-first.sh): the boot unit's namespace is there before the network, the card is in it, and of personal,
# which sends from the first moment on, nothing is on the cable but what the zone permits; nothing after a stop.
# Given back, the card is networkd's again and personal is heard. EMULATED=all: the daemon is also killed and
# upgraded, and the machine sleeps twice: with the hook, which closes before, and without it, where the clock does.
set -uo pipefail
. "$(dirname "$0")/../lab/wait.sh"
card=enp0s9
all=${EMULATED-}

fail() {
	echo "$1; $(bulkhead status 2>&1 | head -n 4); journal: $(journalctl -b --no-pager -o cat -u 'bulkhead*' | tail -n 12)"
	exit 1
}
began=$(lab_ms)
ok() { echo "ok - $1 (after $((($(lab_ms) - began) / 1000)) s)"; }
zone_is() { [ "$(bulkhead status --json 2>/dev/null | jq -r '.uplinks[0].zone')" = "$1" ]; }
opens() { lab_wait 60 zone_is foreign && lab_wait 20 page || fail "$1: the network does not open"; }
page() { [ "$(echo hello | timeout 20 busybox nc 10.0.2.100 80 -w 10 2>/dev/null)" = hello ]; } # (an echo)
inside() { ip -n bulkhead link show dev $card >/dev/null 2>&1 && [ ! -e /sys/class/net/$card ]; }
is_up() { [[ $(ip -n bulkhead -o link show dev $card) == *[\<,]UP[,\>]* ]]; }
entered() { systemctl show -P "$2TimestampMonotonic" "$1"; } # microseconds
sentinel() { head -n 1 /run/bulkhead-sentinel.pid; }
# The seconds in which personal's frames of a kind that are on the cable were sent.
seconds() { # seconds raw|udp FROM UNTIL
	modprobe 9pnet_virtio
	mount -t 9p -o trans=virtio,version=9p2000.L shared /run/share
	grep -aoE "bh-$1-[0-9]+-" /run/share/cable.pcap | cut -d- -f3 | awk -v a="$2" -v b="$3" '$1 >= a && $1 < b' | sort -u
	umount /run/share
	modprobe -r 9pnet_virtio
}
foreign_since() { # foreign_since SECOND - the first that it became so from then on
	journalctl -b --no-pager -o short-unix -u bulkheadd | sed -n 's/^\([0-9]*\).*-> foreign.*/\1/p' | awk -v a="$1" '$1 >= a && !n++'
}
silent() { # silent WHAT FROM UNTIL
	local heard
	heard=$(seconds udp "$2" "$3")
	[ -z "$heard" ] || fail "$1: personal is on the cable in $(wc -w <<<"$heard") of $(($3 - $2)) s"
}

[ "$(</proc/1/comm)" = systemd ] || fail "PID 1 is $(</proc/1/comm)"
[ -z "$(systemctl list-units --failed --no-legend 'bulkhead*')" ] || fail "failed units: $(systemctl --failed --no-legend)"
for unit in bulkhead-netns bulkheadd; do
	systemctl -q is-active $unit || fail "$unit is not running"
done
[ "$(entered bulkhead-netns ActiveEnter)" -le "$(entered network-pre.target ActiveEnter)" ] ||
	fail "the namespace comes after network-pre.target"
[ "$(entered bulkhead-netns ActiveEnter)" -le "$(entered systemd-networkd ExecMainStart)" ] ||
	fail "systemd-networkd starts before the namespace is there"
[ "$(</sys/fs/cgroup/system.slice/bulkheadd.service/cpu.weight)" = 1000 ] || fail "no share of the CPU is its own"
for nice in bulkhead-decide:-10 bulkhead-nft:-10 bulkhead-sniff:-10 bulkhead-key:0 dhcpcd:0; do
	[ "$(ps -o ni= -C "$(cut -c 1-15 <<<"${nice%:*}")" | sort -un | tr -d ' \n')" = "${nice#*:}" ] || fail "not as nice as $nice: $(ps -eo ni,comm)"
done
inside || fail "the card is not in the namespace: $(ip -br link)"
opens boot
at=$(foreign_since 0)
silent boot 0 "$at"
ok "boot: the namespace before the network, the card in it, closed until it was foreign"

held=$(sentinel)
systemctl stop bulkheadd
stopped=$EPOCHSECONDS
inside && [ -e "/proc/$held" ] || fail "stopped, the namespace is not held"
page && fail "stopped, and open"
started=$EPOCHSECONDS
systemctl start bulkheadd
opens start
silent stop $((stopped + 1)) "$started"
ok "stop closes, start opens"
by=stop

if [ "$all" = all ]; then
	kill -KILL "$(systemctl show -P MainPID bulkheadd)"
	lab_wait 10 zone_is unknown || lab_wait 10 zone_is foreign || fail "killed, and not back"
	opens kill
	for file in /usr/libexec/bulkhead/bulkhead*; do # as dpkg replaces files
		cp -a "$file" "$file.dpkg-new" && mv "$file.dpkg-new" "$file"
	done
	systemctl daemon-reload
	systemctl restart bulkheadd
	opens upgrade
	[ "$(sentinel)" = "$held" ] && [ -e "/proc/$held" ] || fail "the sentinel did not outlive the upgrade"
	ok "killed and upgraded: it opens again, under the same sentinel"
	by+=", kill, upgrade"
fi

if [ -n "$all" ]; then
	asleep() { # seconds that the machine has slept: what one clock has and the other lacks
		awk 'NR == 1 { up = $1 } $1 == "now" { print int(up - $3 / 1e9); exit }' /proc/uptime /proc/timer_list
	}
	has_slept() { [ $(($(asleep) - before)) -ge 5 ]; }
	sleeps() { # sleeps HOW... - for real, until its clock wakes it; ALARM: when that is, in seconds since 1970
		before=$(asleep)
		echo 0 >/sys/class/rtc/rtc0/wakealarm
		alarm=$(($(</sys/class/rtc/rtc0/since_epoch) + 90))
		echo $alarm >/sys/class/rtc/rtc0/wakealarm
		"$@" || fail "'$*' fails"
		lab_wait 30 has_slept || fail "'$*': the machine does not sleep: $(dmesg | tail -n 5)"
		dd if=/run/bridge of=$bridge bs=8 seek=8 count=1 conv=notrunc 2>/dev/null
	}
	# Where the registers are that put the machine to sleep: QEMU 7.2 forgets it in a sleep, and does not sleep again.
	bridge=/sys/bus/pci/devices/0000:00:1f.0/config
	dd if=$bridge of=/run/bridge bs=8 skip=8 count=1 2>/dev/null
	where() { journalctl -b --no-pager -o cat | grep -n -m 1 "$1" | cut -d: -f1; }
	sleeps systemctl suspend
	lab_wait 20 systemctl -q is-active bulkheadd || fail "the daemon did not outlive the sleep"
	opens resume
	[[ $(</run/before-sleep) != *[\<,]UP[,\>]* ]] || fail "the uplink was up before the sleep: $(</run/before-sleep)"
	slept=$(where 'PM: suspend entry') up=$(where 'resume: the uplinks come up')
	[ "$slept" -lt "$up" ] || fail "the uplinks came up before the sleep: lines $slept, $up"
	at=$(foreign_since $alarm)
	silent resume $alarm "$at"
	ok "suspend: closed before, opened after it was judged anew"

	# Somebody took the hook away: the grant sleeps, too.
	systemctl mask bulkhead-sleep.service 2>/dev/null
	sleeps bash -c 'echo mem >/sys/power/state'
	judged() { # again, since it woke
		at=$(foreign_since $alarm)
		[ -n "$at" ]
	}
	lab_wait 60 judged || fail "the sleep was not noticed"
	silent "resume without the hook" $alarm "$at"
	ok "without the hook: nothing under a grant from before the sleep"
	by+=", sleep"
fi

[ -z "$(seconds raw 0 $EPOCHSECONDS)" ] || fail "personal's raw frames are on the cable"
late=$(journalctl -b --no-pager -o cat -u bulkheadd | grep -c 'taken down without it')
[ "$late" -le 10 ] || fail "taken for hanging $late times"
bulkhead net release --yes 2>/dev/null || fail "net release fails"
[ -e /sys/class/net/$card ] || fail "the card does not come back"
is_active() { [[ $(networkctl --no-legend list $card) == *routable* ]] || ip link set $card up; }
lab_wait 20 is_active
from=$EPOCHSECONDS
lab_pause 3
[ -n "$(seconds raw "$from" 9999999999)" ] || fail "the record of the cable does not have what personal sends"
echo "closed from the first moment, by $by; given back, personal is heard; taken for hanging $late times"
