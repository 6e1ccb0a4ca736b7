#!/usr/bin/env bash
# The quirks of real VHDs, Q1 to Q22 of doc/vhd-quirks.md, each in an image built for it by a writer of
# its own: what we read, say and refuse, beside a reader in python that follows the specification.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need qemu-img qemu-io jq
vhd_need_libvhdi
v=$WORK/v.vhd
size=8388608
build() { # build QUIRK MEMBERS - $v, which holds some data
	Q=$1
	vhd_make "{\"size\":$size,\"data\":[[0,8,65],[4096,24,66],[9000,7,67]]${2:+,$2}}" "$v"
}
made() { # and it is read as it should
	build "$@"
	vhd_same "$v"
}
info() { vhd info --json "$v" | jq -r "$1"; }
is() { [ "$1" = "$2" ] || fail "$Q: '$1', not '$2'"; }
remark() { # remark WORDS - `vhd check` passes it and says so
	vhd check "$v" >"$WORK/said" || fail "$Q: not sound"
	grep -F "$1" "$WORK/said" | grep -q "($Q)" || fail "$Q: $(cat "$WORK/said")"
}
refused() { # refused STATUS WORDS COMMAND ARGUMENT... - and $v stays as it is
	local want=$1 words=$2 status=0
	shift 2
	sha256sum "$v" >"$WORK/before"
	vhd "$@" >/dev/null 2>"$WORK/err" || status=$?
	[ "$status" = "$want" ] && grep -qF "$words" "$WORK/err" || fail "$Q: $status, $(cat "$WORK/err")"
	sha256sum --quiet -c "$WORK/before" || fail "$Q: changed"
}

for creator in "vpc " qemu; do
	made Q1 "\"creator\":\"$creator\",\"chs\":[100,4,17]"
	is "$(info '"\(.size_rule) \(.virtual_bytes)"')" "geometry 3481600"
	remark "does not count"
	made Q1 "\"creator\":\"$creator\",\"chs\":[65535,16,255]"
	is "$(info .virtual_bytes)" $size
done
for creator in "win " "d2v" qem2 tap CTXS wa vbox "vs  "; do
	made Q1 "\"creator\":\"$creator\",\"chs\":[100,4,17]"
	is "$(info '"\(.size_rule) \(.virtual_bytes) \(.geometry_bytes)"')" "current $size 3481600"
done
made Q2 '"chs":[65535,16,255]' && remark "geometry 0x1fdfe02000 is larger than the disk"
made Q2 '"chs":[9,9,9]' && remark "geometry 0x5b200 is smaller than the disk"
made Q3
refused 1 "disk: size 0x1fe40000000 is not a multiple of 512 up to 2040 GiB" resize "$v" --size 2041G
vhd create "$WORK/max.vhd" --size 2040G >/dev/null || fail "$Q: 2040 GiB"
is "$(vhd info --json "$WORK/max.vhd" | jq .virtual_bytes)" $((2040 << 30))
for type in 2 3; do
	made Q4 "\"short\":1,\"type\":$type" && remark "length 0x1ff"
	vhd repair --yes "$v" >/dev/null && vhd_same "$v" && is $(($(stat -c %s "$v") % 512)) 0
done
made Q5 '"type":2'
is "$(qemu-img info --output=json "$v" | jq -r '"\(.format) \(."virtual-size")"')" "raw $((size + 512))"
is "$(info '"\(.type) \(.virtual_bytes)"')" "fixed $size"
made Q6 '"gap":5632' && remark "unused bytes 0x1600"
made Q7 '"table_at":8192' && remark "block table offset 0x2000"

# a base and its child, as several programs write the way from one to the other
base=$WORK/base.vhd
vhd_make "{\"size\":$size,\"uuid\":\"$(printf '22%.0s' {1..16})\",\"data\":[[0,16,97],[8000,100,98]]}" "$base"
child() { # child QUIRK LOCATORS [MEMBERS]
	Q=$1
	vhd_make "{\"size\":$size,\"type\":4,\"parent\":\"$(printf '22%.0s' {1..16})\",\"locators\":[$2],\"table_at\":16384,
		\"data\":[[0,8,65],[8008,8,66]]${3:+,$3}}" "$v"
	vhd_same "$v" "$base"
}
for space in 1 512 4096; do # one sector, or bytes
	child Q8 "[\"W2ru\",\".\\\\base.vhd\",$space,4096]"
	vhd check "$v" | grep -qF "$base: sound" || fail "$Q: space $space: the parent is not found"
