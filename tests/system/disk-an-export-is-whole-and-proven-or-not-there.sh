#!/usr/bin/env bash
# An export of a chain, each layer with a key of its own upon plain gold, holds the whole disk, raw and as
# VHD, for other readers, too; and there is none when a key is missing, the disk is in use, the name is
# taken, somebody stops it, or it is killed.
# limit: 240 s
cd "$(dirname "$0")/../.." || exit 1
export TMPDIR=/dev/shm
. tests/system/vhd.bash
. tests/system/faults.bash
need cryptsetup qemu-img jq strace
[ -x "$OUT/bulkhead" ] || skip "the command line is not built"
layers=$OUT/tests/system/vhd_layers
seed=$SEED
RANDOM=$seed
echo "# SEED=$seed"
D=$WORK/d
mkdir "$D" "$WORK/to"
x=$WORK/to/x.raw

export_it() { "$OUT/bulkhead" disk export "$D/leaf.vhd" "$@" >"$WORK/out" 2>"$WORK/err"; }
refused() { # refused STATUS WORDS ARGUMENT... - one line holds the words, and there is no file
	local want=$1 words=$2 status=0
	shift 2
	export_it "$@" || status=$?
	[ "$status" = "$want" ] || fail "export $*: exit status $status: $(cat "$WORK/err")"
	grep -qF -- "$words" "$WORK/err" && [ "$(wc -l <"$WORK/err")" = 1 ] || fail "export $*: $(cat "$WORK/err")"
	nothing_left
}
nothing_left() { [ -z "$(ls -A "$WORK/to")" ] || fail "left behind: $(ls -A "$WORK/to")"; }
layer() { # layer CHILD PARENT - encrypted, its volume key in CHILD.vk
	"$OUT/bulkhead" vhd snapshot "$D/$2.vhd" "$D/$1.vhd" --recovery-out "$WORK/$1.key" >/dev/null
	cryptsetup luksDump -q --dump-volume-key --volume-key-file "$WORK/$1.vk" --key-file "$WORK/$1.key" \
		"$D/$1.luks" >/dev/null 2>&1 || fail "cryptsetup does not open $1.luks"
}

"$OUT/bulkhead" vhd create "$D/gold.vhd" --size 96M >/dev/null
"$layers" work "$seed" 300 "$D/gold.vhd" >"$WORK/between.raw"
layer mid gold
"$layers" work $((seed + 1)) 300 "$D/gold.vhd" "$D/mid.vhd=$WORK/mid.vk" >"$WORK/between.raw"
layer leaf mid
"$layers" work $((seed + 2)) 300 "$D/gold.vhd" "$D/mid.vhd=$WORK/mid.vk" "$D/leaf.vhd=$WORK/leaf.vk" >"$WORK/want.raw"
keys=(--recovery-file "$WORK/leaf.key" --recovery-file "$WORK/mid.key" --plain gold.vhd --without-mac)

export_it "$x" "${keys[@]}" || fail "$(cat "$WORK/err")"
cmp "$x" "$WORK/want.raw" || fail "the raw file differs"
grep -q 'of 3 layers, not encrypted$' "$WORK/out" && grep -q '^proof: all of it' "$WORK/out" || fail "$(cat "$WORK/out")"
[ "$(stat -c %a "$x")" = 600 ] || fail "others may read it"
cp "$x" "$WORK/kept.raw"
! export_it "$x" "${keys[@]}" || fail "a file was overwritten"
grep -q 'File exists' "$WORK/err" && cmp "$x" "$WORK/kept.raw" || fail "$(cat "$WORK/err")"
rm "$x"
export_it "$WORK/to/x.vhd" "${keys[@]}" --json || fail "$(cat "$WORK/err")"
jq -es '(.[-1] | .done and .layers == 3 and (.proven | type) == "string") and
	([.[:-1][].phase] | unique) == ["copy", "prove"] and
	all(.[:-1][]; .done <= .total and has("rate"))' "$WORK/out" >/dev/null || fail "$(cat "$WORK/out")"
