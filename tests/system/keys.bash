# keys.bash - what the tests of check-out and unlock share; source it from the top of the tree.
#
# shellcheck shell=bash

set -euo pipefail
OUT=${OUT:-out}
export OUT TSS2_LOG=all+none
BULKHEAD=${BULKHEAD:-$OUT/bulkhead}
PIN=271828
TPM_PID=

skip() { echo "$*"; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }
need() { # need PROGRAM...
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "'$program' is not installed"
	done
}

in_clear() { # in_clear HEX FILE - are these bytes in it? Never, if one is a newline: grep reads lines
	LC_ALL=C grep -qaP "$(sed 's/../\\x&/g' <<<"$1")" "$2"
}

need swtpm tpm2_pcrextend tpm2_readpublic minisign cryptsetup qemu-img mke2fs xxd
[ "$(id -u)" = 0 ] || skip "needs root: key gives up its uid"
WORK=$(mktemp -d)
keys_cleanup() {
	keys_off
	rm -rf "$WORK"
}
trap keys_cleanup EXIT
trap 'exit 1' INT TERM

# keys_on NAME [PCR8] - power the TPM of that name on; the firmware measures.
keys_on() {
	local socket=$WORK/tpm.sock pcr
	mkdir -p "$WORK/$1"
	swtpm socket --tpm2 --tpmstate "dir=$WORK/$1" --server "type=unixio,path=$socket" \
		--ctrl "type=unixio,path=$socket.ctrl" --flags not-need-init,startup-clear \
		>"$WORK/swtpm.log" 2>&1 &
	TPM_PID=$!
	until [ -S "$socket" ] && [ -S "$socket.ctrl" ]; do
		kill -0 "$TPM_PID" || fail "swtpm: $(cat "$WORK/swtpm.log")"
		read -rt 0.02 <> <(:) || true
	done
	for pcr in 4 8 9 15; do
		keys_measure "$pcr" "$([ "$pcr" = 8 ] && echo "${2-}") event $pcr"
	done
}

keys_measure() { # keys_measure PCR EVENT
	keys_tool tpm2_pcrextend "$1:sha256=$(sha256sum <<<"$2" | cut -d' ' -f1)"
}

keys_tool() {
	TPM2TOOLS_TCTI="swtpm:path=$WORK/tpm.sock" "$@"
}

keys_off() { # the power is cut
	[ -z "$TPM_PID" ] || { kill -KILL "$TPM_PID"; wait "$TPM_PID" || true; } 2>/dev/null
	TPM_PID=
	rm -f "$WORK/tpm.sock" "$WORK/tpm.sock.ctrl"
}

# IT's keys and trust, an escrow key in it whose secret half nobody has.
keys_it() {
	local name
	for name in root policy lease; do
		minisign -G -W -f -p "$WORK/$name.pub" -s "$WORK/$name.key" >/dev/null
	done
	cat >"$WORK/trust.yaml" <<-YAML
		kind: trust
		version: 1
		serial: 1
		threshold: 1
		root: ["$(tail -n 1 "$WORK/root.pub")"]
		policy: ["$(tail -n 1 "$WORK/policy.pub")"]
		lease: ["$(tail -n 1 "$WORK/lease.pub")"]
		beacon_root: "$(head -c 32 /dev/urandom | base64 -w 0)"
		escrow: "$(head -c 32 /dev/urandom | base64 -w 0)"
	YAML
	minisign -S -t trust -s "$WORK/root.key" -m "$WORK/trust.yaml" >/dev/null
}

keys_enrol() {
	"$BULKHEAD" device enrol --name laptop-1 --tpm "$WORK/tpm.sock" >"$WORK/device.yaml" \
		2>"$WORK/enrol.log" || fail "enrol: $(cat "$WORK/enrol.log")"
	minisign -S -t device -s "$WORK/policy.key" -m "$WORK/device.yaml" >/dev/null
}

keys_plain() { # keys_plain [OPTION-OF-MKE2FS...] - a real ext4 in a dynamic VHD: $WORK/plain.vhd, and raw
	mkdir -p "$WORK/files"
	MARKER="marker-$(head -c 16 /dev/urandom | xxd -p)"
	yes "$MARKER" | head -n 30000 >"$WORK/files/marked" || true
	mke2fs -q -t ext4 "$@" -d "$WORK/files" "$WORK/plain.raw" 16M
	qemu-img convert -f raw -O vpc -o subformat=dynamic,force_size=on \
		"$WORK/plain.raw" "$WORK/plain.vhd"
}

keys_create() { # keys_create NAME [OPTION...]
	local name=$1
	shift
	printf '%s' "$PIN" | "$BULKHEAD" disk create --source "$WORK/plain.vhd" --name "$name" \
		--out "$WORK/out" --device "$WORK/device.yaml" --trust "$WORK/trust.yaml" \
		--lease-key "$WORK/lease.key" --days 7 --recovery-out "$WORK/recovery-$name" \
		--pin-fd 0 "$@"
}

# keys_unlock NAME PIN WANT [PART] - an unlock by bulkhead-key of $WORK/out/disks/NAME ends with
# reason WANT, and its detail holds PART.
keys_unlock() {
	local said
	said=$(printf '%s' "$2" | "$OUT/tests/system/key_once" "$WORK/tpm.sock" \
		"$WORK/out/leases/$1.yaml" "$WORK/out/disks/$1/leaf.luks" 2>"$WORK/key.log") || true
	[ "${said%% *}" = "$3" ] || fail "unlock of '$1' says '$said', not '$3': $(cat "$WORK/key.log")"
	[[ $said == *"${4-}"* ]] || fail "unlock of '$1' says '$said', without '$4'"
	echo "  $said"
}
