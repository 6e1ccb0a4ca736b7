# The laptop, or its files, in other hands: each try is refused with a reason of its own.
#
# shellcheck shell=bash
demo_step 5 "Theft: every try is refused, each with its own reason"

header=$LAPTOP_STATE/disks/work/leaf.luks
lease=$LAPTOP_STATE/leases/work.yaml

# theft WHAT REASON [PIN] - unlocking is refused, and the audit log has this very reason
theft() {
	local status=0 reason seq
	seq=$(laptop_seq)
	disk_unlock work "${3-$DISK_PIN}" || status=$?
	lab_wait 5 laptop_audit_says "any(.[]; .kind == \"unlock\" and .phase != \"intent\" and .seq > $seq)" true || true
	reason=$(laptop_audit '[.[] | select(.kind == "unlock")] | last.reason')
	if [ $status -ge 3 ] && [ "$reason" = "$2" ] && ! disk_served work; then
		good "$1" "$reason, exit $status: $(sed "s/^bulkhead: disk unlock 'work': //" "$LAB/unlock.log")"
	else
		bad "$1" "$reason instead of $2, exit $status: $(tail -n 1 "$LAB/unlock.log")"
	fi
}

restore() { # the files as IT delivered them, header and image as the laptop left them
	cp "$LAB/stolen/leaf.luks" "$header"
	cp "$IT/out/leases/work.yaml" "$IT/out/leases/work.yaml.minisig" $LAPTOP_STATE/leases/
}

bulkhead disk lock work >"$LAB/disk.log" 2>&1 || bad "the disk is locked" "$(cat "$LAB/disk.log")"
mkdir -p "$LAB/stolen"
cp "$header" "$LAB/stolen/"

theft "a wrong PIN" pin-wrong 314159

sed -i 's/^not_after: .*/not_after: '"$(pki_date -1hour)"'/; s/^issued: .*/issued: '"$(pki_date -2days)"'/' "$lease"
pki_sign lease "$lease"
theft "an expired lease, well signed" lease-expired
restore
sed -i 's/^device: "l/device: "L/' "$lease"
theft "a lease with one letter changed" doc-signature
restore

luks_edit "$header" '.segments."0".encryption = "cipher_null-ecb"'
theft "header, both copies valid: null cipher" header-shape
restore
luks_edit "$header" '.segments."0".sector_size = 4096'
theft "header, both copies valid: another sector size" header-shape
restore
luks_edit "$header" '.keyslots."1".area.encryption = "cipher_null-ecb"'
theft "header, both copies valid: null keyslot" header-shape
restore
luks_edit "$header" '.keyslots."2" = .keyslots."1" | .digests."0".keyslots += ["2"]'
theft "header, both copies valid: an added keyslot" header-shape
restore

disk_plain other 16 >/dev/null && disk_create other +1hour || bad "another disk" "$(cat "$LAB/disk.log")"
cp "$IT/out/disks/other/leaf.luks" "$header"
theft "the header of another disk" header-disk
restore

laptop_stop
tpm_off
tpm_on thief
cp -a $LAPTOP_STATE "$LAB/copy-of-state" # a thief has a copy; what happens there is not in our log
mount --bind "$LAB/copy-of-state" $LAPTOP_STATE
bulkhead device enrol --name laptop-1 --tpm "$TPM_SOCKET" >"$LAB/thief.yaml" 2>"$LAB/disk.log" ||
	bad "the thief's TPM is set up" "$(cat "$LAB/disk.log")"
laptop_start || return 1
theft "the same files with another TPM" tpm-other
laptop_stop
umount $LAPTOP_STATE
tpm_off
TPM_KERNEL=vmlinuz-thief tpm_on
laptop_start || return 1
theft "the same TPM, another kernel booted" tpm-pcr
laptop_stop
tpm_off
tpm_on

if disk_at_it bulkhead disk export $LAPTOP_STATE/disks/work "$LAB/exported.raw" \
	--recovery-file "$IT/recovery-work" >"$LAB/disk.log" 2>&1 &&
	disk_files "$LAB/exported.raw" "$LAB/files" && diff -r "$IT/work" "$LAB/files" -x new; then
	good "the escrowed recovery key opens the layer, without a TPM" \
		"$(find "$LAB/files" -type f | wc -l) files"
else
	bad "the escrowed recovery key opens the layer" "$(tail -n 1 "$LAB/disk.log")"
fi
expect "cryptsetup open --test-passphrase --header accepts the same key" "" \
	cryptsetup open --test-passphrase --type luks2 --header "$header" \
	--key-file "$IT/recovery-work" "${header%.luks}.vhd"
rm -rf "$LAB/files" "$LAB/exported.raw"
laptop_start || return 1
if disk_unlock work "$DISK_PIN"; then
	good "the owner, with the right PIN, is let in"
else
	bad "the owner, with the right PIN, is let in" "$(cat "$LAB/unlock.log")"
fi
