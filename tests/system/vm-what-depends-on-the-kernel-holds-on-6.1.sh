#!/usr/bin/env bash
# Tests that say "# kernels: 6.1 6.18" hold on the kernel that users run, too: Debian's, emulated, booted
# once for all of them. "make check" runs those that say "# emulated: in make check" besides, which show
# each of the differences once; EMULATED=all, as in "make soak", every one.
# limit: 900 s
cd "$(dirname "$0")/../.." || exit 1
mapfile -t scripts < <(grep -l '^# kernels: 6.1 6.18$' tests/system/*.sh tests/system/net/*.sh)
[ "${EMULATED-}" = all ] || mapfile -t scripts < <(grep -l '^# emulated: in make check$' "${scripts[@]}")
LIMIT=${LIMIT:-890} exec tests/vm/in-vm.sh "${scripts[@]}"
