/* bulkhead wifi: choose a network, by the control interface of the confined wpa_supplicant. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/loop.h"
#include "base/util.h"
#include "netguard/wifi_text.h"
#include "roles/cli.h"

enum {
	REPLY_BYTES = 4096, /* wpa_supplicant's own limit of an answer */
	ANSWER_MS = 5000,
	SCAN_MS = 15000,
	CONNECT_MS = 30000,
	LOOK_MS = 300,
	PASSPHRASE_BYTES = 64, /* IEEE 802.11 J.4.1: 8 to 63 characters */
};

struct radio {
	const char *what; /* how messages begin */
	int fd;
	char own[MSG_PATH_BYTES];
	unsigned id;	/* the network that is being joined */
	bool wrong_key; /* it was left for that */
	char reply[REPLY_BYTES];
};

static void leave(struct radio *r)
{
	if (r->own[0])
		(void)unlink(r->own);
	if (r->fd >= 0)
		(void)close(r->fd);
}

#define OWNS_RADIO __attribute__((cleanup(leave)))

static const char *first_radio(const struct msg_config *config)
{
	for (uint32_t i = 0; i < config->n_uplinks; i++)
		if (config->uplink[i].kind == UPLINK_RADIO)
			return config->uplink[i].ifname;
	return NULL;
}

static bool address(struct sockaddr_un *ret, const char *path)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return false;
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return true;
}

/* It answers to our socket by its path, so that one lies in the folder that it sees, and is its. */
static int reach(struct radio *r, const char *state, const char *ifname)
{
	char to[MSG_PATH_BYTES];
	struct sockaddr_un own, peer;
	struct stat st;

	if ((size_t)snprintf(to, sizeof(to), "%s/supplicant/ctrl/%s", state, ifname) >=
		    sizeof(to) ||
	    (size_t)snprintf(r->own, sizeof(r->own), "%s/supplicant/cli-%d", state,
			     (int)getpid()) >= sizeof(r->own))
		return -ENAMETOOLONG;
	if (!address(&own, r->own) || !address(&peer, to))
		return -ENAMETOOLONG;
	if (stat(to, &st) < 0)
		return -errno;
	r->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (r->fd < 0 || bind(r->fd, (const struct sockaddr *)&own, sizeof(own)) < 0 ||
	    chown(r->own, st.st_uid, st.st_gid) < 0 ||
	    connect(r->fd, (const struct sockaddr *)&peer, sizeof(peer)) < 0)
		return -errno;
	return 0;
}

static int receive(struct radio *r, uint64_t until_boot_ms)
{
	struct pollfd in = { .fd = r->fd, .events = POLLIN };
	uint64_t now = loop_now_boot_ms();
	ssize_t n;

	if (now >= until_boot_ms || poll(&in, 1, (int)(until_boot_ms - now)) != 1)
		return -ETIMEDOUT;
	n = recv(r->fd, r->reply, sizeof(r->reply) - 1, 0);
	if (n < 0)
		return -errno;
	r->reply[n] = '\0';
	r->wrong_key |= wifi_text_wrong_key(r->reply, r->id);
	return strlen(r->reply) == (size_t)n ? 0 : -EPROTO;
}

/* Events, which begin with '<', come between question and answer. */
static int ask(struct radio *r, const char *question)
{
	uint64_t until = loop_now_boot_ms() + ANSWER_MS;
	int status;

	if (send(r->fd, question, strlen(question), 0) < 0)
		return -errno;
	do
		status = receive(r, until);
	while (status == 0 && r->reply[0] == '<');
	return status;
}

static int order(struct radio *r, const char *text)
{
	int status = ask(r, text);

	if (status == 0 && strncmp(r->reply, "OK", 2) != 0)
		status = -EINVAL;
	return status;
}

static int open_radio(struct radio *r, int *argc, char **argv)
{
	struct cli_options opt;
	struct msg_config config;
	const char *ifname;
	int status = cli_common(&opt, argc, argv);

	if (status == 0)
		status = cli_config(opt.config_path, &config);
	if (status != 0)
		return status;
	r->what = argv[0];
	ifname = first_radio(&config);
	if (!ifname)
		return cli_error(CLI_FAILED,
				 "%s: '%s' lists no radio; name yours there: radios: [wlan0]",
				 r->what, opt.config_path);
	status = reach(r, config.state, ifname);
	if (status < 0)
		return cli_errno(status,
				 "%s: reach the supplicant of '%s'; are you root, is bulkheadd "
				 "running and wpasupplicant installed?",
				 r->what, ifname);
	return 0;
}

