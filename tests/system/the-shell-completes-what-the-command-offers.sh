#!/usr/bin/env bash
# The shell completes the command's words and options, as the command itself lists them.
# limit: 20 s
set -u # a shell that somebody types in goes on after an error
cd "$(dirname "$0")/../.." || exit 1
bulkhead=$(realpath "${OUT:-out}/bulkhead")
. roles/bulkhead.bash-completion

completes() { # completes WORDS EXPECTED: the last of the words is being written; a '.' is an empty one
	read -ra COMP_WORDS <<<"$1"
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	COMP_WORDS[COMP_CWORD]=${COMP_WORDS[COMP_CWORD]#.}
	COMPREPLY=()
	_bulkhead "$bulkhead"
	[ "${COMPREPLY[*]}" = "$2" ] || { echo "'$1' became '${COMPREPLY[*]}', not '$2'"; exit 1; }
}
completes "bulkhead de" "detach device"
completes "bulkhead disk re" "rekey resume"
completes "bulkhead audit ." "anchor checkpoint verify"
completes "bulkhead vhd create --s" "--size"
completes "bulkhead status --" "--config --json"
completes "bulkhead report --a" "--audit"
completes "bulkhead frobnicate ." ""
completes "bulkhead frobnicate --" ""
[ "$(complete -p bulkhead)" = "complete -o default -F _bulkhead bulkhead" ]
