#!/bin/bash
# image.sh - the image of the emulated machines, built once for each content of the files that make it.
# Prints its folder, out/vm/KEY. Needs the network, unless it is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/out/vm
mkdir -p "${out%/*}"
key=$(cat "$here"/{build-image.sh,initramfs-init,test-init} | sha256sum | cut -c1-16)
exec 9> "$out.lock"
flock 9 # tests run side by side
if [ ! -e "$out/$key/complete" ]; then
	rm -rf "$out"
	mkdir -p "$out/$key"
	echo "vm: building the image of the emulated machines (log: out/vm.log)" >&2
	"$here/build-image.sh" "$out/$key" > "$out.log" 2>&1 9>&- || {
		tail -n 20 "$out.log" >&2
		echo "vm: the image is not built" >&2
		exit 1
	}
	: > "$out/$key/complete"
fi
echo "$out/$key"
