/* bulkhead: the command. A table of names, and what all areas share. */
#include "roles/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/defer.h"
#include "base/file.h"
#include "base/util.h"
#include "policy/config.h"

#define DEFAULT_CONFIG "/etc/bulkhead/bulkheadd.yaml"

enum { NAME_BYTES = 32, MMAP_THRESHOLD_BYTES = 256 * 1024 };

struct command {
	const char *name; /* one or two words */
	const char *arguments;
	const char *help;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{ "status", "", "what is open, what is closed, and why", cli_status },
	{ "monitor", "", "a line for each change, as it happens", cli_monitor },
	{ "net explain", "[PORT]", "what blocks a port, since when, and what would change it",
	  cli_net_explain },
	{ "net enroll-home", "[UPLINK] [--name NAME]", "make the foreign network of now a home",
	  cli_net_enroll_home },
	{ "net homes", "", "which networks are homes", cli_net_homes },
	{ "net forget-home", "NAME", "end a home", cli_net_forget_home },
	{ "net allow", "[UPLINK]", "open the foreign network of now, where the policy asks",
	  cli_net_allow },
	{ "net portal", "[UPLINK] [--end]",
	  "web pages for some minutes, where a network wants a click", cli_net_portal },
	{ "net suspend", "", "no grants, uplinks down: before the machine sleeps",
	  cli_net_suspend },
	{ "net resume", "", "uplinks up again, everything unknown: after it", cli_net_resume },
	{ "net release", "[--yes]", "give every uplink back to the host, unguarded",
	  cli_net_release },
	{ "wifi status", "", "which Wi-Fi network the radio is in", cli_wifi_status },
	{ "wifi list", "", "which Wi-Fi networks are there", cli_wifi_list },
	{ "wifi connect", "SSID", "join one; the passphrase comes from standard input",
	  cli_wifi_connect },
	{ "wifi forget", "SSID", "never join it again", cli_wifi_forget },
	{ "policy sign", "FILE --key SECRETKEY [--comment TEXT]", "sign a document as FILE.minisig",
	  cli_policy_sign },
	{ "policy verify", "FILE --trust FILE [--kind KIND]", "check a document and its signature",
	  cli_policy_verify },
	{ "policy show", "FILE", "what a policy says, zone by zone", cli_policy_show },
	{ "policy lint", "FILE", "what its writer would want to know before signing",
	  cli_policy_lint },
	{ "policy diff", "OLD NEW", "what becomes tighter, what looser", cli_policy_diff },
	{ "policy simulate", "FILE --zone ZONE --class CLASS [--other ZONE] [--agreed] [--portal]",
	  "what a port of that class would get", cli_policy_simulate },
	{ "policy explain", "FILE", "each zone and class, and why", cli_policy_explain },
	{ "policy install", "FILE", "offer a signed policy to the daemon", cli_policy_install },
	{ "device enrol", "--name NAME --tpm PATH", "this laptop's TPM as a record for IT to sign",
	  cli_device_enrol },
	{ "image make", "VHD", "its hash tree, and what an image key signs about it",
	  cli_image_make },
	{ "disk create",
	  "--source VHD --name NAME --out DIR --device FILE --trust FILE --lease-key FILE\n"
	  "       --recovery-out FILE|- [--not-after TIME | --days N] [--sector-size 512|4096]\n"
	  "       [--pin-fd N] [--in-place | --upon encrypted|plain [--image FILE | --image-key "
	  "FILE]]",
	  "check a disk out, encrypted", cli_disk_create },
	{ "disk unlock", "NAME [--pin-fd N]", "serve a disk until it is locked", cli_disk_unlock },
	{ "disk lock", "NAME", "stop serving a disk and wipe its key", cli_disk_lock },
	{ "disk info", "DIR", "what a disk's files say without a key", cli_disk_info },
	{ "disk export",
	  "DIR OUT [--format raw|vhd] --recovery-file FILE... [--recovery-fd N]... [--plain "
	  "NAME]... [--without-mac]",
	  "decrypt a disk with its recovery key", cli_disk_export },
	{ "disk rekey",
	  "DIR --recovery-file FILE --device FILE --trust FILE --lease-key FILE\n"
	  "       --recovery-out FILE|- [--not-after TIME | --days N] [--sector-size 512|4096]\n"
	  "       [--pin-fd N] [--plain NAME] [--image FILE | --image-key FILE]",
	  "encrypt a disk by a new key, in place, with a new lease", cli_disk_rekey },
	{ "disk decrypt", "DIR --recovery-file FILE [--without-mac]",
	  "make a disk plain again, in place", cli_disk_decrypt },
	{ "disk vouch", "DIR --recovery-file FILE... [--recovery-fd N]... [--plain NAME]...",
	  "a new MAC for a disk that has lost its own", cli_disk_vouch },
	{ "disk resume", "DIR --recovery-file FILE...", "finish a conversion that was interrupted",
	  cli_disk_resume },
	{ "disk snapshot", "NAME --recovery-out FILE [--pin-fd N]",
	  "write a new layer from now on, and keep what is there", cli_disk_snapshot },
	{ "disk merge",
	  "NAME [--pin-fd N] --recovery-file FILE... [--recovery-fd N]... [--plain NAME]...",
	  "put what the newest layer holds into the one below", cli_disk_merge },
	{ "vhd create", "FILE --size N[K|M|G|T] [--fixed] [--block-size N]", "make an empty VHD",
	  cli_vhd_create },
	{ "vhd info", "FILE", "type, sizes, identity of a VHD", cli_vhd_info },
	{ "vhd check", "FILE", "is a VHD sound", cli_vhd_check },
	{ "vhd snapshot", "LEAF NEW [--recovery-out FILE]", "a new, empty layer upon a VHD",
	  cli_vhd_snapshot },
	{ "vhd coalesce",
	  "LEAF [--into NEW [--recovery-out FILE]] [--keep]\n"
	  "       [--recovery-file FILE]... [--recovery-fd N]... [--plain NAME]...",
	  "merge a layer into its parent, or a chain into a file", cli_vhd_coalesce },
	{ "vhd map", "FILE", "which parts of a VHD are data, and where they lie", cli_vhd_map },
	{ "vhd repair", "FILE [--dry-run] [--yes] [--from start|end]",
	  "mend footers, checksums and the end of a VHD", cli_vhd_repair },
	{ "vhd resize", "FILE --size N[K|M|G|T] [--shrink]", "give a VHD another size, in place",
	  cli_vhd_resize },
	{ "audit verify", "[PATH] [--anchor FILE]", "check the chain of the audit log",
	  cli_audit_verify },
	{ "audit anchor", "", "what the TPM knows of the audit log", cli_audit_anchor },
	{ "audit checkpoint", "", "anchor the audit log in the TPM now", cli_audit_checkpoint },
	{ "report", "[--audit DIR] [--out FILE]", "write a page of what happened", cli_report },
	{ "attach", "NAME", "connect an unlocked disk to a block device (for scripts)",
	  cli_attach },
	{ "detach", "NAME", "disconnect it again (for scripts)", cli_detach },
};

