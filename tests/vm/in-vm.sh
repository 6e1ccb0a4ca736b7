#!/bin/bash
# in-vm.sh SCRIPT... - run tests of this tree on the kernel that users run: Debian's own, emulated, one
# boot for all of them. They find there what they find here: the tree's scripts, the built programs, the
# installation, a lab. Prints their output; fails when one fails, or is skipped (what it lacks belongs
# into the image).
#
#	make -j2 all helpers && make stage && sudo tests/vm/in-vm.sh tests/system/net-is-closed*.sh
#
# VM_ARGUMENTS: more of QEMU's, a word each; @SHARE@ in it is a folder that is /shared there. LIMIT: seconds (300).
# Exit status 77, with the reason: no such machine can be had here.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
out=$(realpath "${OUT:-$top/out}")
cd "$top"

command -v qemu-system-x86_64 > /dev/null || { echo "qemu-system-x86 is not installed"; exit 77; }
image=$(tests/vm/image.sh) || { echo "the image of the emulated machine cannot be built here"; exit 77; }
share=$(mktemp -d "${TMPDIR:-/tmp}/in-vm.XXXXXX")
trap 'rm -rf "$share"' EXIT

tar -cf "$share/tree.tar" --exclude=tests/fuzz tests roles hypervisor-glue
(cd "$out" && find . -maxdepth 1 -name 'bulkhead*' && echo ./demo-root &&
	find ./tests -type f -perm -u+x) | tar -rf "$share/tree.tar" -C "$out" --transform='flags=r;s,^\.,out,' -T -
printf '%s\n' "$@" > "$share/scripts"
echo "${EMULATED-}" > "$share/emulated" # how much of them
echo "${LAB_SLOWER:-10}" > "$share/slower" # tests/lab/wait.sh; 30 on a busy machine
cat > "$share/run" << 'RUN'
mkdir /tmp/tree && cd /tmp/tree && tar --no-same-owner -xf /shared/tree.tar || exit 1
export OUT=/tmp/tree/out LAB_SLOWER="$(cat /shared/slower)" EMULATED="$(cat /shared/emulated)"
failed=0
while read -r script; do
	from=$(cut -d' ' -f1 /proc/uptime)
	bash "$script" < /dev/null
	status=$?
	echo "$script: status $status, $(awk -v from="$from" '{ printf "%.0f", $1 - from }' /proc/uptime) s on $(uname -r)"
	[ $status = 0 ] || failed=1
done < /shared/scripts
exit $failed
RUN
[ -z "${FIRST-}" ] || cp "$FIRST" "$share/.first"
arguments=${VM_ARGUMENTS-}
# shellcheck disable=SC2086 # words
tests/vm/boot.sh "$image" "$share" 'bash run' ${arguments//@SHARE@/$share}
