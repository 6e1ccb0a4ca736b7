#!/bin/bash
# build-image.sh OUTDIR - from Debian's packages to all that the emulated machines boot, the one with
# Xen (tests/xen) and the one without (tests/vm):
#   OUTDIR/xen              the hypervisor, unpacked (QEMU loads it by multiboot)
#   OUTDIR/vmlinux          Debian's kernel, unpacked (QEMU loads it by its PVH note; whoever must
#                           unpack its xz under emulation spends seconds)
#   OUTDIR/vmlinuz          the same as it is packed: QEMU loads this one through its firmware, and does not load
#                           it anew over the sleeping machine at each reset, which a resume begins with
#   OUTDIR/initramfs        mounts the root disk read-only under a tmpfs overlay
#   OUTDIR/initramfs-guest  for a guest: mounts its own disk, /dev/xvda, read-write
#   OUTDIR/root.ext4        the root disk of both
#   OUTDIR/busybox          static, for a guest's disk
# Needs mmdebstrap, cpio, kmod, e2fsprogs, xz-utils. The packages are only unpacked,
# nothing of them runs; nothing is mounted; root is not needed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: build-image.sh OUTDIR}
suite=bookworm

packages=(
	bash coreutils util-linux mount grep sed gawk findutils diffutils hostname procps perl-base bsdutils jq udev netbase
	dash kmod busybox-static iproute2 iputils-ping nftables dnsmasq-base dhcpcd-base tpm2-tools
	libtss2-tcti-device0 nbdkit e2fsprogs xen-hypervisor-4.17-amd64 xen-utils-4.17 xenstore-utils
	linux-image-amd64
	# the machine without Xen: a real PID 1, radios and cables, and what the lab's scripts call
	systemd iw wpasupplicant hostapd wireguard-tools ethtool tcpdump openssl minisign swtpm swtpm-libs
	# a disk opened without us (doc/recovery.md)
	qemu-utils cryptsetup-bin
	# what the roles link (roles.tsv)
	libcyaml1 libyaml-0-2 libnftables1 libnftnl11 libmnl0 libtss2-esys-3.0.2-0 libtss2-mu0
	libcryptsetup12 libjson-c5 libpcap0.8 libsodium23 libgcrypt20 libcap-ng0 libseccomp2 libxenstore4
)
# The only kernel modules kept (paths below /lib/modules/VERSION/kernel/).
modules=(arch crypto lib net fs/ext4 fs/jbd2 fs/mbcache fs/overlayfs fs/9p fs/fscache fs/netfs fs/autofs
	drivers/block drivers/char drivers/virtio drivers/xen drivers/net/xen drivers/net/veth
	drivers/net/virtio_net drivers/net/net_failover drivers/net/dummy drivers/net/tun drivers/net/ifb
	drivers/net/macvlan drivers/net/vrf drivers/net/wireguard drivers/net/netdevsim
	drivers/net/ethernet/intel/e1000/ drivers/net/wireless/mac80211_hwsim
	drivers/md/dm-mod drivers/md/dm-crypt drivers/dax)

work=$(mktemp -d "${TMPDIR:-/tmp}/vm-image.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
root=$work/root
mkdir -p "$out"

# The machine's own archive of this suite, whichever of the two ways it is written down.
sources=$(grep -lsE "(^Suites:|^deb ).*$suite" /etc/apt/sources.list /etc/apt/sources.list.d/debian.{sources,list} |
	head -n 1 || true)
[ -n "$sources" ] || { echo "build-image.sh: no apt source of Debian $suite; write one" >&2; exit 1; }

filter=(--dpkgopt='path-exclude=/usr/share/*' --dpkgopt='path-exclude=/usr/lib/python3*'
	--dpkgopt='path-exclude=/usr/lib/x86_64-linux-gnu/perl*'
	--dpkgopt='path-exclude=/lib/modules/*/kernel/*')
for m in "${modules[@]}"; do filter+=(--dpkgopt="path-include=/lib/modules/*/kernel/$m*"); done
mode=root
[ "$(id -u)" = 0 ] || mode=chrootless
mmdebstrap --quiet --variant=extract --mode=$mode --aptopt='APT::Install-Recommends "false"' \
	"${filter[@]}" --include="$(IFS=,; echo "${packages[*]}")" "$suite" "$root" "$sources"

version=$(basename "$root"/lib/modules/*)
depmod -b "$root" "$version"

# Xen and the kernel, unpacked. The numbers are fields of the bzImage header
# (Documentation/x86/boot.rst: setup_sects, payload_offset, payload_length).
gzip -dc "$root/boot/xen-4.17-amd64.gz" > "$out/xen"
bz=$root/boot/vmlinuz-$version
field() { od -An -t"u$3" -j "$2" -N "$3" "$1" | tr -d ' '; }
start=$((($(field "$bz" 0x1f1 1) + 1) * 512 + $(field "$bz" 0x248 4)))
length=$(field "$bz" 0x24c 4)
cp "$bz" "$out/vmlinuz"
head -c $((start + length)) "$bz" | tail -c "$length" | xz -dc --single-stream > "$out/vmlinux"

# initramfs NAME MODULE...
initramfs() {
	local ram=$work/$1 file
	shift
	mkdir -p "$ram"/{bin,dev,proc,sys,lib,disk,tmp,root}
	cp "$root/bin/busybox" "$ram/bin/"
	for tool in sh cat insmod mount mkdir sleep switch_root grep; do
		ln -s busybox "$ram/bin/$tool"
	done
	for m in "$@"; do
		modprobe -d "$root" -S "$version" --show-depends "$m"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' > "$ram/lib/files"
	while read -r file; do
		cp "$file" "$ram/lib/"
		basename "$file" >> "$ram/lib/order"
	done < "$ram/lib/files"
	install -m 755 "$here/initramfs-init" "$ram/init"
	(cd "$ram" && find . | cpio --quiet -o -H newc -R 0:0)
}
initramfs initramfs virtio_pci virtio_blk crc32c_generic ext4 overlay > "$out/initramfs"
cp "$root/bin/busybox" "$out/busybox"
initramfs initramfs-guest xen-blkfront xen-netfront crc32c_generic ext4 > "$out/initramfs-guest"

# What the packages' own set-up would have done, and what guests boot from.
rm -rf "$root"/var/run "$root"/var/lock "$root"/boot "$root"/var/lib/apt "$root"/var/cache
ln -s /run "$root/var/run"
ln -s /run/lock "$root/var/lock"
ln -sf gawk "$root/usr/bin/awk"
ln -sf dash "$root/bin/sh"
mkdir -p "$root"/{boot,shared,etc,root} "$root"/var/{cache,log/xen,lib/xen,lib/misc,lib/dhcpcd}
printf '%s\n' 'root:x:0:0:root:/root:/bin/bash' 'nobody:x:65534:65534::/:/usr/sbin/nologin' \
	'dhcpcd:x:100:65534::/usr/lib/dhcpcd:/bin/false' 'dnsmasq:x:101:65534::/:/usr/sbin/nologin' > "$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' > "$root/etc/group"
echo '127.0.0.1 localhost dom0' > "$root/etc/hosts"
install -m 755 "$here/test-init" "$root/sbin/test-init"
cp "$out/vmlinux" "$out/initramfs-guest" "$root/boot/"

rm -f "$out/root.ext4"
mke2fs -q -t ext4 -O ^has_journal -m 0 -E root_owner=0:0 -d "$root" "$out/root.ext4" \
	$(($(du -sm "$root" | cut -f1) * 115 / 100 + 32))M
