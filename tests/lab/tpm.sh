# tpm.sh - the laptop's TPM (swtpm), and its firmware: start-up and what it measures.
#
# shellcheck shell=bash

TPM_SOCKET=$LAB/tpm/tpm.sock

# tpm_on [NAME] - power on the TPM whose state is kept under NAME; firmware starts it and measures.
# It serves one connection at a time: stop the daemon before tpm2 tools are used.
tpm_on() {
	local name=${1:-laptop}
	mkdir -p "$LAB/tpm/$name"
	rm -f "$TPM_SOCKET"
	lab_start swtpm swtpm socket --tpm2 --tpmstate "dir=$LAB/tpm/$name" \
		--server "type=unixio,path=$TPM_SOCKET" \
		--ctrl "type=unixio,path=$TPM_SOCKET.ctrl" --flags not-need-init
	lab_wait 5 test -S "$TPM_SOCKET" -a -S "$TPM_SOCKET.ctrl" || {
		echo "lab: swtpm does not start: $(cat "$LAB/swtpm.log")" >&2
		return 1
	}
	tpm_tool tpm2_startup --clear
	tpm_measure 4 "boot manager: xen.efi"
	tpm_measure 8 "kernel command line: root=/dev/mapper/laptop-root"
	tpm_measure 9 "initramfs and kernel: ${TPM_KERNEL:-vmlinuz-6.1}"
	tpm_measure 15 "root volume: laptop-root"
}

tpm_measure() { # tpm_measure PCR EVENT
	tpm_tool tpm2_pcrevent "$1" <<<"$2" >/dev/null
}

tpm_tool() {
	TPM2TOOLS_TCTI="swtpm:path=$TPM_SOCKET" TSS2_LOG=all+none "$@"
}

tpm_off() { # orderly, as the daemon's stop leaves it
	tpm_tool tpm2_shutdown --clear
	lab_stop swtpm
}

tpm_cut() { # the power is gone
	local pid
	pid=$(<"$LAB/swtpm.pid")
	kill -KILL "$pid"
	lab_stop swtpm
}
