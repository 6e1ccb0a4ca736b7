/* bulkhead net portal: on the user's word, a few minutes of web pages where a network wants a click. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/msg_ctl.h"
#include "roles/cli.h"

static int options(int argc, char **argv, bool *ret_end)
{
	static const struct option known[] = { { "end", no_argument, NULL, 'e' },
					       { NULL, 0, NULL, 0 } };
	int c;

	*ret_end = false;
	optind = 1;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (c == 'e')
			*ret_end = true;
		else
			return cli_usage(argv[0]);
	return optind >= argc - !*ret_end ? 0 : cli_usage(argv[0]);
}

int cli_net_portal(int argc, char **argv)
{
	struct msg_ctl request = { .verb = CTL_PORTAL, .id = 1 };
	struct cli_options common;
	struct msg_ctl_reply reply;
	struct msg_config config;
	bool ends;
	int r = cli_common(&common, &argc, argv);

	if (r == 0)
		r = options(argc, argv, &ends);
	if (r == 0)
		r = cli_config(common.config_path, &config);
	if (r != 0)
		return r;
	if (ends)
		request.verb = CTL_PORTAL_END;
	if (optind < argc &&
	    snprintf(request.name, sizeof(request.name), "%s", argv[optind]) >= MSG_IFNAME_BYTES)
		return cli_error(CLI_USAGE, "net portal '%s': no uplink can be called so",
				 argv[optind]);
	r = cli_control_ask(&config, &request, -1, "net portal", &reply);
	if (r == 0)
		r = cli_control_result(&reply, "net portal");
	if (r != 0)
		return r;
	if (ends)
		puts("the captive portal's time is over");
	else
		printf("%s, less the company's; a corporate sign, another network or "
		       "'bulkhead net portal --end' ends it sooner\n",
		       reply.detail);
	return CLI_DONE;
}
