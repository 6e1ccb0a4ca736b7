#!/usr/bin/env bash
# How fast a disk is converted in place, beside dd that reads and writes the same bytes in blocks of
# the same size (10 MiB) and syncs at its end: interleaved rounds, medians, and ratios. The proof is not
# in it: it reads everything once more, twice when encrypting.
#
#	MIB=1024 ROUNDS=3 DIR=/var/tmp tests/bench/convert.sh
cd "$(dirname "$0")/../.." || exit 1
OUT=${OUT:-out} MIB=${MIB:-1024} ROUNDS=${ROUNDS:-3} DIR=${DIR:-/var/tmp}
work=$(mktemp -d "$DIR/bulkhead-convert.XXXXXX")
trap 'rm -rf "$work"' EXIT
declare -A all
note() { all[$1]+="$2 "; }
median() { tr ' ' '\n' <<<"${all[$1]}" | sed '/^$/d' | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
now_us() { echo $((${EPOCHREALTIME/./})); }
head -c "${MIB}M" /dev/urandom >"$work/plain.raw"
for ((round = 0; round < ROUNDS; round++)); do
	start=$(now_us)
	dd if="$work/plain.raw" of="$work/plain.raw" bs=10M conv=notrunc,fdatasync status=none || exit 1
	note dd $((MIB * 1000000 / ($(now_us) - start)))
	for what in encrypt rekey decrypt; do
		said=$("$OUT/tests/bench/convert_run" "$work" "$what" "$MIB") || { echo "$said"; exit 1; }
		note "$what" "$said"
	done
done
printf '%-8s %6s MiB/s\n' dd "$(median dd)"
for what in encrypt rekey decrypt; do
	printf '%-8s %6s MiB/s  %s of dd\n' "$what" "$(median $what)" \
		"$(awk -v a="$(median $what)" -v b="$(median dd)" 'BEGIN { printf "%.2f", a / b }')"
done
