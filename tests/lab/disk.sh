# disk.sh - a disk of the work VM, from its plain image at IT to what a thief may do with it.
#
# shellcheck shell=bash

IT=$LAB/it	# IT's folder: plain images, keys, recovery keys. Not on the laptop.
DISK_MARKER=

# disk_plain NAME MIB - a real ext4 with a folder of files in a dynamic VHD: $IT/NAME.vhd; the same
# as raw in $IT/NAME.raw, the folder in $IT/NAME. Every file holds $DISK_MARKER.
disk_plain() {
	local name=$1 i
	mkdir -p "$IT/$name/docs/deep"
	[ -n "$DISK_MARKER" ] || DISK_MARKER=$(lab_token plaintext)
	for i in $(seq 40); do
		{
			echo "$DISK_MARKER $name $i"
			head -c $((i * 3000)) /dev/urandom
		} >"$IT/$name/docs/file-$i"
	done
	seq 200000 | sed "s/^/$DISK_MARKER /" >"$IT/$name/docs/deep/large"
	ln -s docs/file-1 "$IT/$name/link"
	mke2fs -q -t ext4 -F -d "$IT/$name" "$IT/$name.raw" "$2M" >"$LAB/mke2fs.log" || return 1
	# the footer's rounded geometry must not enlarge the disk that the guest sees
	qemu-img convert -f raw -O vpc -o subformat=dynamic,force_size=on \
		"$IT/$name.raw" "$IT/$name.vhd"
}

disk_uri() { # disk_uri NAME
	echo "nbd+unix:///?socket=/run/bulkhead/nbd/$1.sock"
}

# disk_read NAME RAW - all of the served disk, with a client that is not ours
disk_read() {
	rm -f "$2"
	nbdcopy "$(disk_uri "$1")" "$2"
}

# disk_files RAW FOLDER - what the ext4 in RAW holds
disk_files() {
	rm -rf "$2"
	mkdir -p "$2"
	debugfs -R "rdump / $2" "$1" 2>"$LAB/debugfs.log" && rmdir "$2/lost+found"
}

# luks_edit FILE JQ-FILTER - change the header's JSON and make both copies valid again: magic, sizes
# and checksums as LUKS2 has them (LUKS2 on-disk format 1.1.2, section 2.1).
luks_edit() {
	local file=$1 filter=$2 size copy json
	size=$((16#$(dd if="$file" bs=1 skip=8 count=8 status=none | od -An -v -tx1 | tr -d ' \n')))
	json=$(dd if="$file" bs=4096 skip=1 count=$((size / 4096 - 1)) status=none | tr -d '\0' |
		jq -c "$filter") || return 1
	[ ${#json} -lt $((size - 4096)) ] || return 1
	for copy in 0 1; do
		luks_write_copy "$file" $((copy * size)) "$size" "$json"
	done
}

luks_write_copy() { # luks_write_copy FILE OFFSET SIZE JSON
	local file=$1 at=$2 size=$3 sum i escaped=
	{
		dd if="$file" bs=4096 skip=$((at / 4096)) count=1 status=none
		printf '%s' "$4"
	} >"$LAB/luks.copy"
	truncate -s "$size" "$LAB/luks.copy"
	dd if=/dev/zero of="$LAB/luks.copy" bs=1 seek=448 count=64 conv=notrunc status=none
	sum=$(sha256sum "$LAB/luks.copy")
	for i in $(seq 0 2 62); do
		escaped+="\\x${sum:$i:2}"
	done
	printf "$escaped" | dd of="$LAB/luks.copy" bs=1 seek=448 conv=notrunc status=none
	dd if="$LAB/luks.copy" of="$file" bs=4096 seek=$((at / 4096)) conv=notrunc status=none
	rm "$LAB/luks.copy"
}

DISK_PIN=271828

# disk_enrol - the laptop prints its record, IT looks at it and signs it, the laptop keeps it. The
# daemon must be stopped: a TPM serves one at a time.
disk_enrol() {
	bulkhead device enrol --name laptop-1 --tpm "$TPM_SOCKET" >"$IT/device.yaml" 2>"$LAB/disk.log" &&
		pki_sign policy "$IT/device.yaml" &&
		install -m 600 "$IT/device.yaml" "$IT/device.yaml.minisig" $LAPTOP_STATE/
}

# disk_create NAME NOT-AFTER [OPTION...] - IT's side: $IT/out/NAME holds what the laptop gets
disk_create() {
	local name=$1 end=$2
	shift 2
	rm -rf "$IT/out/$name"
	mkdir -p "$IT/out"
	printf '%s' "$DISK_PIN" | bulkhead disk create --source "$IT/$name.vhd" --name "$name" \
		--out "$IT/out" --device "$IT/device.yaml" --trust "$IT/trust.yaml" \
		--lease-key "$IT/keys/lease.key" --not-after "$(pki_date "$end")" \
		--recovery-out "$IT/recovery-$name" --pin-fd 0 "$@" >"$LAB/disk.log" 2>&1
}

disk_deliver() { # disk_deliver NAME - the files reach the laptop
	cp -r "$IT/out/." $LAPTOP_STATE/
}

disk_at_it() { # disk_at_it COMMAND... - on a machine that is not set up as a laptop
	unshare -m sh -c 'mount -t tmpfs none /etc/bulkhead && exec "$@"' - "$@"
}

disk_unlock() { # disk_unlock NAME PIN - what it says is in $LAB/unlock.log
	printf '%s' "$2" | bulkhead disk unlock "$1" --pin-fd 0 >"$LAB/unlock.log" 2>&1
}

disk_same_to_qemu() { # disk_same_to_qemu NAME - as IT's raw image is
	qemu-img compare -f raw -F raw "$(disk_uri "$1")" "$IT/$1.raw" >"$LAB/qemu.log" 2>&1
}


disk_same() { # disk_same RAW - is that what is served?
	disk_read work "$LAB/same.raw" && cmp -s "$LAB/same.raw" "$1" && rm "$LAB/same.raw"
}

disk_marker_found() { # files outside IT's folder that hold the plaintext's marker
	grep -rlaF -- "$DISK_MARKER" /var/lib/bulkhead /run/bulkhead "$LAB"/*.log "$LAB"/*.pcap 2>/dev/null
	find /tmp /var/tmp /var/log -xdev -type f -newer "$IT/trust.yaml" \
		-exec grep -laF -- "$DISK_MARKER" {} + 2>/dev/null
}

# disk_crash ROLE - it dies of a segmentation fault, as a bug would kill it. Succeeds when another has
# taken its place and the kernel has written no core of the first.
disk_crash() {
	local pid
	pid=$(laptop_role_pid "$1")
	: >"$LAB/core.log"
	[ -n "$pid" ] && kill -SEGV "$pid" && lab_wait 10 laptop_role_replaced "$1" "$pid" || {
		echo "$1 was not replaced" >"$LAB/core.log"
		return 1
	}
	grep "core dumped" "$LAB/bulkheadd.log" >"$LAB/core.log" && return 1
	return 0
}

disk_served() { # disk_served NAME - does anybody answer on its socket?
	[ -S "/run/bulkhead/nbd/$1.sock" ] && timeout 3 nbdinfo --size "$(disk_uri "$1")" >/dev/null 2>&1
}
