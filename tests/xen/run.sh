#!/bin/bash
# run.sh - the work VM on a real hypervisor, alone: what step 8 of the demo shows.
#
#	make install DESTDIR=out/demo-root PREFIX=/usr && sudo tests/xen/run.sh
#
# KEEP=1 keeps the logs also when all is well.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
here=$PWD/tests
# The image needs the network, which the lab has not.
[ -n "${LAB_INSIDE-}" ] || "$here/vm/image.sh" > /dev/null || exit 1
for part in lab/lab lab/lans lab/roles lab/laptop lab/pki xen/xen; do
	. "$here/$part.sh"
done
lab_enter "$@"
failed=0
good() { printf '   ✔ %-66s %s\n' "$1" "${2-}"; }
bad() {
	failed=1
	printf '   ✘ %-66s %s\n' "$1" "${2-}"
}
PATH=$LAB_OUT/demo-root/usr/bin:$LAB_OUT/demo-root/usr/sbin:$PATH
IT=$LAB/it
mkdir -p "$IT"
lans_up && pki_make && lans_switch && beacon_start && xen_step || failed=1
if [ $failed = 1 ] || [ -n "${KEEP-}" ]; then
	mkdir -p "$LAB_OUT/xen-logs"
	cp "$LAB"/*.log "$LAB"/*.pcap "$XEN_SHARE"/*.log "$LAB_OUT/xen-logs/" 2> /dev/null
	echo "logs and captures: ${LAB_OUT#"$PWD/"}/xen-logs"
fi
exit $failed
