# roles.sh - hold running processes to roles/roles.tsv: what /proc says against what the table grants.
#
# shellcheck shell=bash

# Where the processes are: here, or in FOLDER/proc, which roles_copy filled on another machine.
ROLES_PROC=/proc

# roles_copy FOLDER PID - what the functions below read of PID and all below it, with few programs:
# where each costs a tenth of a second, the rest is done elsewhere.
roles_copy() {
	local folder=$1 list=(self "$2") from=() n list_of child
	for ((n = 0; n < ${#list[@]}; n++)); do
		from+=("/proc/${list[n]}/"{status,exe,ns/net} "/proc/${list[n]}/fd/"*)
		[ "${list[n]}" != self ] || continue
		for list_of in "/proc/${list[n]}/task/"*/children; do
			from+=("$list_of")
			read -r -a child <"$list_of"
			list+=("${child[@]}")
		done
	done
	mkdir -p "$folder"
	cp -P --parents "${from[@]}" "$folder" 2>/dev/null # descriptors come and go
	stat -Lc %i /run/netns/bulkhead >"$folder/namespace"
}

# In the order of linux/capability.h.
ROLES_CAPS=(chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap
	linux_immutable net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module
	sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time
	sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog
	wake_alarm block_suspend audit_read perfmon bpf checkpoint_restore)

roles_caps_mask() { # roles_caps_mask NAME... - as /proc/PID/status shows it
	local mask=0 name i
	for name; do
		for i in "${!ROLES_CAPS[@]}"; do
			[ "${ROLES_CAPS[$i]}" != "$name" ] || mask=$((mask | 1 << i))
		done
	done
	printf '%016x' $mask
}

roles_row() { # roles_row ROLE - its columns 2 to 6, one a line
	awk -F'\t' -v role="$1" '$1 == role { for (i = 2; i <= 6; i++) print $i }' \
		"$LAB_TOP/roles/roles.tsv"
}

roles_status() { # roles_status PID FIELD
	sed -n "s/^$2:[[:space:]]*//p" "$ROLES_PROC/$1/status"
}

# roles_of PID - "ROLE PID" of the supervisor and of every process below it
roles_of() {
	local pid=$1 child exe role
	exe=$(readlink "$ROLES_PROC/$pid/exe") || return 0
	exe=${exe##*/}
	exe=${exe% (deleted)}
	role=$(awk -F'\t' -v binary="$exe" '!/^#/ && $2 == binary { print $1 }' \
		"$LAB_TOP/roles/roles.tsv")
	[ "$exe" != dnsmasq ] || role=$(roles_dnsmasq "$pid")
	[ "$exe" != nbdkit ] || role=block
	# dhcpcd, and the processes of ours above it that keep its namespaces
	[ "$role" != supervisor ] || [ "$(roles_status "$pid" PPid)" != "${2-}" ] || role=dhcp
	[ "$exe" != dhcpcd ] || role=dhcp
	echo "${role:-$exe} $pid"
	for child in $(cat "$ROLES_PROC/$pid/task/"*/children 2>/dev/null); do
		roles_of "$child" "$pid"
	done
}

roles_dnsmasq() { # roles_dnsmasq PID - its role, by the uid that only the table's offset gives it
	local uid
	uid=$(roles_status "$1" Uid | cut -f1)
	awk -F'\t' -v last=$((uid % 100)) '$2 ~ "/dnsmasq$" && $3 == last { print $1 }' \
		"$LAB_TOP/roles/roles.tsv"
}

roles_namespace() { # the inode of namespace 'bulkhead'
	if [ "$ROLES_PROC" = /proc ]; then
		stat -Lc %i /run/netns/bulkhead
	else
		cat "${ROLES_PROC%/proc}/namespace"
	fi
}

# roles_fds PID PATTERNS - descriptors that the row does not name, or that are too many
roles_fds() {
	local pid=$1 patterns=$2 fd target pattern name most
	local -A n=()
	for fd in "$ROLES_PROC/$pid/fd/"*; do
		fd=${fd##*/}
		target=$(readlink "$ROLES_PROC/$pid/fd/$fd") || continue
		[ "$fd" -gt 3 ] || continue
		name=
		for pattern in $patterns; do
			most=${pattern##*\*}
			pattern=${pattern%\**}
			if [[ $target == "$pattern"* || $target == *"$pattern" ]]; then
				name=$pattern
				break
			fi
		done
		if [ -z "$name" ]; then
			echo "descriptor $fd is '$target'"
			continue
		fi
		n[$name]=$((${n[$name]-0} + 1))
		[ "${n[$name]}" -le "$most" ] || echo "more than $most descriptors '$name'"
	done
}

# Not a role of ours, so not in the table: dhcpcd and what holds it keep at most what DHCP and
# dhcpcd's own privilege separation need, in the namespace, and dhcpcd works behind a filter.
roles_check_dhcp() {
	local pid=$1 most extra
	most=$(roles_caps_mask net_admin net_raw net_bind_service setuid setgid sys_chroot kill)
	for field in CapEff CapPrm CapBnd; do
		extra=$((16#$(roles_status "$pid" $field) & ~16#$most))
		[ $extra = 0 ] || [ "$field$(roles_status "$pid" CapPrm)" = CapBnd0000000000000000 ] ||
			echo "$field holds more than $most: $(roles_status "$pid" $field)"
	done
	[ "$(roles_status "$pid" NoNewPrivs)" = 1 ] || echo "can gain privileges by exec"
	[ "$(readlink "$ROLES_PROC/$pid/exe")" != /usr/sbin/dhcpcd ] || [ "$(roles_status "$pid" Seccomp)" = 2 ] ||
		echo "has no system call filter"
	[ "$(readlink "$ROLES_PROC/$pid/ns/net")" = "net:[$(roles_namespace)]" ] ||
		echo "is not in namespace 'bulkhead'"
}

# roles_check_one ROLE PID UID_BASE - what is wrong with it, a line each
roles_check_one() {
	local role=$1 pid=$2 base=$3 row want have uid net
	if [ "$role" = dhcp ]; then
		roles_check_dhcp "$pid"
		return
	fi
	mapfile -t row < <(roles_row "$role")
	[ ${#row[@]} = 5 ] || {
		echo "has no row in roles.tsv"
		return
	}
	case ${row[1]} in root) uid=0 ;; *) uid=$((base + row[1])) ;; esac
	have=$(roles_status "$pid" Uid | tr '\t' ' ')
	[ "$have" = "$uid $uid $uid $uid" ] || echo "runs as uid '$have', granted $uid"
	have=$(roles_status "$pid" Gid | tr '\t' ' ')
	[ "$have" = "$uid $uid $uid $uid" ] || echo "runs as gid '$have', granted $uid"
	# shellcheck disable=SC2086 # names, one word each
	want=$(roles_caps_mask ${row[2]})
	# a root that was itself reduced cannot grant what it lacks
	want=$(printf '%016x' $((16#$want & 16#$(roles_status self CapPrm))))
	for have in CapEff CapPrm; do
		[ "$(roles_status "$pid" $have)" = "$want" ] ||
			echo "$have is $(roles_status "$pid" $have), granted $want"
	done
	[ "$(roles_status "$pid" NoNewPrivs)" = 1 ] || echo "can gain privileges by exec"
	[ "$role" = supervisor ] || [ "$(roles_status "$pid" Seccomp)" = 2 ] ||
		echo "has no system call filter"
	net=$(readlink "$ROLES_PROC/$pid/ns/net")
	case ${row[3]} in
	bulkhead) want=net:[$(roles_namespace)] ;;
	*) want=$(readlink "$ROLES_PROC/self/ns/net") ;;
	esac
	[ "$net" = "$want" ] || echo "is in network namespace $net, not in '${row[3]}'"
	roles_fds "$pid" "${row[4]}"
}

# roles_check PID UID_BASE - of the supervisor: "ROLE (PID): fault" for each; nothing when all is well
roles_check() {
	local role pid
	while read -r role pid; do
		roles_check_one "$role" "$pid" "$2" | sed "s/^/$role ($pid): /"
	done < <(roles_of "$1")
}
