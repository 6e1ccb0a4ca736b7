#!/bin/bash
# A room includes base/ and itself, base/ only base/, in either form of #include. A role includes
# roles/ and the rooms that its row in roles.tsv names.
set -euo pipefail
bad=0

# room_of_include FILE: the folder of every project header that FILE includes
room_of_include() {
	sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*["<]([a-z-]+)\/[^">]*[">].*/\1/p' "$1" |
		grep -xE 'base|netguard|vhdcrypt|policy|hypervisor-glue|roles|tests' || true
}

forbid() { # FILE ROOM: ROOM may not be included there
	echo "forbidden include: $1 includes $2/" >&2
	bad=1
}

for file in {base,netguard,vhdcrypt,policy,hypervisor-glue}/*.[ch]; do
	[ -e "$file" ] || continue
	for room in $(room_of_include "$file"); do
		[ "$room" = "${file%%/*}" ] || [ "$room" = base ] || forbid "$file" "$room"
	done
done

for file in roles/*.[ch]; do
	role=$(basename "$file"); role=${role%.[ch]}; role=${role%%_*}
	allowed=$(awk -F'\t' -v r="$role" '$1 == r { print $7 }' roles/roles.tsv)
	for room in $(room_of_include "$file"); do
		[[ " roles base $allowed " == *" $room "* ]] || forbid "$file" "$room"
	done
done
[ $bad = 0 ]
echo "includes respect the room rule"
