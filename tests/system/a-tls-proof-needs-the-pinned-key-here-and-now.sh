#!/usr/bin/env bash
# The weaker proof: prove takes it only from a TLS 1.3 server on the other side of this uplink that
# holds the pinned key, under a certificate that is valid now. It says nothing after the handshake,
# and its one socket survives every kind of server.
# limit: 120 s
set -euo pipefail
OUT=$(realpath "${OUT:-out}")
cd "$(dirname "$0")/../.."
if [ -z "${IN_NAMESPACE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
	exec env IN_NAMESPACE=1 unshare -m -n --pid --fork --kill-child --mount-proc bash "$0"
fi
command -v openssl >/dev/null || { echo "openssl is not installed"; exit 77; }
# shellcheck source=tests/lab/wait.sh
. tests/lab/wait.sh

mount -t tmpfs tmpfs /run
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ip link set lo up
for n in 0 1; do # two uplinks; the second has the default route
	ip netns add lan$n
	ip link add up$n type veth peer name lan netns lan$n
	ip addr add 192.0.$((n + 2)).10/24 dev up$n
	ip -n lan$n addr add 192.0.$((n + 2)).1/24 dev lan
	ip addr add fd0$n::10/64 dev up$n nodad
	ip -n lan$n addr add fd0$n::1/64 dev lan nodad
	ip link set up$n up
	ip -n lan$n link set lan up
done
ip route add default via 192.0.3.1
echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter

cert() { # cert NAME KEY-OPTIONS... - a key and a certificate of a month; its pin on standard output
	local name=$1
	shift
	openssl req -x509 -newkey "$@" -nodes -keyout "$dir/$name.key" -out "$dir/$name.pem" \
		-subj "/CN=$name" -days 30 2>/dev/null
	pin "$dir/$name.pem"
}
pin() {
	openssl x509 -in "$1" -noout -pubkey | openssl pkey -pubin -outform DER |
		sha256sum | cut -d' ' -f1
}
good=$(cert good ec -pkeyopt ec_paramgen_curve:prime256v1)
rsa=$(cert rsa rsa:2048)
ed=$(cert ed ed25519)
other=$(cert other ec -pkeyopt ec_paramgen_curve:prime256v1)
# the same key under a certificate that is over, and one that has not begun
for when in "over 20200101000000Z 20200201000000Z" "early 20900101000000Z 20910101000000Z"; do
	read -r name from to <<<"$when"
	printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s/db\nserial=%s/serial\nnew_certs_dir=%s\npolicy=p\ndefault_md=sha256\n[p]\ncommonName=supplied\n' \
		"$dir" "$dir" "$dir" >"$dir/ca.conf"
	: >"$dir/db"
	echo 01 >"$dir/serial"
	openssl req -new -key "$dir/good.key" -subj "/CN=$name" -out "$dir/$name.csr" 2>/dev/null
	openssl ca -batch -selfsign -config "$dir/ca.conf" -keyfile "$dir/good.key" \
		-in "$dir/$name.csr" -startdate "$from" -enddate "$to" -out "$dir/$name.pem" \
		-notext >/dev/null 2>&1
	[ "$(pin "$dir/$name.pem")" = "$good" ]
done

serve() { # serve NAMESPACE PORT CERTIFICATE KEY OPTIONS...
	local ns=$1 port=$2 pem=$3 key=$4
	shift 4
	ip netns exec "$ns" openssl s_server -accept "$port" -cert "$dir/$pem.pem" \
		-key "$dir/$key.key" "$@" >"$dir/said.$port" 2>&1 </dev/zero &
	listens "$ns" "$port"
}
listens() {
	lab_wait 10 grep_listens "$@" || { echo "nobody listens on $1 $2"; exit 1; }
}
grep_listens() { [ -n "$(ip netns exec "$1" ss -Hltn "sport = :$2")" ]; }

n=0
expect() { # expect WHAT LINE IFNAME ADDRESS PORT PIN...
	local what=$1 line=$2 got ms
	shift 2
	ms=$(lab_ms)
	got=$("$OUT/tests/system/play_network" tls "$OUT/bulkhead-prove" "$@" 2>"$dir/log") || true
	[ "$got" = "$line" ] || {
		printf '%s: expected "%s", got:\n%s\n' "$what" "$line" "$got"
		cat "$dir/log"
		exit 1
	}
	[ $(($(lab_ms) - ms)) -lt 20000 ] || { echo "$what: too slow"; exit 1; }
	n=$((n + 1))
	echo "ok - $what"
}
none() { echo "proof $1 site='' epoch=0 lifetime_s=0"; }
yes() { echo "proof ok site='${1:0:32}' epoch=0 lifetime_s=60"; }
at="up0 192.0.2.1"

serve lan0 443 good good -tls1_3 -quiet
expect "P-256, over IPv4" "$(yes "$good")" $at 443 "$good"
expect "P-256, over IPv6" "$(yes "$good")" up0 fd00::1 443 "$good"
serve lan0 444 rsa rsa -tls1_3 -quiet
expect "RSA" "$(yes "$rsa")" $at 444 "$rsa"
serve lan0 445 ed ed -tls1_3 -quiet
expect "Ed25519" "$(yes "$ed")" $at 445 "$ed"
expect "another key than the pinned one" "$(none tls-pin)" $at 443 "$other"
serve lan0 446 over good -tls1_3 -quiet
expect "the pinned key, but the certificate is over" "$(none tls-expired)" $at 446 "$good"
serve lan0 447 early good -tls1_3 -quiet
expect "the pinned key, but it has not begun" "$(none tls-expired)" $at 447 "$good"
serve lan0 448 good good -tls1_2 -quiet
expect "no TLS 1.3" "$(none tls-handshake)" $at 448 "$good"
serve lan0 449 good good -tls1_3 -quiet -Verify 1
expect "a server that wants our certificate gets none, and we are done" "$(yes "$good")" $at 449 "$good"

plain() { # plain PORT COMMAND - a server that is none
	ip netns exec lan0 busybox nc -ll -p "$1" -e "$2" &
	listens lan0 "$1"
}
printf '#!/bin/sh\nprintf "HTTP/1.1 301 Moved\\r\\nLocation: https://192.0.3.1/\\r\\n\\r\\n"\nsleep 9\n' >"$dir/redirect"
printf '#!/bin/sh\nexec head -c 300000 /dev/urandom\n' >"$dir/garbage"
printf '#!/bin/sh\nexec sleep 60\n' >"$dir/slow"
printf '#!/bin/sh\nexit 0\n' >"$dir/gone"
printf '#!/bin/sh\nexec cat\n' >"$dir/echo"
# a handshake record that announces more than it brings, for ever
printf '#!/bin/sh\nprintf "\\026\\003\\003\\100\\000"\nexec cat /dev/zero\n' >"$dir/endless"
chmod +x "$dir"/{redirect,garbage,slow,gone,echo,endless}
port=500
for what in redirect garbage slow gone echo endless; do
	plain $port "$dir/$what"
	expect "a server that is none: $what" "$(none tls-handshake)" $at $port "$good"
	port=$((port + 1))
done
expect "nobody there" "$(none tls-connect)" $at 9 "$good"
expect "a machine that is not there" "$(none tls-connect)" up0 192.0.2.77 443 "$good"

# The very server, but beyond the other uplink, where the default route leads.
serve lan1 443 good good -tls1_3 -quiet
expect "there by up1" "$(yes "$good")" up1 192.0.3.1 443 "$good"
expect "there by up1, asked on up0" "$(none tls-connect)" up0 192.0.3.1 443 "$good"

expect "one socket, after each kind of failure" "$(none tls-pin)
$(none tls-handshake)
$(none tls-connect)
$(yes "$good")
$(none tls-connect)" up0 192.0.2.1 443 "$other" 192.0.2.1 501 "$good" 192.0.2.1 9 "$good" 192.0.2.1 443 "$good" \
	192.0.3.1 443 "$good" # still bound to its uplink

# s_server writes down what it is told after the handshake
[ ! -s "$dir/said.444" ] || { echo "prove said something to the server: $(cat "$dir/said.444")"; exit 1; }
echo "$n servers, each for what it is"
