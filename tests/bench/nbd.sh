#!/usr/bin/env bash
# Throughput of an encrypted dynamic VHD through the plugin beside `nbdkit file` on a raw image of
# the same size, interleaved in one run; medians, and the ratio of each to the raw image.
#
#	MIB=256 ROUNDS=3 tests/bench/nbd.sh
#
# first-write: every block is new. write, read: it is allocated. Random 4 KiB: fio, if it is there.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need nbdkit nbdcopy qemu-img
[ "$(id -u)" = 0 ] || skip "needs root to drop privileges"
MIB=${MIB:-256} ROUNDS=${ROUNDS:-3}
rm -rf "$WORK"
WORK=$(mktemp -d /dev/shm/bulkhead-bench.XXXXXX)
chmod 711 "$WORK"
URI="nbd+unix:///?socket=$WORK/nbd.sock" LOG=$WORK/log
RAW_URI="nbd+unix:///?socket=$WORK/raw.sock"
raw_pid=
bench_cleanup() {
	[ -z "$raw_pid" ] || kill "$raw_pid" 2>/dev/null || true
	vhd_cleanup
}
trap bench_cleanup EXIT

head -c 64 /dev/urandom >"$WORK/key"
head -c "${MIB}M" /dev/urandom >"$WORK/source"
make_vhd() {
	rm -f "$WORK/image.vhd"
	qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$WORK/image.vhd" "${MIB}M"
}

now_us() { echo $((${EPOCHREALTIME/./})); }
mib_s() { # mib_s COMMAND... - MiB/s of one run
	local start
	start=$(now_us)
	"$@" >/dev/null 2>"$WORK/err" || fail "$*: $(cat "$WORK/err")"
	echo $((MIB * 1000000 / ($(now_us) - start)))
}
iops() { # iops URI RW
	fio --name=b --ioengine=nbd --uri="$1" --rw="$2" --bs=4k --iodepth=32 --size="${MIB}M" \
		--time_based --runtime=2 --output-format=json --output="$WORK/fio.json" \
		>"$WORK/err" 2>&1 || fail "fio: $(cat "$WORK/err")"
	jq "[.jobs[0].read.iops, .jobs[0].write.iops] | add | floor" <(sed -n '/^{/,$p' "$WORK/fio.json")
}

start_raw() {
	rm -f "$WORK/raw.sock" "$WORK/raw"
	truncate -s "${MIB}M" "$WORK/raw"
	nbdkit --foreground -U "$WORK/raw.sock" file "$WORK/raw" 2>"$WORK/raw.log" &
	raw_pid=$!
	lab_wait 5 test -S "$WORK/raw.sock" || fail "nbdkit file does not start: $(cat "$WORK/raw.log")"
}
stop_both() {
	kill "$raw_pid" && wait "$raw_pid" || true
	raw_pid=
	vhd_stop || fail "exit status $?: $(cat "$LOG")"
}

declare -A sum
note() { sum[$1]+="$2 "; } # note WHAT-WHO FIGURE
median() { tr ' ' '\n' <<<"${sum[$1]}" | grep . | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

tests=(first-write write read)
if command -v fio >/dev/null && fio --enghelp 2>/dev/null | grep -qw nbd && command -v jq >/dev/null; then
	tests+=(randread-4k randwrite-4k)
fi
for round in $(seq "$ROUNDS"); do
	make_vhd
	start_raw
	vhd_serve "$WORK/image.vhd" "$WORK/key" 512
	vhd_ready
	for what in "${tests[@]}"; do
		for who in raw vhd; do
			uri=$URI
			[ "$who" = vhd ] || uri=$RAW_URI
			case $what in
			first-write | write) figure=$(mib_s nbdcopy --no-extents --flush "$WORK/source" "$uri") ;;
			read) figure=$(mib_s nbdcopy --no-extents "$uri" null:) ;;
			randread-4k) figure=$(iops "$uri" randread) ;;
			randwrite-4k) figure=$(iops "$uri" randwrite) ;;
			esac
			note "$what-$who" "$figure"
		done
	done
	stop_both
done

printf '%s MiB in memory, medians of %s rounds (MiB/s; 4k: operations/s)\n' "$MIB" "$ROUNDS"
printf '%-14s %12s %12s %8s\n' "" "nbdkit file" "encrypted" ratio
for what in "${tests[@]}"; do
	raw=$(median "$what-raw") vhd=$(median "$what-vhd")
	printf '%-14s %12s %12s %8s\n' "$what" "$raw" "$vhd" "$(awk "BEGIN { printf \"%.2f\", $vhd / $raw }")"
done
