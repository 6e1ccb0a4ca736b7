#!/usr/bin/env bash
# What the firewall's own tests show on this kernel holds on the one that users run: Debian's 6.1, booted
# once for all of them.
# limit: 300 s
cd "$(dirname "$0")/../.." || exit 1
exec tests/vm/in-vm.sh \
	tests/system/net-is-closed-until-a-grant-opens-it.sh \
	tests/system/net-a-revoked-grant-cuts-an-established-flow-at-once.sh
