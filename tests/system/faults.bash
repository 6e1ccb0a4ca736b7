# faults.bash - a command whose n-th call of the kernel that changes a file fails, or is its last. strace(1)
# does it to the command as it is. Source it; $WORK is a folder.
#
# shellcheck shell=bash

FAULT_CALLS=write,pwrite64,fsync,fdatasync,ftruncate,fallocate,rename,renameat,renameat2,linkat,unlink,unlinkat,mkdir,rmdir,openat
FAULTS=${FAULTS:-3}	# of each command, at random from SEED on; all: every one
SEED=${SEED:-$RANDOM}
n_faults=0 n_alive=0

# faults_of COMMAND... - run it; "CALL N" of each of its calls that changes a file into $WORK/calls, in order, and
# "same" where the one before was a flush: a kill there leaves what one before that flush does. Exit status:
# the command's.
faults_of() {
	local status=0
	strace --seccomp-bpf -f -y -qq -e signal=none -o "$WORK/trace" -e trace=$FAULT_CALLS,sendto,sendmsg -- "$@" || status=$?
	# "PID call(...": openat counts only where it makes a file, the others where it is no memory, socket or log
	sed -n 's/^\([0-9]*\)  *\([a-z0-9]*\)(\(.*\)/\1 \2 \3/p' "$WORK/trace" | awk '
		{ n[$1, $2]++; same = flushed; flushed = 0 }
		$2 ~ /^send/ || $2 == "openat" && !/O_CREAT|O_TMPFILE/ { next }
		$3 ~ /^[0-9]+<(\/memfd:|socket:|pipe:)/ || $3 ~ /^[012]</ { next }
		{ flushed = $2 ~ /sync$/ }
		!seen[$2, n[$1, $2]]++ { print $2, n[$1, $2], same ? "same" : "" }' >"$WORK/calls"
	[ -s "$WORK/calls" ] || { echo "strace saw no call of $*"; return 1; }
	return $status
}

# faults_some [FILTER] - of $WORK/calls those that this run tries
faults_some() {
	grep -E -- "${1:-.}" "$WORK/calls" >"$WORK/some"
	[ "$FAULTS" = all ] && cat "$WORK/some" && return
	awk -v seed="$SEED" -v most="$FAULTS" 'BEGIN { srand(seed) }
		NR <= most { line[NR] = $0; next }
		{ i = 1 + int(rand() * NR); if (i <= most) line[i] = $0 }
		END { for (i = 1; i in line; i++) print line[i] }' "$WORK/some"
}

# faults_how N SAME - EIO, ENOSPC or KILL, in turn. FAULTS=all: KILL where it is not the SAME as another, and one
# of the two errors: no code asks which it is.
faults_how() {
	local how=(EIO ENOSPC KILL)
	if [ "$FAULTS" = all ]; then
		echo "${how[$1 % 2]}" ${2:+#} KILL | sed 's/ #.*//'
	else
		echo "${how[(n_faults + SEED) % 3]}"
	fi
}

# fault HOW CALL N COMMAND... - the N-th CALL of the command is an error (EIO, ENOSPC), or SIGKILL comes
# before it. Exit status: the command's.
fault() {
	# with a filter it stops at no other call, which is most of its time; but it does not kill then
	local how=error=$1 call=$2 n=$3 kill='' fast=--seccomp-bpf status=0
	shift 3
	[ "$how" != error=KILL ] || how=signal=KILL kill=1 fast=
	n_faults=$((n_faults + 1))
	strace $fast -f -qq -e signal=none -o /dev/null -e trace="$call" -e "inject=$call:$how:when=$n" -- "$@" 2>&1 || status=$?
	[ -z "$kill" ] || [ $status = 137 ] || n_alive=$((n_alive + 1))
	return $status
}

# faults_met - as the last: a kill comes too late only where a command's calls are not the same in each run
faults_met() {
	[ $((n_alive * 10)) -le $n_faults ] || { echo "$n_alive of $n_faults faults were kills that killed nobody"; return 1; }
}
