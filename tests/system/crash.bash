# crash.bash - a command that makes files, and all that a power cut may leave of them (crash_folder.py).
# Sourced by tests.
#
# shellcheck shell=bash

# crash_record FOLDER WORK COMMAND... - run it, and keep what FOLDER was before and what was done to it
crash_record() {
	rm -rf "$2/crash-before" && cp -a "$1" "$2/crash-before" || return 1
	strace --seccomp-bpf -f -y -xx -s 4194304 -o "$2/crash-trace" \
		-e trace=openat,rename,renameat,renameat2,linkat,unlink,unlinkat,write,pwrite64,ftruncate,fallocate,fsync,fdatasync \
		"${@:3}"
}
crash_replay() { # crash_replay FOLDER WORK SWITCH - SWITCH is the file that puts all in force; says how many states
	"$(dirname "${BASH_SOURCE[0]}")/crash_folder.py" "$2/crash-trace" "$2/crash-before" "$1" "$3" "${CRASH_SEED:-1}" "${CRASH_STATES:-0}"
}
