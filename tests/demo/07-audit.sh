# The log holds, and whatever is changed in it is named.
#
# shellcheck shell=bash
demo_step 7 "The audit log and the report"

audit_broken() { # audit_broken WHAT PLACE - in the copy, verified against the TPM's anchor
	local status said
	said=$(bulkhead audit verify "$LAB/copy" --anchor "$LAB/anchor" 2>&1)
	status=$?
	if [ $status = 4 ] && grep -q -- "$2" <<<"$said"; then
		good "$1" "$(tail -n 1 <<<"$said")"
	else
		bad "$1" "exit $status: $said (expected: $2)"
	fi
}

audit_copy() {
	rm -rf "$LAB/copy"
	cp -r $LAPTOP_STATE/audit "$LAB/copy"
	audit_log=$LAB/copy/00000001.jsonl
}

bulkhead audit checkpoint >"$LAB/audit.log" 2>&1 || bad "a checkpoint in the TPM" "$(cat "$LAB/audit.log")"
bulkhead audit anchor >"$LAB/anchor" 2>"$LAB/audit.log" || bad "the TPM's anchor" "$(cat "$LAB/audit.log")"
said=$(bulkhead audit verify $LAPTOP_STATE/audit --anchor "$LAB/anchor" 2>&1)
expect "the log holds, up to the TPM's anchor" "$(tail -n 1 <<<"$said")" \
	bulkhead audit verify $LAPTOP_STATE/audit --anchor "$LAB/anchor"

audit_copy
line=$(($(wc -l <"$audit_log") / 2))
sed -i "${line}s/\"t\":\"20/\"t\":\"19/" "$audit_log"
audit_broken "one byte changed" "line $((line + 1))\|line $line"
audit_copy
sed -i "${line}d" "$audit_log"
audit_broken "one line cut" "line $line"
audit_copy
sed -i "${line},\$d" "$audit_log"
audit_broken "the tail cut" "checkpoint\|TPM"

page=$(bulkhead report --out "$LAB/report.html" 2>&1)
expect "a report for people" "$page, $(stat -c %s "$LAB/report.html" 2>/dev/null) bytes" \
	grep -q '</html>' "$LAB/report.html"
mkdir -p "$LAB_OUT" && cp "$LAB/report.html" "$LAB_OUT/report.html" && echo "     out/report.html"
