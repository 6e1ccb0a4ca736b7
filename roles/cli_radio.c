#include "roles/cli_radio.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/loop.h"
#include "roles/cli.h"

enum {
	ANSWER_MS = 5000,
	STATUS_MS = 500, /* beside what else is shown: one that hangs is not waited for */
};

void cli_radio_leave(struct cli_radio *r)
{
	if (r->own[0])
		(void)unlink(r->own);
	if (r->fd >= 0)
		(void)close(r->fd);
}

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

/* It answers to our socket by its path, so that one lies in the folder that it sees, and is its. What else
 * it may have put there under that name meanwhile is not followed. */
static int reach(struct cli_radio *r, const char *state, const char *ifname)
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
	    lchown(r->own, st.st_uid, st.st_gid) < 0 ||
	    connect(r->fd, (const struct sockaddr *)&peer, sizeof(peer)) < 0)
		return -errno;
	return 0;
}

int cli_radio_receive(struct cli_radio *r, uint64_t until_boot_ms)
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
static int ask(struct cli_radio *r, const char *question, uint64_t ms)
{
	uint64_t until = loop_now_boot_ms() + ms;
	int status;

	if (send(r->fd, question, strlen(question), 0) < 0)
		return -errno;
	do
		status = cli_radio_receive(r, until);
	while (status == 0 && r->reply[0] == '<');
	return status;
}

int cli_radio_ask(struct cli_radio *r, const char *question)
{
	return ask(r, question, ANSWER_MS);
}

int cli_radio_order(struct cli_radio *r, const char *text)
{
	int status = cli_radio_ask(r, text);

	if (status == 0 && strncmp(r->reply, "OK", 2) != 0)
		status = -EINVAL;
	return status;
}

int cli_radio_ssid(struct cli_radio *r, char ret[WIFI_TEXT_BYTES])
{
	char state[WIFI_TEXT_BYTES];
	int status = ask(r, "STATUS", STATUS_MS);

	if (status == 0)
		status = wifi_text_value(r->reply, "wpa_state", state);
	if (status == 0 && strcmp(state, "COMPLETED") != 0)
		status = -ENODATA;
	return status < 0 ? status : wifi_text_value(r->reply, "ssid", ret);
}

static bool is_radio(const struct msg_config *config, const char *ifname)
{
	for (uint32_t i = 0; i < config->n_uplinks; i++)
		if (strcmp(config->uplink[i].ifname, ifname) == 0)
			return config->uplink[i].kind == UPLINK_RADIO;
	return false;
}

void cli_radio_ssids(const char *config_path, const struct msg_ctl_reply *s,
		     char ret[MSG_UPLINKS][WIFI_TEXT_BYTES])
{
	struct msg_config config;

	memset(ret, 0, MSG_UPLINKS * sizeof(ret[0]));
	if (geteuid() != 0 || cli_config(config_path, &config) != 0)
		return;
	for (uint32_t i = 0; i < s->n_uplinks; i++) {
		OWNS_RADIO struct cli_radio r = { .fd = -1 };

		if (is_radio(&config, s->uplink[i].ifname) &&
		    reach(&r, config.state, s->uplink[i].ifname) == 0)
			(void)cli_radio_ssid(&r, ret[i]); /* "" stays */
	}
}

int cli_radio_open(struct cli_radio *r, int *argc, char **argv)
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
