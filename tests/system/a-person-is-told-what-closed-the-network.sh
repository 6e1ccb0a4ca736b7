#!/usr/bin/env bash
# The notifier, as a user of the desktop, on a real session bus: silent while all is well and while a
# network is looked at, then one notification, replaced in place, for each thing that matters.
# limit: 120 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"
daemon=$(command -v dbus-daemon || echo "$LAB_TOP/out/peers/usr/bin/dbus-daemon")
[ -x "$daemon" ] || lab_skip "there is no dbus-daemon, and none in out/peers"

fail() {
	echo "$1; shown: $(cat "$LAB/shown.log")"
	exit 1
}
shown() { # shown PATTERN - the last notification
	tail -n 1 "$LAB/shown.log" | grep -qE "$1"
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start || fail "bulkheadd does not start"

mkdir -m 700 "$LAB/session"
cat >"$LAB/session/bus.conf" <<-XML
	<busconfig><type>session</type><listen>unix:path=$LAB/session/bus</listen>
	<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
	</busconfig>
XML
chown -R 65534:65534 "$LAB/session"
export DBUS_SESSION_BUS_ADDRESS=unix:path=$LAB/session/bus
libraries=$(find "$LAB_TOP/out/peers/usr/lib" -maxdepth 1 -name '*-linux-gnu' 2>/dev/null)
lab_start bus setpriv --reuid 65534 --regid 65534 --clear-groups env LD_LIBRARY_PATH="$libraries" \
	"$daemon" --nofork --config-file="$LAB/session/bus.conf"
lab_wait 5 test -S "$LAB/session/bus" || fail "the bus does not start: $(cat "$LAB/bus.log")"
lab_start shown setpriv --reuid 65534 --regid 65534 --clear-groups "$LAB_TOOLS/notifications"
lab_wait 5 shown ready || fail "the recorder does not start: $(cat "$LAB/bus.log")"
lab_start notify setpriv --reuid 65534 --regid 65534 --clear-groups bulkhead-notify

lans_plug home
lab_wait 40 laptop_zone_is foreign || fail "the home LAN does not become foreign"
lab_wait 3 shown '\|' && fail "told something while all is well"

beacon_start || fail "no beacon"
lans_plug corp
lab_wait 40 shown '^1\|Bulkhead\|Personal network is closed\|.*en0: .*' || fail "the corporate network is not told"
lab_wait 40 shown "beacon of site" || fail "the proof is not told: $(bulkhead status)"

lans_plug home
lab_wait 60 shown '^1\|Bulkhead\|Personal network is open\|by way of en0' || fail "that it is open again is not told"
laptop_stop
lab_wait 30 shown '^1\|Bulkhead\|Personal network is closed\|bulkheadd does not answer' || fail "the daemon's end is not told"
echo "$(grep -c '|' "$LAB/shown.log") notifications, in one bubble"
