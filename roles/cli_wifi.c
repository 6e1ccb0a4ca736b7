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
	char state[WIFI_TEXT_BYTES], ssid[WIFI_TEXT_BYTES];
	int status = cli_radio_open(&r, &argc, argv);

	if (status == 0 && argc != 1)
		status = cli_usage(argv[0]);
	if (status != 0)
		return status;
	if (cli_radio_ask(&r, "STATUS") < 0 || wifi_text_value(r.reply, "wpa_state", state) < 0)
		return cli_error(CLI_FAILED, "%s: the supplicant does not say", r.what);
	if (strcmp(state, "COMPLETED") == 0 && wifi_text_value(r.reply, "ssid", ssid) == 0)
		printf("connected to '%s'\n", ssid);
	else
		printf("not connected; 'bulkhead wifi list' shows what is there\n");
	return CLI_DONE;
}

static int scan(struct cli_radio *r)
{
	uint64_t until = loop_now_boot_ms() + SCAN_MS;
	int status = cli_radio_order(r, "ATTACH");

	if (status == 0)
		status = cli_radio_order(r, "SCAN");
	while (status == 0 && !strstr(r->reply, "CTRL-EVENT-SCAN-RESULTS"))
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
			       seen.secured ? "secured" : "open", seen.ssid);
	return CLI_DONE;
}

/* Leave out all networks of this SSID. How many, or negative errno. */
static int forget(struct cli_radio *r, const char *ssid)
{
	char want[WIFI_TEXT_BYTES], text[32], list[CLI_RADIO_REPLY_BYTES];
	const char *at = list, *line;
	struct wifi_known known;
	size_t len_bytes;
	int n = 0, status = cli_radio_ask(r, "LIST_NETWORKS");

	if (status < 0 || wifi_text_escape(ssid, want) < 0)
		return status < 0 ? status : -EINVAL;
	memcpy(list, r->reply, sizeof(list));
	while (status == 0 && (line = wifi_text_line(&at, &len_bytes)) != NULL) {
		if (wifi_text_known(line, len_bytes, &known) < 0 || strcmp(known.ssid, want) != 0)
			continue;
		(void)snprintf(text, sizeof(text), "REMOVE_NETWORK %u", (unsigned)known.id);
		status = cli_radio_order(r, text);
		n++;
	}
	return status < 0 ? status : n;
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

/* An event is a reason to look, and a wrong passphrase is known long before the time is over. */
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

static int connect_to(struct cli_radio *r, const char *ssid, const char *passphrase)
{
	char text[32];
	int status = forget(r, ssid);

	if (status >= 0)
		status = add(r, ssid, passphrase, &r->id);
	if (status < 0)
		return status;
	status = cli_radio_order(r, "ATTACH");
	(void)snprintf(text, sizeof(text), "SELECT_NETWORK %u", r->id);
	if (status == 0)
		status = cli_radio_order(r, text);
	if (status == 0)
		status = wait_until_connected(r);
	if (status < 0) {
		(void)snprintf(text, sizeof(text), "REMOVE_NETWORK %u", r->id);
		(void)cli_radio_order(r, text); /* what it said before is what counts */
	}
	(void)cli_radio_order(r, "ENABLE_NETWORK all"); /* "select" turned the others off */
	return status < 0 ? status : cli_radio_order(r, "SAVE_CONFIG");
}

int cli_wifi_connect(int argc, char **argv)
{
	OWNS_RADIO struct cli_radio r = { .fd = -1 };
	char passphrase[PASSPHRASE_BYTES + 1];
	int status = cli_radio_open(&r, &argc, argv);

	if (status == 0 && argc != 2)
		status = cli_usage(argv[0]);
	if (status == 0 && read_passphrase(passphrase) < 0)
		status = cli_error(CLI_USAGE, "%s: a passphrase has 8 to 63 printable characters",
				   r.what);
	if (status != 0)
		return status;
	status = connect_to(&r, argv[1], passphrase);
	explicit_bzero(passphrase, sizeof(passphrase));
	if (status == -EKEYREJECTED)
		return cli_error(CLI_FAILED, "%s '%s': the passphrase is wrong", r.what, argv[1]);
	if (status == -ETIMEDOUT)
		return cli_error(CLI_FAILED, "%s '%s': no connection within 30 s; is it in reach?",
				 r.what, argv[1]);
	return status < 0 ? cli_errno(status, "%s '%s'", r.what, argv[1]) : CLI_DONE;
}
