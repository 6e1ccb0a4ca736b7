#!/bin/bash
# boot-xen.sh IMAGEDIR SHAREDIR COMMAND [QEMU-ARGUMENT...]
# Boots Xen with a Debian dom0 under QEMU (plain emulation), runs COMMAND in dom0's /shared, which is
# SHAREDIR of this machine, writable; prints its output as it comes and exits with its exit status,
# or with 125 when the machine did not get to its end (the end of the console is then shown).
# The console (Xen and dom0's kernel) is in SHAREDIR/console.log. The machine has a new TPM 2.0.
# Environment: LIMIT seconds (300).
set -euo pipefail
image=$1 share=$2 command=$3
shift 3
work=$(mktemp -d "${TMPDIR:-/tmp}/boot-xen.XXXXXX")
mkdir "$work/tpm"
trap 'kill "$(cat "$work/swtpm.pid" 2> /dev/null)" 2> /dev/null || true; rm -rf "$work"' EXIT
rm -f "$share/.status"
printf '%s' "$command" > "$share/.command"

swtpm socket --tpm2 --tpmstate dir="$work/tpm" --ctrl type=unixio,path="$work/tpm.sock" \
	--terminate --daemon --pid file="$work/swtpm.pid"

# A comma in dom0's arguments would have to be doubled (QEMU's multiboot).
xen_args="console=com1 com1=115200,8n1 dom0_mem=1024M,max:1024M dom0_max_vcpus=1 cpuidle=0 cpufreq=none noreboot"
dom0_args="console=hvc0 quiet panic=1 mitigations=off nokaslr rodata=off audit=0 cryptomgr.notests random.trust_cpu=on"
# smap, monitor: QEMU 7.2 emulates IRET with SMAP and MWAIT so that dom0 or Xen dies of them.
qemu=(qemu-system-x86_64 -accel tcg,tb-size=512 -machine q35 -cpu max,-smap,-monitor,-rdtscp
	-m 2048 -nodefaults -no-user-config -display none -no-reboot
	-drive "file=$image/root.ext4,format=raw,if=virtio,readonly=on"
	-serial "file:$share/console.log"
	-chardev file,id=out,path=/dev/stdout,append=on -device virtio-serial-pci -device virtserialport,chardev=out
	-virtfs "local,path=$share,mount_tag=shared,security_model=none"
	-chardev "socket,id=tpm,path=$work/tpm.sock" -tpmdev emulator,id=tpm,chardev=tpm -device tpm-tis,tpmdev=tpm
	-kernel "$image/xen" -append "$xen_args" -initrd "$image/vmlinux $dom0_args,$image/initramfs")

# (a pipe, so that QEMU can open /dev/stdout whatever ours is)
timeout --foreground "${LIMIT:-300}" "${qemu[@]}" "$@" < /dev/null | cat ||
	echo "boot-xen.sh: QEMU ended with $? (124: over ${LIMIT:-300} s)" >&2
status=$(cat "$share/.status" 2> /dev/null || echo 125)
[ "$status" != 125 ] || tail -n 40 "$share/console.log" >&2
exit "$status"
