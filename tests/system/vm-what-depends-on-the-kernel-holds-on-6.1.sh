#!/usr/bin/env bash
# Tests that say "# kernels: 6.1 6.18" hold on the kernel that users run, too: Debian's, emulated, booted
# once for all of them.
# limit: 600 s
cd "$(dirname "$0")/../.." || exit 1
mapfile -t scripts < <(grep -l '^# kernels: 6.1 6.18$' tests/system/*.sh tests/system/net/*.sh)
LIMIT=590 exec tests/vm/in-vm.sh "${scripts[@]}"
