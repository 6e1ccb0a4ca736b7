#!/usr/bin/env bash
# A crash while a policy is stored leaves the old pair of files or the new pair: whatever was staged
# when the power went, the next start finishes it or drops it.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
for part in laptop tpm; do . "$(dirname "$0")/../lab/$part.sh"; done
lab_enter "$@"

dir=$LAPTOP_STATE/policy
laptop_install

# crashed WHAT PAIR FILE... - the old pair, and the staged files that a crash left; PAIR must be there
# after the next start, and nothing staged.
crashed() {
	local what=$1 want=$2 have
	shift 2
	rm -rf "$dir"
	mkdir -p -m 700 "$dir"
	echo old > "$dir/current.yaml"
	echo old > "$dir/current.yaml.minisig"
	for file; do
		echo new > "$dir/current.yaml$file"
	done
	bulkheadd --prepare
	have=$(cat "$dir/current.yaml" "$dir/current.yaml.minisig" | sort -u | xargs)
	[ "$have" = "$want" ] || { echo "$what: the pair is '$have', not '$want'"; exit 1; }
	have=$(find "$dir" -type f | wc -l)
	[ "$have" = 2 ] || { echo "$what: $have files are left: $(ls "$dir")"; exit 1; }
	echo "$what: $want"
}

crashed "nothing staged" old
crashed "the signature staged" old .minisig.new
crashed "the policy half written" old .minisig.new .tmp
crashed "both staged" new .minisig.new .new
crashed "the signature in place already" new .minisig .new
