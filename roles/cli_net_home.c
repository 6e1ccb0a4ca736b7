/* bulkhead net enroll-home, homes, forget-home, allow: what people say of networks. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "netguard/homes.h"
#include "roles/cli.h"

enum { JSON_BYTES = 8192 };

static int ask(const char *config_path, const struct msg_ctl *request, const char *what,
	       struct msg_ctl_reply *ret)
{
	struct msg_config config;
	int status = cli_config(config_path, &config);

	if (status == 0)
		status = cli_control_ask(&config, request, -1, what, ret);
	return status != 0 ? status : cli_control_result(ret, what);
}

/* An optional word into a field of the request. */
static int take_word(const char *what, const char *word, char *field, size_t field_bytes)
{
	if (!word)
		return 0;
	if (strlen(word) >= field_bytes)
		return cli_error(CLI_USAGE, "%s: '%s' is too long; at most %zu characters", what,
				 word, field_bytes - 1);
	memcpy(field, word, strlen(word) + 1);
	return 0;
}

static int take_name(const char *what, const char *name, struct msg_ctl *request)
{
	int status = take_word(what, name, request->name, sizeof(request->name));

	if (status == 0 && name && !homes_name_ok(name))
		status = cli_error(CLI_USAGE,
				   "%s: '%s' is no name; it begins with a letter or digit and has "
				   "only those, '.', '_' and '-'",
				   what, name);
	return status;
}

int cli_net_enroll_home(int argc, char **argv)
{
	static const struct option known[] = { { "name", required_argument, NULL, 'n' }, { 0 } };
	struct msg_ctl request = { .verb = CTL_HOME_ENROL, .id = 1 };
	struct msg_ctl_reply reply;
	struct cli_options opt;
	const char *name = NULL;
	int status = cli_common(&opt, &argc, argv);
	int c;

	if (status != 0)
		return status;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c != 'n')
			return cli_usage(argv[0]);
		name = optarg;
	}
	if (argc - optind > 1)
		return cli_usage(argv[0]);
	status = take_name(argv[0], name, &request);
	if (status == 0)
		status = take_word(argv[0], optind < argc ? argv[optind] : NULL, request.uplink,
				   sizeof(request.uplink));
	if (status == 0)
		status = ask(opt.config_path, &request, argv[0], &reply);
	if (status == CLI_DONE)
		printf("this network is home '%s' from now on\n", reply.detail);
	return status;
}

int cli_net_allow(int argc, char **argv)
{
	struct msg_ctl request = { .verb = CTL_NET_ALLOW, .id = 1 };
	struct msg_ctl_reply reply;
	struct cli_options opt;
	int status = cli_common(&opt, &argc, argv);

	if (status == 0 && argc > 2)
		status = cli_usage(argv[0]);
	if (status == 0)
		status = take_word(argv[0], argc > 1 ? argv[1] : NULL, request.uplink,
				   sizeof(request.uplink));
	if (status == 0)
		status = ask(opt.config_path, &request, argv[0], &reply);
	if (status == CLI_DONE)
		printf("'%s' is open to personal until the network changes\n", reply.detail);
	return status;
}

int cli_net_forget_home(int argc, char **argv)
{
	struct msg_ctl request = { .verb = CTL_HOME_FORGET, .id = 1 };
	struct msg_ctl_reply reply;
	struct cli_options opt;
	char what[128];
	int status = cli_common(&opt, &argc, argv);

	if (status == 0 && argc != 2)
		status = cli_usage(argv[0]);
	if (status != 0)
		return status;
	(void)snprintf(what, sizeof(what), "%s '%s'", argv[0], argv[1]);
	status = take_name(what, argv[1], &request);
	if (status == 0)
		status = ask(opt.config_path, &request, what, &reply);
	if (status == CLI_DONE)
		printf("'%s' is no home any more\n", argv[1]);
	return status;
}

static const char *day_of(uint64_t wall_s, char out[16])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || strftime(out, 16, "%Y-%m-%d", &tm) == 0)
		(void)snprintf(out, 16, "?");
	return out;
}

static int homes_json(const struct msg_ctl_reply *r)
{
	char text[JSON_BYTES];
	struct json j;

	json_begin(&j, text, sizeof(text));
	json_array(&j, NULL);
	for (uint32_t i = 0; i < r->n_homes; i++) {
		json_object(&j, NULL);
		json_string(&j, "name", r->home[i].name);
		json_string(&j, "known_by", r->home[i].known_by);
		json_u64(&j, "enrolled", r->home[i].enrolled_wall_s);
		if (r->home[i].ends_wall_s != 0)
			json_u64(&j, "ends", r->home[i].ends_wall_s);
		else
			json_null(&j, "ends");
		json_object_end(&j);
	}
	json_array_end(&j);
	if (json_end(&j, NULL) < 0)
		return cli_error(CLI_FAILED, "net homes: the answer is too large");
	return puts(text) < 0 ? CLI_FAILED : CLI_DONE;
}

int cli_net_homes(int argc, char **argv)
{
	struct msg_ctl request = { .verb = CTL_HOME_LIST, .id = 1 };
	struct msg_ctl_reply reply;
	struct cli_options opt;
	char from[16], until[16];
	int status = cli_common(&opt, &argc, argv);

	if (status == 0 && argc != 1)
		status = cli_usage(argv[0]);
	if (status == 0)
		status = ask(opt.config_path, &request, argv[0], &reply);
	if (status != 0)
		return status;
	if (reply.n_homes > MSG_HOMES)
		return cli_error(CLI_FAILED, "net homes: bulkheadd gave an impossible answer");
	if (opt.json)
		return homes_json(&reply);
	for (uint32_t i = 0; i < reply.n_homes; i++) {
		const struct msg_home_status *h = &reply.home[i];

		printf("%-20s %s, enrolled %s, %s %s\n", h->name, h->known_by,
		       day_of(h->enrolled_wall_s, from),
		       h->ends_wall_s ? "until" : "does not count",
		       h->ends_wall_s ? day_of(h->ends_wall_s, until) : "under this policy");
	}
	if (reply.n_homes == 0)
		printf("no homes; 'bulkhead net enroll-home' makes the network of now one\n");
	return CLI_DONE;
}
