/* link_table.h - which links there are, to tell a change from an echo and a name from an index.
 *
 * rtnetlink repeats itself: statistics, dumps. What does not fit into the table counts as a change each
 * time, so that a full table can only close. The kernel tells of a carrier up to a second late, and of
 * one that went and came within that time, nothing but its count of losses. Addresses and gateways:
 * netguard/classify_net.h.
 *
 * Pure: facts in, change out. */
#ifndef NETGUARD_LINK_TABLE_H
#define NETGUARD_LINK_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "netguard/link.h"

enum { LINK_TABLE_LINKS = 64 };

enum link_change {
	LINK_CHANGE_NONE,
	LINK_CHANGE_APPEARED, /* also: it took another name, which makes it another link */
	LINK_CHANGE_STATE,    /* up, carrier or MAC differ, or it was lost between */
	LINK_CHANGE_GONE,
};

struct link_entry {
	uint32_t ifindex; /* 0: free */
	char ifname[LINK_NAME_BYTES];
	bool up;
	bool carrier;
	uint32_t n_losses;
	uint8_t mac[6];
	bool seen; /* since link_table_mark() */
};

struct link_table {
	struct link_entry link[LINK_TABLE_LINKS];
};

/* Take one fact in; what changed. Facts other than LINK_SET and LINK_GONE change nothing. */
enum link_change link_table_apply(struct link_table *table, const struct link_fact *fact);

/* News were lost: before a new dump, mark everything as not seen ... */
void link_table_mark(struct link_table *table);

/* ... and after it, one at a time, take out a link that was not seen again: 1 and *ret (event
 * LINK_GONE), or 0 when all were. */
int link_table_sweep(struct link_table *table, struct link_fact *ret);

/* The link of this index or name, or NULL. Borrowed until the next change. */
const struct link_entry *link_table_find(const struct link_table *table, uint32_t ifindex);
const struct link_entry *link_table_find_name(const struct link_table *table, const char *ifname);

#endif
