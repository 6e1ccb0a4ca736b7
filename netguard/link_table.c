#include "netguard/link_table.h"

#include <string.h>

#include "base/util.h"

static struct link_entry *link_slot(struct link_table *table, uint32_t ifindex)
{
	for (size_t i = 0; i < ARRAY_LEN(table->link); i++)
		if (table->link[i].ifindex == ifindex)
			return &table->link[i];
	return NULL;
}

static void link_drop(struct link_table *table, uint32_t ifindex)
{
	struct link_entry *entry = ifindex ? link_slot(table, ifindex) : NULL;

	if (entry)
		*entry = (struct link_entry){ 0 };
}

static enum link_change link_set(struct link_table *table, const struct link_fact *fact)
{
	struct link_entry new = { .ifindex = fact->ifindex,
				  .up = fact->up,
				  .carrier = fact->carrier,
				  .n_losses = fact->n_losses,
				  .seen = true };
	struct link_entry *entry = link_slot(table, fact->ifindex);
	enum link_change change = LINK_CHANGE_NONE;

	memcpy(new.ifname, fact->ifname, sizeof(new.ifname));
	memcpy(new.mac, fact->mac, sizeof(new.mac));
	if (!entry) {
		entry = link_slot(table, 0);
		if (entry)
			*entry = new;
		return LINK_CHANGE_APPEARED;
	}
	if (memcmp(entry->ifname, new.ifname, sizeof(new.ifname)) != 0)
		change = LINK_CHANGE_APPEARED;
	else if (entry->up != new.up || entry->carrier != new.carrier ||
		 entry->n_losses != new.n_losses ||
		 memcmp(entry->mac, new.mac, sizeof(new.mac)) != 0)
		change = LINK_CHANGE_STATE;
	*entry = new;
	return change;
}

enum link_change link_table_apply(struct link_table *table, const struct link_fact *fact)
{
	if (fact->event == LINK_SET)
		return link_set(table, fact);
	if (fact->event != LINK_GONE)
		return LINK_CHANGE_NONE;
	link_drop(table, fact->ifindex);
	return LINK_CHANGE_GONE; /* also of one that had no room before */
}

void link_table_mark(struct link_table *table)
{
	for (size_t i = 0; i < ARRAY_LEN(table->link); i++)
		table->link[i].seen = false;
}

int link_table_sweep(struct link_table *table, struct link_fact *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(table->link); i++) {
		struct link_entry *entry = &table->link[i];

		if (entry->ifindex == 0 || entry->seen)
			continue;
		*ret = (struct link_fact){ .event = LINK_GONE, .ifindex = entry->ifindex };
		memcpy(ret->ifname, entry->ifname, sizeof(ret->ifname));
		link_drop(table, ret->ifindex);
		return 1;
	}
	return 0;
}

const struct link_entry *link_table_find(const struct link_table *table, uint32_t ifindex)
{
	for (size_t i = 0; ifindex != 0 && i < ARRAY_LEN(table->link); i++)
		if (table->link[i].ifindex == ifindex)
			return &table->link[i];
	return NULL;
}

const struct link_entry *link_table_find_name(const struct link_table *table, const char *ifname)
{
	for (size_t i = 0; i < ARRAY_LEN(table->link); i++)
		if (table->link[i].ifindex != 0 && strcmp(table->link[i].ifname, ifname) == 0)
			return &table->link[i];
	return NULL;
}
