#!/usr/bin/env bash
# Each class has a resolver of its own, at its ports' own addresses, in UDP and TCP, IPv4 and IPv6. It
# answers a port while that port holds a grant, and asks the uplink's resolvers while its class does: both
# end with the grant, in the same batch, by its timeout and by the wall clock. No port reaches another's;
# personal's asks nobody behind a corporate prefix, nor its sibling; it works without any capability.
# holds: source output_dns input_port names output_raw local_ output dispatch
# limit: 240 s
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

command -v dnsmasq >/dev/null || lab_skip "dnsmasq-base is not installed"
ask="$LAB_TOP/tests/lab/ask.py"
own=100.64.0.1 own6=fd62:756c:6b00::1 works=100.64.0.5

want() { [ "$2" = "$3" ] || fail "$1: '$2', not '$3'"; }
answers() { [ "$("$@" 2>/dev/null)" = 203.0.113.7 ]; }
open() { # open WHAT COMMAND... - it is answered, soon; a loaded machine may be late with one
	local what=$1
	shift
	lab_wait 20 answers "$@" || fail "$what: not answered: $("$@")"
}
waiting=() waiting_for=()
later() { # later WHAT EXPECTED COMMAND... - who gets no answer waits for one; all of them together, until "now"
	"${@:3}" >"$LAB/later-${#waiting[@]}" & waiting+=($!)
	waiting_for+=("$1:$2")
}
now() {
	local i
	for i in "${!waiting[@]}"; do
		wait "${waiting[i]}"
		want "${waiting_for[i]%:*}" "$(<"$LAB/later-$i")" "${waiting_for[i]##*:}"
	done
	waiting=() waiting_for=()
}
unanswered() { [[ $2 == none || $2 == "rcode "* ]] || fail "$1: '$2'"; }
resolver() { # resolver CLASS PORT RESOLVER... - in place of the one before
	lab_stop "dns-$1"
	lab_wait 10 unbound "$2" || fail "the resolver of $1 before does not end" # (it dies after its parent)
	lab_start "dns-$1" nsenter --net=/run/netns/bulkhead \
		"$LAB_OUT/tests/system/ports_run" $FW_UID_BASE "$@"
	lab_wait 10 listening "$2" || fail "resolver of $1 does not start: $(<"$LAB/dns-$1.log")"
}
unbound() { ! listening "$1"; }
listening() { # (each of its addresses is bound, or none)
	local at
	at=$(ip -n bulkhead -o -4 addr show dev "$1" | sed -n 's|.* inet \([0-9.]*\)/.*|\1|p')
	lab_in bulkhead ss -Hlun | grep -q " $at:53 "
}
personal() { "$ask" dns "$1" "$2.example" "${3-udp}"; }
work() { lab_in work "$ask" dns "$@"; }
connects() { lab_in work timeout 1 bash -c ": </dev/tcp/$works/53" 2>/dev/null; }
pid_of() { pgrep -u $((FW_UID_BASE + $1)) -x dnsmasq; }
fresh() { lab_token name; } # a name that was never asked for

fw_links
lab_start lan-dns nsenter --net=/run/netns/lan dnsmasq --keep-in-foreground --log-facility=- --no-resolv \
	--no-hosts --conf-file=/dev/null --pid-file= --user=root --address=/example/203.0.113.7
lan_answers() { [ "$(lab_in lan "$ask" dns 192.168.7.1 any.example)" = 203.0.113.7 ]; }
lab_wait 5 lan_answers || fail "the LAN's resolver does not answer"
fw_with
lab_record lan lan w0
resolver personal host0 $FW_LAN
resolver work vif1.0 $FW_LAN

# no grant: nothing, whoever is asked
for at in $own $own6 $works $FW_LAN; do later "closed, $at" none personal $at "$(fresh)"; done
later "closed, TCP" none personal $own "$(fresh)" tcp
now
[ "$(lab_count lan text:name)" = 0 ] || fail "closed, a query is on the wire"

