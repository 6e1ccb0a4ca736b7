#!/usr/bin/env bash
# What needs devices, in the emulated machine, one boot: a real card's way back when the namespace ends,
# and Wi-Fi at home; EMULATED=all, as in "make soak", also between home and the company.
# limit: 600 s
cd "$(dirname "$0")/../.." || exit 1
VM_ARGUMENTS="-netdev hubport,id=n0,hubid=0 -device e1000,netdev=n0 -object filter-dump,id=f0,netdev=n0,file=@SHARE@/cable.pcap" \
	LIMIT=${LIMIT:-590} exec tests/vm/in-vm.sh tests/vm/nic-comes-back-down.sh tests/vm/wifi.sh
