#!/bin/bash
# A unit whose header says "Pure:" imports only memory and string primitives, and units that are
# pure themselves: no system call, clock, heap, log or global state.
set -euo pipefail
out=${OUT:-out}
primitive='^(mem(cpy|cmp|set|move|chr)|str(len|nlen|cmp|ncmp|chr|spn|cspn)|__(mem|str)[a-z]+_chk|__stack_chk_fail|__assert_fail|__ctype_b_loc)$'
pure=()
for header in $(grep -lE '^ \* Pure:' {base,netguard,vhdcrypt,policy,hypervisor-glue}/*.h roles/*.h 2> /dev/null); do
	[ -e "${header%.h}.c" ] && pure+=("${header%.h}")
done
[ ${#pure[@]} -gt 0 ] || { echo "no header is marked 'Pure:'" >&2; exit 1; }

offered=$(for unit in "${pure[@]}"; do nm --defined-only "$out/$unit.o" | awk '$2 == "T" { print $3 }'; done)
bad=0
for unit in "${pure[@]}"; do
	extra=$(nm -u "$out/$unit.o" | awk '{ print $2 }' | grep -vE "$primitive" | grep -vxF "$offered" || true)
	state=$(nm --format=sysv "$out/$unit.o" | awk -F'[ ]*[|][ ]*' '$7 ~ /^\.(data|bss)/ && $7 !~ /^\.data\.rel\.ro/ && $4 != "SECTION" { print $1 }')
	[ -z "$extra$state" ] || { echo "$unit.o is not pure: imports '$extra', keeps state '$state'" >&2; bad=1; }
done
[ $bad = 0 ]
echo "${#pure[@]} units are pure"
