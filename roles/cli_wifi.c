/* bulkhead wifi: choose a network, by the control interface of the confined wpa_supplicant. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "netguard/wifi_text.h"
#include "roles/cli.h"
#include "roles/cli_radio.h"

enum {
	SCAN_MS = 15000,
	CONNECT_MS = 30000,
	LOOK_MS = 300,
	PASSPHRASE_BYTES = 64, /* IEEE 802.11 J.4.1: 8 to 63 characters */
};

int cli_wifi_status(int argc, char **argv)
{
	OWNS_RADIO struct cli_radio r = { .fd = -1 };
	char ssid[WIFI_TEXT_BYTES];
	int status = cli_radio_open(&r, &argc, argv);

	if (status == 0 && argc != 1)
		status = cli_usage(argv[0]);
	if (status != 0)
		return status;
	status = cli_radio_ssid(&r, ssid);
	if (status < 0 && status != -ENODATA)
		return cli_error(CLI_FAILED, "%s: the supplicant does not say", r.what);
	if (status == 0)
		printf("connected to '%s'\n", ssid);
	else
		printf("not connected; 'bulkhead wifi list' shows what is there\n");
	return CLI_DONE;
}

static bool is_scanned(const struct cli_radio *r)
{
	return strstr(r->reply, "CTRL-EVENT-SCAN-RESULTS") != NULL;
}

/* A supplicant that looks or joins of its own accord is busy: what it finds is as good, and else it is
 * asked again. */
static int start_scan(struct cli_radio *r, uint64_t until_boot_ms)
{
	int status;

	do {
		status = cli_radio_ask(r, "SCAN");
		if (status < 0 || strncmp(r->reply, "FAIL-BUSY", 9) != 0)
			return status == 0 && strncmp(r->reply, "OK", 2) != 0 ? -EINVAL : status;
		status = cli_radio_receive(r, loop_now_boot_ms() + LOOK_MS);
		if (status == 0 && is_scanned(r))
			return 0;
	} while (loop_now_boot_ms() < until_boot_ms);
	return -EBUSY;
}

static int scan(struct cli_radio *r)
{
	uint64_t until = loop_now_boot_ms() + SCAN_MS;
	int status = cli_radio_order(r, "ATTACH");

	if (status == 0)
		status = start_scan(r, until);
	while (status == 0 && !is_scanned(r))
		status = cli_radio_receive(r, until);
	return status == 0 ? cli_radio_ask(r, "SCAN_RESULTS") : status;
}

int cli_wifi_list(int argc, char **argv)
{
	OWNS_RADIO struct cli_radio r = { .fd = -1 };
	const char *at, *line;
	struct wifi_seen seen;
	size_t len_bytes;
	int status = cli_radio_open(&r, &argc, argv);

	if (status == 0 && argc != 1)
		status = cli_usage(argv[0]);
	if (status != 0)
		return status;
	status = scan(&r);
	if (status < 0)
		return cli_errno(status, "%s: look for networks", r.what);
	for (at = r.reply; (line = wifi_text_line(&at, &len_bytes)) != NULL;)
		if (wifi_text_seen(line, len_bytes, &seen) == 0 && seen.ssid[0])
			printf("%4d dBm  %-7s  %s\n", seen.signal_dbm,
			       !seen.secured	 ? "open"
			       : seen.enterprise ? "802.1X"
						 : "secured",
			       seen.ssid);
	return CLI_DONE;
}

/* The next network of that SSID, as the supplicant writes it, in what LIST_NETWORKS said. */
static bool next_known(const char **at, const char *want, struct wifi_known *ret)
{
	const char *line;
	size_t len_bytes;

	while ((line = wifi_text_line(at, &len_bytes)) != NULL)
		if (wifi_text_known(line, len_bytes, ret) == 0 && strcmp(ret->ssid, want) == 0)
			return true;
	return false;
}

