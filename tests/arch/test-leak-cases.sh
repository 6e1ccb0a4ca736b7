#!/bin/bash
# Every numbered leak case has one file with a whole header, and doc/leak-cases.md says what they say.
set -euo pipefail
tests/lab/cases.sh check
tests/lab/cases.sh table | diff doc/leak-cases.md - >&2 ||
	{ echo "doc/leak-cases.md: make it anew: tests/lab/cases.sh table >doc/leak-cases.md" >&2; exit 1; }
echo "$(ls tests/system/net/[0-9]*.sh | wc -l) leak cases, one file each, as doc/leak-cases.md has them"
