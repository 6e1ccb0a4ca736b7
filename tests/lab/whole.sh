# whole.sh - the laptop with its TPM and disks, the company that signs for it, and the networks around
# it: what a test of all of it needs.
#
#	. "$here/lab/whole.sh"
#	lab_enter "$@"
for part in lab lans tpm roles laptop pki disk; do
	. "$(dirname "${BASH_SOURCE[0]}")/$part.sh"
done
unset part
