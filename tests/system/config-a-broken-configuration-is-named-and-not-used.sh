#!/usr/bin/env bash
# The daemon reads its configuration through a sandboxed child. What that child refuses is told in one
# line with its place, the daemon ends with status 2, and nothing was started or made.
set -euo pipefail
out=$(realpath "${OUT:-out}")
[ "$(id -u)" = 0 ] || { echo "needs root: the child changes its uid"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { echo "$*"; exit 1; }
conf=$tmp/bulkheadd.yaml

refused() { # WHAT PART - the configuration is on standard input
	local status=0
	{ cat; printf 'state: %s/state\nruntime: %s/run\n' "$tmp" "$tmp"; } > "$conf"
	timeout 20 "$out/bulkheadd" --config "$conf" > "$tmp/log" 2>&1 || status=$?
	[ "$status" = 2 ] || fail "$1: exit $status: $(cat "$tmp/log")"
	[ "$(wc -l < "$tmp/log")" = 1 ] || fail "$1: more than one line: $(cat "$tmp/log")"
	grep -qF -- "$2" "$tmp/log" || fail "$1: '$2' is not in: $(cat "$tmp/log")"
	[ ! -e "$tmp/state" ] || fail "$1: a folder was made"
	[ ! -e "$tmp/run" ] || fail "$1: a folder was made"
	echo "$1: $(cat "$tmp/log")"
}

refused "an unknown key" "line 3, column 1: unknown key 'uplink'" << 'EOF'
placement: dom0
uid_base: 64000
uplink: [eth0]
EOF
refused "a key twice" "line 3, column 1: a second 'placement'" << 'EOF'
placement: dom0
uid_base: 64000
placement: guard
EOF
refused "an octal number" "line 2, column 11: looks like an octal" << 'EOF'
placement: dom0
uid_base: 0100000
EOF
refused "an anchor" "line 1, column 12: an anchor" << 'EOF'
placement: &a dom0
uid_base: 64000
EOF
refused "a signed document" "a policy, where a config is expected" << 'EOF'
kind: policy
placement: dom0
EOF
head -c 70000 /dev/zero | tr '\0' '#' > "$tmp/long"
refused "too long" "longer than 64 KiB" < "$tmp/long"
