#!/bin/bash
# roles/role.c and roles.tsv give every role the same uid offset, and no two roles one uid.
set -euo pipefail
table=$(awk -F'\t' '$3 ~ /^[0-9]+$/ { print toupper($1), $3 }' roles/roles.tsv | sort)
code=$(grep -oE '\[ROLE_[A-Z_]+\] = [0-9]+' roles/role.c | sed -E 's/\[ROLE_([A-Z_]+)\] = /\1 /' | sort)
[ -n "$table" ] && [ "$table" = "$code" ] || { diff <(echo "$table") <(echo "$code") >&2; exit 1; }
[ -z "$(awk '{ print $2 }' <<< "$table" | sort | uniq -d)" ] || { echo "two roles share a uid" >&2; exit 1; }
echo "role.c and roles.tsv agree on $(wc -l <<< "$table") uids"
