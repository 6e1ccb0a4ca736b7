# case.sh - the frame of a numbered leak case (tests/system/net, doc/leak-cases.md).
#
# A case's first comment says what it shows, then, for the table:
#
#	# case: 3
#	# title: raw frames through a packet socket
#	# expect dom0: 0 frames              what must hold, in each placement of the personal OS
#	# expect guard: the same
#	# expect split: the same
#	# kernels: any                       "any": it runs on whatever kernel there is; or "6.1 6.18":
#	                                     tests/vm runs it on the older one too
#
# and its body, after case_begin, is what is particular:
#
#	tries() { ...; }                     sends each KIND with the token "$1-KIND-"
#	case_without lan tries KIND...       no Bulkhead: the sniffer must hear every KIND
#	case_with                            Bulkhead stands, nothing is granted
#	case_none lan tries KIND...          sent again with a new token: no frame of any KIND
#	case_some lan tries KIND...          what must pass, passes
#	case_end "in figures"
#
# What a program of the personal OS can do is case_personal: root, in the host's namespaces, without the
# capabilities that let it walk into another. That is what placement dom0 holds against; where guard
# and split hold against more, the namespace is another machine's, out of reach in the same way.
#
# shellcheck shell=bash

# shellcheck source=tests/lab/lab.sh
. "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

CASE_FORGE=$LAB_TOOLS/forge
CASE_AS=(setpriv "--bounding-set=-sys_admin,-sys_ptrace,-sys_module,-sys_rawio")
declare -gA CASE_AT	# capture -> "namespace link"
CASE_HEARD=0 CASE_SENT=0 CASE_ERR=

case_header() { # case_header FILE KEY
	sed -n "1,20s/^# $2: *//p" "$1"
}

# case_begin fw|laptop ARGUMENTS... - the cheapest level that shows it: nft and its namespace alone, or
# the whole daemon between two LANs.
case_begin() {
	local level=$1 part
	shift
	case $level in
	fw) . "$LAB_TOP/tests/lab/firewall.sh" ;;
	*) for part in lans attacks tpm roles laptop pki disk; do . "$LAB_TOP/tests/lab/$part.sh"; done ;;
	esac
	fail() { # over what the level has
		echo "case ${CASE_NUMBER-}: $1"
		exit 1
	}
	lab_enter "$@"
	CASE_LEVEL=$level
	CASE_NUMBER=$(case_header "$0" case)
	"case_begin_$level"
}

case_begin_fw() {
	fw_links
	case_record lan lan w0
}

# case_record NAME NAMESPACE LINK - a sniffer there from now on
case_record() {
	CASE_AT[$1]="$2 $3"
	lab_record "$1" "$2" "$3" || fail "no sniffer on $3"
}

case_personal() { # case_personal COMMAND... - as a program of the personal OS
	"${CASE_AS[@]}" "$@"
}

# case_sync NAME - all that has been on the link so far is in the capture
case_sync() {
	local at
	read -r -a at <<<"${CASE_AT[$1]}"
	! ip -n "${at[0]}" link show "${at[1]}" | grep -q NO-CARRIER || return 0 # nothing is on its way there
	lab_sync "$1" "${at[@]}" || fail "the sniffer '$1' is stuck"
}

# case_numbers NAME TOKEN KIND... - frames of each, a line each
case_numbers() {
	local name=$1 token=$2
	shift 2
	lab_count "$name" "${@/#/text:$token-}"
}

case_all_heard() { # case_all_heard NAME TOKEN KIND-... - the missing ones are in CASE_MISSING
	local name=$1 token=$2 kind n
	shift 2
	CASE_MISSING=
	while read -r n; do
		[ "$n" -gt 0 ] || CASE_MISSING+=" $1"
		shift
	done < <(case_numbers "$name" "$token" "$@")
	[ -z "$CASE_MISSING" ]
}

case_expect_heard() { # case_expect_heard NAME TOKEN SAY KIND...
	local name=$1 token=$2 say=$3
	shift 3
	lab_wait 10 case_all_heard "$name" "$token" "${@/%/-}" || fail "$say:$CASE_MISSING"
}

case_without() { # case_without NAME TRIES KIND...
	local name=$1 tries=$2 token
	shift 2
	[ "$CASE_LEVEL" != fw ] || [ -n "${CASE_PLAIN-}" ] || { fw_without && CASE_PLAIN=1; }
	token=$(lab_token out)
	"$tries" "$token" >>"$LAB/tries.log" 2>&1 || true
	case_expect_heard "$name" "$token" "without Bulkhead the sniffer does not hear" "$@"
	CASE_HEARD=$((CASE_HEARD + $(case_numbers "$name" "$token" "${@/%/-}" | awk "{ n += \$1 } END { print n }")))
}

