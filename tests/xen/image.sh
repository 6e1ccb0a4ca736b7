#!/bin/bash
# image.sh - the image of Xen and dom0, built once for each content of the files that make it.
# Prints its folder, out/xen/KEY. Needs the network, unless it is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "$here/../.." && pwd)/out/xen
key=$(cat "$here"/{build-image.sh,initramfs-init,test-init} | sha256sum | cut -c1-16)
if [ ! -e "$out/$key/complete" ]; then
	rm -rf "$out"
	mkdir -p "$out/$key"
	echo "xen: building an image of Xen and dom0 (log: out/xen.log)" >&2
	"$here/build-image.sh" "$out/$key" > "$out.log" 2>&1 || {
		tail -n 20 "$out.log" >&2
		echo "xen: the image is not built" >&2
		exit 1
	}
	: > "$out/$key/complete"
fi
echo "$out/$key"
