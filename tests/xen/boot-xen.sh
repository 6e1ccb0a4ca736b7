#!/bin/bash
# boot-xen.sh IMAGEDIR SHAREDIR COMMAND [QEMU-ARGUMENT...]
# The emulated machine (tests/vm/machine.sh) with Xen, a Debian dom0 in which COMMAND runs, and a new
# TPM 2.0. The console is Xen's and that of dom0's kernel.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
image=$1 share=$2 command=$3
shift 3
work=$(mktemp -d "${TMPDIR:-/tmp}/boot-xen.XXXXXX")
mkdir "$work/tpm"
trap 'kill "$(cat "$work/swtpm.pid" 2> /dev/null)" 2> /dev/null || true; rm -rf "$work"' EXIT

swtpm socket --tpm2 --tpmstate dir="$work/tpm" --ctrl type=unixio,path="$work/tpm.sock" \
	--terminate --daemon --pid file="$work/swtpm.pid"

# On a processor that calls itself AMD's, as QEMU's does, Xen loads a guest's SSE and AVX registers when it first
# uses them. In QEMU 7.2, it seems, not every use is noticed: programs in dom0 went on with the guest's registers
# (memset filled with them, grep missed lines). So they are loaded at each switch.
fpu=spec-ctrl=eager-fpu
# A comma in dom0's arguments would have to be doubled (QEMU's multiboot).
xen_args="console=com1 com1=115200,8n1 dom0_mem=1024M,max:1024M dom0_max_vcpus=1 cpuidle=0 cpufreq=none noreboot $fpu"
dom0_args="console=hvc0 quiet panic=1 mitigations=off nokaslr rodata=off audit=0 cryptomgr.notests random.trust_cpu=on"
"$here/../vm/machine.sh" "$image" "$share" "$command" -m 2048 \
	-chardev "socket,id=tpm,path=$work/tpm.sock" -tpmdev emulator,id=tpm,chardev=tpm -device tpm-tis,tpmdev=tpm \
	-kernel "$image/xen" -append "$xen_args" -initrd "$image/vmlinux $dom0_args,$image/initramfs" "$@"
