#include "netguard/wifi_text.h"

#include <errno.h>
#include <string.h>

const char *wifi_text_line(const char **text, size_t *ret_len_bytes)
{
	const char *line = *text;

	if (*line == '\0')
		return NULL;
	*ret_len_bytes = strcspn(line, "\n");
	*text = line + *ret_len_bytes + (line[*ret_len_bytes] == '\n');
	return line;
}

/* Field number n between tabs; the last one takes the rest of the line. */
static const char *field(const char *line, size_t len_bytes, unsigned n, bool is_last,
			 size_t *ret_len_bytes)
{
	const char *end = line + len_bytes;

	for (; n > 0; n--) {
		const char *tab = memchr(line, '\t', (size_t)(end - line));

		if (!tab)
			return NULL;
		line = tab + 1;
	}
	*ret_len_bytes = (size_t)(end - line);
	if (!is_last) {
		const char *tab = memchr(line, '\t', *ret_len_bytes);

		if (!tab)
			return NULL;
		*ret_len_bytes = (size_t)(tab - line);
	}
	return line;
}

static bool copy_text(const char *from, size_t len_bytes, char ret[WIFI_TEXT_BYTES])
{
	if (len_bytes >= WIFI_TEXT_BYTES)
		return false;
	for (size_t i = 0; i < len_bytes; i++)
		if (from[i] < ' ' || from[i] > '~')
			return false;
	memcpy(ret, from, len_bytes);
	ret[len_bytes] = '\0';
	return true;
}

/* Up to four digits, and all of them. */
static bool number(const char *text, size_t len_bytes, uint32_t *ret)
{
	uint32_t n = 0;

	if (len_bytes == 0 || len_bytes > 4)
		return false;
	for (size_t i = 0; i < len_bytes; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		n = 10 * n + (uint32_t)(text[i] - '0');
	}
	*ret = n;
	return true;
}

static bool holds(const char *text, size_t len_bytes, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len_bytes; i++)
		if (memcmp(text + i, word, n) == 0)
			return true;
	return false;
}

/* "WPA-EAP", "[WPA2-EAP-CCMP]", "IEEE8021X" (WEP's), and the quicker way of the former. */
static bool takes_8021x(const char *text, size_t len_bytes)
{
	return holds(text, len_bytes, "EAP") || holds(text, len_bytes, "IEEE8021X") ||
	       holds(text, len_bytes, "FILS");
}

bool wifi_text_is_enterprise(const char *key_mgmt)
{
	return takes_8021x(key_mgmt, strlen(key_mgmt));
}

int wifi_text_seen(const char *line, size_t len_bytes, struct wifi_seen *ret)
{
	size_t signal_bytes, flags_bytes, ssid_bytes;
	const char *signal = field(line, len_bytes, 2, false, &signal_bytes);
	const char *flags = field(line, len_bytes, 3, false, &flags_bytes);
	const char *ssid = field(line, len_bytes, 4, true, &ssid_bytes);
	struct wifi_seen seen = { 0 };
	uint32_t dbm;
	bool minus;

	if (!signal || !flags || !ssid)
		return -EBADMSG;
	minus = signal_bytes > 0 && signal[0] == '-';
	if (!number(signal + minus, signal_bytes - minus, &dbm) ||
	    !copy_text(ssid, ssid_bytes, seen.ssid))
		return -EBADMSG;
	seen.signal_dbm = minus ? -(int)dbm : (int)dbm;
	seen.secured = holds(flags, flags_bytes, "WPA") || holds(flags, flags_bytes, "RSN") ||
		       holds(flags, flags_bytes, "WEP");
	seen.enterprise = takes_8021x(flags, flags_bytes);
	*ret = seen;
	return 0;
}

int wifi_text_known(const char *line, size_t len_bytes, struct wifi_known *ret)
{
	size_t id_bytes, ssid_bytes, flags_bytes;
	const char *id = field(line, len_bytes, 0, false, &id_bytes);
	const char *ssid = field(line, len_bytes, 1, false, &ssid_bytes);
	const char *flags = field(line, len_bytes, 3, true, &flags_bytes);
	struct wifi_known known = { 0 };

	if (!id || !ssid || !flags || !number(id, id_bytes, &known.id) ||
	    !copy_text(ssid, ssid_bytes, known.ssid))
		return -EBADMSG;
	known.current = holds(flags, flags_bytes, "[CURRENT]");
	*ret = known;
	return 0;
}

int wifi_text_value(const char *text, const char *key, char ret[WIFI_TEXT_BYTES])
{
	size_t key_bytes = strlen(key), len_bytes;
	const char *line;

	while ((line = wifi_text_line(&text, &len_bytes)) != NULL) {
		if (len_bytes <= key_bytes || line[key_bytes] != '=' ||
		    memcmp(line, key, key_bytes) != 0)
			continue;
		return copy_text(line + key_bytes + 1, len_bytes - key_bytes - 1, ret) ? 0
										       : -EBADMSG;
	}
	return -ENODATA;
}

static bool ends_with(const char *text, const char *word)
{
	size_t n = strlen(text), word_bytes = strlen(word);

	return n >= word_bytes && strcmp(text + n - word_bytes, word) == 0;
}

/* "<3>CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid="..." auth_failures=1 duration=10 reason=WRONG_KEY": the
 * SSID may say anything, but not before the id, nor at the end. */
bool wifi_text_wrong_key(const char *event, uint32_t id)
{
	static const char LEFT[] = "CTRL-EVENT-SSID-TEMP-DISABLED id=";
	size_t digits;
	uint32_t said;

	if (event[0] != '<' || strlen(event) < 3 || event[2] != '>' ||
	    strncmp(event + 3, LEFT, sizeof(LEFT) - 1) != 0)
		return false;
	event += 3 + sizeof(LEFT) - 1;
	digits = strcspn(event, " ");
	return number(event, digits, &said) && said == id &&
	       (ends_with(event + digits, " reason=WRONG_KEY") ||
		ends_with(event + digits, " reason=AUTH_FAILED"));
}

static const char HEX[] = "0123456789abcdef";

static size_t escape_one(unsigned char c, char *ret)
{
	static const char named[][2] = { { '"', '"' },	{ '\\', '\\' }, { '\033', 'e' },
					 { '\n', 'n' }, { '\r', 'r' },	{ '\t', 't' } };

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (c == (unsigned char)named[i][0]) {
			ret[0] = '\\';
			ret[1] = named[i][1];
			return 2;
		}
	if (c >= ' ' && c <= '~') {
		ret[0] = (char)c;
		return 1;
	}
	ret[0] = '\\';
	ret[1] = 'x';
	ret[2] = HEX[c >> 4];
	ret[3] = HEX[c & 15];
	return 4;
}

int wifi_text_escape(const char *ssid, char ret[WIFI_TEXT_BYTES])
{
	size_t n = strlen(ssid), at = 0;

	if (n == 0 || n > WIFI_SSID_BYTES)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		at += escape_one((unsigned char)ssid[i], ret + at);
	ret[at] = '\0';
	return 0;
}

int wifi_text_hex(const char *ssid, char ret[WIFI_TEXT_BYTES])
{
	size_t n = strlen(ssid);

	if (n == 0 || n > WIFI_SSID_BYTES)
		return -EINVAL;
	for (size_t i = 0; i < n; i++) {
		ret[2 * i] = HEX[(unsigned char)ssid[i] >> 4];
		ret[2 * i + 1] = HEX[(unsigned char)ssid[i] & 15];
	}
	ret[2 * n] = '\0';
	return 0;
}
