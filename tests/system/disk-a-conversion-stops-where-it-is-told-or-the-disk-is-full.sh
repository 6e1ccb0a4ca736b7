#!/usr/bin/env bash
# A signal stops a conversion at a safe point, with exit status 1 and the command that ends it; a file system
# that is really full, at any point of it, ends it with nothing lost; each is resumed, and every byte is there.
# Before the first sector both leave what was there, and nothing else.
# limit: 300 s
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
trap 'umount -l "$WORK/small" 2>/dev/null; keys_cleanup' EXIT
keys_on laptop
keys_it
keys_enrol
head -c 32M /dev/urandom >"$WORK/plain.raw"
mkdir "$WORK/small"
mount -t tmpfs -o size=40M,mode=700 tmpfs "$WORK/small" || fail "cannot mount a tmpfs"
dir=$WORK/small/disks/work filler=$WORK/small/filler
papers=(--device "$WORK/device.yaml" --trust "$WORK/trust.yaml" --lease-key "$WORK/lease.key" --days 7 --pin-fd 0)
qemu-img convert -f raw -O vpc -o subformat=fixed,force_size=on "$WORK/plain.raw" "$WORK/small/plain.vhd"

disk() { "$BULKHEAD" disk "$@" <<<"$PIN" >"$WORK/log" 2>&1; }
create() { disk create --in-place --source "$WORK/small/plain.vhd" --name work --out "$WORK/small" "${papers[@]}" --recovery-out "$WORK/key-1"; }
rekey() { disk rekey "$dir" --recovery-file "$WORK/key-1" "${papers[@]}" --recovery-out "$WORK/key-2"; }
decrypt() { disk decrypt "$dir" --recovery-file "$WORK/key-2"; }
resume() { disk resume "$dir" "${keys[@]}"; }
# fill LEFT-KIB - all of the file system but this
fill() {
	local free
	rm -f "$filler"
	free=$(df --output=avail -k "$WORK/small" | tail -n 1)
	[ "$free" -gt "$1" ] && fallocate -l $(((free - $1) * 1024)) "$filler" || fail "$free KiB are free, not $1"
}
files() { (cd "$WORK/small" && find . -type f ! -name filler -exec sha256sum {} + | sort); }

# full_then_resumed COMMAND... - with ever more room, until it has what it needs
full=0
full_then_resumed() {
	local kib
	files >"$WORK/before"
	for kib in 0 64 800 1316 1340 2400; do
		fill $kib
		if "$@"; then
			rm "$filler"
			return
		fi
		grep -q 'No space left on device' "$WORK/log" || fail "$* with $kib KiB: $(cat "$WORK/log")"
		full=$((full + 1))
		if [ -e "$dir/leaf.convert" ] && [ -n "$(head -c 1 "$dir/leaf.convert" | tr -d '\0')" ]; then
			set -- resume
		elif [ "$1" != resume ]; then
			rm "$filler"
			files | cmp -s - "$WORK/before" || fail "$* with $kib KiB left: $(files | diff - "$WORK/before")"
			[ ! -e "$new_key" ] || fail "a recovery key of nothing was left"
		fi
	done
	fail "$*: $(cat "$WORK/log")"
}
# stopped SIGNAL COMMAND... - it is told before it starts, so it stops at the first safe point; then resumed
stopped() {
	local signal=$1 status=0
	shift
	env --block-signal="$signal" bash -c "kill -$signal \$\$; exec \"\$@\"" - "$BULKHEAD" disk "$@" \
		<<<"$PIN" >"$WORK/log" 2>&1 || status=$?
	[ $status = 1 ] || fail "$signal: exit status $status: $(cat "$WORK/log")"
	grep -q "stopped at a safe point; it opens again when it is finished by 'bulkhead disk resume'" "$WORK/log" ||
		fail "$signal: $(cat "$WORK/log")"
	! "$BULKHEAD" vhd check "$dir/leaf.vhd" >"$WORK/log" 2>&1 || fail "$signal: half a disk opens"
	grep -q 'a conversion is unfinished' "$WORK/log" || fail "$signal: $(cat "$WORK/log")"
	resume || fail "resume after $signal: $(cat "$WORK/log")"
	grep -q '^resumed: [1-9]' "$WORK/log" || fail "nothing had been done before $signal: $(cat "$WORK/log")"
}
same() { # same KEY - the disk is what it was
	rm -f "$WORK/x.raw"
	disk export "$dir" "$WORK/x.raw" --recovery-file "$1" && cmp "$WORK/x.raw" "$WORK/plain.raw" || fail "it differs: $(cat "$WORK/log")"
}

keys=(--recovery-file "$WORK/key-1") new_key=$WORK/key-1
full_then_resumed create
same "$WORK/key-1"
keys+=(--recovery-file "$WORK/key-2") new_key=$WORK/key-2
full_then_resumed rekey
same "$WORK/key-2"
keys=(--recovery-file "$WORK/key-2") new_key=$WORK/none
full_then_resumed decrypt
mv "$dir/leaf.vhd" "$WORK/small/plain.vhd"
rm -r "$WORK/small/disks" "$WORK/small/leases" "$WORK"/key-?

keys=(--recovery-file "$WORK/key-1")
stopped INT create --in-place --source "$WORK/small/plain.vhd" --name work --out "$WORK/small" "${papers[@]}" --recovery-out "$WORK/key-1"
same "$WORK/key-1"
keys+=(--recovery-file "$WORK/key-2")
stopped TERM rekey "$dir" --recovery-file "$WORK/key-1" "${papers[@]}" --recovery-out "$WORK/key-2"
same "$WORK/key-2"
keys=(--recovery-file "$WORK/key-2")
stopped HUP decrypt "$dir" --recovery-file "$WORK/key-2"
cmp -n $((32 << 20)) "$dir/leaf.vhd" "$WORK/plain.raw" || fail "decrypted it differs"
[ "$full" -ge 6 ] || fail "it was full $full times only: this shows little"
echo "a full disk ended it $full times, a signal 3 times; nothing was lost"
