#include <stdint.h>
#include <string.h>

#include "netguard/wifi_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[1024], value[WIFI_TEXT_BYTES];
	struct wifi_known known;
	struct wifi_seen seen;
	const char *at = text, *line;
	size_t n = size < sizeof(text) ? size : sizeof(text) - 1, len_bytes;

	memcpy(text, data, n);
	text[n] = '\0';
	(void)wifi_text_value(text, "ssid", value);
	(void)wifi_text_wrong_key(text, 0);
	(void)wifi_text_is_enterprise(text);
	(void)wifi_text_escape(text, value);
	(void)wifi_text_hex(text, value);
	while ((line = wifi_text_line(&at, &len_bytes)) != NULL) {
		(void)wifi_text_seen(line, len_bytes, &seen);
		(void)wifi_text_known(line, len_bytes, &known);
	}
	return 0;
}