# personal's grant: its own, in every form, and not work's
fw_grant host0 less 0
for at in $own $own6; do
	open "open, $at" personal $at "$(fresh)"
	open "open, $at by TCP" personal $at "$(fresh)" tcp
done
for at in $works fd62:756c:6b00:1::1; do
	later "personal at work's $at" none personal $at "$(fresh)"
	later "personal at work's $at by TCP" none personal $at "$(fresh)" tcp
done
later "work without a grant" none work $works "$(fresh).example"
now
! connects || fail "work reaches its resolver without a grant"

# both hold a grant: still each its own
fw_tell "pair vif1.0 up0 open 1 5000" hold
lab_wait 10 connects || fail "work does not reach its resolver"
open "work" work $works "$(fresh).example"
later "work at personal's" none work $own "$(fresh).example"
later "personal at work's" none personal $works "$(fresh)"
now

# nothing is kept: the same name again is a new question outside
name=$(fresh)
open "first" personal $own "$name"
n=$(lab_count lan "text:$name")
open "again" personal $own "$name"
[ "$(lab_count lan "text:$name")" -gt "$n" ] || fail "an answer was kept"

# nobody fills the flow table with questions
"$ask" flood $own x.example 300 >/dev/null
open "TCP" personal $own "$(fresh)" tcp
open "IPv6" personal $own6 "$(fresh)"
lab_in bulkhead grep -q "dst=$FW_LAN .*dport=53 " /proc/net/nf_conntrack || fail "cannot see flows"
! lab_in bulkhead grep -E "dst=($own|fd62:756c:6b00:0*:[0:]*1) .*dport=53 " /proc/net/nf_conntrack ||
	fail "questions of a port are tracked"

# behind a corporate prefix work's may ask, personal's not; neither asks the other
resolver work vif1.0 $FW_CORP
resolver personal host0 $FW_CORP
open "work, a corporate resolver" work $works "$(fresh).example"
resolver work vif1.0 $FW_CORP6
open "work, a corporate resolver's NAT64 form" work $works "$(fresh).example"
name=$(fresh)
unanswered "personal, a corporate resolver" "$(personal $own "$name")"
resolver personal host0 $FW_CORP6
unanswered "personal, a corporate resolver's NAT64 form" "$(personal $own "$name")"
[ "$(lab_count lan "text:$name")" = 0 ] || fail "personal asked a corporate resolver"
resolver personal host0 $works
unanswered "personal by way of work's resolver" "$(personal $own "$(fresh)")"
sibling() { # sibling UID FROM - to work's, by the loopback link and from port 53, as who holds a socket there can
	lab_in bulkhead python3 -c "import os, socket as s
os.seteuid($1); c = s.socket(); c.settimeout(2); os.seteuid(0); c.bind(('$2', 53))
try: c.connect(('$works', 53)); print('answers')
except TimeoutError: print('none')" 2>&1 | tail -n 1
}
want "root by way of the loopback link" "$(sibling 0 127.0.0.1)" answers
want "personal's uid by way of the loopback link" "$(sibling $((FW_UID_BASE + 12)) 127.0.0.2)" none
resolver personal host0 100.64.0.6 # the work VM itself
lab_start guest-dns nsenter --net=/run/netns/work dnsmasq --keep-in-foreground --no-resolv --no-hosts \
	--conf-file=/dev/null --pid-file= --user=root --address=/example/203.0.113.9
lab_record work work eth0
name=$(fresh)
unanswered "personal by way of the work VM" "$(personal $own "$name")"
[ "$(lab_count work "text:$name")" = 0 ] || fail "personal's resolver asks the work VM"
resolver personal host0 $FW_LAN

