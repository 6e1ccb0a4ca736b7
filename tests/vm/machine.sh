#!/bin/bash
# machine.sh IMAGEDIR SHAREDIR COMMAND QEMU-ARGUMENT...
# Boots the root disk of IMAGEDIR under QEMU (plain emulation) with the kernel that the arguments name,
# runs COMMAND in the machine's /shared, which is SHAREDIR of this one, writable; prints its output as
# it comes and exits with its exit status, or with 125 when the machine did not get to its end (the end
# of the console is then shown). The console is in SHAREDIR/console.log.
# Environment: LIMIT seconds (300).
set -euo pipefail
image=$1 share=$2 command=$3
shift 3
rm -f "$share/.status"
printf '%s' "$command" > "$share/.command"

# smap, monitor: QEMU 7.2 emulates IRET with SMAP and MWAIT so that dom0 or Xen dies of them.
qemu=(qemu-system-x86_64 -accel tcg,tb-size=512 -machine q35 -cpu max,-smap,-monitor,-rdtscp
	-nodefaults -no-user-config -display none -no-reboot
	-drive "file=$image/root.ext4,format=raw,if=virtio,readonly=on"
	-serial "file:$share/console.log"
	-chardev file,id=out,path=/dev/stdout,append=on -device virtio-serial-pci -device virtserialport,chardev=out
	-virtfs "local,path=$share,mount_tag=shared,security_model=none")

# (a pipe, so that QEMU can open /dev/stdout whatever ours is)
timeout --foreground "${LIMIT:-300}" "${qemu[@]}" "$@" < /dev/null | cat ||
	echo "machine.sh: QEMU ended with $? (124: over ${LIMIT:-300} s)" >&2
status=$(cat "$share/.status" 2> /dev/null || echo 125)
[ "$status" != 125 ] || tail -n 40 "$share/console.log" >&2
exit "$status"
