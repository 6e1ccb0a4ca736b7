#!/bin/bash
# The systemd units and udev rules are what systemd and udev take them for: no unknown setting, no
# program that is not installed, no NIC of the machine left outside, no virtual link taken.
set -euo pipefail
cd "$(dirname "$0")/../.."
for tool in systemd-analyze systemd-sysusers udevadm unshare; do
	command -v $tool > /dev/null || { echo "$tool is not installed" && exit 77; }
done
[ "$(id -u)" = 0 ] || { echo "root is needed for a private /run" && exit 77; }

if [ "${1-}" != inside ]; then
	exec unshare --mount --propagation private "$0" inside
fi
mount -t tmpfs tmpfs /run
work=/run/units-are-valid
mkdir -p $work/units $work/bin $work/sbin $work/libexec/bulkhead /run/udev/rules.d

# Units as `make install` writes them, with the programs they name.
for unit in roles/*.service; do
	sed "s,@PREFIX@,$work,g" "$unit" > "$work/units/${unit##*/}"
done
for program in bin/bulkhead sbin/bulkheadd sbin/bulkhead-beacon libexec/bulkhead/bulkhead-netns; do
	install -m 755 /bin/true "$work/$program"
done
# A template is checked as one of its instances.
cp "$work/units/bulkhead-uplink@.service" "$work/units/bulkhead-uplink@eth0.service"
rm "$work/units/bulkhead-uplink@.service"
# verify FILE... - what systemd says about these units; its own and others' may be as they are.
verify() {
	SYSTEMD_LOG_LEVEL=warning systemd-analyze verify --man=no "$@" 2>&1 |
		grep -E "$work|bulkhead[a-z@-]*[.]service|broken" || true
}
said=$(verify $work/units/*.service)
[ -z "$said" ] || { echo "systemd-analyze verify: $said" && exit 1; }
echo "systemd-analyze verify: $(find $work/units -type f | wc -l) units, no complaint"

# The test sees a fault when there is one.
mkdir $work/broken
sed "s,@PREFIX@,$work,g; s,^KillMode=,KillMod=," roles/bulkheadd.service > $work/broken/broken.service
[ -n "$(verify $work/broken/broken.service)" ] || { echo "systemd-analyze verify sees no fault" && exit 1; }

# The supervisor's unit grants what its row in the role table says, no more and no less.
granted=$(sed -n 's/^CapabilityBoundingSet=//p' roles/bulkheadd.service | tr ' ' '\n' | sort)
row=$(awk -F'\t' '$1 == "supervisor" { print $4 }' roles/roles.tsv | tr 'a-z ' 'A-Z\n' | sed 's/^/CAP_/' | sort)
[ "$granted" = "$row" ] || { echo "bulkheadd.service and roles.tsv disagree:" && diff <(echo "$granted") <(echo "$row"); exit 1; }

# The namespace is there before any network manager, and the daemon does not run without it.
for line in Before=network-pre.target Wants=network-pre.target RequiredBy=network-pre.target DefaultDependencies=no; do
	grep -qE "^${line%%=*}=(.* )?${line#*=}( |\$)" roles/bulkhead-netns.service ||
		{ echo "bulkhead-netns.service: '$line' is not there"; exit 1; }
done
for line in Before=sleep.target RequiredBy=sleep.target StopWhenUnneeded=yes; do
	grep -qx "$line" roles/bulkhead-sleep.service || { echo "bulkhead-sleep.service: '$line' is not there"; exit 1; }
done
# Who enables the daemon enables them with it.
install -D -m 644 -t $work/root/usr/lib/systemd/system roles/*.service
systemctl --quiet --root=$work/root enable bulkheadd.service
for unit in multi-user.target.wants/bulkheadd network-pre.target.requires/bulkhead-netns sleep.target.requires/bulkhead-sleep; do
	[ -L $work/root/etc/systemd/system/$unit.service ] || { echo "enabled without '$unit'"; exit 1; }
done
grep -q '^Requires=bulkhead-netns.service$' roles/bulkheadd.service || { echo "bulkheadd.service does not require the namespace"; exit 1; }

# Accounts are for the numbers of the role table, over the uid_base that the man page has.
base=$(sed -n 's/^uid_base: //p' roles/bulkheadd.8)
accounts=$(awk -F'\t' -v base="$base" '$3 ~ /^[0-9]+$/ { gsub("_", "-", $1); print "bulkhead-" $1, base + $3 }' roles/roles.tsv | sort)
[ "$(awk '$1 == "u" { print $2, $3 }' roles/bulkhead.sysusers | sort)" = "$accounts" ] || { echo "bulkhead.sysusers and roles.tsv disagree"; exit 1; }
mkdir -p $work/root/etc
said=$(systemd-sysusers --dry-run --root=$work/root - <roles/bulkhead.sysusers 2>&1) || { echo "systemd-sysusers: $said"; exit 1; }
! systemd-sysusers --dry-run --root=$work/root - <<<"u bulkhead-key here" >/dev/null 2>&1 || { echo "systemd-sysusers sees no fault"; exit 1; }
[ "$(grep -c "^Would create user 'bulkhead-\|^Creating user 'bulkhead-" <<<"$said")" = "$(wc -l <<<"$accounts")" ] || { echo "systemd-sysusers: $said"; exit 1; }
echo "systemd-sysusers: $(wc -l <<<"$accounts") accounts"

# exposure LIMIT UNIT: systemd's own measure of how open a unit is, in tenths
exposure() {
	local level
	systemd-analyze security --offline=yes --threshold="$1" "$work/units/$2" > $work/security 2>&1 ||
		{ tail -n 1 $work/security && return 1; }
	level=$(tail -n 1 $work/security)
	echo "systemd-analyze security: ${level#*→ }"
}
exposure 30 bulkhead-beacon.service
exposure 60 bulkheadd.service

# udev: rules alone, then on links that this machine has.
cp hypervisor-glue/*.rules /run/udev/rules.d/
properties() { udevadm test --action=add "$1" 2>&1; }
for link in /sys/class/net/*; do
	said=$(properties "$link")
	if grep -E '(59|90)-bulkhead.rules:[0-9]+.*(Unknown|Invalid|rror|gnoring)' <<< "$said"; then
		exit 1
	fi
	# Before there is a namespace nothing moves.
	if grep -q bulkhead-uplink <<< "$said"; then
		echo "udev moves '${link##*/}' without a namespace"
		exit 1
	fi
done
mkdir -p /run/netns
touch /run/netns/bulkhead
for link in /sys/class/net/*; do
	name=${link##*/}
	if [ -e "$link/device" ]; then want=1; else want=0; fi
	have=$(properties "$link" | grep -c "bulkhead-uplink@$name.service" || true)
	if [ "$want" = 1 ] && [ "$have" = 0 ] || [ "$want" = 0 ] && [ "$have" != 0 ]; then
		echo "udev: NIC '$name': has a device: $want, is moved: $have"
		exit 1
	fi
	echo "udevadm test: '$name' is $([ $want = 1 ] && echo moved || echo left alone)"
done
