#!/usr/bin/env bash
# Whatever call of `disk rekey` that changes a file fails, or is its last before SIGKILL, of a disk that lies alone
# and of a leaf upon an image: the disk opens by its old key and nothing is left, or `disk resume` ends it, and
# the new key alone opens it. Every byte is there, and none of them in clear at any time.
# FAULTS (2) of each disk, from SEED (random) on; all: every one.
# limit: 240 s
cd "$(dirname "$0")/../.." || exit 1
export TMPDIR=/dev/shm
FAULTS=${FAULTS:-2}
. tests/system/keys.bash
. tests/system/faults_each.bash
need strace
echo "# SEED=$SEED"
keys_on laptop
keys_it
keys_enrol
keys_off
papers=(--device "$WORK/device.yaml" --trust "$WORK/trust.yaml" --lease-key "$WORK/lease.key" --days 7 --pin-fd 0)
layers=$OUT/tests/system/vhd_layers
dir=$D/out/disks/work
volume_key() {
	cryptsetup luksDump -q --dump-volume-key --volume-key-file "$WORK/$1.vk" --key-file "$D/recovery" "$dir/$1.luks" \
		>/dev/null 2>&1 || fail "cryptsetup does not open $1.luks"
}
at_once() { ! in_clear "$marker" "$dir/leaf.vhd"; }
old() { shows "$dir" "$WORK/want.raw" --recovery-file "$D/recovery"; }
whole() {
	! shows "$dir" "$WORK/want.raw" --recovery-file "$D/recovery" && grep -q "no recovery key" "$WORK/said" &&
		shows "$dir" "$WORK/want.raw" --recovery-file "$D/new" && at_once &&
		minisign -V -q -p "$WORK/lease.pub" -m "$D/out/leases/work.yaml"
}
resume=(--recovery-file "$D/recovery" --recovery-file "$D/new")

"$BULKHEAD" vhd create "$WORK/plain.vhd" --size 5M >/dev/null
"$layers" work "$SEED" 30 "$WORK/plain.vhd" >"$WORK/plain.raw"
for upon in alone encrypted; do
	mkdir -p "$D" && "$BULKHEAD" disk create --source "$WORK/plain.vhd" --name work --out "$D/out" "${papers[@]}" \
		--recovery-out "$D/recovery" $([ $upon = alone ] || echo --upon $upon) <<<"$PIN" >"$WORK/said" 2>&1 ||
		fail "no disk: $(cat "$WORK/said")"
	cp "$WORK/plain.raw" "$WORK/want.raw"
	if [ $upon = encrypted ]; then # the leaf gets something to be encrypted anew
		volume_key gold && volume_key leaf
		"$layers" work $((SEED + 1)) 30 "$dir/gold.vhd=$WORK/gold.vk" "$dir/leaf.vhd=$WORK/leaf.vk" >"$WORK/want.raw"
		rm "$dir/leaf.mac"
		"$BULKHEAD" disk vouch "$dir" --recovery-file "$D/recovery" >"$WORK/said" || fail "$(cat "$WORK/said")"
	fi
	# of what is in the leaf; what was trimmed there is zeros, which are in clear everywhere
	while read -r at; do
		marker=$(xxd -p -s "$at" -l 16 -c 16 "$WORK/want.raw")
		[ "$(fold -w 2 <<<"$marker" | sort -u | wc -l)" -lt 8 ] || ! in_clear "$marker" "$WORK/want.raw" || break
	done < <(cmp -l "$WORK/want.raw" "$([ $upon = alone ] && echo /dev/zero || echo "$WORK/plain.raw")" 2>/dev/null |
		awk 'NR % 5000 == 0 { print $1 }')
	in_clear "$marker" "$WORK/want.raw" || fail "no marker"
	each_fault "disk rekey, $upon" "$BULKHEAD" disk rekey "$dir" --recovery-file "$D/recovery" "${papers[@]}" --recovery-out "$D/new"
	rm -rf "$D"
done
faults_met || fail "no faults"
echo "$n_short transfers cut short; $n_faults faults, $again of them given again or resumed: the old key or the new one, and every byte"
