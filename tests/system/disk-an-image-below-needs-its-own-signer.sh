#!/usr/bin/env bash
# Where trust has image keys, a layer below a leaf opens only by their word, in plain and encrypted: a lease without it, with another
# signer's, or with that of another image is refused by name, however rightly the lease is signed. Check-out needs the image's signed
# document or a key, and refuses the document of other bytes. What signs images signs nothing else.
# limit: 180 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v nbdkit swtpm qemu-img mke2fs >/dev/null || lab_skip "nbdkit, swtpm, qemu-img or mke2fs is not installed"

fail() {
	echo "$1: $(cat "$LAB/unlock.log" 2>&1); log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
n_refused=0
refused() { # refused WHAT WORDS NAME - the unlock is, with these words
	! disk_unlock "$3" "$DISK_PIN" || fail "$1: it opens"
	grep -q -- "$2" "$LAB/unlock.log" && grep -q "gold" "$LAB/unlock.log" || fail "$1: not '$2'"
	n_refused=$((n_refused + 1))
	echo "$1: $(tail -n 1 "$LAB/unlock.log")"
}
refused_create() { # refused_create WHAT WORDS [OPTION...] - of image a, as is a lease
	local what=$1 words=$2
	shift 2
	! disk_create a +1hour "$@" || fail "$what: it is checked out"
	grep -q -- "$words" "$LAB/disk.log" || fail "$what: not '$words': $(cat "$LAB/disk.log")"
	[ ! -e "$IT/out/leases/a.yaml" ] || fail "$what: there is a lease"
	[ ! -e "$IT/recovery-a" ] && [ -z "$(ls -A "$IT/out/disks" 2>/dev/null)" ] || fail "$what: something is left of it"
	n_refused=$((n_refused + 1))
	echo "$what: $(tail -n 1 "$LAB/disk.log")"
}
lease_says() { # lease_says NAME SED - the lease, changed and signed again
	sed -i "$2" "$LAPTOP_STATE/leases/$1.yaml"
	pki_sign lease "$LAPTOP_STATE/leases/$1.yaml"
}
opens() {
	disk_unlock "$1" "$DISK_PIN" && disk_same_to_qemu "$1" || fail "$1: it does not open as IT's image"
	bulkhead disk lock "$1" >"$LAB/unlock.log" 2>&1 && lab_wait 10 no_block || fail "it does not lock"
}

lans_up && tpm_on && laptop_install && pki_make || fail "the lab does not come up"
minisign -G -W -p "$IT/keys/image.pub" -s "$IT/keys/image.key" >/dev/null || fail "no image key"
echo "image: [\"$(pki_public image)\"]" >>"$IT/trust.yaml"
minisign -S -s "$IT/keys/root.key" -m "$IT/trust.yaml" >/dev/null || fail "trust is not signed"
pki_install
for name in a b; do
	disk_plain $name 16 || fail "no plain image"
done
disk_enrol || fail "$(cat "$LAB/disk.log")"

# ---- IT's desk ----
for name in a b; do
	bulkhead image make "$IT/$name.vhd" >"$LAB/unlock.log" 2>&1 &&
		bulkhead policy sign "$IT/$name.yaml" --key "$IT/keys/image.key" >"$LAB/unlock.log" 2>&1 || fail "no image document"
done
bulkhead policy verify "$IT/a.yaml" --trust "$IT/trust.yaml" >"$LAB/unlock.log" 2>&1 || fail "IT's own document does not verify"
refused_create "no word about the image" "trust has image keys" --upon plain
refused_create "another image's document" "is not about" --upon plain --image "$IT/b.yaml"
refused_create "a plain image's document for a new ciphertext" "is not about" --upon encrypted --image "$IT/a.yaml"
refused_create "a lease key for an image" "sign no images" --upon encrypted --image-key "$IT/keys/lease.key"
cp "$IT/a.yaml" "$IT/forged.yaml" && pki_sign lease "$IT/forged.yaml"
refused_create "a document by a lease key" "may not sign" --upon plain --image "$IT/forged.yaml"
disk_create a +1hour --upon plain --image "$IT/a.yaml" || fail "$(cat "$LAB/disk.log")"
root=$(sed -n 's/.*plain_allowed lists //p' "$LAB/disk.log")
disk_create b +1hour --upon encrypted --image-key "$IT/keys/image.key" || fail "$(cat "$LAB/disk.log")"
cmp -s "$IT/a.tree" "$IT/out/disks/a/gold.tree" || fail "the tree that was made before is another"

# ---- the laptop ----
disk_deliver a
laptop_start || fail "bulkheadd does not start"
pki_policy 8 "$(pki_date +30days)" >"$IT/policy.yaml"
printf '  plain_allowed: ["%s"]\n' "$root" >>"$IT/policy.yaml"
pki_sign policy "$IT/policy.yaml" && bulkhead policy install "$IT/policy.yaml" >"$LAB/unlock.log" 2>&1 || fail "no policy"
for name in a b; do
	opens $name
	signature=$(sed -n 's/^    signature: "\(.*\)"/\1/p' "$LAPTOP_STATE/leases/$name.yaml")
	[ -n "$signature" ] || fail "$name: its lease has no signature of the image"
	lease_says $name '/^    signature: /d'
	refused "$name: a lease without the image's signature" "signature" $name
	cp "$IT/out/leases/$name".* "$LAPTOP_STATE/leases/"
	forged=$(base64 -w0 "$IT/forged.yaml.minisig")
	lease_says $name "s|^    signature: .*|    signature: \"$forged\"|"
	refused "$name: an image signed by a lease key" "sign" $name
	cp "$IT/out/leases/$name".* "$LAPTOP_STATE/leases/"
	lease_says $name '/^parents:/,/^tpm:/s/^    root: "\(.\)/    root: "0/; /^parents:/,/^tpm:/s/^    bytes: .*/    bytes: 1048576/'
	refused "$name: another layer under the image's signature" "sign" $name
	cp "$IT/out/leases/$name".* "$LAPTOP_STATE/leases/"
	opens $name
done
echo "2 disks upon signed images; $n_refused refusals by name"
