#include "netguard/blocked_text.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "netguard/text.h"

enum { ADDRESS_BYTES = 40 }; /* text_ipv6() */

const char *blocked_text_what(uint32_t what)
{
	static const char *const names[N_BLOCKED_WHATS] = {
		[BLOCKED_NONE] = "none",       [BLOCKED_BLOCKED] = "blocked",
		[BLOCKED_SPOOFED] = "spoofed", [BLOCKED_CROWDED] = "crowded",
		[BLOCKED_LEAK] = "leak",       [BLOCKED_CORPORATE] = "corporate",
		[BLOCKED_STALE] = "stale",
	};

	return what < N_BLOCKED_WHATS ? names[what] : "none";
}

/* The end of what is written so far; what does not fit is not there. */
struct line {
	char *text;
	size_t n;
};

static void add(struct line *l, const char *words)
{
	size_t n = strlen(words);

	if (n >= BLOCKED_TEXT_BYTES - l->n)
		return;
	memcpy(l->text + l->n, words, n + 1);
	l->n += n;
}

static void add_number(struct line *l, uint32_t number)
{
	char digits[11];

	text_decimal(digits, sizeof(digits), number);
	add(l, digits);
}

static void add_protocol(struct line *l, uint32_t protocol)
{
	const char *name = protocol == 1    ? "icmp" /* IANA */
			   : protocol == 6  ? "tcp"
			   : protocol == 17 ? "udp"
			   : protocol == 58 ? "icmpv6"
					    : NULL;

	add(l, name ? name : "protocol ");
	if (!name)
		add_number(l, protocol);
	add(l, " ");
}

static void add_end(struct line *l, uint32_t family, const uint8_t address[16], uint32_t port)
{
	bool bracket = family != AF_INET && port != 0;
	char text[ADDRESS_BYTES];

	if (family == AF_INET)
		text_ipv4(text, sizeof(text), address);
	else
		text_ipv6(text, sizeof(text), address);
	add(l, bracket ? "[" : "");
	add(l, text);
	add(l, bracket ? "]" : "");
	if (port == 0)
		return;
	add(l, ":");
	add_number(l, port);
}

static bool is_ip(const struct msg_blocked *b)
{
	return b->family == AF_INET || b->family == AF_INET6;
}

static void begin(struct line *l, const struct msg_blocked *b, char *ret)
{
	*l = (struct line){ .text = ret };
	ret[0] = '\0';
	if (is_ip(b)) {
		add_protocol(l, b->protocol);
	} else {
		add(l, "a frame of ethertype ");
		add_number(l, b->ethertype);
	}
}

void blocked_text(const struct msg_blocked *blocked, char ret[BLOCKED_TEXT_BYTES])
{
	struct line l;

	begin(&l, blocked, ret);
	if (!is_ip(blocked))
		return;
	add_end(&l, blocked->family, blocked->source, blocked->source_port);
	add(&l, " -> ");
	add_end(&l, blocked->family, blocked->destination, blocked->destination_port);
}

void blocked_text_to(const struct msg_blocked *blocked, char ret[BLOCKED_TEXT_BYTES])
{
	struct line l;

	begin(&l, blocked, ret);
	if (is_ip(blocked))
		add_end(&l, blocked->family, blocked->destination, blocked->destination_port);
}
