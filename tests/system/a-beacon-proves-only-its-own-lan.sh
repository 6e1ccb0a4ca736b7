#!/usr/bin/env bash
# A laptop hears the beacon of its LAN, asks it, and takes its proof, over IPv6 and IPv4. Every other
# answer is refused by name: another root, an old epoch, another sender (relay), a changed
# certificate, silence, and a probe that a router has carried.
# limit: 120 s
set -euo pipefail
OUT=$(realpath "${OUT:-out}")
cd "$(dirname "$0")/../.."
if [ -z "${IN_NAMESPACE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
	exec env IN_NAMESPACE=1 unshare -m -n --pid --fork --kill-child --mount-proc bash "$0"
fi

mount -t tmpfs tmpfs /run
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
beacon=$OUT/bulkhead-beacon
play=$OUT/tests/system/play_network

ip link set lo up
ip netns add lan
ip link add up0 type veth peer name lan0 netns lan
ip addr add 192.0.2.10/24 dev up0
ip -n lan addr add 192.0.2.1/24 dev lan0
echo 0 >/proc/sys/net/ipv6/conf/up0/accept_dad
ip netns exec lan sysctl -qw net.ipv6.conf.lan0.accept_dad=0
ip link set up0 up
ip -n lan link set lan0 up

root=$("$beacon" keygen root "$dir/root")
other=$("$beacon" keygen root "$dir/other")
key=$("$beacon" keygen beacon "$dir/key")
"$beacon" certify --root "$dir/root" --key "$key" --site hq --epoch 3 --days 7 "$dir/cert"

expect() { # expect WHAT LINE COMMAND... - one line of the output is exactly this
	local what=$1 line=$2 got
	shift 2
	got=$("$@" 2>"$dir/log") || true
	grep -qxF "$line" <<<"$got" || {
		printf '%s: expected "%s", got:\n%s\n' "$what" "$line" "$got"
		cat "$dir/log"
		exit 1
	}
	echo "ok - $what"
}
prove() { "$play" prove "$OUT/bulkhead-sniff" "$OUT/bulkhead-prove" up0 "$@" 2> >(cat >&2); }
serve() { # serve CERTIFICATE - in the background, until stop_beacon
	ip netns exec lan "$beacon" serve --interface lan0 --key "$dir/key" --certificate "$1" &
	beacon_pid=$!
}
stop_beacon() {
	kill "$beacon_pid"
	wait "$beacon_pid" 2>/dev/null || true
}

good="proof ok site='hq' epoch=3 lifetime_s=60"
none() { echo "proof $1 site='' epoch=0 lifetime_s=0"; }

serve "$dir/cert"
expect "proves over IPv6" "$good" prove 6 "$root"
expect "proves over IPv4" "$good" prove 4 "$root"
grep -qE '^Uid:\s+65534\s+65534' "/proc/$beacon_pid/status"
grep -qE '^CapEff:\s+0000000000000000' "/proc/$beacon_pid/status"
grep -qE '^Seccomp:\s+2' "/proc/$beacon_pid/status"
echo "ok - the beacon is nobody, without capabilities, behind a filter"

poked=$("$OUT/tests/system/beacon_forge" poke "$dir/cert" 192.0.2.1)
[[ $poked =~ ^[0-9]{4}\ bad,\ ([0-9]+)\ good,\ ([0-9]+)\ replies\ of\ 488\ bytes$ ]] &&
	[ "${BASH_REMATCH[1]}" = "${BASH_REMATCH[2]}" ] || { echo "probes of 512 bytes: $poked"; exit 1; }
echo "ok - only what is a probe is answered, in less bytes: $poked"
expect "another root is not ours" "announcement beacon-signature" prove 6 "$other"
expect "another sender than us was seen" "$(none beacon-observed)" prove 6 "$root" mac
expect "an epoch that we have passed" "$(none beacon-epoch)" prove 6 "$root" epoch
expect "a link's certificate in a tunnel" "$(none beacon-class)" prove 6 "$root" class
expect "a changed certificate" "$(none beacon-signature)" prove 6 "$root" certificate

# A relay that forwards as a router does takes one off the hop limit; the beacon says what it saw.
nft -f - <<-'NFT'
	table netdev relay {
		chain out {
			type filter hook egress device "up0" priority 0;
			udp dport 6262 ip6 hoplimit set 254
		}
	}
NFT
expect "a router in between" "$(none beacon-observed)" prove 6 "$root"
nft delete table netdev relay

# Only the way back leads over it: the announcement is heard as it was sent.
ip netns exec lan nft -f - <<-'NFT'
	table netdev relay {
		chain out {
			type filter hook egress device "lan0" priority 0;
			udp sport 6262 ip6 daddr fe80::/10 ip6 hoplimit set 254
		}
	}
NFT
expect "a router on the way back" "$(none beacon-observed)" prove 6 "$root"
ip netns exec lan nft delete table netdev relay

# The probe never arrives: the announcement alone proves nothing.
nft -f - <<-'NFT'
	table netdev deaf {
		chain out {
			type filter hook egress device "up0" priority 0;
			udp dport 6262 drop
		}
	}
NFT
expect "an announcement without an answer" "$(none beacon-timeout)" prove 6 "$root"
nft delete table netdev deaf
stop_beacon

status=0
"$beacon" serve --interface lan0 --key "$dir/cert" --certificate "$dir/cert" 2>"$dir/log" || status=$?
[ $status = 4 ]
"$beacon" keygen beacon "$dir/key2" >/dev/null
"$beacon" serve --interface lan0 --key "$dir/key2" --certificate "$dir/cert" 2>"$dir/log" || status=$?
[ $status = 3 ]
"$beacon" keygen root "$dir/root" 2>"$dir/log" && exit 1
grep -q 'choose a new file' "$dir/log"
echo "ok - a file that is no key, a certificate for another key, a root key that is there: refused"
