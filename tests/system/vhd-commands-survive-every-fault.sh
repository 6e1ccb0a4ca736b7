#!/usr/bin/env bash
# Whatever call that changes a file fails in a command, or is the last before SIGKILL, the old state is there
# with every byte and no temporary name, or the new one is whole; after a kill the same command ends it.
# FAULTS (3) of each command, from SEED (random) on; all: every one.
# limit: 240 s
cd "$(dirname "$0")/../.." || exit 1
export TMPDIR=/dev/shm
. tests/system/keys.bash
. tests/system/faults.bash
need strace
echo "# SEED=$SEED"
keys_on laptop
keys_it
keys_enrol
keys_off
D=$WORK/d
papers=(--device "$WORK/device.yaml" --trust "$WORK/trust.yaml" --lease-key "$WORK/lease.key" --days 7 --pin-fd 0)
again=0

vhd() { "$BULKHEAD" vhd "$@" >"$WORK/said" 2>&1; }
shows() { # shows VHD RAW [KEY...] - all of it, by recovery keys
	rm -f "$WORK/x.raw"
	if [ $# = 2 ]; then
		"$OUT/tests/system/vhd_layers" cat "$1" >"$WORK/x.raw"
	else
		"$BULKHEAD" disk export "$1" "$WORK/x.raw" "${@:3}" >"$WORK/said" 2>&1
	fi && cmp -s "$WORK/x.raw" "$2"
}
names() { (cd "$D" && find . | sort); }
last_words() { :; }
has_begun() { grep -qsa "^bhconvrt" "$D/out/disks/work/leaf.convert"; }
# each_fault WHAT COMMAND... - from the state in $WORK/before to what whole() says is the new one; in between
# there is only the old one, as old() says, after a kill with what the same command takes away
each_fault() {
	local what=$1 how call n status before after
	shift
	rm -rf "$WORK/before"
	cp -a "$D" "$WORK/before"
	before=$(names)
	faults_of "$@" <<<"$PIN" >"$WORK/said" 2>&1 || fail "$what: $(cat "$WORK/said")"
	whole || fail "$what: another disk came out"
	after=$(names)
	while read -r call n; do
		for how in $(faults_how EIO ENOSPC KILL); do
			rm -rf "$D"
			cp -a "$WORK/before" "$D"
			status=0
			fault $how "$call" "$n" "$@" <<<"$PIN" >"$WORK/said" 2>&1 || status=$?
			if has_begun; then # closed to all, by design; the rest is for resume
				"$BULKHEAD" disk resume "$D/out/disks/work" "${resume[@]}" >"$WORK/said" 2>&1 ||
					fail "$what, $how at $call $n: no resume: $(cat "$WORK/said")"
				again=$((again + 1))
			elif [ $status != 0 ] && [ "$(names)" != "$after" ]; then
				old || fail "$what, $how at $call $n: the old state is gone: $(names)"
				[ $how = KILL ] || [[ $call == unlink* || $call == rmdir ]] || [ "$(names)" = "$before" ] ||
					fail "$what, $how at $call $n left behind: $(diff <(echo "$before") <(names))"
				"$@" <<<"$PIN" >"$WORK/said" 2>&1 || fail "$what again after $how at $call $n: $(cat "$WORK/said")"
				again=$((again + 1))
			fi
			whole || fail "$what, $how at $call $n: exit status $status, and the new state is not whole"
			last_words
			[ "$(names)" = "$after" ] || fail "$what, $how at $call $n left behind: $(diff <(echo "$after") <(names))"
		done
	done < <(faults_some)
	rm -rf "$D"
	cp -a "$WORK/before" "$D"
}

mkdir "$D"
vhd create "$D/a.vhd" --size 6M && "$OUT/tests/system/vhd_layers" work "$SEED" 40 "$D/a.vhd" >"$WORK/a.raw" || fail "no base"
old() { shows "$D/a.vhd" "$WORK/a.raw"; }

whole() { old && vhd check "$D/b.vhd"; }
each_fault "vhd snapshot" "$BULKHEAD" vhd snapshot "$D/a.vhd" "$D/b.vhd"
vhd snapshot "$D/a.vhd" "$D/b.vhd" &&
	"$OUT/tests/system/vhd_layers" work $((SEED + 1)) 20 "$D/a.vhd" "$D/b.vhd" >"$WORK/b.raw" || fail "no layer"
old() { "$OUT/tests/system/vhd_layers" cat "$D/a.vhd" "$D/b.vhd" >"$WORK/x.raw" && cmp -s "$WORK/x.raw" "$WORK/b.raw"; }
whole() { old && shows "$D/flat.vhd" "$WORK/b.raw"; }
each_fault "vhd coalesce --into" "$BULKHEAD" vhd coalesce "$D/b.vhd" --into "$D/flat.vhd"
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
last_words() { rm -f "$D/out/disks/work/leaf.old.luks"; } # a kill between the journal's end and its own leaves that
each_fault "disk decrypt" "$BULKHEAD" disk decrypt "$D/out/disks/work" --recovery-file "$D/recovery"
rm -rf "$D/out/disks/work" "$D"/out/leases/* "$D/recovery"
old() { shows "$D/a.vhd" "$WORK/b.raw" || shows "$D/out/disks/work/leaf.vhd" "$WORK/b.raw"; }
whole() { shows "$D/out/disks/work" "$WORK/b.raw" --recovery-file "$D/recovery"; }
each_fault "disk create --in-place" "$BULKHEAD" disk create --in-place --source "$D/a.vhd" --name work --out "$D/out" \
	"${papers[@]}" --recovery-out "$D/recovery"
echo "$n_faults faults in 7 commands, $again of them given again: the old state or the new one, and nothing besides"
