#!/usr/bin/env bash
# deps.sh - install what debian/control names and this machine lacks. Nothing is ever removed.
# A stamp in out/ makes it do so once for each content of that file.
set -euo pipefail
cd "$(dirname "$0")/.."

stamp=out/deps.$(sha256sum debian/control | cut -c1-16)
[ -e "$stamp" ] && exit 0
if [ "$(id -u)" != 0 ]; then
	echo "deps: root is needed to install packages with apt-get; run this with sudo" >&2
	exit 1
fi

mkdir -p out
export DEBIAN_FRONTEND=noninteractive
lacks() { # what apt-get would install, one name a line; fails when it knows no such package
	local plan
	plan=$(apt-get -s --no-remove --no-install-recommends build-dep ./ 2>&1) || {
		echo "$plan" >&2
		return 1
	}
	sed -n 's/^Inst \([^ ]*\).*/\1/p' <<<"$plan"
}
install() {
	apt-get -y -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
		--no-remove --no-install-recommends build-dep ./ >>out/deps.log 2>&1
}

: >out/deps.log
# A fresh machine has no package lists; an old one has lists of packages that are gone.
if ! missing=$(lacks 2>>out/deps.log); then
	echo "deps: apt-get update"
	apt-get -qq -o DPkg::Lock::Timeout=300 update >>out/deps.log
	missing=$(lacks)
fi
if [ -n "$missing" ]; then
	echo "deps: installing $(wc -l <<<"$missing") packages (log: out/deps.log)"
	if ! install; then
		apt-get -qq -o DPkg::Lock::Timeout=300 update >>out/deps.log
		install || {
			tail -n 20 out/deps.log >&2
			echo "deps: install what 'debian/control' names: apt-get refused; see out/deps.log" >&2
			exit 1
		}
	fi
fi
rm -f out/deps.????????????????
: >"$stamp"
