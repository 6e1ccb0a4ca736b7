/* cli_view.h - words for what the daemon reports, for every command that shows it, and the notifier. */
#ifndef ROLES_CLI_VIEW_H
#define ROLES_CLI_VIEW_H

#include <stddef.h>

#include "base/msg_ctl.h"

enum { CLI_VIEW_BYTES = 256 };

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
