# bench.sh - figures of several contenders, taken in turn in one run. Sourced by the benchmarks.
#
# shellcheck shell=bash

declare -A BENCH_FIGURES

bench_note() { # bench_note NAME FIGURE
	BENCH_FIGURES[$1]+="$2 "
}

bench_quantile() { # bench_quantile NAME PERCENT
	tr ' ' '\n' <<<"${BENCH_FIGURES[$1]}" | grep . | sort -n |
		awk -v p="$2" '{ v[NR] = $1 } END { i = int((NR * p + 99) / 100); print v[i < 1 ? 1 : i] }'
}

bench_median() { # bench_median NAME
	bench_quantile "$1" 50
}

bench_ratio() { # bench_ratio FIGURE OF
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f\n", (b > 0 ? a / b : 0) }'
}

bench_paired() { # bench_paired NAME OF - the median of their ratios, round by round: what drifts, drifts for both
	paste -d' ' <(tr ' ' '\n' <<<"${BENCH_FIGURES[$1]}") <(tr ' ' '\n' <<<"${BENCH_FIGURES[$2]}") |
		awk 'NF == 2 && $2 > 0 { print $1 / $2 }' | sort -n |
		awk '{ v[NR] = $1 } END { printf "%.2f\n", NR ? v[int((NR + 1) / 2)] : 0 }'
}

bench_head() { # what this machine was busy with: figures of a loaded machine say little
	echo "# $1; $(nproc --all) CPUs, load $(cut -d' ' -f1 /proc/loadavg), kernel $(uname -r)"
}
