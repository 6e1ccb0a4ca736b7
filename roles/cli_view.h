/* cli_view.h - words for what the daemon reports, shared by `status` and `net explain`. */
#ifndef ROLES_CLI_VIEW_H
#define ROLES_CLI_VIEW_H

#include <stddef.h>

#include "base/msg_ctl.h"

enum { CLI_VIEW_BYTES = 256 };

/* Ask the daemon for its status. 0, or an exit status after saying why there is none. */
int cli_view_fetch(const char *config_path, const char *what, struct msg_ctl_reply *ret);

const char *cli_view_placement(uint32_t placement);
const char *cli_view_class(uint32_t net_class);

/* "3 min 20 s". */
const char *cli_view_span(uint64_t ms, char out[CLI_VIEW_BYTES]);

/* On which evidence the uplink is in its zone: "DHCP said 'corp.example'". */
const char *cli_view_evidence(const struct msg_uplink_status *u, char out[CLI_VIEW_BYTES]);

/* What would change it: "foreign in 4 s if no corporate sign is heard". */
const char *cli_view_change(const struct msg_uplink_status *u, char out[CLI_VIEW_BYTES]);

/* Why the port is open or closed, in one clause. */
const char *cli_view_port(const struct msg_port_status *p, char out[CLI_VIEW_BYTES]);

#endif