done
remark "space for a parent's name 0x1000 is in bytes"
child Q9 '["W2ku","C:\\Users\\somebody\\base.vhd",4096,4096]' && remark "may tell an absolute path"
vhd check "$v" | grep -qF "$base: sound" || fail "$Q: the parent in the folder is not found"
child Q9 '["MacX","file://./base.vhd",512,4096]'
vhd check "$v" | grep -qF "$base: sound" || fail "$Q: MacX"
child Q10 '["W2ru",".\\base.vhd",512,4096]' '"parent_name":"D:\\elsewhere\\base.vhd"'
vhd check "$v" >/dev/null || fail "$Q: the paths differ, the names do not"
child Q11 '["W2ru",".\\base.vhd",512,4096]' && remark "parent time stamp 0x0"
child Q11 '["W2ru",".\\base.vhd",512,4096]' '"parent_stamp":12345'
vhd check "$v" >/dev/null || fail "$Q: a time stamp decides"
for what in footer header; do
	build Q12 "\"sum\":\"$what\""
	refused 4 "$what: checksum 0x" check "$v"
	vhd repair --yes "$v" >/dev/null && vhd check "$v" >/dev/null && vhd_same "$v"
done
made Q13 '"hidden":1' && remark "hidden 0x1"
vhd resize "$v" --size 16M >/dev/null && is "$(info .hidden)" true
build Q13
head -c 512 /dev/zero | tr '\0' '\307' | dd of="$v" bs=1 seek=$(($(stat -c %s "$v") - 512)) conv=notrunc status=none
refused 4 "footer: the one at the end is lost; the copy at the start is in force" check "$v"
is "$(info .footers)" end-lost
build Q13
printf v_poison | dd of="$v" bs=1 conv=notrunc status=none
refused 4 "footer: cookie 0x765f706f69736f6e" check "$v"
build Q14
dd if=/dev/zero of="$v" bs=512 count=1 conv=notrunc status=none
is "$(info .footers)" start-lost
refused 4 "the copy at the start is lost" check "$v"
build Q14 # they differ in the time stamp alone
"$OUT/tests/evil/vhd_metadata" copies-differ-in-uuid "$WORK/differ.vhd"
cp "$WORK/differ.vhd" "$v" && refused 4 "footer: UUID 0x" check "$v"
for version in 65537 65538; do # 1.1 with its signed checksum, 1.2
	made Q15 "\"creator\":\"tap\",\"version\":$version,\"batmap\":$version" && remark "tapdisk's map of full blocks"
	refused 1 "batmap" resize "$v" --size 16M
done
made Q16 '"first":4' && remark "blocks off a border of 4 KiB 0x3"

# qemu marks whole blocks, and forgets the parent (and so must never write a child)
child Q17 '["W2ru",".\\base.vhd",512,4096]'
qemu-io -f vpc -c "write -P 90 1M 512" "$v" >/dev/null
vhd_same "$v" "$base"
is "$(od -An -tx1 -j$((8 * 512)) -N1 "$WORK/ours.raw" | tr -d ' ')" 00 # the parent's byte is gone
child Q18 '["W2ru",".\\base.vhd",512,4096]'
qemu-img convert -f vpc -O raw "$v" "$WORK/qemu.raw"
is "$(od -An -tx1 -j$((8 * 512)) -N1 "$WORK/ours.raw" | tr -d ' ')" 61
is "$(vhd map --json "$v" | jq -c '[.[] | select(.type == "data") | [.offset, .length, .layer]] | .[:2]')" "[[0,4096,0],[4096,4096,1]]"
is "$(od -An -tx1 -j$((8 * 512)) -N1 "$WORK/qemu.raw" | tr -d ' ')" 00 # qemu is wrong here
# libvhdi reads a clear bit behind a set one of the same byte from the child
vhd_libvhdi "$v" "$base" | cmp - "$WORK/ours.raw" || fail "Q19: libvhdi reads whole runs otherwise"
Q=Q19
vhd_make "{\"size\":$size,\"type\":4,\"parent\":\"$(printf '22%.0s' {1..16})\",\"locators\":[[\"W2ru\",\".\\\\base.vhd\",512,4096]],
	\"table_at\":16384,\"data\":[[1,1,65],[3,1,66]]}" "$v"
vhd_same "$v" "$base" && remark "runs of 4 KiB written in part 0x1"
vhd_libvhdi "$v" "$base" >"$WORK/libvhdi.raw"
! cmp -s "$WORK/libvhdi.raw" "$WORK/ours.raw" || fail "Q19: libvhdi is right now: compare with it"
made Q20 '"entries":5000' && remark "number of blocks 0x1388 is more than the disk needs"
made Q21 '"saved":1' && remark "saved state 0x1"
refused 1 "suspended machine" resize "$v" --size 16M
made Q22 '"under":[40,41,100]'
is "$(od -An -tx1 -j$((40 * 512)) -N1 "$WORK/ours.raw" | tr -d ' ')" 00
echo "22 quirks, each read, told or refused"