static int list_known(struct cli_radio *r, const char *ssid, char ret_want[WIFI_TEXT_BYTES],
		      char ret_list[CLI_RADIO_REPLY_BYTES])
{
	int status = wifi_text_escape(ssid, ret_want);

	if (status == 0)
		status = cli_radio_ask(r, "LIST_NETWORKS");
	if (status == 0)
		memcpy(ret_list, r->reply, CLI_RADIO_REPLY_BYTES);
	return status;
}

/* Leave out all networks of this SSID. How many, or negative errno. */
static int forget(struct cli_radio *r, const char *ssid)
{
	char want[WIFI_TEXT_BYTES], text[32], list[CLI_RADIO_REPLY_BYTES];
	const char *at = list;
	struct wifi_known known;
	int n = 0, status = list_known(r, ssid, want, list);

	for (; status == 0 && next_known(&at, want, &known); n++) {
		(void)snprintf(text, sizeof(text), "REMOVE_NETWORK %u", (unsigned)known.id);
		status = cli_radio_order(r, text);
	}
	return status < 0 ? status : n;
}

/* A network of this SSID with 802.1X: IT wrote it, with names and certificates that nobody types.
 * -ENODATA: there is none. */
static int find_enterprise(struct cli_radio *r, const char *ssid)
{
	char want[WIFI_TEXT_BYTES], text[48], list[CLI_RADIO_REPLY_BYTES];
	const char *at = list;
	struct wifi_known known;
	int status = list_known(r, ssid, want, list);

	while (status == 0 && next_known(&at, want, &known)) {
		(void)snprintf(text, sizeof(text), "GET_NETWORK %u key_mgmt", (unsigned)known.id);
		status = cli_radio_ask(r, text);
		if (status == 0 && wifi_text_is_enterprise(r->reply)) {
			r->id = known.id;
			return 0;
		}
	}
	return status < 0 ? status : -ENODATA;
}

int cli_wifi_forget(int argc, char **argv)
{
	OWNS_RADIO struct cli_radio r = { .fd = -1 };
	int n, status = cli_radio_open(&r, &argc, argv);

	if (status == 0 && argc != 2)
		status = cli_usage(argv[0]);
	if (status != 0)
		return status;
	n = forget(&r, argv[1]);
	if (n == 0)
		return cli_error(CLI_FAILED, "%s: no network '%s' is known", r.what, argv[1]);
	status = n < 0 ? n : cli_radio_order(&r, "SAVE_CONFIG");
	return status < 0 ? cli_errno(status, "%s '%s'", r.what, argv[1]) : CLI_DONE;
}

/* A passphrase from standard input: never an argument, which everybody can read. */
static int read_passphrase(char ret[PASSPHRASE_BYTES + 1])
{
	size_t n;

	if (isatty(STDIN_FILENO))
		fputs("passphrase (empty: an open network): ", stderr);
	if (!fgets(ret, PASSPHRASE_BYTES + 1, stdin))
		ret[0] = '\0';
	n = strcspn(ret, "\n");
	ret[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (ret[i] < ' ' || ret[i] > '~')
			return -EINVAL;
	return n == 0 || (n >= 8 && n < PASSPHRASE_BYTES) ? 0 : -EINVAL;
}

static int set(struct cli_radio *r, unsigned id, const char *name, const char *quote,
	       const char *value)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "SET_NETWORK %u %s %s%s%s", id, name, quote, value,
		       quote);
	return cli_radio_order(r, text);
}

static int add(struct cli_radio *r, const char *ssid, const char *passphrase, unsigned *ret_id)
{
	char hex[WIFI_TEXT_BYTES], *end;
	int status = wifi_text_hex(ssid, hex);

	if (status == 0)
		status = cli_radio_ask(r, "ADD_NETWORK");
	if (status < 0)
		return status;
	*ret_id = (unsigned)strtoul(r->reply, &end, 10);
	if (end == r->reply)
		return -EPROTO;
	status = set(r, *ret_id, "ssid", "", hex);
	if (status == 0)
		status = passphrase[0] ? set(r, *ret_id, "psk", "\"", passphrase)
				       : set(r, *ret_id, "key_mgmt", "", "NONE");
	return status;
}

