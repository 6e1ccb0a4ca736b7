# Whatever happens to Bulkhead's processes, nothing opens.
#
# shellcheck shell=bash
demo_step 3 "Every process stopped, then killed: closed; then proven again"

# stream_stops TOKEN SECONDS - seconds from now until the wire is silent of TOKEN, or nothing
stream_ends() {
	local from=$1 last
	last=$("$LAB_TOOLS/wire" times "$LAB/corp.pcap" "text:$2" | tail -n 1)
	awk -v a="$from" -v b="${last:-$from}" 'BEGIN { printf "%.1f\n", (b > a) ? b - a : 0 }'
}

token=$(lab_token work)
lab_start stream nsenter --net=/run/netns/work "$LAB_TOOLS/send" udp $LAN_GATEWAY_corp 9999 "$token" 100000
if lab_wait 5 lab_seen corp "text:$token"; then
	good "before: a stream of the work VM is on the wire"
else
	bad "before: a stream of the work VM is on the wire"
fi
pids=$(laptop_pids)
stopped=$(lab_now)
kill -STOP $pids
silent() { # no frame for a second
	local n
	n=$(lab_count corp "text:$token")
	lab_pause 1
	[ "$n" = "$(lab_count corp "text:$token")" ]
}
lab_wait 12 silent || true
took=$(stream_ends "$stopped" "$token")
expect "SIGSTOP of $(wc -w <<<"$pids") processes: work's path closes by itself" "after $took s; a grant lasts 5 s" \
	awk -v t="$took" 'BEGIN { exit !(t > 0 && t <= 5.5) }'
attacks_send bh0
found=$(attacks_found corp)
expect "personal stays closed" "$found of its frames on the wire" test "$found" -eq 0

kill -KILL $pids 2>"$LAB/kill.log" # a child may be gone before its turn: its parent was killed
lab_stop bulkheadd
left() { pgrep -af '^/usr/libexec/bulkhead/' | sed 's/^[0-9]* [^ ]*bulkhead-//; s/ .*//' | xargs; }
lab_wait 5 eval '[ "$(left)" = sentinel ]' || true
left=$(left)
expect "SIGKILL of all: none is left but who holds the namespace" "$left" test "$left" = sentinel
before=$(lab_count corp "text:$token")
attacks_send bh0
work_gets http://$LAN_GATEWAY_corp/ && bad "work stays closed" || good "work stays closed"
found=$(attacks_found corp)
expect "personal stays closed" "$found of its frames on the wire" test "$found" -eq 0
expect "nothing of the work VM's stream since" "$(($(lab_count corp "text:$token") - before)) frames" \
	test "$before" -eq "$(lab_count corp "text:$token")"
lab_stop stream

from=$(lab_ms)
laptop_start || return 1
if lab_wait 40 laptop_zone_is proven && lab_wait 5 work_gets http://$LAN_GATEWAY_corp/; then
	good "restarted: proven again, work gets the intranet's page" "$(lab_since "$from") s"
else
	bad "restarted: proven again" "$(laptop_zone) after $(lab_since "$from") s"
fi
