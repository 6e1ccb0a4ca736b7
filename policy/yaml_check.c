#include "policy/yaml_check.h"

#include <errno.h>
#include <string.h>

enum {
	BYTES_MAX = 64 * 1024,
	NUMBER_BYTES_MAX = 24, /* 2^64 in octal, and a sign; longer digits are a hash */
	DEPTH_MAX = 8,	       /* ours: no schema nests flow collections deeper than two */
};

struct scan {
	const unsigned char *at;
	const unsigned char *end;
	uint32_t line;
	uint32_t column;
	uint32_t depth; /* of flow collections */
	bool content;	/* something other than comments and "---" was there */
	bool started;	/* "---" was there */
	struct yaml_check_fault fault;
};

static bool fail(struct scan *s, const char *why)
{
	s->fault = (struct yaml_check_fault){ .line = s->line, .column = s->column, .why = why };
	return false;
}

/* The byte n after the current one; a newline at the end of the text. */
static unsigned char peek(const struct scan *s, size_t n)
{
	return n < (size_t)(s->end - s->at) ? s->at[n] : '\n';
}

static bool blank_at(const struct scan *s, size_t n)
{
	return peek(s, n) == ' ' || peek(s, n) == '\n';
}

/* Direction marks and invisible line ends: what a reader sees would not be what is signed. */
static bool deceives(uint32_t c)
{
	return (c >= 0x80 && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
	       c == 0xfffe || c == 0xffff;
}

/* Step over one character of more than one byte (RFC 3629 section 4). */
static bool step_utf8(struct scan *s)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = *s->at;
	size_t n = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
	uint32_t c = n ? first & (0xffU >> (n + 1)) : 0;

	if (n == 0 || n > (size_t)(s->end - s->at))
		return fail(s, "not UTF-8");
	for (size_t i = 1; i < n; i++) {
		if ((s->at[i] & 0xc0) != 0x80)
			return fail(s, "not UTF-8");
		c = c << 6 | (s->at[i] & 0x3fU);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return fail(s, "not UTF-8");
	if (deceives(c))
		return fail(s, "an invisible or direction character");
	s->at += n;
	s->column++;
	return true;
}

/* Step over one character that is not a newline. */
static bool step(struct scan *s)
{
	unsigned char c = *s->at;

	if (c >= 0x80)
		return step_utf8(s);
	if (c == '\0')
		return fail(s, "a NUL byte");
	if (c == '\t')
		return fail(s, "a tab; indent with spaces");
	if (c == '\r')
		return fail(s, "a carriage return; end lines with a newline only");
	if (c < 0x20 || c == 0x7f)
		return fail(s, "a control character");
	s->at++;
	s->column++;
	return true;
}

static bool more_on_line(const struct scan *s)
{
	return s->at < s->end && *s->at != '\n';
}

static bool skip_comment(struct scan *s)
{
	while (more_on_line(s))
		if (!step(s))
			return false;
	return true;
}

static bool skip_double_quoted(struct scan *s)
{
	if (!step(s))
		return false;
	while (more_on_line(s) && *s->at != '"') {
		if (*s->at == '\\') {
			if (peek(s, 1) != '"' && peek(s, 1) != '\\')
				return fail(s, "an escape other than \\\" and \\\\");
			s->at++;
			s->column++;
		}
		if (!step(s))
			return false;
	}
	return more_on_line(s) ? step(s) : fail(s, "a quoted text that does not end on its line");
}

static bool skip_single_quoted(struct scan *s)
{
	if (!step(s))
		return false;
	while (more_on_line(s)) {
		if (*s->at != '\'') {
			if (!step(s))
				return false;
		} else if (peek(s, 1) == '\'') {
			s->at += 2;
			s->column += 2;
		} else {
			return step(s);
		}
	}
	return fail(s, "a quoted text that does not end on its line");
}

static bool is_flow_mark(unsigned char c)
{
	return c == ',' || c == '[' || c == ']' || c == '{' || c == '}';
}

/* Does the unquoted scalar end before the current character? */
static bool plain_ends(const struct scan *s)
{
	unsigned char next = peek(s, 1);

	if (*s->at == ':' && (next == ' ' || next == '\n' || (s->depth > 0 && is_flow_mark(next))))
		return true;
	if (*s->at == ' ' && next == '#')
		return true;
	return s->depth > 0 && is_flow_mark(*s->at);
}

static bool skip_plain(struct scan *s)
{
	const struct scan start = *s;
	const unsigned char *last = s->at; /* after the last character that is not a blank */

	while (more_on_line(s) && !plain_ends(s)) {
		bool blank = *s->at == ' ';

		if (!step(s))
			return false;
		if (!blank)
			last = s->at;
	}
	if (yaml_check_odd_number((const char *)start.at, (size_t)(last - start.at))) {
		s->line = start.line;
		s->column = start.column;
		return fail(s,
			    "looks like an octal, hexadecimal or binary number; write it decimal");
	}
	return true;
}

/* What may not begin a value. */
static const char *refusal(unsigned char c)
{
	switch (c) {
	case '!':
		return "a tag";
	case '&':
		return "an anchor";
	case '*':
		return "an alias (quote a text that begins with '*')";
	case '|':
	case '>':
		return "a block scalar; write the text on one line";
	case '%':
		return "a directive";
	case '?':
		return "a complex key";
	case '@':
	case '`':
		return "a reserved character";
	default:
		return NULL;
	}
}

/* "---" or "..." at the start of a line; 1: it was one and is behind us. */
static int skip_document_mark(struct scan *s)
{
	bool start = peek(s, 0) == '-' && peek(s, 1) == '-' && peek(s, 2) == '-';
	bool end = peek(s, 0) == '.' && peek(s, 1) == '.' && peek(s, 2) == '.';

	if (s->column != 1 || !(start || end) || !blank_at(s, 3))
		return 0;
	if (end || s->started || s->content) {
		fail(s, "more than one document");
		return -1;
	}
	s->started = true;
	s->at += 3;
	s->column += 3;
	return 1;
}

static bool skip_flow_mark(struct scan *s)
{
	if (*s->at == '[' || *s->at == '{')
		s->depth++;
	else if (*s->at != ',' && s->depth == 0)
		return fail(s, "a bracket that closes nothing");
	else if (*s->at != ',')
		s->depth--;
	if (s->depth > DEPTH_MAX)
		return fail(s, "nested too deeply");
	return step(s);
}

/* One token; the caller has skipped blanks, so a value or an indicator begins here. */
static bool skip_token(struct scan *s, bool after_blank)
{
	unsigned char c = *s->at;
	int mark;

	if (c == '#' && after_blank)
		return skip_comment(s);
	mark = skip_document_mark(s);
	if (mark != 0)
		return mark > 0;
	s->content = true;
	if (refusal(c))
		return fail(s, refusal(c));
	if (c == '"')
		return skip_double_quoted(s);
	if (c == '\'')
		return skip_single_quoted(s);
	if (is_flow_mark(c))
		return skip_flow_mark(s);
	if (c == ':' || (c == '-' && blank_at(s, 1)))
		return step(s);
	return skip_plain(s);
}

static bool scan_all(struct scan *s)
{
	bool after_blank = true;

	while (s->at < s->end) {
		if (*s->at == '\n') {
			s->at++;
			s->line++;
			s->column = 1;
			after_blank = true;
		} else if (*s->at == ' ') {
			s->at++;
			s->column++;
			after_blank = true;
		} else {
			if (!skip_token(s, after_blank))
				return false;
			after_blank = false;
		}
	}
	return s->content ? true : fail(s, "nothing in it");
}

int yaml_check(const char *text, size_t len_bytes, struct yaml_check_fault *ret_fault)
{
	struct scan s = {
		.at = (const unsigned char *)text,
		.end = (const unsigned char *)text + len_bytes,
		.line = 1,
		.column = 1,
	};

	if (len_bytes > BYTES_MAX) {
		*ret_fault = (struct yaml_check_fault){ .line = 1,
							.column = 1,
							.why = "longer than 64 KiB" };
		return -EBADMSG;
	}
	if (!scan_all(&s)) {
		*ret_fault = s.fault;
		return -EBADMSG;
	}
	return 0;
}

bool yaml_check_odd_number(const char *scalar, size_t len_bytes)
{
	const char *set = "0123456789_"; /* strtoull(.., 0) reads 010 as 8 */
	size_t prefix = 1;
	size_t i = 0;

	while (i < len_bytes && scalar[i] == ' ')
		i++; /* strtoull() skips them, in a quoted scalar */
	if (i < len_bytes && (scalar[i] == '-' || scalar[i] == '+'))
		i++;
	if (len_bytes - i < 2 || len_bytes > NUMBER_BYTES_MAX || scalar[i] != '0')
		return false;
	switch (scalar[i + 1]) {
	case 'x':
	case 'X':
		set = "0123456789abcdefABCDEF_";
		prefix = 2;
		break;
	case 'o':
	case 'O':
		set = "01234567_";
		prefix = 2;
		break;
	case 'b':
	case 'B':
		set = "01_";
		prefix = 2;
		break;
	default:
		break;
	}
	for (i += prefix; i < len_bytes; i++)
		if (!memchr(set, scalar[i], strlen(set)))
			return false;
	return true;
}
