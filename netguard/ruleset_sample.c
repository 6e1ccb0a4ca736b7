#include "netguard/ruleset_sample.h"

#include "netguard/blocked_text.h"
#include "netguard/ruleset.h"

/* Five a second say what is tried; a flood of 50,000 costs its limiter. 96 bytes hold the heads of
 * IPv6 and TCP behind an Ethernet one, and little of what anybody wrote. */
#define SAMPLE_LIMIT "limit rate 5/second burst 10 packets "

void ruleset_sample_add(struct ruleset_text *t, enum blocked_what what, bool from_ports)
{
	const char *name = blocked_text_what(what);

	ruleset_text_add(t, "	counter ");
	ruleset_text_add(t, name);
	ruleset_text_add(t, " { }\n	chain ");
	ruleset_text_add(t, name);
	ruleset_text_add(t, from_ports ? " {\n		iifname . iif != @uplinks "
				       : " {\n		");
	ruleset_text_add(t, SAMPLE_LIMIT "log prefix \"bh:");
	ruleset_text_add(t, name);
	ruleset_text_add(t, " \" group ");
	ruleset_text_number(t, RULESET_NFLOG_GROUP);
	ruleset_text_add(t, " snaplen 96\n		counter name ");
	ruleset_text_add(t, name);
	ruleset_text_add(t, " drop\n	}\n");
}
