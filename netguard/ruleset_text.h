/* ruleset_text.h - nft text that grows in a buffer. For the files of ruleset.h.
 *
 * Pure: what does not fit sets .bad, and nothing more is written. */
#ifndef NETGUARD_RULESET_TEXT_H
#define NETGUARD_RULESET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ruleset_text {
	char *at;
	size_t left_bytes; /* the closing NUL included */
	bool bad;
};

void ruleset_text_add(struct ruleset_text *t, const char *words);
void ruleset_text_number(struct ruleset_text *t, uint32_t value);

#endif
