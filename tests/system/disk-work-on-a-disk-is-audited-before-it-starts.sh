#!/usr/bin/env bash
# Exports and conversions of this laptop's disks are in its audit log before they start: without a
# daemon, with a silent log, or for who is not root, nothing is written. Afterwards the log holds intent
# and outcome of each, and IT's report says that plaintext was made.
# limit: 180 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v swtpm qemu-img mke2fs >/dev/null || lab_skip "swtpm, qemu-img or mke2fs is not installed"

fail() { echo "$1: $(cat "$LAB/work.log" 2>&1); log: $(tail -n 5 "$LAB/bulkheadd.log")"; exit 1; }
folder=$LAPTOP_STATE/disks/work
key=(--recovery-file "$IT/recovery-work")
papers=(--device "$IT/device.yaml" --trust "$IT/trust.yaml" --lease-key "$IT/keys/lease.key" --pin-fd 0)
work() { bulkhead disk "$@" >"$LAB/work.log" 2>&1 <<<"$DISK_PIN"; }
export_it() { work export "$folder" "$LAB/x.raw" "${key[@]}"; }
rekey() { work rekey "$folder" "${key[@]}" "${papers[@]}" --recovery-out "$IT/recovery-2"; }
decrypt() { work decrypt "$folder" --recovery-file "$IT/recovery-2"; }

# refused STATUS WORDS COMMAND... - and nothing was made or changed
refused() {
	local want=$1 words=$2 status=0
	shift 2
	"$@" || status=$?
	[ $status = "$want" ] && grep -q -- "$words" "$LAB/work.log" || fail "$*: exit status $status"
	[ ! -e "$LAB/x.raw" ] && [ ! -e "$IT/recovery-2" ] || fail "$*: a file was made"
	(cd $LAPTOP_STATE && find disks leases -type f -exec sha256sum {} + | sort) | cmp -s - "$LAB/before" ||
		fail "$*: $(ls $folder) was changed"
}
# logged SEQ TO - "phase reason" of all records about it since that one
logged() {
	laptop_audit "[.[] | select(.seq > $1 and .kind == \"disk\" and .subject == \"work\" and .to == \"$2\") |
		.phase + \" \" + .reason] | join(\", \")"
}

tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
disk_plain work 24 && disk_enrol || fail "IT's side"
disk_create work +7days && disk_deliver work || fail "check-out: $(cat "$LAB/disk.log")"
(cd $LAPTOP_STATE && find disks leases -type f -exec sha256sum {} + | sort) >"$LAB/before"

refused 1 "record it: reach bulkheadd" export_it
refused 1 "record it: reach bulkheadd" rekey
# IT's own machine has no log: there it works
disk_at_it bulkhead disk export "$folder" "$LAB/x.raw" "${key[@]}" >"$LAB/work.log" 2>&1 || fail "the export at IT"
rm "$LAB/x.raw"
laptop_start || fail "bulkheadd does not start"
audit=$(laptop_role_pid audit)
kill -STOP "$audit"
refused 3 "the audit log cannot be written" export_it
refused 3 "the audit log cannot be written" rekey
refused 3 "the audit log cannot be written" work decrypt "$folder" "${key[@]}"
kill -CONT "$audit"
cp -r "$folder" "$LAB/nobodys" && chown -R 65534 "$LAB/nobodys" && install -o 65534 "$IT/recovery-work" "$LAB/nobodys/key"
install -d -o 65534 "$LAB/to"
refused 3 "only root may do this" setpriv --reuid 65534 --clear-groups bash -c \
	"bulkhead disk export '$LAB/nobodys' '$LAB/to/x.raw' --recovery-file '$LAB/nobodys/key' >'$LAB/to/log' 2>&1; s=\$?; cat '$LAB/to/log'; exit \$s" \
	>"$LAB/work.log" 2>&1
[ ! -e "$LAB/to/x.raw" ] || fail "nobody's export made a file"

seq=$(laptop_seq)
export_it || fail "the export"
cmp -s "$LAB/x.raw" "$IT/work.raw" || fail "the export differs"
[ "$(logged "$seq" exported)" = "intent ok, outcome ok" ] || fail "export: '$(logged "$seq" exported)'"
[[ $(laptop_audit "[.[] | select(.seq > $seq)][0].detail") == "uid 0: 1 layer to '$LAB/x.raw'" ]] || fail "the log does not say where to"
rm "$LAB/x.raw"
seq=$(laptop_seq)
env --block-signal=TERM bash -c 'kill -TERM $$; exec "$@"' - bulkhead disk export "$folder" "$LAB/x.raw" "${key[@]}" 2>"$LAB/work.log" &&
	fail "it did not stop"
[ "$(logged "$seq" exported)" = "intent ok, outcome work-failed" ] || fail "a stopped export: '$(logged "$seq" exported)'"
rekey || fail "the rekey"
[ "$(logged "$seq" "new key")" = "intent ok, outcome ok" ] || fail "rekey: '$(logged "$seq" "new key")'"
decrypt || fail "the decryption"
[ "$(logged "$seq" plain)" = "intent ok, outcome ok" ] || fail "decrypt: '$(logged "$seq" plain)'"
bulkhead audit verify $LAPTOP_STATE/audit >"$LAB/work.log" || fail "the log is not whole"
bulkhead report --json >"$LAB/report.json"
jq -e '.disks[] | select(.name == "work") | .made_plain == 3 and .conversions == 2' "$LAB/report.json" >"$LAB/work.log" ||
	fail "the report: $(jq -c .disks "$LAB/report.json")"
jq -e '.checks[] | select(.title == "Plaintext") | .verdict == "note"' "$LAB/report.json" >"$LAB/work.log" || fail "the report's summary"
echo "5 kinds of silence refuse; $(laptop_audit '[.[] | select(.kind == "disk")] | length') records of 4 works"
