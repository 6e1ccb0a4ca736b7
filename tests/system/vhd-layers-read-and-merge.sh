#!/usr/bin/env bash
# Layers made by `bulkhead vhd snapshot`, plain, encrypted and mixed, read the same through our engine
# and libvhdi, and merge without loss, however often the merge is killed; what could leak, lose or
# change somebody else's data is refused.
# limit: 240 s
cd "$(dirname "$0")/../.." || exit 1
export TMPDIR=/dev/shm
. tests/system/vhd.bash
need cryptsetup qemu-img jq
/usr/bin/python3 -c 'import pyvhdi' 2>/dev/null || skip "python3-libvhdi is not installed"
[ -x "$OUT/bulkhead" ] || skip "the command line is not built"
layers=$OUT/tests/system/vhd_layers
seed=${SEED:-$RANDOM}
echo "# SEED=$seed"
D=$WORK/d
mkdir "$D"

vhd() { "$OUT/bulkhead" vhd "$@" >"$WORK/out" 2>"$WORK/err"; }
did() { vhd "$@" || fail "vhd $*: $(cat "$WORK/err")"; }
refused() { # refused STATUS WORDS ARGUMENT... - with one line that holds the words
	local want=$1 words=$2 status=0
	shift 2
	vhd "$@" || status=$?
	[ "$status" = "$want" ] || fail "vhd $*: exit status $status: $(cat "$WORK/err")"
	grep -qF -- "$words" "$WORK/err" || fail "vhd $*: $(cat "$WORK/err")"
}
libvhdi() { # libvhdi FILE... - a chain, base first, as libvhdi reads it
	/usr/bin/python3 - "$@" <<-'EOF'
		import sys, pyvhdi
		chain = []
		for path in sys.argv[1:]:
		    chain.append(pyvhdi.file())
		    chain[-1].open(path)
		    if len(chain) > 1:
		        chain[-1].set_parent(chain[-2])
		left = chain[-1].get_media_size()
		while left:
		    data = chain[-1].read(min(left, 1 << 20))
		    sys.stdout.buffer.write(data)
		    left -= len(data)
	EOF
}
same() { cmp "$1" "$2" || fail "$3"; }
key_of() { # key_of LAYER.luks RECOVERY KEYFILE - by cryptsetup: our header is one of LUKS2
	cryptsetup luksDump -q --dump-volume-key --volume-key-file "$3" --key-file "$2" "$1" >/dev/null 2>&1 ||
		fail "cryptsetup does not open $1"
}

