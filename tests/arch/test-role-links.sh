#!/bin/bash
# The binary of a role needs exactly the libraries that roles.tsv grants it (libc implied).
set -euo pipefail
out=${OUT:-out}
bad=0
while IFS=$'\t' read -r role binary _ _ _ _ _ libs; do
	[[ $role == \#* || $binary == /* ]] && continue # a comment, a program of others
	want=$(tr ' ' '\n' <<< "$libs" | sed '/^-*$/d' | sort | xargs)
	got=$(readelf -d "$out/$binary" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p' |
		sed -E '/^(libc|ld-linux.*)\.so/d' | sort | xargs)
	[ "$want" = "$got" ] || { echo "role $role links '$got', granted '$want'" >&2; bad=1; }
done < roles/roles.tsv
[ $bad = 0 ]
echo "every role links what its row grants and nothing else"
