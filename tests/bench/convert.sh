#!/usr/bin/env bash
# How fast a disk is converted in place, beside dd that reads and writes as many bytes of a file of the same
# layout, in blocks of the same size (10 MiB), and syncs at its end. A disk's own speed wanders, and a sync
# writes what others have left: so all is synced first, dd runs right before (odd rounds) or right after each
# conversion, and what is told is the median of the ratios of such pairs; the lowest and highest beside
# it. Then the same in memory, where there is only the CPU: cpu is seconds of it for a GiB. The proof is not in it:
# it reads everything once more, twice when encrypting.
#
#	MIB=1024 ROUNDS=3 DIR=/var/tmp tests/bench/convert.sh
cd "$(dirname "$0")/../.." || exit 1
. tests/bench/bench.sh
OUT=${OUT:-out} MIB=${MIB:-1024} ROUNDS=${ROUNDS:-3} DIR=${DIR:-/var/tmp}
work=
trap 'rm -rf "$work"' EXIT

speed_of_dd() { # one pass over plain.raw, MiB/s
	local start
	sync
	start=${EPOCHREALTIME/./}
	dd if="$work/plain.raw" of="$work/plain.raw" bs=10M conv=notrunc,fdatasync status=none || exit 1
	echo $((MIB * 1000000 / (${EPOCHREALTIME/./} - start)))
}
converted() { # converted encrypt|rekey|decrypt - MiB/s, and seconds of CPU for a GiB
	sync
	"$OUT/tests/bench/convert_run" "$work" "$1" "$MIB"
}
pair() { # pair WHERE ROUND WHAT
	local dd said cpu
	[ $(($2 % 2)) = 0 ] || dd=$(speed_of_dd)
	said=$(converted "$3") || { echo "$3: $said"; exit 1; }
	read -r said cpu <<<"$said"
	[ $(($2 % 2)) = 1 ] || dd=$(speed_of_dd)
	bench_note "$1-$3" "$said"
	bench_note "$1-$3-cpu" "$cpu"
	bench_note "$1-dd" "$dd"
	bench_note "$1-$3-ratio" "$(bench_ratio "$said" "$dd")"
}
# what else runs on this machine is not what is measured
chrt -r -p 1 $$ >/dev/null 2>&1 || true
bench_head "$MIB MiB, $ROUNDS rounds"
for where in ${DIRS:-"$DIR" /dev/shm}; do
	work=$(mktemp -d "$where/bulkhead-convert.XXXXXX")
	head -c "${MIB}M" /dev/urandom >"$work/plain.raw"
	for ((round = 1; round <= ROUNDS; round++)); do
		for what in encrypt rekey decrypt; do
			pair "$where" $round $what
		done
	done
	rm -rf "$work"
	printf '%-9s dd      %6s MiB/s\n' "$where" "$(bench_median "$where-dd")"
	for what in encrypt rekey decrypt; do
		printf '%-9s %-8s%6s MiB/s  %s of dd (%s to %s), cpu %s s/GiB\n' "$where" $what \
			"$(bench_median "$where-$what")" "$(bench_median "$where-$what-ratio")" \
			"$(bench_quantile "$where-$what-ratio" 0)" "$(bench_quantile "$where-$what-ratio" 100)" \
			"$(bench_median "$where-$what-cpu")"
	done
done
