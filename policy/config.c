#include "policy/config.h"

#include <string.h>

#include "policy/fields.h"
#include "policy/schema.h"

enum {
	UID_BASE_MIN = 1000,	    /* below are the system's own users */
	UID_BASE_MAX = 4294900000U, /* the offsets of roles.tsv must not wrap */
};

struct raw_port {
	char match[MSG_IFNAME_BYTES];
	uint32_t net_class;
};

struct raw_uplink {
	char ifname[MSG_IFNAME_BYTES];
};

struct raw {
	uint32_t placement;
	char uid_base[SCHEMA_NUMBER_BYTES];
	uint32_t n_uplinks;
	uint32_t n_tunnels;
	uint32_t n_dot1x;
	uint32_t n_radios;
	uint32_t n_ports;
	struct raw_uplink uplink[MSG_UPLINKS];
	struct raw_uplink tunnel[MSG_UPLINKS];
	struct raw_uplink dot1x[MSG_UPLINKS];
	struct raw_uplink radio[MSG_UPLINKS];
	struct raw_port port[MSG_PORTS];
	char tpm[MSG_PATH_BYTES];
	char state[MSG_PATH_BYTES];
	char runtime[MSG_PATH_BYTES];
	char trust[MSG_PATH_BYTES];
};

static const cyaml_strval_t placements[] = { { "dom0", PLACEMENT_DOM0 },
					     { "guard", PLACEMENT_GUARD },
					     { "split", PLACEMENT_SPLIT } };

static const cyaml_strval_t classes[] = { { "personal", NET_CLASS_PERSONAL },
					  { "work", NET_CLASS_WORK } };

static const cyaml_schema_value_t uplink_entry = SCHEMA_ENTRY_TEXT(MSG_IFNAME_BYTES);

static const cyaml_schema_field_t port_fields[] = {
	SCHEMA_TEXT("match", SCHEMA_MUST, struct raw_port, match),
	SCHEMA_WORD("class", SCHEMA_MUST, struct raw_port, net_class, classes), CYAML_FIELD_END
};

static const cyaml_schema_value_t port_entry = { CYAML_VALUE_MAPPING(
	CYAML_FLAG_DEFAULT, struct raw_port, port_fields) };

static const cyaml_schema_field_t top_fields[] = {
	SCHEMA_HEAD,
	SCHEMA_WORD("placement", SCHEMA_MUST, struct raw, placement, placements),
	SCHEMA_LIST("uplinks", SCHEMA_MAY, struct raw, uplink, n_uplinks, &uplink_entry, 0),
	SCHEMA_LIST("tunnels", SCHEMA_MAY, struct raw, tunnel, n_tunnels, &uplink_entry, 0),
	SCHEMA_LIST("dot1x", SCHEMA_MAY, struct raw, dot1x, n_dot1x, &uplink_entry, 0),
	SCHEMA_LIST("radios", SCHEMA_MAY, struct raw, radio, n_radios, &uplink_entry, 0),
	SCHEMA_LIST("ports", SCHEMA_MAY, struct raw, port, n_ports, &port_entry, 0),
	SCHEMA_TEXT("tpm", SCHEMA_MAY, struct raw, tpm),
	SCHEMA_TEXT("uid_base", SCHEMA_MUST, struct raw, uid_base),
	SCHEMA_TEXT("state", SCHEMA_MAY, struct raw, state),
	SCHEMA_TEXT("runtime", SCHEMA_MAY, struct raw, runtime),
	SCHEMA_TEXT("trust", SCHEMA_MAY, struct raw, trust),
	CYAML_FIELD_END
};

static const cyaml_schema_value_t top = { SCHEMA_TOP(struct raw, top_fields) };

/* What the kernel takes as the name of a link (dev_valid_name), less what a log would quote. */
static bool ifname_ok(const char *name)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return false;
	for (; *name; name++)
		if (*name <= ' ' || *name > '~' || strchr("/:*\"'\\", *name))
			return false;
	return true;
}

