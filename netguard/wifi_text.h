/* wifi_text.h - what wpa_supplicant's control interface says about networks, line by line.
 *
 * Pure: values in, values out.
 *
 * An SSID is up to 32 bytes of a stranger (IEEE 802.11 9.4.2.2). wpa_supplicant escapes it so that one
 * SSID has one text: printable ASCII stands for itself, '"' and '\' behind a '\', the rest as \n, \r,
 * \t, \e or \xHH. That text is compared and shown; it is never turned back into bytes. */
#ifndef NETGUARD_WIFI_TEXT_H
#define NETGUARD_WIFI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIFI_SSID_BYTES = 32, WIFI_TEXT_BYTES = 4 * WIFI_SSID_BYTES + 1 };

struct wifi_seen { /* a line of SCAN_RESULTS */
	int signal_dbm;
	bool secured;
	bool enterprise;	    /* it wants 802.1X */
	char ssid[WIFI_TEXT_BYTES]; /* escaped; empty: hidden */
};

struct wifi_known { /* a line of LIST_NETWORKS */
	uint32_t id;
	bool current;
	char ssid[WIFI_TEXT_BYTES];
};

/* The next line of *text, which moves behind it; its length in *ret_len_bytes. NULL at the end. */
const char *wifi_text_line(const char **text, size_t *ret_len_bytes);

/* -EBADMSG: not such a line (the heading, for one). */
int wifi_text_seen(const char *line, size_t len_bytes, struct wifi_seen *ret);
int wifi_text_known(const char *line, size_t len_bytes, struct wifi_known *ret);

/* The value of KEY=value in STATUS, escaped as it is there. -ENODATA: no such line; -EBADMSG: it does
 * not fit. */
int wifi_text_value(const char *text, const char *key, char ret[WIFI_TEXT_BYTES]);

/* Does this key management, of GET_NETWORK or within a line of SCAN_RESULTS, take 802.1X? */
bool wifi_text_is_enterprise(const char *key_mgmt);

/* Is this the event that network id was left because of its passphrase, or that 802.1X failed? */
bool wifi_text_wrong_key(const char *event, uint32_t id);

/* How wpa_supplicant writes this SSID, and how it reads it (hex). -EINVAL: empty, or too long. */
int wifi_text_escape(const char *ssid, char ret[WIFI_TEXT_BYTES]);
int wifi_text_hex(const char *ssid, char ret[WIFI_TEXT_BYTES]);

#endif