int cli_wifi_status(int argc, char **argv)
{
	OWNS_RADIO struct radio r = { .fd = -1 };
	char state[WIFI_TEXT_BYTES], ssid[WIFI_TEXT_BYTES];
	int status = open_radio(&r, &argc, argv);

	if (status == 0 && argc != 1)
		status = cli_usage(argv[0]);
	if (status != 0)
		return status;
	if (ask(&r, "STATUS") < 0 || wifi_text_value(r.reply, "wpa_state", state) < 0)
		return cli_error(CLI_FAILED, "%s: the supplicant does not say", r.what);
	if (strcmp(state, "COMPLETED") == 0 && wifi_text_value(r.reply, "ssid", ssid) == 0)
		printf("connected to '%s'\n", ssid);
	else
		printf("not connected; 'bulkhead wifi list' shows what is there\n");
	return CLI_DONE;
}

static int scan(struct radio *r)
{
	uint64_t until = loop_now_boot_ms() + SCAN_MS;
	int status = order(r, "ATTACH");

	if (status == 0)
		status = order(r, "SCAN");
	while (status == 0 && !strstr(r->reply, "CTRL-EVENT-SCAN-RESULTS"))
		status = receive(r, until);
	return status == 0 ? ask(r, "SCAN_RESULTS") : status;
}

int cli_wifi_list(int argc, char **argv)
{
	OWNS_RADIO struct radio r = { .fd = -1 };
	const char *at, *line;
	struct wifi_seen seen;
	size_t len_bytes;
	int status = open_radio(&r, &argc, argv);

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
static int forget(struct radio *r, const char *ssid)
{
	char want[WIFI_TEXT_BYTES], text[32], list[REPLY_BYTES];
	const char *at = list, *line;
	struct wifi_known known;
	size_t len_bytes;
	int n = 0, status = ask(r, "LIST_NETWORKS");

	if (status < 0 || wifi_text_escape(ssid, want) < 0)
		return status < 0 ? status : -EINVAL;
	memcpy(list, r->reply, sizeof(list));
	while (status == 0 && (line = wifi_text_line(&at, &len_bytes)) != NULL) {
		if (wifi_text_known(line, len_bytes, &known) < 0 || strcmp(known.ssid, want) != 0)
			continue;
		(void)snprintf(text, sizeof(text), "REMOVE_NETWORK %u", (unsigned)known.id);
		status = order(r, text);
		n++;
	}
	return status < 0 ? status : n;
}

int cli_wifi_forget(int argc, char **argv)
{
	OWNS_RADIO struct radio r = { .fd = -1 };
	int n, status = open_radio(&r, &argc, argv);

	if (status == 0 && argc != 2)
		status = cli_usage(argv[0]);
	if (status != 0)
		return status;
	n = forget(&r, argv[1]);
	if (n == 0)
		return cli_error(CLI_FAILED, "%s: no network '%s' is known", r.what, argv[1]);
	status = n < 0 ? n : order(&r, "SAVE_CONFIG");
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

static int set(struct radio *r, unsigned id, const char *name, const char *quote, const char *value)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "SET_NETWORK %u %s %s%s%s", id, name, quote, value,
		       quote);
	return order(r, text);
}

static int add(struct radio *r, const char *ssid, const char *passphrase, unsigned *ret_id)
{
	char hex[WIFI_TEXT_BYTES], *end;
	int status = wifi_text_hex(ssid, hex);

	if (status == 0)
		status = ask(r, "ADD_NETWORK");
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
static int wait_until_connected(struct radio *r)
{
	uint64_t until = loop_now_boot_ms() + CONNECT_MS;
	char text[32], state[WIFI_TEXT_BYTES], at[WIFI_TEXT_BYTES];

	(void)snprintf(text, sizeof(text), "%u", r->id);
	while (loop_now_boot_ms() < until) {
		int status = ask(r, "STATUS");

		if (status < 0)
			return status;
		if (wifi_text_value(r->reply, "wpa_state", state) == 0 &&
		    strcmp(state, "COMPLETED") == 0 && wifi_text_value(r->reply, "id", at) == 0 &&
		    strcmp(at, text) == 0)
			return 0;
		if (r->wrong_key)
			return -EKEYREJECTED;
		(void)receive(r, loop_now_boot_ms() + LOOK_MS);
	}
	return -ETIMEDOUT;
}

static int connect_to(struct radio *r, const char *ssid, const char *passphrase)
{
	char text[32];
	int status = forget(r, ssid);

	if (status >= 0)
		status = add(r, ssid, passphrase, &r->id);
	if (status < 0)
		return status;
	status = order(r, "ATTACH");
	(void)snprintf(text, sizeof(text), "SELECT_NETWORK %u", r->id);
	if (status == 0)
		status = order(r, text);
	if (status == 0)
		status = wait_until_connected(r);
	if (status < 0) {
		(void)snprintf(text, sizeof(text), "REMOVE_NETWORK %u", r->id);
		(void)order(r, text); /* what it said before is what counts */
	}
	(void)order(r, "ENABLE_NETWORK all"); /* "select" turned the others off */
	return status < 0 ? status : order(r, "SAVE_CONFIG");
}

int cli_wifi_connect(int argc, char **argv)
{
	OWNS_RADIO struct radio r = { .fd = -1 };
	char passphrase[PASSPHRASE_BYTES + 1];
	int status = open_radio(&r, &argc, argv);

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
