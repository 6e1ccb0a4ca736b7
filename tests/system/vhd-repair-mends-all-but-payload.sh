#!/usr/bin/env bash
# Each way in which footers, checksums and the end of a VHD are damaged (Q4, Q12, Q13, Q14): `vhd check` does not pass it,
# `vhd repair --dry-run` says what it would do and does nothing, without --yes nothing happens either,
# and after `vhd repair --yes` it is sound and the disk holds the very bytes of before. What nobody
# can mend is refused and stays as it is.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need qemu-img
v=$WORK/a.vhd
vhd() { "$OUT/bulkhead" vhd "$@"; }
put() { # put BYTES-OF-PRINTF OFFSET
	printf "$1" | dd of="$v" bs=1 seek="$2" conv=notrunc status=none
}
fill() { # fill OCTAL OFFSET COUNT
	head -c "$3" /dev/zero | tr '\0' "\\$1" | dd of="$v" bs=1 seek="$2" conv=notrunc status=none
}
size() { stat -c %s "$v"; }
flip() { # flip OFFSET - every bit of that byte
	put "\\x$(printf %02x $((0x$(dd if="$v" bs=1 skip="$1" count=1 status=none | od -An -tx1 | tr -d ' ') ^ 0xff)))" "$1"
}
short() { truncate -s -1 "$v"; }

head -c 5000000 /dev/urandom >"$WORK/some"
truncate -s 8M "$WORK/raw"
dd if="$WORK/some" of="$WORK/raw" bs=64K seek=20 conv=notrunc status=none
for how in dynamic fixed; do
	qemu-img convert -f raw -O vpc -o subformat=$how,force_size=on "$WORK/raw" "$WORK/$how.vhd"
done

n=0
mends() { # mends HOW WORDS SPOIL...
	local how=$1 words=$2 status=0
	shift 2
	cp "$WORK/$how.vhd" "$v"
	"$@"
	vhd check "$v" >/dev/null 2>&1 && [ "$words" = "${words#quiet:}" ] && fail "$*: passes"
	words=${words#quiet:}
	sha256sum "$v" >"$WORK/before"
	vhd repair --dry-run "$v" >"$WORK/said" || fail "$*: dry run"
	grep -qF "$words" "$WORK/said" || fail "$*: $(cat "$WORK/said")"
	vhd repair "$v" </dev/null >/dev/null 2>&1 || status=$?
	[ "$status" = 2 ] || fail "$*: exit status $status without --yes"
	sha256sum --quiet -c "$WORK/before" || fail "$*: changed too early"
	vhd repair --yes "$v" >"$WORK/said" || fail "$*: $(cat "$WORK/said")"
	vhd check "$v" >/dev/null || fail "$*: not sound after '$(cat "$WORK/said")'"
	"$OUT/tests/system/vhd_cat" "$v" >"$WORK/got" && cmp "$WORK/got" "$WORK/raw" || fail "$*: other bytes"
	[ $(($(size) % 512)) = 0 ] || fail "$*: size $(size)"
	vhd repair --yes "$v" | grep -q "nothing to repair" || fail "$*: there is more to repair"
	n=$((n + 1))
}
end_of() { echo $(($(stat -c %s "$WORK/$1.vhd") - 512)); }
D=$(end_of dynamic) F=$(end_of fixed)
both() { flip 300 && flip $((D + 300)); }
cut_end() { truncate -s "$D" "$v"; }
garbage() { head -c "$1" /dev/urandom >>"$v"; }

mends dynamic "write the footer at the end anew, at byte $D" fill 000 "$D" 512
mends dynamic "write the footer at the end anew, at byte $D" fill 307 "$D" 512
mends dynamic "write the footer at the end anew, at byte $D" cut_end # the last byte is payload
mends dynamic "write the footer at the end anew" flip $((D + 100))
mends dynamic "copy at the start anew, at byte 0" fill 000 0 512
mends dynamic "copy at the start anew, at byte 0" flip 100
mends dynamic "copy at the start anew, at byte 0" both
mends dynamic "write the right checksum into the header" flip $((512 + 900))
mends dynamic "cut off what lies behind the footer, at byte $((D + 512))" garbage 4096
mends dynamic "cut off what lies behind the footer" garbage 700
mends dynamic "quiet:lengthen the footer of 511 bytes" short
mends fixed "quiet:lengthen the footer of 511 bytes" short
mends fixed "cut off what lies behind the footer, at byte $((F + 512))" garbage 5000
mends fixed "write the footer at the end anew, at byte $F" flip $((F + 400))

refuses() { # refuses STATUS WORDS OPTIONS SPOIL...
	local want=$1 words=$2 status=0
	cp "$WORK/dynamic.vhd" "$v"
	"${@:3}"
	sha256sum "$v" >"$WORK/before"
	vhd repair --yes "$v" >/dev/null 2>"$WORK/err" || status=$?
	[ "$status" = "$want" ] && grep -qF "$words" "$WORK/err" || fail "${*:3}: $status, $(cat "$WORK/err")"
	sha256sum --quiet -c "$WORK/before" || fail "${*:3}: changed"
	n=$((n + 1))
}
nothing_left() { fill 000 0 512 && fill 000 "$D" 512; }
refuses 4 "has no footer that could be mended" nothing_left
refuses 4 "says that somebody is at work in it" put v_poison 0
refuses 4 "block table: entry 0: 0x0 lies on the footer copy" put '\0\0\0\0' 1536
refuses 4 "header: cookie" put x 512

# two sound footers, two UUIDs: the evil generator's; only the owner can say
"$OUT/tests/evil/vhd_metadata" copies-differ-in-uuid "$v"
sha256sum "$v" >"$WORK/before"
status=0
vhd repair --yes "$v" 2>"$WORK/err" || status=$?
[ "$status" = 4 ] && grep -qF "footer: UUID" "$WORK/err" || fail "two UUIDs: $status, $(cat "$WORK/err")"
sha256sum --quiet -c "$WORK/before" || fail "two UUIDs: changed"
cp "$v" "$WORK/two.vhd"
vhd repair --yes --from end "$v" >/dev/null && vhd check "$v" >/dev/null || fail "two UUIDs, from the end"
vhd info --json "$v" | grep -q '"uuid":"5a5a5a5b-' || fail "the end's UUID is not taken"
vhd repair --yes --from start "$WORK/two.vhd" >/dev/null && vhd info --json "$WORK/two.vhd" | grep -q '"uuid":"5a5a5a5a-' ||
	fail "the start's UUID is not taken"
echo "$n damaged images are mended or refused, and no payload changed"