/* An event is a reason to look, and a wrong key is known long before the time is over. */
static int wait_until_connected(struct cli_radio *r)
{
	uint64_t until = loop_now_boot_ms() + CONNECT_MS;
	char text[32], state[WIFI_TEXT_BYTES], at[WIFI_TEXT_BYTES];

	(void)snprintf(text, sizeof(text), "%u", r->id);
	while (loop_now_boot_ms() < until) {
		int status = cli_radio_ask(r, "STATUS");

		if (status < 0)
			return status;
		if (wifi_text_value(r->reply, "wpa_state", state) == 0 &&
		    strcmp(state, "COMPLETED") == 0 && wifi_text_value(r->reply, "id", at) == 0 &&
		    strcmp(at, text) == 0)
			return 0;
		if (r->wrong_key)
			return -EKEYREJECTED;
		(void)cli_radio_receive(r, loop_now_boot_ms() + LOOK_MS);
	}
	return -ETIMEDOUT;
}

static int select_network(struct cli_radio *r)
{
	char text[32];
	int status = cli_radio_order(r, "ATTACH");

	(void)snprintf(text, sizeof(text), "SELECT_NETWORK %u", r->id);
	if (status == 0)
		status = cli_radio_order(r, text);
	return status == 0 ? wait_until_connected(r) : status;
}

static int connect_to(struct cli_radio *r, const char *ssid, const char *passphrase)
{
	char text[32];
	int status = forget(r, ssid);

	if (status >= 0)
		status = add(r, ssid, passphrase, &r->id);
	if (status < 0)
		return status;
	status = select_network(r);
	if (status < 0) {
		(void)snprintf(text, sizeof(text), "REMOVE_NETWORK %u", r->id);
		(void)cli_radio_order(r, text); /* what it said before is what counts */
	}
	(void)cli_radio_order(r, "ENABLE_NETWORK all"); /* "select" turned the others off */
	return status < 0 ? status : cli_radio_order(r, "SAVE_CONFIG");
}

/* As IT wrote it, and kept whatever comes of it. */
static int connect_enterprise(struct cli_radio *r, const char *ssid)
{
	int status = select_network(r);

	(void)cli_radio_order(r, "ENABLE_NETWORK all");
	if (status == -EKEYREJECTED)
		return cli_error(CLI_FAILED,
				 "%s '%s': 802.1X failed: this is another network with that name, "
				 "or it refuses this laptop; the journal of bulkheadd says which",
				 r->what, ssid);
	return status;
}

static int connect_passphrase(struct cli_radio *r, const char *ssid)
{
	char passphrase[PASSPHRASE_BYTES + 1];
	int status;

	if (read_passphrase(passphrase) < 0)
		return cli_error(CLI_USAGE, "%s: a passphrase has 8 to 63 printable characters",
				 r->what);
	status = connect_to(r, ssid, passphrase);
	explicit_bzero(passphrase, sizeof(passphrase));
	if (status == -EKEYREJECTED)
		return cli_error(CLI_FAILED, "%s '%s': the passphrase is wrong", r->what, ssid);
	return status;
}

int cli_wifi_connect(int argc, char **argv)
{
	OWNS_RADIO struct cli_radio r = { .fd = -1 };
	int status = cli_radio_open(&r, &argc, argv);

	if (status == 0 && argc != 2)
		status = cli_usage(argv[0]);
	if (status != 0)
		return status;
	status = find_enterprise(&r, argv[1]);
	if (status == 0)
		status = connect_enterprise(&r, argv[1]);
	else if (status == -ENODATA)
		status = connect_passphrase(&r, argv[1]);
	if (status == -ETIMEDOUT)
		return cli_error(CLI_FAILED, "%s '%s': no connection within 30 s; is it in reach?",
				 r.what, argv[1]);
	return status < 0 ? cli_errno(status, "%s '%s'", r.what, argv[1]) : status;
}
