#!/usr/bin/env bash
# Whatever call that changes a file fails in a command, or is the last before SIGKILL, the old state is there
# with every byte and no temporary name, or the new one is whole; after a kill the same command ends it.
# FAULTS (3) of each command, from SEED (random) on; all: every one.
# limit: 240 s
cd "$(dirname "$0")/../.." || exit 1
export TMPDIR=/dev/shm
. tests/system/keys.bash
. tests/system/faults_each.bash
need strace
echo "# SEED=$SEED"
keys_on laptop
keys_it
keys_enrol
keys_off
papers=(--device "$WORK/device.yaml" --trust "$WORK/trust.yaml" --lease-key "$WORK/lease.key" --days 7 --pin-fd 0)

mkdir "$D"
vhd create "$D/a.vhd" --size 6M && "$OUT/tests/system/vhd_layers" work "$SEED" 40 "$D/a.vhd" >"$WORK/a.raw" || fail "no base"
old() { shows "$D/a.vhd" "$WORK/a.raw"; }

whole() { old && vhd check "$D/b.vhd"; }
each_fault "vhd snapshot" "$BULKHEAD" vhd snapshot "$D/a.vhd" "$D/b.vhd"
opens() { cryptsetup open --test-passphrase --key-file "$1" "$2" 2>"$WORK/said"; }
whole() { old && vhd check "$D/b.vhd" && opens "$D/key" "$D/b.luks"; }
each_fault "vhd snapshot, encrypted" "$BULKHEAD" vhd snapshot "$D/a.vhd" "$D/b.vhd" --recovery-out "$D/key"
vhd snapshot "$D/a.vhd" "$D/b.vhd" &&
	"$OUT/tests/system/vhd_layers" work $((SEED + 1)) 20 "$D/a.vhd" "$D/b.vhd" >"$WORK/b.raw" || fail "no layer"
old() { "$OUT/tests/system/vhd_layers" cat "$D/a.vhd" "$D/b.vhd" >"$WORK/x.raw" && cmp -s "$WORK/x.raw" "$WORK/b.raw"; }
whole() { old && shows "$D/flat.vhd" "$WORK/b.raw"; }
each_fault "vhd coalesce --into" "$BULKHEAD" vhd coalesce "$D/b.vhd" --into "$D/flat.vhd"
whole() { old && opens "$D/key" "$D/flat.luks" && shows "$D/flat.vhd" "$WORK/b.raw" --recovery-file "$D/key" --without-mac; }
each_fault "vhd coalesce --into, encrypted" "$BULKHEAD" vhd coalesce "$D/b.vhd" --into "$D/flat.vhd" --recovery-out "$D/key"
whole() { shows "$D/a.vhd" "$WORK/b.raw"; }
each_fault "vhd coalesce" "$BULKHEAD" vhd coalesce "$D/b.vhd"
vhd coalesce "$D/b.vhd" || fail "no merge"

old() { shows "$D/a.vhd" "$WORK/b.raw"; }
whole() { old && shows "$D/out/disks/work" "$WORK/b.raw" --recovery-file "$D/recovery" && minisign -V -q -p "$WORK/lease.pub" -m "$D/out/leases/work.yaml"; }
mkdir -p "$D/out/disks" "$D/out/leases"
each_fault "disk create" "$BULKHEAD" disk create --source "$D/a.vhd" --name work --out "$D/out" "${papers[@]}" --recovery-out "$D/recovery"
"$BULKHEAD" disk create --source "$D/a.vhd" --name work --out "$D/out" "${papers[@]}" --recovery-out "$D/recovery" \
	<<<"$PIN" >"$WORK/said" 2>&1 || fail "no disk: $(cat "$WORK/said")"
old() { shows "$D/out/disks/work" "$WORK/b.raw" --recovery-file "$D/recovery"; }
whole() { cmp -s "$D/out.raw" "$WORK/b.raw" && old; }
each_fault "disk export" "$BULKHEAD" disk export "$D/out/disks/work" "$D/out.raw" --recovery-file "$D/recovery"

# ---- in place ----
resume=(--recovery-file "$D/recovery")
whole() { shows "$D/out/disks/work/leaf.vhd" "$WORK/b.raw"; }
each_fault "disk decrypt" "$BULKHEAD" disk decrypt "$D/out/disks/work" --recovery-file "$D/recovery"
rm -rf "$D/out/disks/work" "$D"/out/leases/* "$D/recovery"
old() { shows "$D/a.vhd" "$WORK/b.raw" || shows "$D/out/disks/work/leaf.vhd" "$WORK/b.raw"; }
whole() { shows "$D/out/disks/work" "$WORK/b.raw" --recovery-file "$D/recovery"; }
each_fault "disk create --in-place" "$BULKHEAD" disk create --in-place --source "$D/a.vhd" --name work --out "$D/out" \
	"${papers[@]}" --recovery-out "$D/recovery"
faults_met || fail "no faults"
echo "$n_short transfers cut short; $n_faults faults in 9 commands, $again of them given again: the old state or the new one, and nothing besides"
