#!/bin/bash
# boot.sh IMAGEDIR SHAREDIR COMMAND [QEMU-ARGUMENT...]
# The emulated machine (machine.sh) with Debian's kernel and no hypervisor.
# KERNEL=vmlinuz: for a machine that is to sleep (build-image.sh).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
image=$1 share=$2 command=$3
shift 3
exec "$here/machine.sh" "$image" "$share" "$command" -m 1024 -kernel "$image/${KERNEL:-vmlinux}" -initrd "$image/initramfs" \
	-append "console=ttyS0 quiet panic=1 mitigations=off nokaslr rodata=off audit=0 cryptomgr.notests random.trust_cpu=on" "$@"
