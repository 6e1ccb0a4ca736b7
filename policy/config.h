/* config.h - the machine's own configuration: names of devices and folders, nothing about trust.
 *
 * Unsigned, owned by root. What it can do wrong is refuse to start or name another interface; what
 * is permitted is in the policy. */
#ifndef POLICY_CONFIG_H
#define POLICY_CONFIG_H

#include <stddef.h>

#include "base/msg.h"
#include "policy/document.h"

/* -EBADMSG with *ret_error; -ENOMEM. */
int config_parse(const char *text, size_t len_bytes, struct msg_config *ret,
		 struct document_error *ret_error);

#endif