static bool match_ok(const char *match)
{
	char name[MSG_IFNAME_BYTES] = { 0 };
	size_t n = strlen(match);

	memcpy(name, match, match[n - 1] == '*' ? n - 1 : n);
	return name[0] != '\0' && ifname_ok(name);
}

static void read_path(struct fields *f, const char *key, const char *text, const char *default_path,
		      char ret[MSG_PATH_BYTES])
{
	const char *path = text[0] ? text : default_path;
	bool ok = path[0] == '/';

	for (const char *c = path; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			ok = false;
	fields_require(f, ok && !strstr(path, "/../"), key, -1, "not an absolute path");
	memcpy(ret, path, strlen(path));
}

/* Behind those that are there. */
static void add_uplinks(struct fields *f, const char *key, uint32_t kind,
			const struct raw_uplink *raw, uint32_t n, struct msg_config *c)
{
	for (uint32_t i = 0; i < n; i++) {
		fields_require(f, ifname_ok(raw[i].ifname), key, (int)i,
			       "not the name of a network link");
		for (uint32_t j = 0; j < c->n_uplinks; j++)
			fields_require(f, strcmp(c->uplink[j].ifname, raw[i].ifname) != 0, key,
				       (int)i, "named twice");
		fields_require(f, c->n_uplinks < MSG_UPLINKS, key, (int)i,
			       "more than 8 uplinks of all kinds together");
		if (fields_result(f) < 0)
			return;
		memcpy(c->uplink[c->n_uplinks].ifname, raw[i].ifname, MSG_IFNAME_BYTES);
		c->uplink[c->n_uplinks++].kind = kind;
	}
}

static void read_ports(struct fields *f, const struct raw *raw, struct msg_config *c)
{
	add_uplinks(f, "uplinks", UPLINK_LAN, raw->uplink, raw->n_uplinks, c);
	add_uplinks(f, "tunnels", UPLINK_TUNNEL, raw->tunnel, raw->n_tunnels, c);
	add_uplinks(f, "dot1x", UPLINK_DOT1X, raw->dot1x, raw->n_dot1x, c);
	add_uplinks(f, "radios", UPLINK_RADIO, raw->radio, raw->n_radios, c);
	c->n_ports = raw->n_ports;
	for (uint32_t i = 0; i < raw->n_ports; i++) {
		fields_require(f, match_ok(raw->port[i].match), "ports", (int)i,
			       "match is not the name of a network link, with or without a '*' at "
			       "its end");
		memcpy(c->port[i].match, raw->port[i].match, MSG_IFNAME_BYTES);
		c->port[i].net_class = raw->port[i].net_class;
		for (uint32_t j = 0; j < i; j++)
			fields_require(f, strcmp(raw->port[i].match, raw->port[j].match) != 0,
				       "ports", (int)i, "matched twice");
	}
}

int config_parse(const char *text, size_t len_bytes, struct msg_config *ret,
		 struct document_error *ret_error)
{
	OWNS_DOCUMENT struct document document = { 0 };
	struct msg_config c;
	const struct raw *raw;
	struct fields f;
	int r = document_load(text, len_bytes, DOCUMENT_CONFIG, &top, &document, ret_error);

	if (r < 0)
		return r;
	raw = document.data;
	f = fields_of(&document, ret_error);
	memset(&c, 0, sizeof(c));
	c.placement = raw->placement;
	c.uid_base =
		(uint32_t)fields_u64(&f, "uid_base", raw->uid_base, UID_BASE_MIN, UID_BASE_MAX);
	read_ports(&f, raw, &c);
	read_path(&f, "tpm", raw->tpm, "/dev/tpmrm0", c.tpm);
	read_path(&f, "state", raw->state, "/var/lib/bulkhead", c.state);
	read_path(&f, "runtime", raw->runtime, "/run/bulkhead", c.runtime);
	read_path(&f, "trust", raw->trust, "/etc/bulkhead/trust.yaml", c.trust);
	r = fields_result(&f);
	if (r == 0)
		*ret = c;
	return r;
}
