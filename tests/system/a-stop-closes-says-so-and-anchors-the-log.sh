#!/usr/bin/env bash
# SIGTERM is an orderly end: what was open is closed before bulkheadd is gone, the log's last records
# are the stop and its checkpoint, and the log still fits the TPM after the next start. With an nft that
# hangs, the uplinks are down before bulkheadd is gone.
# limit: 120 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"

log=$LAPTOP_STATE/audit/00000001.jsonl
fail() {
	echo "$1; log: $(tail -n 5 "$LAB/bulkheadd.log"); audit: $(tail -n 3 "$log")"
	exit 1
}

lans_up || fail "the lab's LANs do not come up"
tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
disk_enrol || fail "the laptop is not enrolled: $(cat "$LAB/disk.log")"
laptop_start || fail "bulkheadd does not start"
open_at_home() {
	lab_wait 40 laptop_zone_is foreign || fail "the home LAN does not become foreign"
	lab_wait 5 personal_gets "http://$LAN_GATEWAY_home/" || fail "personal gets no page"
	[ "$(laptop_grants)" -gt 0 ] || fail "no grant is in the kernel"
}
lans_plug home
open_at_home

laptop_stop
[ "$(laptop_grants)" = 0 ] || fail "$(laptop_grants) grants are left in the kernel"
kinds=$(tail -n 2 "$log" | jq -r .kind | xargs)
[ "$kinds" = "stop checkpoint" ] || fail "the last records are '$kinds', not the stop and its checkpoint"

laptop_start || fail "bulkheadd does not start again"
bulkhead audit anchor > "$LAB/anchor" || fail "the TPM does not tell its anchor"
said=$(bulkhead audit verify "$LAPTOP_STATE/audit" --anchor "$LAB/anchor") || fail "the log does not fit: $said"
echo "$said"

open_at_home
kill -STOP "$(laptop_role_pid nft)"
laptop_stop
! ip -n bulkhead link show en0 | grep -q ",UP" || fail "nft was stopped, and the uplink stays up without bulkheadd"
grep -q 'nft does not close' "$LAB/bulkheadd.log" || fail "nobody says that nft did not close"
