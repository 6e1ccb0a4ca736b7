#!/usr/bin/env bash
# "bulkhead wifi" and a real wpa_supplicant (without a radio: what needs one is in tests/vm/wifi.sh): its
# answers reach the command in the supplicant's own folder, a network that is not in reach is not kept,
# one that is known is found by its SSID whatever bytes that has, one with 802.1X that IT wrote is tried as it is
# and stays, and each refusal says what to do. A link in that folder is not followed. "status" and "net explain"
# name the network, whatever its bytes.
# limit: 90 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
for part in lab lans tpm roles laptop pki disk dot1x; do
	. "$here/lab/$part.sh"
done
lab_enter "$@"
command -v strace >/dev/null || lab_skip "strace is not installed"
fail() {
	echo "$1; $(tail -n 3 "$LAB/said")"
	exit 1
}
says() { # says STATUS TEXT COMMAND...
	local want=$1 text=$2 status
	shift 2
	"$@" >"$LAB/said" 2>&1 <&0
	status=$?
	[ $status = "$want" ] && { [ -z "$text" ] || grep -q "$text" "$LAB/said"; } || fail "'$*' ends with $status"
}
laptop_install || fail "no installation"
dot1x_install
uid=$((LAPTOP_UID_BASE + 14))
folder=$LAPTOP_STATE/supplicant
says 1 'lists no radio' bulkhead wifi status
sed -i 's/^uplinks: .*/radios: [wl0]/' $LAPTOP_CONFIG
says 1 'is bulkheadd running' bulkhead wifi status

ip link add wl0 type veth peer name air0
ip link set wl0 up
mkdir -p "$folder"
ssid=$'a "b" \\ c\xc3\xbc'
printf '%s\n' "ctrl_interface=DIR=$folder/ctrl" update_config=1 'network={' \
	"ssid=$(printf %s "$ssid" | od -An -tx1 | tr -d ' \n')" 'key_mgmt=NONE' '}' \
	'network={' 'ssid="company"' key_mgmt=WPA-EAP eap=PEAP 'identity="laptop"' '}' >"$folder/wl0.conf"
chmod 711 "$LAPTOP_STATE"
chown -R $uid:$uid "$folder"
chmod 700 "$folder"
supplicant() { # supplicant NETWORK-NAMESPACE
	lab_start supplicant nsenter --net="$1" setpriv --reuid $uid --regid $uid --clear-groups \
		--inh-caps +net_admin,+net_raw --ambient-caps +net_admin,+net_raw \
		wpa_supplicant -D wired -i wl0 -c "$folder/wl0.conf"
	lab_wait 10 test -S "$folder/ctrl/wl0" || fail "no supplicant: $(cat "$LAB/supplicant.log")"
}
shown='a \"b\" \\ c\xc3\xbc'
supplicant /proc/self/ns/net
told() { says 0 '' bulkhead wifi status </dev/null && grep -qxF "connected to '$shown'" "$LAB/said"; }
lab_wait 10 told || fail "wifi status does not name the network"

# The supplicant owns the folder in which the command, as root, makes its socket and gives it away. A link that it
# puts there in between is given away itself, and not what it points to.
echo root >"$LAB/victim"
made() { link=$(find "$folder" -name 'cli-*' -type s) && [ -n "$link" ]; }
given() { [ "$(stat -c %u "$link")" = $uid ] || [ "$(stat -c %u "$LAB/victim")" != 0 ]; }
calls=chown,lchown,fchown,fchownat
lab_start race strace -f -o "$LAB/race" -e trace=$calls -e inject=$calls:delay_enter=3000000 bulkhead wifi status
lab_wait 10 made || fail "the command makes no socket: $(<"$LAB/race.log")"
rm "$link" && ln -s "$LAB/victim" "$link"
lab_wait 10 given || fail "the command gives nothing away: $(<"$LAB/race")"
[ "$(stat -c %u "$LAB/victim")" = 0 ] || fail "what a link in the supplicant's folder points to is the supplicant's"
lab_stop race
rm -f "$link"
cp "$folder/wl0.conf" "$LAB/wl0.conf"

says 2 'passphrase has 8 to 63' bulkhead wifi connect nearby <<<"short"
says 124 '' timeout 2 bulkhead wifi connect company <<<"short" # (it would wait 30 s)
find "$folder" -name 'cli-*' -delete
says 1 'no network' bulkhead wifi forget elsewhere </dev/null
says 0 '' bulkhead wifi forget "$ssid" </dev/null
grep -q 'key_mgmt=NONE' "$folder/wl0.conf" && fail "a forgotten network is kept"
grep -q 'key_mgmt=WPA-EAP' "$folder/wl0.conf" || fail "what IT wrote is gone"
says 1 'no connection within 30 s' bulkhead wifi connect nearby <<<"long enough a secret"
grep -q 'secret' "$folder/wl0.conf" && fail "the passphrase of a network out of reach is kept"
says 0 'not connected' bulkhead wifi status </dev/null
[ -z "$(find "$folder" -name 'cli-*')" ] || fail "the command leaves its socket behind"

# the daemon's own supplicant wants a radio and finds none; the one without stands in its place
lab_stop supplicant
cp "$LAB/wl0.conf" "$folder/wl0.conf"
pki_make && pki_install && laptop_start || fail "bulkheadd does not start"
chmod 711 "$LAPTOP_STATE" # (no private view here: it goes by the path)
supplicant /run/netns/bulkhead
named() { [ "$(laptop_status '.uplinks[0].ssid')" = "$shown" ]; }
lab_wait 10 named || fail "status --json: $(bulkhead status --json)"
bulkhead status | grep -qF "Wi-Fi network \"$shown\"" || fail "status: $(bulkhead status)"
[ "$(bulkhead net explain personal --json | jq -r '.[0].ssid')" = "$shown" ] || fail "$(bulkhead net explain --json)"
bulkhead net explain personal | grep -qF "Wi-Fi   \"$shown\"" || fail "$(bulkhead net explain)"
nobody=$(setpriv --reuid 65534 --clear-groups bulkhead status --json | jq -r '.uplinks[0].ssid')
[ "$nobody" = "" ] || fail "others than root: '$nobody'"
lab_stop supplicant
[ "$(laptop_status '.uplinks[0].ssid')" = "" ] || fail "a network of nobody is shown"
echo "seven refusals and answers, nothing kept, nothing left behind; named in status and net explain"
