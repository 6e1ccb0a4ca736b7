#!/bin/bash
# PID 1 for a moment (test-init): of the emulated machine it makes one on which Bulkhead is installed and configured,
# with a systemd-networkd that takes every card it sees, and a personal system that sends by all of them from
# the first moment on. Then systemd is PID 1, and the test is its last unit. /shared becomes a copy in memory:
# the device behind it does not survive a suspend.
set -eu
[ "$0" = /run/first ] || { cp "$0" /run/first && exec bash /run/first; }
share=/run/share work=/run/installed
mkdir -p $share $work
mount --move /shared $share
cp $share/{.command,run,tree.tar,scripts,emulated,slower} /shared/
umount $share
modprobe -r e1000 9pnet_virtio # udev finds the card's driver, as on any machine
tar --no-same-owner -xf /shared/tree.tar -C $work out/demo-root out/tests/lab/send tests/lab
cp -a $work/out/demo-root/{usr,etc} / # make install

LAB=/run/lab IT=/run/lab/it LAPTOP_STATE=/var/lib/bulkhead
mkdir -p $IT /etc/bulkhead /etc/systemd/system/{multi-user,sysinit}.target.wants
. $work/tests/lab/pki.sh
pki_make
pki_install
cat >/etc/bulkhead/bulkheadd.yaml <<'YAML'
placement: dom0
uplinks: [enp0s9]
ports:
  - {match: host0, class: personal}
tpm: /dev/tpmrm0
uid_base: 64100
state: /var/lib/bulkhead
runtime: /run/bulkhead
YAML

cd /etc/systemd
printf '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\nEmitLLDP=yes\n' >network/50-all.network
echo 'systemd-network:x:998:65534::/:/usr/sbin/nologin' >>/etc/passwd
: >/etc/machine-id
cat >system/personal.service <<UNIT
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/bash $work/personal
UNIT
cat >$work/personal <<SH
while :; do
	for card in /sys/class/net/*; do
		$work/out/tests/lab/send packet "\${card##*/}" ff:ff:ff:ff:ff:ff bh-raw-\$EPOCHSECONDS- 1
	done
	$work/out/tests/lab/send udp 10.0.2.100 9 bh-udp-\$EPOCHSECONDS- 1
	read -r -t 0.2 <> <(:)
done >/dev/null 2>&1
SH
cat >system/the-test.service <<'UNIT'
[Unit]
Requires=multi-user.target
After=multi-user.target
[Service]
Type=oneshot
WorkingDirectory=/shared
ExecStart=/bin/bash -c 'bash .command </dev/null >$(echo /dev/vport*p1) 2>&1; echo $? >/run/status'
# (a reset ends QEMU; a machine that has slept does not switch itself off there)
ExecStopPost=/bin/bash -c 'modprobe 9pnet_virtio; mount -t 9p -o trans=virtio,version=9p2000.L shared /run/share; \
	cp /run/status /run/share/.status; sync; systemctl reboot -ff'
UNIT
cat >system/witness.service <<'UNIT'
[Unit]
DefaultDependencies=no
After=bulkhead-sleep.service
Before=sleep.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'ip -n bulkhead -o link show dev enp0s9 >/run/before-sleep'
UNIT
mkdir system/sleep.target.wants
ln -s ../witness.service system/sleep.target.wants/
ln -s ../personal.service system/sysinit.target.wants/
ln -s /lib/systemd/system/systemd-networkd.service system/multi-user.target.wants/
systemctl mask proc-sys-fs-binfmt_misc.automount systemd-binfmt.service getty.target # nobody logs in
systemctl enable bulkheadd.service
exec /lib/systemd/systemd --unit=the-test.service --log-target=kmsg --show-status=false