/* Is this one of the group's commands ("disk create" of "disk")? Of no group: every command is. */
static bool in_group(const struct command *c, const char *group)
{
	size_t length = group ? strlen(group) : 0;

	return !group || (strncmp(c->name, group, length) == 0 && c->name[length] == ' ');
}

/* All commands, or those of a group; false when there is none. */
static bool print_commands(FILE *to, const char *group)
{
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (!in_group(&commands[i], group))
			continue;
		if (!any)
			fprintf(to,
				"usage: bulkhead %s%sCOMMAND [ARGUMENT...] [--config FILE] "
				"[--json]\n\n",
				group ? group : "", group ? " " : "");
		any = true;
		fprintf(to, "  %-17s %s\n", commands[i].name, commands[i].help);
	}
	if (any)
		fputs("\nbulkhead COMMAND --help shows its arguments; bulkhead(8) tells all.\n",
		      to);
	return any;
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void print_command(FILE *to, const struct command *c)
{
	fprintf(to, "usage: bulkhead %s%s%s [--config FILE] [--json]\n", c->name,
		c->arguments[0] ? " " : "", c->arguments);
}

int cli_usage(const char *name)
{
	const struct command *c = find_command(name);

	if (c)
		print_command(stderr, c);
	return CLI_USAGE;
}

int cli_error(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bulkhead: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	return status;
}

int cli_errno(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("bulkhead: ", stderr);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, ": %s\n", strerror(-err));
	va_end(ap);
	return CLI_FAILED;
}

/* Take argv[*at], which is "--config" or "--config=F"; *at points behind it. NULL: no value. */
static const char *take_config(char **argv, int argc, int *at)
{
	const char *inline_value = strchr(argv[*at], '=');

	if (inline_value) {
		++*at;
		return inline_value + 1;
	}
	if (*at + 1 >= argc)
		return NULL;
	*at += 2;
	return argv[*at - 1];
}

