# kills.bash - a conversion of the disk in $dir that is killed and gone on with. Source it after keys.bash. The
# first two kills meet what they are for on every machine: they come at a call of the command. The others come at
# random moments, from $RANDOM.
#
# shellcheck shell=bash

killed=0 begun=0
need strace

has_begun() { head -c 8 "$dir/leaf.convert" 2>/dev/null | grep -qx bhconvrt; }

# killed_at FILE CALL N COMMAND... - the N-th CALL with that file of the disk is the last of its thread
killed_at() {
	local file=$1 call=$2 n=$3 status=0
	shift 3
	{
		strace -f -qq -e signal=none -o /dev/null -P "$dir/$file" -e trace="$call" -e inject="$call:signal=KILL:when=$n" \
			-- "$@" <<<"$PIN" >"$WORK/log" || status=$?
	} 2>"$WORK/err"
	[ $status = 137 ] || fail "no kill at $call $n of $file: $status: $(cat "$WORK/log" "$WORK/err")"
	killed=$((killed + 1))
}

# killed_at_random COMMAND... - exit status: whether it was done before
killed_at_random() {
	local pid status=0
	(exec "$@") <<<"$PIN" >"$WORK/log" 2>&1 &
	pid=$!
	read -rt "0.$(printf %02d $((RANDOM % 20)))" <> <(:) || true
	kill -KILL $pid 2>/dev/null || true
	wait $pid 2>/dev/null || status=$?
	[ $status = 0 ] && return
	[ $status = 137 ] || fail "$status: $(cat "$WORK/log")"
	killed=$((killed + 1))
	return 1
}

closed_to_all() { :; } # what must hold of a half; nothing, unless the script says it

# converted KILLS RESUME-OPTION... -- COMMAND... - killed once before its first sector, where the same command
# begins it once more; then in its middle; from there on resumed, and killed until enough
converted() {
	local kills=$1 resume=() n ended=
	shift
	while [ "$1" != -- ]; do resume+=("$1"); shift; done
	shift
	killed_at leaf.convert fdatasync 1 "$@"
	! has_begun || fail "it began before its journal was on the disk"
	killed_at leaf.vhd pwrite64 $((10 + RANDOM % 30)) "$@" # of 45 at least, two of which are marks
	has_begun || fail "the kill was not in the middle"
	for ((n = 2; ; n++)); do
		begun=$((begun + 1))
		closed_to_all
		set -- "$BULKHEAD" disk resume "$dir" "${resume[@]}"
		[ $n -lt "$kills" ] || break
		! killed_at_random "$@" || { ended=1 && break; }
		has_begun || [ -e "$dir/leaf.old.luks" ] || return 0 # all but its last words
	done
	[ -n "$ended" ] || "$@" <<<"$PIN" >"$WORK/log" 2>&1 || fail "not finished: $(cat "$WORK/log")"
	# killed when all was proven, it has but to remove something
	grep -qE '^proof: all data|it was converted; ' "$WORK/log" || fail "no proof: $(cat "$WORK/log")"
	[ ! -e "$dir/leaf.convert" ] || fail "the journal is still there"
}
