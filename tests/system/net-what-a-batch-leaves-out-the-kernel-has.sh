#!/usr/bin/env bash
# A change of the grants sends what differs from the one before. After each of many random states the
# kernel's tables are those that the whole state makes; also when somebody else was faster with a
# change of his own: then everything is sent. STATES and SEED choose how many, and which.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"

SEED=${SEED:-$RANDOM} STATES=${STATES:-400}
lab_ns alone
ip -n alone link add host0 type veth peer name up0
lab_in alone "$LAB_OUT/tests/bench/rules" host0 up0 10 >"$LAB/rules"
lab_in alone nft -f "$LAB/rules"
lab_in alone "$LAB_OUT/tests/system/grants_run" host0 up0 "$SEED" "$STATES" >"$LAB/states" 2>"$LAB/why" ||
	{ echo "seed $SEED: $(<"$LAB/why") $(head -c 20000 "$LAB/states")"; exit 1; }
echo "seed $SEED: $(<"$LAB/states"): the kernel had the whole state each time"
