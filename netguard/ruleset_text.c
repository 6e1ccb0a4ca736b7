#include "netguard/ruleset_text.h"

#include <string.h>

void ruleset_text_add(struct ruleset_text *t, const char *words)
{
	size_t n = strlen(words);

	if (t->bad || n >= t->left_bytes) {
		t->bad = true;
		return;
	}
	memcpy(t->at, words, n + 1);
	t->at += n;
	t->left_bytes -= n;
}

void ruleset_text_number(struct ruleset_text *t, uint32_t value)
{
	char digits[11], *at = digits + sizeof(digits) - 1;

	*at = '\0';
	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	ruleset_text_add(t, at);
}
