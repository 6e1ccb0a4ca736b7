#!/usr/bin/env bash
# The writable layer is what its leaf.mac says, or it is not served: after a clean close an edited footer,
# header, table or file end is refused, an edited bitmap is an error and not used, and so are a MAC that
# is missing, altered, of another disk, key or day. After a SIGKILL it opens with every flushed write and
# says so; what nobody with the key wrote is refused then, too. Nothing that is refused is written.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need nbdkit qemu-img qemu-io jq
[ "$(id -u)" = 0 ] || skip "needs root to drop privileges"
export KEEP_MAC=1
image=$WORK/leaf.vhd
N=0
head -c 64 /dev/urandom >"$WORK/key"
head -c 64 /dev/urandom >"$WORK/other.key"
qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$image" 16M
io() { # io COMMAND... - over the socket
	local c args=()
	for c; do args+=(-c "$c"); done
	qemu-io -f raw "${args[@]}" "$URI" >"$WORK/io" 2>&1
}
serve() { vhd_serve "$image" "${1:-$WORK/key}" 512 ${2:+"$2"} && vhd_ready; }
stop() { vhd_stop || fail "the server: $(cat "$LOG")"; }
save() { cp "$image" "$WORK/$1"; cp "$image.mac" "$WORK/$1.mac"; }
load() { cp "$WORK/$1" "$image"; cp "$WORK/${2:-$1}.mac" "$image.mac"; }
flip() { # flip FILE BYTE - its lowest bit
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
refused() { # refused WHAT WORDS [KEY] [SPOIL] - nobody is served, and not a byte changes
	local what=$1 words=$2
	sha256sum "$image" "$image.mac" >"$WORK/before"
	serve "${3-}" "${4-}"
	! timeout 5 qemu-io -f raw -c "read 0 4k" "$URI" >/dev/null 2>&1 || fail "$what: it is served"
	! vhd_stop || fail "$what: no exit status"
	grep -q -- "$words" "$LOG" || fail "$what: $(cat "$LOG")"
	sha256sum --quiet -c "$WORK/before" || fail "$what: a file was changed"
	N=$((N + 1))
}

serve
io "write -P 17 0 64k" "write -P 18 6M 4k" flush || fail "write: $(cat "$WORK/io")"
stop
save closed
size=$(stat -c %s "$image")
table=$((16#$(od -An -v -tx1 -j 528 -N 8 "$image" | tr -d ' \n'))) # VHD 1.0: the header's table offset
bitmap_of() { echo $((512 * 16#$(od -An -v -tx1 -j $((table + 4 * $1)) -N 4 "$image" | tr -d ' \n'))); }

# ---- closed ----
for byte in 40 68 70 $((512 + 70)) $((512 + 600)) $((table + 3)) $((table + 4)) $((size - 400)); do
	load closed
	flip "$image" "$byte"
	refused "byte $byte of the closed image" "open image"
done
load closed
printf '\377\377\377\377' | dd of="$image" bs=1 seek="$table" conv=notrunc status=none
refused "a block that was taken out of the table" "block table: "
load closed
truncate -s +1M "$image" && tail -c 512 "$WORK/closed" | dd of="$image" bs=512 seek=$(((size + 1048576) / 512 - 1)) conv=notrunc status=none
refused "a longer file with a footer at its end" "file: size .* when the layer was closed last"
load closed
flip "$image" $(($(bitmap_of 0) + 3))
serve
! io "read -P 17 0 4k" || fail "a block is read by an altered bitmap"
io "read -P 18 6M 4k" || fail "another block: $(cat "$WORK/io")"
stop
grep -q "the bitmap of block 0 of layer .* was altered: its leaf.mac" "$LOG" ||
	fail "an altered bitmap is not named: $(cat "$LOG")"

# ---- the MAC ----
load closed
for byte in 0 12 15 39 100 490 4096 4112 4200; do
	cp "$WORK/closed.mac" "$image.mac"
	flip "$image.mac" "$byte"
	refused "byte $byte of the MAC" "leaf.mac: "
done
truncate -s -32 "$image.mac"
refused "a shorter MAC" "leaf.mac: "
: >"$image.mac"
refused "an empty MAC" "leaf.mac: size"
refused "no MAC" "leaf.mac is not there" "" nomac
load closed
refused "another key" "leaf.mac: MAC" "$WORK/other.key"

# ---- the past of one of the two; of both it is attack 19 ----
serve
io "write -P 19 12M 4k" flush || fail "write: $(cat "$WORK/io")"
stop
save later
load closed later
refused "an older image" "file: size"
load later closed
refused "an older MAC" "file: size"
load later
cp "$image.mac" "$WORK/later.mac"
vhd create "$WORK/two.vhd" --size 16M >/dev/null
vhd_serve "$WORK/two.vhd" "$WORK/key" 512 && vhd_ready && io "read 0 4k" && stop
cp "$WORK/two.vhd.mac" "$image.mac"
refused "the MAC of another disk with the same key" "leaf.mac: UUID"

# ---- killed ----
load later
serve
io "read -P 19 12M 4k" || fail "read: $(cat "$WORK/io")"
kill -KILL "$(nbdkit_pid)" && ! vhd_stop
cmp -s "$image.mac" "$WORK/later.mac" || fail "it is marked as written by a reader"
serve
io "write -P 20 0 4k" "write -P 21 9M 4k" "write -P 22 4k 4k" flush || fail "write: $(cat "$WORK/io")"
kill -KILL "$(nbdkit_pid)" && ! vhd_stop
! cmp -s "$image.mac" "$WORK/later.mac" || fail "it was written and is not marked"
save killed
flip "$image" $(($(bitmap_of 4) + 3))
refused "a bitmap of the killed session" "block table: entry and bitmap of block 4: "
load killed
flip "$image" $(($(bitmap_of 0) + 3)) # which that session did not change
serve
! io "read -P 20 0 4k" || fail "a block is read by an altered bitmap of a killed layer"
stop
load killed
printf '\377\377\377\377' | dd of="$image" bs=1 seek="$table" conv=notrunc status=none
refused "a block that was taken out of a killed table" "block table: "
load killed later
refused "a clean MAC for a killed image" "open image: "
load killed
serve
io "read -P 20 0 4k" "read -P 22 4k 4k" "read -P 17 8k 4k" "read -P 21 9M 4k" "read -P 18 6M 4k" ||
	fail "a flushed write is lost: $(cat "$WORK/io")"
stop
vhd check "$image" >/dev/null || fail "not sound"
serve
io "read -P 21 9M 4k" || fail "closed again: $(cat "$WORK/io")"
stop
echo "$N alterations refused and unwritten; a reader leaves no mark, a killed writer loses nothing flushed"