# plain: three layers
did create "$D/a.vhd" --size 24M
"$layers" work "$seed" 300 "$D/a.vhd" >"$WORK/a.raw"
did snapshot "$D/a.vhd" "$D/b.vhd"
"$layers" work $((seed + 1)) 300 "$D/a.vhd" "$D/b.vhd" >"$WORK/b.raw"
did snapshot "$D/b.vhd" "$D/c.vhd"
"$layers" work $((seed + 2)) 300 "$D"/{a,b,c}.vhd >"$WORK/c.raw"
did check "$D/c.vhd"
[ "$(grep -c ': sound$' "$WORK/out")" = 3 ] || fail "check: $(cat "$WORK/out")"
did info --json "$D/c.vhd"
jq -es 'length == 3 and .[0].parent_uuid == .[1].uuid and .[1].parent_uuid == .[2].uuid and
	([.[] | .locators // [] | map(.code)] == [["W2ru"], ["W2ru"], []])' \
	"$WORK/out" >/dev/null || fail "info: $(cat "$WORK/out")"
libvhdi "$D/a.vhd" >"$WORK/theirs.raw"
same "$WORK/theirs.raw" "$WORK/a.raw" "libvhdi reads the base otherwise"
libvhdi "$D"/{a,b,c}.vhd >"$WORK/theirs.raw"
same "$WORK/theirs.raw" "$WORK/c.raw" "libvhdi reads the chain otherwise"
# qemu takes a differencing disk for a dynamic one: its parent's data is silently missing
qemu-img convert -f vpc -O raw "$D/c.vhd" "$WORK/qemu.raw"
! cmp -s "$WORK/qemu.raw" "$WORK/c.raw" || fail "qemu reads parents now: the advice against it can go"
! grep -qaF W2ku "$D/b.vhd" || fail "an absolute path is written"

# what must not happen
refused 2 "layers of a disk are in one folder" snapshot "$D/c.vhd" "$WORK/else.vhd"
refused 1 "it exists" snapshot "$D/c.vhd" "$D/b.vhd"
refused 2 "has no parent" coalesce "$D/a.vhd"
did snapshot "$D/a.vhd" "$D/sibling.vhd"
refused 3 "'sibling.vhd' is a layer upon" coalesce "$D/b.vhd"
rm "$D/sibling.vhd"
for beside in b.mac b.tree; do # as a checked-out disk has them
	: >"$D/$beside"
	refused 3 "'bulkhead disk snapshot'" snapshot "$D/b.vhd" "$D/n.vhd"
	refused 3 "'bulkhead disk merge'" coalesce "$D/c.vhd"
	refused 3 "'bulkhead disk export'" coalesce "$D/c.vhd" --into "$D/n.vhd"
	refused 3 "'bulkhead disk unlock'" repair --yes "$D/b.vhd"
	refused 3 "check it out again" resize "$D/b.vhd" --size 48M
	ln -s "$D/b.vhd" "$WORK/link.vhd" # by another name
	refused 3 "check it out again" resize "$WORK/link.vhd" --size 48M
	rm "$D/$beside" "$WORK/link.vhd"
done
exec 9<"$D/c.vhd"
flock 9
refused 1 "is in use" coalesce "$D/c.vhd"
exec 9<&-

did coalesce --into "$D/flat.vhd" "$D/c.vhd"
"$layers" cat "$D/flat.vhd" >"$WORK/flat.raw"
same "$WORK/flat.raw" "$WORK/c.raw" "the flat file is not what the chain was"
kills=0
for after in .005 .02 .04 .06 .08 .12 .2 .4 .8 2 10 30; do
	"$OUT/bulkhead" vhd coalesce "$D/c.vhd" >/dev/null 2>"$WORK/err" & # (timeout hides a status of 0 behind its own)
	pid=$! status=0
	read -rt $after <> <(:) || true
	kill -KILL $pid 2>/dev/null || true
	wait $pid 2>/dev/null || status=$?
	[ $status != 0 ] || break
	[ $status = 137 ] || fail "coalesce: $status: $(cat "$WORK/err")"
	kills=$((kills + 1))
	[ -e "$D/c.vhd" ] || break
	"$layers" cat "$D"/{a,b,c}.vhd >"$WORK/now.raw"
	same "$WORK/now.raw" "$WORK/c.raw" "after a kill the leaf reads otherwise"
done
[ ! -e "$D/c.vhd" ] || fail "the merged layer is still there"
"$layers" cat "$D"/{a,b}.vhd >"$WORK/now.raw"
same "$WORK/now.raw" "$WORK/c.raw" "the merge lost something"

# plain gold, encrypted leaf, and another upon it: each with a key of its own
did snapshot "$D/b.vhd" "$D/e.vhd" --recovery-out "$WORK/e.key"
key_of "$D/e.luks" "$WORK/e.key" "$WORK/e.vk"
"$layers" work $((seed + 3)) 300 "$D"/{a,b}.vhd "$D/e.vhd=$WORK/e.vk" >"$WORK/e.raw"
refused 3 "is encrypted, so the new layer must be" snapshot "$D/e.vhd" "$D/f.vhd"
did snapshot "$D/e.vhd" "$D/f.vhd" --recovery-out "$WORK/f.key"
key_of "$D/f.luks" "$WORK/f.key" "$WORK/f.vk"
! cmp -s "$WORK/e.vk" "$WORK/f.vk" || fail "two layers with one key"
"$layers" work $((seed + 4)) 300 "$D"/{a,b}.vhd "$D/e.vhd=$WORK/e.vk" "$D/f.vhd=$WORK/f.vk" >"$WORK/f.raw"
did check "$D/f.vhd" # needs no key
libvhdi "$D"/{a,b,e,f}.vhd >"$WORK/theirs.raw"
"$layers" cat "$D"/{a,b,e,f}.vhd >"$WORK/cipher.raw"
same "$WORK/theirs.raw" "$WORK/cipher.raw" "libvhdi merges ciphertext otherwise"

plain=(--plain a.vhd --plain b.vhd)
refused 3 "no recovery key was given" coalesce "$D/f.vhd"
refused 3 "no recovery key that was given opens it" coalesce "$D/f.vhd" "${plain[@]}" --recovery-file "$WORK/e.key"
refused 3 "'$D/a.vhd': it has no header beside it" coalesce "$D/f.vhd" --recovery-file "$WORK/e.key"
mv "$D/f.luks" "$WORK/" # a header that is gone makes no layer plain
refused 3 "'$D/f.vhd': it has no header beside it" coalesce "$D/f.vhd" "${plain[@]}" --recovery-file "$WORK/e.key"
cp "$D/e.luks" "$D/f.luks"
refused 4 "'f.luks' is the header of another layer" coalesce "$D/f.vhd" "${plain[@]}" --recovery-file "$WORK/e.key"
mv "$WORK/f.luks" "$D/"
did coalesce "$D/f.vhd" "${plain[@]}" --recovery-file "$WORK/e.key" --recovery-file "$WORK/f.key"
[ ! -e "$D/f.vhd" ] && [ ! -e "$D/f.luks" ] || fail "the merged layer is still there"
"$layers" cat "$D"/{a,b}.vhd "$D/e.vhd=$WORK/e.vk" >"$WORK/now.raw"
same "$WORK/now.raw" "$WORK/f.raw" "the merge of encrypted layers lost something"
refused 3 "would lie there in clear" coalesce "$D/e.vhd" "${plain[@]}" --recovery-file "$WORK/e.key"
refused 3 "so the new file must be" coalesce "$D/e.vhd" "${plain[@]}" --recovery-file "$WORK/e.key" --into "$D/g.vhd"
did coalesce "$D/e.vhd" "${plain[@]}" --recovery-file "$WORK/e.key" --into "$D/g.vhd" --recovery-out "$WORK/g.key"
key_of "$D/g.luks" "$WORK/g.key" "$WORK/g.vk"
"$layers" cat "$D/g.vhd=$WORK/g.vk" >"$WORK/now.raw"
same "$WORK/now.raw" "$WORK/f.raw" "the flat encrypted file is not what the chain was"
echo "7 layers read as libvhdi reads them; merged through $kills kills"
