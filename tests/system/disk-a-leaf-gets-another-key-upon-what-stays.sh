#!/usr/bin/env bash
# A disk upon an image gets another key, lease and PIN where it lies, killed and gone on with;
# the image below gets another header and not another byte, and it all holds what it held. What is below is
# what the leaf's MAC names, or nothing begins. A MAC that was lost is nobody's word: the disk is not exported
# and gets no other key, until who has its recovery key vouches for what is there, and never by the way.
#
# KILLS (6) kills of each disk, most at random moments, from SEED (random) on.
# limit: 240 s
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
. tests/system/kills.bash
KILLS=${KILLS:-6} SEED=${SEED:-$RANDOM}
RANDOM=$SEED
echo "# SEED=$SEED"
keys_on laptop
keys_it
keys_enrol
layers=$OUT/tests/system/vhd_layers
"$BULKHEAD" vhd create "$WORK/plain.vhd" --size 96M >/dev/null
"$layers" work "$SEED" 100 "$WORK/plain.vhd" >"$WORK/plain.raw"
papers=(--device "$WORK/device.yaml" --trust "$WORK/trust.yaml" --lease-key "$WORK/lease.key" --days 7)
disk() { "$BULKHEAD" disk "$@"; }
refused() { # refused STATUS WORDS COMMAND... - and no file of the disk changes
	local want=$1 words=$2 status=0
	shift 2
	(cd "$dir" && sha256sum -- *) >"$WORK/before"
	"$@" <<<"$PIN" >"$WORK/log" 2>&1 || status=$?
	[ "$status" = "$want" ] && grep -qF -- "$words" "$WORK/log" || fail "$*: $status: $(cat "$WORK/log")"
	(cd "$dir" && sha256sum -- *) | cmp -s - "$WORK/before" || fail "$*: a file was changed"
}
export_it() { disk export "$dir" "$WORK/x.raw" --recovery-file "$1" "${plain[@]}"; }
rekey=(disk rekey) # and where, by which key; set below
holds() { # holds KEY - what the disk holds is what it held
	export_it "$1" >/dev/null || fail "no export of '$dir'"
	cmp "$WORK/x.raw" "$WORK/want.raw" || fail "'$dir' holds something else"
	rm "$WORK/x.raw"
}
volume_key() {
	rm -f "$dir/../$1.vk"
	cryptsetup luksDump -q --dump-volume-key --volume-key-file "$dir/../$1.vk" --key-file "$key" "$dir/$1.luks" \
		>/dev/null 2>&1 || fail "cryptsetup does not open $1.luks"
}

for upon in encrypted plain; do
	keys_create $upon --upon $upon >/dev/null || fail "create"
	dir=$WORK/out/disks/$upon key=$WORK/recovery-$upon new=$WORK/new-$upon gold=$dir/gold.vhd plain=()
	[ $upon = encrypted ] || plain=(--plain gold.vhd)
	rekey=(disk rekey "$dir" --recovery-file "$key" "${papers[@]}" --recovery-out "$new" --pin-fd 0 "${plain[@]}")
	[ $upon = plain ] || { volume_key gold && gold+="=$dir/../gold.vk"; }
	volume_key leaf

	# ---- written by a program that knows nothing of a MAC ----
	"$layers" work $((SEED + 1)) 400 "$gold" "$dir/leaf.vhd=$dir/../leaf.vk" >"$WORK/want.raw"
	refused 4 "when the layer was closed last" "$BULKHEAD" "${rekey[@]}"
	rm "$dir/leaf.mac"
	refused 4 "its 'leaf.mac' is not there" "$BULKHEAD" "${rekey[@]}"
	refused 4 "its 'leaf.mac' is not there" export_it "$key"
	disk vouch "$dir" --recovery-file "$key" "${plain[@]}" >"$WORK/log" || fail "$(cat "$WORK/log")"
	grep -q 'is not known: look at what it holds' "$WORK/log" || fail "it vouches silently: $(cat "$WORK/log")"
	refused 3 "its MAC is there and fits" disk vouch "$dir" --recovery-file "$key" "${plain[@]}"
	holds "$key"

	# ---- another key for the leaf ----
	[ $upon = plain ] || cp "$dir/gold.luks" "$WORK/gold.luks"
	if [ $upon = encrypted ]; then
		"$OUT/tests/system/luks_edit" "$dir/gold.luks" '"segments"' '"sector_size":512' '"sector_size":4096'
		refused 4 "layers below: digest" "$BULKHEAD" "${rekey[@]}"
		cp "$WORK/gold.luks" "$dir/gold.luks"
	else
		refused 3 "it has no header beside it" "$BULKHEAD" "${rekey[@]:0:${#rekey[@]}-2}"
	fi
	refused 3 "it lies upon another layer" disk decrypt "$dir" --recovery-file "$key"
	sha256sum "$dir"/gold.{vhd,tree} >"$WORK/gold.sum"
	leaf=$(sha256sum <"$dir/leaf.luks")
	converted "$KILLS" --recovery-file "$key" --recovery-file "$new" -- "$BULKHEAD" "${rekey[@]}"
	sha256sum --quiet -c "$WORK/gold.sum" || fail "the image below was changed"
	[ "$leaf" != "$(sha256sum <"$dir/leaf.luks")" ] || fail "the leaf's header is the old one"
	[ $upon = plain ] || ! cmp -s "$dir/gold.luks" "$WORK/gold.luks" || fail "the image's header is the old one"
	refused 3 "no recovery key that was given opens it" export_it "$key"
	holds "$new"
	minisign -V -q -p "$WORK/lease.pub" -m "$WORK/out/leases/$upon.yaml" || fail "minisign refuses the new lease"
	grep -q '^parents:' "$WORK/out/leases/$upon.yaml" || fail "the lease does not name the image"
	! ls "$dir" | grep -E 'next|\.old|convert|partial|from' || fail "left behind in '$dir'"
done
echo "two disks with other keys upon what they lay on; $killed kills, $begun of them in the middle, seed $SEED"
