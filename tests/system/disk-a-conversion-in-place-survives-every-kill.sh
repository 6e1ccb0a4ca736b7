#!/usr/bin/env bash
# A disk is encrypted where it lies, gets another key, and becomes plain again; each is killed before its
# first sector, in its middle and at random moments, and gone on with: by the same command, or by resume.
# It holds every byte; meanwhile nobody opens it. A check-out by copy is killed likewise.
#
# KILLS (12) kills, from SEED (random) on.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
. tests/system/kills.bash
KILLS=${KILLS:-12} SEED=${SEED:-$RANDOM}
RANDOM=$SEED
need nbdinfo
keys_on laptop
keys_it
keys_enrol
keys_plain
plain=$WORK/plain.raw dir=$WORK/out/disks/work
head -c 96M /dev/urandom >"$plain"
for ((at = 70000000; ; at += 32)); do
	MARKER=$(xxd -p -s $at -l 32 -c 32 "$plain")
	! in_clear "$MARKER" "$plain" || break
done
qemu-img convert -f raw -O vpc -o subformat=dynamic,force_size=on "$plain" "$WORK/plain.vhd"
papers=(--device "$WORK/device.yaml" --trust "$WORK/trust.yaml" --lease-key "$WORK/lease.key" --days 7)
closed=0

closed_to_all() {
	if "$BULKHEAD" vhd check "$dir/leaf.vhd" >"$WORK/said" 2>&1; then
		return # the first mark had not been set, or the last one was taken off already
	fi
	grep -q 'a conversion is unfinished' "$WORK/said" || fail "vhd check says $(cat "$WORK/said")"
	! qemu-img info -f vpc "$dir/leaf.vhd" >/dev/null 2>&1 || fail "qemu opens half a disk"
	closed=$((closed + 1))
}

converted $((KILLS / 3)) --recovery-file "$WORK/recovery-1" -- "$BULKHEAD" disk create --in-place \
	--source "$WORK/plain.vhd" --name work --out "$WORK/out" "${papers[@]}" \
	--recovery-out "$WORK/recovery-1" --pin-fd 0
keys_unlock work "$PIN" ok
"$BULKHEAD" disk export "$dir" "$WORK/x.raw" --recovery-file "$WORK/recovery-1" >/dev/null
cmp "$WORK/x.raw" "$plain" || fail "encrypted in place it differs"
! in_clear "$MARKER" "$dir/leaf.vhd" || fail "plaintext is in the file"

old=$(sha256sum <"$dir/leaf.luks")
converted $((KILLS / 3)) --recovery-file "$WORK/recovery-1" --recovery-file "$WORK/recovery-2" -- \
	"$BULKHEAD" disk rekey "$dir" --recovery-file "$WORK/recovery-1" "${papers[@]}" \
	--recovery-out "$WORK/recovery-2" --sector-size 4096 --pin-fd 0
[ "$old" != "$(sha256sum <"$dir/leaf.luks")" ] || fail "the header is the old one"
minisign -V -q -p "$WORK/lease.pub" -m "$WORK/out/leases/work.yaml" || fail "minisign refuses the new lease"
keys_unlock work "$PIN" ok
rm "$WORK/x.raw"
! "$BULKHEAD" disk export "$dir" "$WORK/x.raw" --recovery-file "$WORK/recovery-1" 2>/dev/null ||
	fail "the old recovery key opens it"
"$BULKHEAD" disk export "$dir" "$WORK/x.raw" --recovery-file "$WORK/recovery-2" >/dev/null
cmp "$WORK/x.raw" "$plain" || fail "with its new key it differs"
cryptsetup luksDump "$dir/leaf.luks" | grep -q 'sector: 4096 ' || fail "sectors are not 4096 bytes"

# wrong keys, a foreign journal, a full disk: refused, and nothing is begun
! "$BULKHEAD" disk decrypt "$dir" --recovery-file "$WORK/recovery-1" 2>"$WORK/log" || fail "a wrong key decrypts"
grep -q 'no recovery key that was given' "$WORK/log" || fail "$(cat "$WORK/log")"
converted $((KILLS / 3)) --recovery-file "$WORK/recovery-2" -- "$BULKHEAD" disk decrypt "$dir" \
	--recovery-file "$WORK/recovery-2"
qemu-img compare -q -f vpc -F raw "$dir/leaf.vhd" "$plain" || fail "decrypted it differs"
[ "$(echo "$dir"/*)" = "$dir/leaf.escrow $dir/leaf.vhd" ] || fail "left behind: $(echo "$dir"/*)"
# by copy: what was not finished is nobody's, but not while somebody makes it
mkdir -p "$WORK/copy/disks/copy.partial"
exec 9<"$WORK/copy/disks/copy.partial"
flock 9
copy=("$BULKHEAD" disk create --source "$dir/leaf.vhd" --name copy --out "$WORK/copy" "${papers[@]}"
	--recovery-out "$WORK/recovery-copy" --pin-fd 0)
! "${copy[@]}" <<<"$PIN" 2>"$WORK/log" || fail "two make one disk"
grep -q 'another command works on' "$WORK/log" || fail "two make one disk: $(cat "$WORK/log")"
exec 9<&-
dir=$WORK/copy/disks/copy.partial killed_at leaf.vhd pwrite64 20 "${copy[@]}"
for ((n = 1; n < KILLS / 3; n++)); do
	! killed_at_random "${copy[@]}" || break
	[ ! -e "$WORK/copy/leases/copy.yaml" ] || break
done
[ -e "$WORK/copy/leases/copy.yaml" ] || "${copy[@]}" <<<"$PIN" >"$WORK/log" || fail "copy: $(cat "$WORK/log")"
[ "$(ls "$WORK/copy/disks")" = copy ] || fail "left behind: $(ls "$WORK/copy/disks")"
rm "$WORK/x.raw"
"$BULKHEAD" disk export "$WORK/copy/disks/copy" "$WORK/x.raw" --recovery-file "$WORK/recovery-copy" >/dev/null
cmp "$WORK/x.raw" "$plain" || fail "the copy differs"
[ $closed -ge 3 ] || fail "only $closed halves were closed to all"
echo "$killed kills, $begun of them in the middle, seed $SEED"