qemu-img compare -q -f vpc -F raw "$WORK/to/x.vhd" "$WORK/want.raw" || fail "qemu reads the VHD otherwise"
"$OUT/bulkhead" vhd check "$WORK/to/x.vhd" >/dev/null || fail "the VHD is not sound"
rm "$WORK/to/x.vhd"
export_it "$WORK/to/x.vhd" "${keys[@]}" --format raw && cmp "$WORK/to/x.vhd" "$WORK/want.raw" || fail "--format raw"
rm "$WORK/to/x.vhd"

refused 2 usage "$x"
refused 4 "its 'gold.tree' is not there: nobody vouches" "$x" "${keys[@]:0:6}"
refused 2 usage "$x" "${keys[@]}" --format qcow2
refused 3 "no recovery key that was given opens it" "$x" --recovery-file "$WORK/leaf.key" --plain gold.vhd --without-mac
refused 3 "'$D/gold.vhd': it has no header beside it" "$x" "${keys[@]:0:4}" --without-mac
mv "$D/leaf.luks" "$WORK/"
refused 3 "'$D/leaf.vhd': it has no header beside it" "$x" "${keys[@]}"
mv "$WORK/leaf.luks" "$D/"
mv "$D/mid.vhd" "$WORK/"
refused 1 "its parent 'mid.vhd' is not in folder" "$x" "${keys[@]}"
mv "$WORK/mid.vhd" "$D/"
exec 9<"$D/leaf.vhd"
flock 9 # as who serves it
refused 1 "is in use" "$x" "${keys[@]}"
exec 9<"$D/mid.vhd"
flock 9
refused 1 "is in use" "$x" "${keys[@]}"
flock -u 9
flock -s 9 # another disk is served upon the same layer
export_it "$x" "${keys[@]}" || fail "$(cat "$WORK/err")"
rm "$x"
exec 9<&-

# a full disk; a signal that comes at the first moment; kills at any
mkdir "$WORK/small"
mount -t tmpfs -o size=8M tmpfs "$WORK/small" || fail "cannot mount a tmpfs"
! export_it "$WORK/small/x.raw" "${keys[@]}" || fail "more than fits was written"
grep -q 'No space left' "$WORK/err" && [ -z "$(ls -A "$WORK/small")" ] || fail "$(cat "$WORK/err"; ls -A "$WORK/small")"
[ "$(df --output=used "$WORK/small" | tail -n 1 | tr -d ' ')" = 0 ] || fail "its space is not given back"
for signal in INT TERM HUP; do
	status=0
	env --block-signal=$signal bash -c "kill -$signal \$\$; exec \"\$@\"" - \
		"$OUT/bulkhead" disk export "$D/leaf.vhd" "$x" "${keys[@]}" >"$WORK/out" 2>"$WORK/err" || status=$?
	[ "$status" = 1 ] && grep -q "stopped; nothing is left of '$x'" "$WORK/err" || fail "$signal: $status: $(cat "$WORK/err")"
	nothing_left
done
status=0
{ fault KILL pwrite64 3 "$OUT/bulkhead" disk export "$D/leaf.vhd" "$x" "${keys[@]}" >"$WORK/out" || status=$?; } 2>"$WORK/err"
[ "$status" = 137 ] || fail "no kill at its third write: $status: $(cat "$WORK/out" "$WORK/err")"
nothing_left
kills=1
for ((n = 0; n < 8; n++)); do
	{
		status=0
		timeout --foreground -s KILL "0.$(printf %03d $((RANDOM % 300)))" "$OUT/bulkhead" disk export "$D/leaf.vhd" "$x" \
			"${keys[@]}" >"$WORK/out" || status=$?
	} 2>"$WORK/err"
	if [ "$status" = 137 ] && [ ! -e "$x" ]; then
		nothing_left
		kills=$((kills + 1))
	else
		cmp "$x" "$WORK/want.raw" || fail "what has its name is not whole"
		rm "$x"
	fi
done
echo "3 layers whole, raw and VHD; $kills kills left nothing, seed $seed"