int cli_common(struct cli_options *ret, int *argc, char **argv)
{
	int kept = 1, at = 1;

	*ret = (struct cli_options){ .config_path = DEFAULT_CONFIG };
	while (at < *argc && strcmp(argv[at], "--") != 0) {
		if (strcmp(argv[at], "--json") == 0) {
			ret->json = true;
			at++;
		} else if (strcmp(argv[at], "--config") == 0 ||
			   strncmp(argv[at], "--config=", 9) == 0) {
			ret->config_path = take_config(argv, *argc, &at);
			if (!ret->config_path)
				return cli_error(CLI_USAGE, "%s: --config needs a file", argv[0]);
		} else {
			argv[kept++] = argv[at++];
		}
	}
	while (at < *argc)
		argv[kept++] = argv[at++];
	*argc = kept;
	argv[kept] = NULL;
	return 0;
}

int cli_config(const char *path, struct msg_config *ret)
{
	OWNS_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char text[DOCUMENT_BYTES_MAX + 1];
	struct document_error error;
	size_t n = 0;
	int r = fd < 0 ? -errno : file_drain(fd, text, sizeof(text), &n);

	if (r < 0)
		return cli_errno(r, "read configuration '%s'", path);
	r = config_parse(text, n, ret, &error);
	if (r == -EBADMSG)
		return cli_error(CLI_DAMAGED, "configuration '%s': line %u, column %u: %s", path,
				 (unsigned)error.line, (unsigned)error.column, error.text);
	return r < 0 ? cli_errno(r, "configuration '%s'", path) : 0;
}

/* "bulkhead --json status" means "bulkhead status --json": move what stands before the command
 * behind it, where cli_common() takes it. */
static void options_to_the_end(int argc, char **argv)
{
	for (int moved = 0; moved < argc && argc > 1; moved++) {
		bool with_value = strcmp(argv[1], "--config") == 0;
		char *first = argv[1], *second = argc > 2 ? argv[2] : NULL;
		int n = with_value && second ? 2 : 1;

		if (strcmp(first, "--json") != 0 && strncmp(first, "--config", 8) != 0)
			return;
		memmove(&argv[1], &argv[1 + n], (size_t)(argc - 1 - n) * sizeof(argv[0]));
		argv[argc - n] = first;
		if (n == 2)
			argv[argc - 1] = second;
	}
}

/* The command that argv begins with; *ret_words is how many words its name has. */
static const struct command *match(int argc, char **argv, int *ret_words)
{
	char name[NAME_BYTES];

	for (int words = 2; words > 0; words--) {
		const struct command *c;

		if (argc <= words)
			continue;
		(void)snprintf(name, sizeof(name), "%s%s%s", argv[1], words == 2 ? " " : "",
			       words == 2 ? argv[2] : "");
		c = find_command(name);
		if (c) {
			*ret_words = words;
			return c;
		}
	}
	return NULL;
}

/* "bulkhead disk" and "bulkhead disk --help": what there is of it. False when it is no group. */
static bool group_usage(int argc, char **argv, int *ret_status)
{
	bool asked = argc == 3 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);

	*ret_status = asked ? CLI_DONE : CLI_USAGE;
	return (argc == 2 || asked) && print_commands(asked ? stdout : stderr, argv[1]);
}

int main(int argc, char **argv)
{
	const struct command *c;
	char name[NAME_BYTES];
	int words = 0, status;

	/* The tables of a large disk go back to the kernel when they are freed, not to a heap that keeps them
	 * beside the next (mallopt(3): this bound grows by itself otherwise). */
	(void)mallopt(M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
	if (sodium_init() < 0)
		return cli_error(CLI_FAILED, "start: libsodium has no random numbers");
	options_to_the_end(argc, argv);
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return puts("bulkhead " BULKHEAD_VERSION) < 0 ? CLI_FAILED : CLI_DONE;
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		(void)print_commands(stdout, NULL);
		return CLI_DONE;
	}
	c = match(argc, argv, &words);
	if (!c && argc > 1 && group_usage(argc, argv, &status))
		return status;
	if (!c && argc > 1)
		return cli_error(CLI_USAGE,
				 "'%s%s%s': there is no such command; bulkhead --help lists them",
				 argv[1], argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
	if (!c) {
		(void)print_commands(stderr, NULL);
		return CLI_USAGE;
	}
	for (int i = words + 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			print_command(stdout, c);
			printf("%s\n", c->help);
			return CLI_DONE;
		}
	(void)snprintf(name, sizeof(name), "%s", c->name);
	argv[words] = name;
	return c->run(argc - words, argv + words);
}