# who may ask: that uid, by that uplink, port 53, while its class may
socket() { # socket UID PORT - is a datagram of that uid on the wire?
	local token
	token=$(lab_token sock)
	lab_in bulkhead "$FW_FORGE" socket "$1" $FW_LAN 7777 "$2" "$token" 3 >/dev/null
	lab_wait 1 lab_seen lan "text:$token" && echo yes || echo no
}
packet() { # packet UID PROTOCOL PORT - the same by a packet socket, of which no chain but the uplink's own knows
	local token
	token=$(lab_token packet)
	lab_in bulkhead python3 -c "import ctypes, socket as s, struct
ctypes.CDLL(None).setfsuid($1)
data = b'$token'
head = {'udp': struct.pack('>4H', 7777, $3, 8 + len(data), 0), 'tcp': struct.pack('>2H2I2B3H', 7777, $3, 1, 0, 0x50, 2, 9, 0, 0)}['$2']
ip = struct.pack('>2B3H2BH4s4s', 0x45, 0, 20 + len(head + data), 0, 0, 64, {'udp': 17, 'tcp': 6}['$2'], 0,
                 s.inet_aton('192.168.7.50'), s.inet_aton('$FW_LAN'))
c = s.socket(s.AF_PACKET, s.SOCK_RAW)
c.bind(('up0', 0))
for i in range(3): c.send(b'\xff' * 6 + bytes(6) + b'\x08\0' + ip + head + data)" 2>/dev/null || true
	lab_wait 3 lab_seen lan "text:$token" && echo yes || echo no
}
fw_grant host0 less 0 # personal alone again
for way in udp tcp; do
	later "personal's uid by a packet socket, $way 53" yes packet $((FW_UID_BASE + 12)) $way 53
	later "personal's uid by a packet socket, $way 853" no packet $((FW_UID_BASE + 12)) $way 853
	later "work's uid by a packet socket, $way 53" no packet $((FW_UID_BASE + 13)) $way 53
done
now
want "personal's uid, 53" "$(socket $((FW_UID_BASE + 12)) 53)" yes
n=$(fw_counter inet blocked)
want "personal's uid, 853" "$(socket $((FW_UID_BASE + 12)) 853)" no
[ "$(fw_counter inet blocked)" -gt "$n" ] || fail "what a resolver may not say is not counted"
later "work's uid" no socket $((FW_UID_BASE + 13)) 53
later "the uid of addresses" no socket $((FW_UID_BASE + 11)) 53
later "root" no socket 0 53
now

# the end of the grant ends both ways at once, also for a query that is under way
fw_close
closed=$(lab_now)
later "after the end" none personal $own "$(fresh)"
later "personal's uid after the end" no socket $((FW_UID_BASE + 12)) 53
now
[ "$(fw_after lan text:name "$closed")" = 0 ] || fail "a query left after the end"
briefly() { fw_tell none "pair host0 up0 less 0 3000" send && personal $own "$(fresh)"; }
open "with a grant that nobody renews" briefly
fw_pause 4
later "when it ran out" none personal $own "$(fresh)"
later "personal's uid when it ran out" no socket $((FW_UID_BASE + 12)) 53
now
fw_tell none "pair host0 up0 less 0 9000" "bound 0" send
later "after the wall clock's bound" none personal $own "$(fresh)"
later "personal's uid after the bound" no socket $((FW_UID_BASE + 12)) 53
now
fw_tell none "pair host0 up0 less 0 9000" "bound 3600" send
open "within it" personal $own "$(fresh)"

# what it is
status="/proc/$(pid_of 12)/status"
for field in CapInh CapPrm CapEff CapAmb; do
	grep -q "^$field:.0000000000000000$" "$status" || fail "it has capabilities: $(grep ^Cap "$status")"
done
grep -q "^Uid:.64212.64212.64212.64212$" "$status" || fail "uid: $(grep ^Uid "$status")"
grep -q "^NoNewPrivs:.1$" "$status" && grep -q "^Seccomp:.2$" "$status" || fail "it is not confined"
want "its files" "$(nsenter -t "$(pid_of 12)" -m sh -c 'echo $(ls /etc /run /var/lib)')" \
	"/etc: group nsswitch.conf passwd /run: dnsmasq.conf /var/lib:"
echo "2 classes; $(fw_counter inet blocked) questions refused, $(fw_counter inet corporate) kept from corporate prefixes"
