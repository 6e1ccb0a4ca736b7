# A real hypervisor: Xen, a Debian dom0 and a paravirtualised work VM, emulated.
#
# shellcheck shell=bash
if [ "${XEN-1}" = 0 ]; then
	echo "(XEN=0: the step in a real hypervisor is left out)"
	return 0
fi
demo_step 8 "The same under Xen: the work VM is a guest, personal is dom0"
# shellcheck source=tests/xen/xen.sh
. "$here/xen/xen.sh"
xen_step
