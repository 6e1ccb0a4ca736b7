#!/usr/bin/env bash
# The Debian packages hold all that `make install` installs, each file once, and install, upgrade and go on a Debian
# without any service being enabled or started; only a daemon that runs is restarted by an upgrade. Here they are made
# of what has been built, and go onto a copy of this machine's own file system. PACKAGES=all, as in "make soak": built
# from nothing with dpkg-buildpackage, onto a Debian of nothing but what they depend on; lintian has no error.
# limit: 300 s
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath "${OUT:-out}")
all=${PACKAGES-}
packages=(bulkhead bulkhead-beacon bulkhead-notify)
fail() { echo "$*" >&2; exit 1; }
for tool in dh dpkg-deb unshare ${all:+mmdebstrap}; do
	command -v "$tool" >/dev/null || { echo "'$tool' is not installed" && exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "root is needed to install packages somewhere" && exit 77; }
[ "${1-}" = inside ] || exec unshare --mount --pid --fork --kill-child --propagation private "$0" inside

mount -t tmpfs tmpfs /mnt # goes with us
work=/mnt root=/mnt/root
mkdir "$work/src" "$root" "$work/upper"
tar -cf - --exclude=./out --exclude=./.git --exclude=./debian/build . | tar -xf - -C "$work/src"

# -- built
if [ -n "$all" ]; then
	(cd "$work/src" && unset OUT && dpkg-buildpackage -us -uc -b) >"$work/log" 2>&1 || fail "$(tail -n 30 "$work/log")"
else
	(cd "$work/src" && OUT=$out DEB_BUILD_OPTIONS=noautodbgsym debian/rules binary) >"$work/log" 2>&1 || fail "$(tail -n 30 "$work/log")"
fi
version=$("$out/bulkhead" --version | grep -o '[0-9].*')
for package in "${packages[@]}"; do
	[ -e "$work/${package}_${version}"_*.deb ] || fail "there is no package of $package $version: $(ls "$work")"
done
debs=("${packages[@]/%/_${version}_$(dpkg --print-architecture).deb}")

# -- installed; in systemctl's place is what writes down what it is asked
if [ -n "$all" ]; then
	mmdebstrap --quiet --variant=apt --include=systemd "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" \
		/etc/apt/sources.list.d/debian.sources >"$work/log" 2>&1 || fail "$(tail -n 20 "$work/log")"
	cp /etc/resolv.conf "$root/etc/"
else
	mkdir "$work"/upper/{files,work}
	mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper/files,workdir=$work/upper/work" "$root"
	mount -t tmpfs tmpfs "$root/tmp"
fi
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mkdir -p "$root/run/systemd/system"
rm -f "$root"/usr/bin/systemctl "$root"/usr/sbin/policy-rc.d
printf '#!/bin/sh\necho "$@" >>/asked\n' >"$root/usr/bin/systemctl"
chmod 755 "$root/usr/bin/systemctl"
cp "${debs[@]/#/$work/}" "$root/tmp/"
in_root() { DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 chroot "$root" "$@"; }
enabled() { find "$root"/etc/systemd/system "$root"/etc/rc?.d -name '*bulkhead*' 2>/dev/null; }
# What is done with packages, and then what was asked of systemd meanwhile, but to read its units anew.
asked() {
	rm -f "$root/asked"
	in_root "$@" >"$work/log" 2>&1 || fail "$*: $(tail -n 20 "$work/log")"
	grep -sv 'daemon-reload' "$root/asked" || true
}
if [ -n "$all" ]; then
	asked apt-get update >/dev/null
	said=$(asked apt-get -y -qq --no-install-recommends install "${debs[@]/#//tmp/}")
else
	said=$(asked dpkg -i "${debs[@]/#//tmp/}")
fi
[ -z "$said" ] || fail "the installation asks systemd: $said"
[ -z "$(enabled)" ] || fail "the installation enables $(enabled)"
[ "$(in_root bulkhead --version)" = "$("$out/bulkhead" --version)" ] || fail "bulkhead --version: $(in_root bulkhead --version)"
[ "$(stat -c %a "$root"/usr/lib/NetworkManager/system-connections/bulkhead-bh0.nmconnection)" = 600 ] ||
	fail "NetworkManager will not read its connection"
while read -r _ name uid _; do
	[ "$(in_root id -u "$name")" = "$uid" ] || fail "account '$name' is not $uid"
done < <(grep '^u ' roles/bulkhead.sysusers)
n=0
for program in "$root"/usr/libexec/bulkhead/* "$root"/usr/bin/bulkhead* "$root"/usr/sbin/bulkhead*; do
	[[ $(head -c 4 "$program") == $'\x7fELF' ]] || continue
	lacks=$(in_root ldd "${program#"$root"}" | grep 'not found') && fail "$program: $lacks"
	n=$((n + 1))
done
[ "$n" -ge 15 ] || fail "only $n programs"
for package in "${packages[@]}"; do
	in_root dpkg -V "$package" >"$work/log" && [ ! -s "$work/log" ] || fail "$package is not whole: $(<"$work/log")"
done
for file in usr/share/man/man{1/bulkhead-notify.1,5/bulkhead-policy.5,8/bulkhead.8,8/bulkheadd.8,8/bulkhead-beacon.8}.gz \
	usr/lib/systemd/system/bulkhead{d,-netns,-sleep,-uplink@,-beacon}.service usr/lib/udev/rules.d/{59,90}-bulkhead.rules; do
	[ -s "$root/$file" ] || fail "$file is not installed"
done

# -- upgraded: as a restart of what runs, and only of the daemon
said=$(asked dpkg -i "${debs[@]/#//tmp/}")
restarted=$(sed -n 's/^.*try-restart //p' <<<"$said" | sort | xargs)
[ "$restarted" = "bulkhead-beacon.service bulkheadd.service" ] || fail "the upgrade asks systemd: $said"
! grep -qE '(^| )(start|restart|enable|stop) ' <<<"$said" || fail "the upgrade asks systemd: $said"

if [ -n "$all" ]; then
	asked apt-get -y -qq --no-install-recommends install lintian >/dev/null
	in_root lintian --allow-root --fail-on error "${debs[@]/#//tmp/}" >"$work/log" || fail "$(<"$work/log")"
fi

# -- gone
said=$(asked dpkg -P "${packages[@]}")
stopped=$(sed -n 's/^.*stop //p' <<<"$said" | sort | xargs)
[ "$stopped" = "bulkhead-beacon.service bulkheadd.service" ] || fail "the removal asks systemd: $said"
left=$(find "$root"/{etc,usr,var/lib/systemd} -xdev -name '*bulkhead*' | head -n 5)
[ -z "$left" ] || fail "purged, and left: $left"
echo "${#packages[@]} packages${all:+ from nothing}, $n programs: installed, upgraded, purged; nothing enabled, nothing started"
