#!/usr/bin/env bash
# decide is killed while a disk is served: its client writes on, its successor knows the disk, and locks it.
# A lock ends, too, where a client stays connected and says nothing, and where the kernel was given a
# connection that nobody remembers. An unlock whose decide is killed leaves nothing unlocked.
# limit: 180 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v nbdkit swtpm qemu-img mke2fs nbdcopy >/dev/null || lab_skip "nbdkit, swtpm, qemu-img, mke2fs or nbdcopy is not installed"
[ ! -e /sys/module/nbd ] || lab_skip "nbd.ko is loaded: this test must not use real devices"

fail() {
	echo "$1: $(cat "$LAB/unlock.log" 2>&1); log: $(tail -n 8 "$LAB/bulkheadd.log")"
	exit 1
}
opens() {
	disk_unlock work "$DISK_PIN" || fail "$1: it does not open"
}
# locks WHAT SECONDS
locks() {
	local from
	from=$(lab_ms)
	bulkhead disk lock work >"$LAB/unlock.log" 2>&1 || fail "$1: it does not lock"
	took=$(($(lab_ms) - from))
	no_block || fail "$1: it is locked, and its block runs"
	[ "$took" -lt $(($2 * 1000)) ] || fail "$1: locked after $took ms"
	echo "$1: locked after $took ms"
}
kill_decide() {
	local pid
	pid=$(laptop_role_pid decide)
	kill -KILL "$pid"
	lab_wait 10 laptop_role_replaced decide "$pid" || fail "decide has no successor"
	lab_wait 20 laptop_answers || fail "decide's successor does not answer"
}
disks() { laptop_status '.disks | map([.name, .leaf, .not_after] | join(" ")) | join(",")'; }

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
disk_plain work 32 || fail "no plain image"
disk_enrol && disk_create work +1hour && disk_deliver work || fail "$(cat "$LAB/disk.log")"
laptop_start || fail "bulkheadd does not start"

opens "untouched"
before=$(disks)
mkfifo "$LAB/ask"
word=$(lab_token late)
lab_start client /usr/bin/python3 "$LAB_TOP/tests/system/vhd_idle.py" /run/bulkhead/nbd/work.sock "$LAB/ask"
exec {ask}>"$LAB/ask"
echo first >&$ask
lab_wait 10 grep -qx "wrote first" "$LAB/client.log" || fail "the client writes nothing"
kill_decide
[ "$(disks)" = "$before" ] && [ -n "$before" ] || fail "status says '$(disks)' instead of '$before'"
echo "$word" >&$ask
lab_wait 10 grep -qx "wrote $word" "$LAB/client.log" || fail "the client does not write on"
locks "a client stays, and says nothing" 40
lab_wait 5 grep -qx "hung up" "$LAB/client.log" || fail "the client was not hung up on"
[ "$(disks)" = "" ] || fail "status shows a locked disk"

opens "after a block that was killed"
leaf=$(laptop_status '.disks[0].leaf')
[[ "$leaf" = "leaf session 2 was not closed cleanly"* ]] || fail "a leaf that was not closed is not told: '$leaf'"
disk_read work "$LAB/served.raw" && [ "$(head -c ${#word} "$LAB/served.raw")" = "$word" ] || fail "what was written before the kill is lost"
kill_decide
locks "nobody is connected" 8

opens "after a clean end"
leaf=$(laptop_status '.disks[0].leaf')
[[ "$leaf" = "leaf session "*" was closed cleanly" ]] || fail "a clean end is not told: '$leaf'"
bulkhead attach work >"$LAB/unlock.log" 2>&1 && fail "it is attached, without nbd.ko"
kill_decide
locks "a connection for the kernel was left" 8

key=$(laptop_role_pid key)
kill -STOP "$key"
disk_unlock work "$DISK_PIN" &
unlock=$!
lab_wait 10 eval '! no_block' || fail "no block waits for its key"
kill_decide
wait $unlock && fail "the unlock of a decide that died says that all is well"
lab_wait 10 no_block || fail "a disk is served that nobody unlocked to its end"
[ "$(disks)" = "" ] || fail "status shows a disk whose unlock did not end"
wipes() { grep -c "^<6>key: disk 'work': locked, key wiped" "$LAB/bulkheadd.log"; }
before=$(wipes)
kill -CONT "$key" # it finishes what it was asked, for nobody
lab_wait 20 eval '[ "$(wipes)" -gt "$before" ]' || fail "key keeps the key of a disk that nobody unlocked to its end"
opens "once more"
disk_same "$LAB/served.raw" || fail "it reads otherwise"
