#!/usr/bin/env bash
# By hand, or as a part of make soak: the installed units on a real systemd and udev, in the emulated machine
# (tests/vm/under-systemd.sh): boot, stop and release; EMULATED=all: also a killed daemon, an upgrade, and two real sleeps.
cd "$(dirname "$0")/../.." || exit 1
export FIRST=tests/vm/systemd-first.sh LIMIT=${LIMIT:-590}
[ -z "${EMULATED-}" ] || export KERNEL=vmlinuz # one that sleeps
export VM_ARGUMENTS="-netdev user,id=u0,restrict=on,guestfwd=tcp:10.0.2.100:80-cmd:cat
	-netdev hubport,id=n1,hubid=0,netdev=u0 -netdev hubport,id=n0,hubid=0 -device e1000,netdev=n0,addr=9
	-object filter-dump,id=f0,netdev=n0,file=@SHARE@/cable.pcap"
exec tests/vm/in-vm.sh tests/vm/under-systemd.sh
