#!/usr/bin/env bash
# One disk, checked out to this laptop; its PIN is always right. Each try changes one thing: who asks,
# the lease, the laptop's record, the policy's end, a file that is none. Nothing opens, the reason is
# named, and no key is handed out. The untouched disk opens before and after; then every process is
# still what its row in roles.tsv says.
# limit: 180 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v nbdkit swtpm qemu-img mke2fs >/dev/null || lab_skip "nbdkit, swtpm, qemu-img or mke2fs is not installed"

fail() {
	echo "$1: $(cat "$LAB/unlock.log" 2>&1); log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}

# refused WHAT REASON [NAME] - the unlock is, with these words, and no block serves the disk
refused() {
	local what=$1 words=$2 name=${3-work} status=0
	disk_unlock "$name" "$DISK_PIN" || status=$?
	[ $status != 0 ] || fail "$what: it opens"
	grep -q -- "$words" "$LAB/unlock.log" || fail "$what: not '$words'"
	[ "$(laptop_status '.disks | length')" = 0 ] || fail "$what: status shows an open disk"
	lab_wait 10 no_block || fail "$what: a block process runs"
	echo "$what: $(tail -n 1 "$LAB/unlock.log")"
}

opens() {
	disk_unlock work "$DISK_PIN" || fail "$1: it does not open"
}

locks() {
	bulkhead disk lock work >"$LAB/unlock.log" 2>&1 || fail "it does not lock"
	lab_wait 10 no_block || fail "its block does not end"
}

lease=$LAPTOP_STATE/leases/work.yaml
image=$LAPTOP_STATE/disks/work/leaf.vhd
header=$LAPTOP_STATE/disks/work/leaf.luks
mac=$LAPTOP_STATE/disks/work/leaf.mac

# lease_says SED-EXPRESSION [KEY] - the lease, changed and signed again
lease_says() {
	sed -i "$1" "$lease"
	pki_sign "${2-lease}" "$lease"
}
put_back() {
	rm -rf "$lease" "$lease.minisig"
	cp "$IT/out/leases/work.yaml" "$IT/out/leases/work.yaml.minisig" $LAPTOP_STATE/leases/
}
restart() {
	laptop_stop
	laptop_start || fail "bulkheadd does not start"
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
disk_plain work 32 || fail "no plain image"
disk_enrol && disk_create work +1hour && disk_deliver work || fail "$(cat "$LAB/disk.log")"
laptop_start || fail "bulkheadd does not start"
opens "untouched"
grep -q "^leaf session 1 was closed cleanly$" "$LAB/unlock.log" || fail "its session is not told"
lab_wait 5 laptop_audit_says '[.[] | select(.kind == "unlock" and .phase == "outcome") | .detail] | last' \
	"leaf session 1 was closed cleanly" || fail "its session is not in the audit log"

# ---- a leaf of a moment at which the power went, and one of an earlier day, are told ----
disk=$LAPTOP_STATE/disks/work
[ "$(laptop_status '.disks[0].leaf')" = "leaf session 1 was closed cleanly" ] || fail "its session is not in the status"
qemu-io -f raw -d unmap -c "discard 1M 64k" -c flush "$(disk_uri work)" >"$LAB/qemu.log" 2>&1 || fail "no discard: $(cat "$LAB/qemu.log")"
mkdir "$LAB/before"
cp "$IT"/out/disks/work/leaf.{vhd,mac} "$LAB/before/" # as IT gave it
cp "$disk"/leaf.{vhd,mac} "$LAB/"
locks
cp "$LAB"/leaf.{vhd,mac} "$disk/"
opens "as the power left it"
bulkhead status | grep -q "work .*; leaf session 2 was not closed cleanly; 1 blocks checked" || fail "the status does not tell: $(bulkhead status)"
locks
cp "$LAB"/before/leaf.{vhd,mac} "$disk/"
opens "as it was an earlier day"
locks
bulkhead report --json >"$LAB/report.json"
jq -e '.disks[0] | .put_back == 1 and .not_closed == 1' "$LAB/report.json" >"$LAB/jq.log" || fail "a leaf that was put back is not in the report"

# ---- who asks ----
status=0
printf '%s' "$DISK_PIN" | setpriv --reuid=65534 --regid=65534 --clear-groups \
	bulkhead disk unlock work --pin-fd 0 >"$LAB/unlock.log" 2>&1 || status=$?
[ $status = 3 ] && grep -q "only root" "$LAB/unlock.log" || fail "a user unlocks"
setpriv --reuid=65534 --regid=65534 --clear-groups bulkhead status >/dev/null || fail "a user sees no status"

printf '%s' 000000 | bulkhead disk unlock work --pin-fd 0 >"$LAB/unlock.log" 2>&1 && fail "a wrong PIN opens"
grep -q "PIN is wrong" "$LAB/unlock.log" || fail "a wrong PIN is not named"
[ "$(laptop_status '.disks | length')" = 0 ] || fail "status shows a disk that a wrong PIN left"
lab_wait 10 no_block || fail "a block process waits after a wrong PIN"

# ---- the intent is on disk first ----
audit=$(roles_of "$(laptop_pid)" | awk '$1 == "audit" { print $2 }')
kill -STOP "$audit"
disk_unlock work "$DISK_PIN" &
unlock=$!
lab_idle 2 # nothing may happen
no_block || fail "a disk is served before the audit log knows"
kill -CONT "$audit"
wait $unlock || fail "it does not open when the audit log is written again"
lab_wait 5 laptop_audit_says '[.[] | select(.kind == "unlock" and .reason == "ok") | .phase] | .[-2:] | join(" ")' \
	"intent outcome" || fail "intent and outcome are not in the log"
locks

# ---- what the lease says ----
lease_says 's/^device: .*/device: "laptop-2"/'
refused "a lease for another laptop" "another device"
put_back
lease_says 's/^disk: .*/disk: "other"/'
refused "a lease for another disk" "another disk"
put_back
lease_says "s/^issued: .*/issued: $(pki_date -2days)/; s/^not_after: .*/not_after: $(pki_date -1minute)/"
refused "a lease that has ended" "expired"
put_back
lease_says 's/^id: .*/id: "mine"/' policy
refused "a lease signed by the policy's key" "may not sign"
put_back
sed -i "s/^not_after: .*/not_after: $(pki_date +300days)/" "$lease"
refused "a lease that was edited" "signature"
put_back
rm "$lease.minisig"
refused "a lease without signature" "no such disk"
put_back

# ---- files that are none ----
mv "$lease" "$lease.real" && ln -s "$lease.real" "$lease"
refused "a lease by way of a link" "lease"
rm "$lease" "$lease.real" && mkfifo "$lease"
refused "a lease that is a pipe" "lease"
put_back
mv "$image" "$image.real" && ln -s "$image.real" "$image"
refused "an image by way of a link" "image"
mv "$image.real" "$image"
mv "$header" "$header.real" && ln -s "$header.real" "$header"
refused "a header by way of a link" "leaf.luks"
mv "$header.real" "$header"
mv "$mac" "$mac.real"
refused "an image without its MAC" "leaf.mac"
ln -s "$mac.real" "$mac"
refused "a MAC by way of a link" "leaf.mac"
rm "$mac" && cp "$mac.real" "$mac"
printf x | dd of="$mac" bs=1 seek=40 conv=notrunc status=none
refused "a MAC that was altered" "leaf.mac: MAC"
mv "$mac.real" "$mac"
refused "a name that leads elsewhere" "" ../disks/work
exec 9<>"$image"
flock -x 9
refused "an image that another program holds" "in use"
exec 9>&-

# ---- what else must hold ----
opens "all put back"
status=0
printf '%s' "$DISK_PIN" | bulkhead disk unlock work --pin-fd 0 >"$LAB/unlock.log" 2>&1 || status=$?
[ $status != 0 ] && grep -q "in use" "$LAB/unlock.log" || fail "an open disk opens again"
faults=$(roles_check "$(laptop_pid)" $LAPTOP_UID_BASE)
[ -z "$faults" ] || fail "$faults"
bound=$(roles_row supervisor | sed -n 3p)
# shellcheck disable=SC2086 # names, one word each
[ $((16#$(roles_status "$(laptop_pid)" CapBnd) & ~16#$(roles_caps_mask $bound))) = 0 ] ||
	fail "the supervisor's bounding set is $(roles_status "$(laptop_pid)" CapBnd)"
log=$(find "/proc/$audit/fd" -lname '*.jsonl')
[ $((0$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$audit/fdinfo/${log##*/}") & 02000)) != 0 ] ||
	fail "audit's descriptor of its log could overwrite lines"
block=$(roles_of "$(laptop_pid)" | awk '$1 == "block" { print $2 }')
[ "$(roles_status "$block" CapBnd)" = 0000000000000000 ] || fail "block could get capabilities back"
[ -z "$(roles_status "$block" Groups | tr -d ' ')" ] || fail "block is in groups"
[ "$(stat -c '%a %u' /run/bulkhead/nbd /run/bulkhead/nbd/work.sock $LAPTOP_STATE | tr '\n' ' ')" = "700 0 600 0 700 0 " ] ||
	fail "the disk's socket is open to others"
tr '\0' ' ' <"/proc/$block/cmdline" | grep -q -- '--filter=limit .* limit=8 ' || fail "clients are not bounded"
locks

printf '\n# x\n' >>$LAPTOP_STATE/device.yaml
restart
refused "a record of this laptop that was edited" "not there"
cp "$IT/device.yaml" $LAPTOP_STATE/
pki_policy 8 "$(pki_date -4days)" >$LAPTOP_STATE/policy/current.yaml
sed -i "s/^issued: .*/issued: $(pki_date -30days)/" $LAPTOP_STATE/policy/current.yaml
pki_sign policy $LAPTOP_STATE/policy/current.yaml
restart
refused "a policy past its grace" "expired"
[ "$(laptop_status .policy_serial)" = 8 ] || fail "isolation ended with the policy"
pki_policy 9 "$(pki_date -1hour)" >$LAPTOP_STATE/policy/current.yaml
sed -i "s/^issued: .*/issued: $(pki_date -30days)/" $LAPTOP_STATE/policy/current.yaml
pki_sign policy $LAPTOP_STATE/policy/current.yaml
restart
opens "within its grace"
