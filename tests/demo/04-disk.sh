# A disk from IT to the work VM: encrypted, bound to this TPM and a PIN, under a signed lease.
#
# shellcheck shell=bash
demo_step 4 "A disk is checked out, unlocked and served over NBD"

disk_plain work 48 || return 1
good "IT's plain image: ext4 in a dynamic VHD by qemu-img" \
	"$(du -k "$IT/work.vhd" | cut -f1) KiB, $(find "$IT/work" -type f | wc -l) files"

laptop_stop
if ! disk_enrol; then
	bad "the laptop is enrolled"
	laptop_start
	return 1
fi
good "the laptop is enrolled: its record, signed by IT" \
	"PCRs $(grep -o 'pcrs.*\|coverage:.*' "$IT/device.yaml" | tail -n 1)"
from=$(lab_ms)
if disk_create work "+1hour"; then
	good "checked out: encrypted, header sealed, share wrapped to this TPM" "$(lab_since "$from") s"
else
	bad "checked out" "$(tail -n 1 "$LAB/disk.log")"
fi
disk_deliver work || return 1
laptop_start || return 1
expect "the VHD is still one" "$(bulkhead vhd check $LAPTOP_STATE/disks/work/leaf.vhd 2>&1 | tail -n 1)" \
	bulkhead vhd check $LAPTOP_STATE/disks/work/leaf.vhd

from=$(lab_ms)
if disk_unlock work "$DISK_PIN"; then
	good "unlocked with its PIN" "$(lab_since "$from") s"
else
	bad "unlocked with its PIN" "$(cat "$LAB/unlock.log")"
	return 1
fi
if disk_read work "$LAB/read.raw" && cmp -s "$LAB/read.raw" "$IT/work.raw"; then
	good "nbdcopy reads it back, byte for byte" "$(stat -c %s "$LAB/read.raw") bytes"
else
	bad "nbdcopy reads it back, byte for byte"
fi
if disk_files "$LAB/read.raw" "$LAB/files" && diff -r "$IT/work" "$LAB/files"; then
	good "every file is identical" "$(find "$LAB/files" -type f | wc -l) files"
else
	bad "every file is identical"
fi
rm -rf "$LAB/files"
expect "qemu-img reads the same" "" disk_same_to_qemu work

echo "written by the guest $DISK_MARKER" >"$LAB/new"
debugfs -w -R "write $LAB/new docs/new" "$LAB/read.raw" >/dev/null 2>&1
if nbdcopy --flush "$LAB/read.raw" "$(disk_uri work)" && disk_read work "$LAB/again.raw" &&
	e2fsck -fn "$LAB/again.raw" >"$LAB/e2fsck.log" 2>&1 &&
	[ "$(debugfs -R 'cat docs/new' "$LAB/again.raw" 2>/dev/null)" = "$(cat "$LAB/new")" ]; then
	good "a new file is written, read again, e2fsck is content"
else
	bad "a new file is written, read again, e2fsck is content" "$(tail -n 1 "$LAB/e2fsck.log")"
fi

faults=$(roles_check "$(laptop_pid)" $LAPTOP_UID_BASE)
expect "every role holds to its row: uid, capabilities, seccomp, descriptors" \
	"$(roles_of "$(laptop_pid)" | wc -l) processes" test -z "$faults"
[ -z "$faults" ] || printf '     %s\n' "$faults"
for role in block key; do
	expect "$role dies of a segmentation fault: no core, and replaced" "core limit 0, not dumpable" \
		disk_crash $role
done
expect "the new block has the key: the disk reads as before" "" disk_same "$LAB/again.raw"
rm -f "$LAB/read.raw" "$LAB/again.raw" "$LAB/new"
found=$(disk_marker_found)
expect "the plaintext's marker: laptop's folder, /tmp, /run/bulkhead, logs" \
	"${found:-found nowhere}" test -z "$found"
