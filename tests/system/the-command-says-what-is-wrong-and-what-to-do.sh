#!/usr/bin/env bash
# Errors of the command: one line on standard error that begins with its name, quotes the object and
# ends with what to do; nothing on standard output; the exit status of the design.
# limit: 20 s
set -euo pipefail
cd "$(dirname "$0")/../.."
bulkhead=$(realpath "${OUT:-out}/bulkhead")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

refused() { # refused STATUS PATTERN ARGUMENT...
	local want=$1 pattern=$2 status=0
	shift 2
	"$bulkhead" "$@" >"$dir/out" 2>"$dir/err" </dev/null || status=$?
	[ $status = "$want" ] || { echo "'$*' ended with $status, not $want: $(cat "$dir/err")"; exit 1; }
	[ ! -s "$dir/out" ] || { echo "'$*' wrote to standard output"; exit 1; }
	grep -qE "$pattern" "$dir/err" || { echo "'$*' said: $(cat "$dir/err")"; exit 1; }
	[ "$(grep -c '^bulkhead: ' "$dir/err")" = 1 ] || grep -q '^usage: ' "$dir/err" || {
		echo "'$*' did not say it in one line: $(cat "$dir/err")"
		exit 1
	}
}

printf 'placement: dom0\nuplinks: [en0]\nports:\n  - {match: host0, class: personal}\ntpm: /dev/tpmrm0\nuid_base: 64000\nstate: %s\nruntime: %s\n' \
	"$dir" "$dir" >"$dir/good.yaml"
printf 'placement: dom0\nplacemont: dom0\n' >"$dir/bad.yaml"

refused 2 "'frobnicate': there is no such command; bulkhead --help" frobnicate
refused 2 "'disk open': there is no such command" disk open
refused 2 "^usage: bulkhead disk COMMAND" disk
refused 2 "'status disk': there is no such" "status disk"
refused 2 "^usage: bulkhead status" status too many words
refused 2 "config" status --config
refused 1 "'$dir/absent.yaml'.*No such file" status --config "$dir/absent.yaml"
refused 4 "'$dir/bad.yaml'.*line 2" status --config "$dir/bad.yaml"
refused 1 "reach bulkheadd at '$dir/control.sock'" status --config "$dir/good.yaml"
refused 1 "reach bulkheadd" net explain personal --config "$dir/good.yaml"
refused 1 "'$dir/p.yaml'.*No such file" policy install --config "$dir/good.yaml" "$dir/p.yaml"

"$bulkhead" --help | grep -q 'net explain'
"$bulkhead" vhd --help >"$dir/out"
grep -q 'vhd create' "$dir/out" && ! grep -q 'disk create' "$dir/out"
"$bulkhead" disk unlock --help | grep -q -- '--pin-fd'
"$bulkhead" --version | grep -qE '^bulkhead [0-9]'