case_with() { # fw alone: replace plain forwarding by the real thing, closed
	[ -z "${CASE_PLAIN-}" ] || fw_reset
	CASE_PLAIN=
	fw_with
}

case_none() { # case_none NAME TRIES KIND...
	local name=$1 tries=$2 token
	shift 2
	token=$(lab_token with)
	"$tries" "$token" >>"$LAB/tries.log" 2>&1 || true
	case_expect_none "$name" "$token" "$@"
}

case_expect_none() { # case_expect_none NAME TOKEN KIND...
	local name=$1 token=$2 kind n
	shift 2
	lab_pause 0.2 # what was queued somewhere has its chance
	case_sync "$name"
	for kind; do
		n=$(case_numbers "$name" "$token" "$kind-")
		[ "$n" = 0 ] || fail "$kind: $n frames on '$name'"
		CASE_SENT=$((CASE_SENT + 1))
	done
}

case_some() { # case_some NAME TRIES KIND...
	local name=$1 tries=$2 token
	shift 2
	token=$(lab_token some)
	"$tries" "$token" >>"$LAB/tries.log" 2>&1 || true
	case_expect_heard "$name" "$token" "what must pass does not" "$@"
}

case_end() { # case_end TEXT... - the line for the table
	echo "case $CASE_NUMBER: $CASE_HEARD frames heard without, $CASE_SENT kinds of try unheard with${1:+; $*}"
}

# --- the whole laptop between two LANs ---
#
#	case_plain corp; case_without corp case_tries $CASE_KINDS; case_clean
#	case_laptop                          bulkheadd runs; the cable is out
#	lans_plug home; case_zone foreign
#	case_none corp case_tries $CASE_KINDS

CASE_KINDS="near far near6 echo dns flow raw"
CASE_LINK=bh0	# what the personal OS has; without Bulkhead it is the NIC

case_begin_laptop() {
	command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"
	CASE_AT[corp]="corp cable" CASE_AT[home]="home cable"
	lans_up || fail "the lab's LANs do not come up"
	sysctl -qw net.ipv4.tcp_fastopen=5 net.ipv4.tcp_fastopen_blackhole_timeout_sec=0
}

# case_plain LAN - the laptop as it is bought: en0 is its own
case_plain() {
	local gateway4=LAN_GATEWAY_$1 gateway6=LAN_GATEWAY6_$1
	sysctl -qw net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.en0.accept_ra=0
	CASE_LINK=en0
	lans_plug "$1"
	ip addr add "${!gateway4%.*}.50/16" dev en0
	ip addr add "${!gateway6%:*}:50/64" dev en0 nodad
	ip link set en0 up
	ip route replace default via "${!gateway4}"
	ip -6 route replace default via "${!gateway6}"
}

case_clean() { # en0 as it came out of the box
	ip addr flush dev en0
	ip link set en0 down
	lans_unplug
	CASE_LINK=bh0
}

case_tries() { # to the company's gateway and past it, by all means that a program has
	case_personal "$LAB_TOOLS/send" udp $LAN_GATEWAY_corp 9 "$1-near-" 3
	case_personal "$LAB_TOOLS/send" udp $LAN_SERVER 9 "$1-far-" 3
	case_personal "$LAB_TOOLS/send" udp $LAN_GATEWAY6_corp 9 "$1-near6-" 3
	case_personal "$LAB_TOOLS/send" icmp $LAN_SERVER "$1-echo-" 3
	case_personal "$LAB_TOOLS/send" dns $LAN_GATEWAY_corp "$1-dns-" 3
	case_personal "$LAB_TOOLS/send" new $LAN_SERVER 80 "$1-flow-" 3
	case_personal "$LAB_TOOLS/send" packet $CASE_LINK ff:ff:ff:ff:ff:ff "$1-raw-" 3
}

# case_laptop - installed and running, its policy attesting an absence in a second
case_laptop() {
	tpm_on && laptop_install && pki_make || fail "the laptop is not installed"
	case_policy >"$IT/policy.yaml" && pki_sign policy "$IT/policy.yaml" && pki_install || fail "no policy"
	laptop_start || fail "bulkheadd does not start"
}

case_policy() { # case_policy [SERIAL]
	PKI_WINDOW=1s pki_policy "${1:-10}" "$(pki_date +20days)"
}

case_zone() { # case_zone ZONE [SECONDS]
	lab_wait "${2:-40}" laptop_zone_is "$1" || fail "not '$1' but '$(laptop_zone)'; log: $(tail -n 5 "$LAB/bulkheadd.log")"
}

case_open() { # personal gets a page: at home, foreign
	lab_wait 15 personal_gets "http://$LAN_SERVER/" || fail "personal gets no page; zone $(laptop_zone)"
}

case_audited() { # case_audited JQ-CONDITION - a record of that kind is in the log
	[ "$(laptop_audit "[.[] | select($1)] | length > 0")" = true ]
}
