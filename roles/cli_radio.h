/* cli_radio.h - the control interface of a radio's confined wpa_supplicant: a question, its answer, its
 * events. */
#ifndef ROLES_CLI_RADIO_H
#define ROLES_CLI_RADIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg_ctl.h"
#include "netguard/wifi_text.h"

enum { CLI_RADIO_REPLY_BYTES = 4096 }; /* wpa_supplicant's own limit of an answer */

struct cli_radio {
	const char *what; /* how messages begin */
	int fd;
	char own[MSG_PATH_BYTES];
	unsigned id;	/* the network that is being joined */
	bool wrong_key; /* it was left for that */
	char reply[CLI_RADIO_REPLY_BYTES];
};

/* To the first radio of the configuration, after the common options. An exit status; it was said why.
 * cli_radio_leave() in any case. */
int cli_radio_open(struct cli_radio *r, int *argc, char **argv);
void cli_radio_leave(struct cli_radio *r);

/* The network that each radio among the uplinks of *s is in, escaped; "" for one that is in none, for other
 * uplinks, and where it is not the caller's to ask: the supplicant's folder is root's. */
void cli_radio_ssids(const char *config_path, const struct msg_ctl_reply *s,
		     char ret[MSG_UPLINKS][WIFI_TEXT_BYTES]);

/* The same of one that answers. -ENODATA: in none. */
int cli_radio_ssid(struct cli_radio *r, char ret[WIFI_TEXT_BYTES]);

#define OWNS_RADIO __attribute__((cleanup(cli_radio_leave)))

/* The next answer or event, into r->reply. -ETIMEDOUT: none until then. */
int cli_radio_receive(struct cli_radio *r, uint64_t until_boot_ms);

/* The answer to a question, into r->reply. */
int cli_radio_ask(struct cli_radio *r, const char *question);

/* -EINVAL: the answer is not "OK". */
int cli_radio_order(struct cli_radio *r, const char *text);

#endif
