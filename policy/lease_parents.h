/* lease_parents.h - the part of a lease that names the layers below the writable one.
 *
 * Each is named by the root of its hash tree, so by every byte of its file. Encrypted ones have the
 * fields of a key too; a plain one says `cipher: none` and has none of them. Who knows no `parents`
 * refuses the key, and with it the lease. */
#ifndef POLICY_LEASE_PARENTS_H
#define POLICY_LEASE_PARENTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"
#include "policy/fields.h"
#include "policy/lease.h"
#include "policy/schema.h"
#include "policy/text.h"

/* VHD 1.0 holds 2^32 sectors; its readers end at 2040 GiB. */
#define LEASE_DISK_BYTES_MAX (UINT64_C(2040) << 30)

struct lease_raw_parent {
	char layer[MSG_NAME_BYTES];
	char uuid[40];
	char bytes[SCHEMA_NUMBER_BYTES];
	char root[72];
	uint32_t cipher; /* 1: aes-xts-plain64; 2: none */
	char sector_bytes[SCHEMA_NUMBER_BYTES];
	char fingerprint[72];
	char generation[SCHEMA_NUMBER_BYTES];
	char signature[TEXT_BASE64_BYTES(LEASE_SIG_BYTES)];
};

extern const cyaml_schema_value_t lease_parents_entry;

/* lease: the leaf's name and UUID are read already; no layer may be there twice. Faults go to f. */
void lease_parents_read(struct fields *f, const struct lease_raw_parent *raw, uint32_t n_raw,
			struct lease *lease);

/* The block `parents:` with its line end, or "" where there are none. -EINVAL: a name that no
 * document can hold, or no room. */
int lease_parents_build(const struct lease *lease, char *ret, size_t ret_bytes);

#endif
