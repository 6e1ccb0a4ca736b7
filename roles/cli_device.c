/* bulkhead device enrol: this laptop's TPM and boot, as a record for IT to sign. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/defer.h"
#include "policy/device.h"
#include "policy/text.h"
#include "roles/cli.h"
#include "vhdcrypt/tpm.h"
#include "vhdcrypt/tpm_name.h"

/* Boot loader; its commands; the files it read; the root volume (design 6). */
#define CANDIDATES (UINT32_C(1) << 4 | UINT32_C(1) << 8 | UINT32_C(1) << 9 | UINT32_C(1) << 15)

struct order {
	const char *name;
	const char *tpm;   /* NULL: as the configuration says */
	uint32_t pcr_mask; /* 0: those of CANDIDATES that are not blank */
	char what[128];
};

static int connect_tpm(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	OWNS_FD int fd = -1;
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISSOCK(st.st_mode)) {
		if (strlen(path) >= sizeof(to.sun_path))
			return -ENAMETOOLONG;
		memcpy(to.sun_path, path, strlen(path) + 1);
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
			return -errno;
	} else {
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return -errno;
	}
	return take_fd(&fd);
}

/* "4,8,9,15" */
static int parse_pcrs(const char *text, uint32_t *ret)
{
	uint32_t mask = 0;

	for (;;) {
		char *end;
		unsigned long pcr = strtoul(text, &end, 10);

		if (end == text || *text < '0' || *text > '9' || pcr >= TPM_N_PCRS)
			return -EINVAL;
		mask |= UINT32_C(1) << pcr;
		if (*end == '\0') {
			*ret = mask;
			return 0;
		}
		if (*end != ',')
			return -EINVAL;
		text = end + 1;
	}
}

static int read_options(struct order *o, int argc, char **argv)
{
	static const struct option known[] = { { "name", required_argument, NULL, 'n' },
					       { "tpm", required_argument, NULL, 't' },
					       { "pcrs", required_argument, NULL, 'p' },
					       { 0 } };
	int c;

	*o = (struct order){ 0 };
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (c == 'n')
			o->name = optarg;
		else if (c == 't')
			o->tpm = optarg;
		else if (c != 'p' || parse_pcrs(optarg, &o->pcr_mask) < 0)
			return cli_usage(argv[0]);
	if (optind != argc || !o->name)
		return cli_usage(argv[0]);
	if (!text_name_ok(o->name))
		return cli_error(CLI_USAGE, "%s: '%s' is no name: letters, digits, '.', '_', '-'",
				 argv[0], o->name);
	(void)snprintf(o->what, sizeof(o->what), "%s '%s'", argv[0], o->name);
	return 0;
}

static int refuse_tpm(const struct order *o, const struct tpm *tpm, const char *doing, int r)
{
	if (r == -EIO || r == -EPROTO)
		return cli_error(CLI_FAILED, "%s: %s: TPM response code 0x%03x", o->what, doing,
				 (unsigned)tpm_rc(tpm));
	return cli_errno(r, "%s: %s", o->what, doing);
}

static int find_srk(const struct order *o, struct tpm *tpm, struct device *d)
{
	struct tpm_srk srk;
	int r = tpm_srk_make(tpm);

	if (r == -EKEYREJECTED)
		return cli_error(CLI_REFUSED,
				 "%s: the TPM's owner hierarchy has a password; make the "
				 "storage root key at 0x81000001 with it first",
				 o->what);
	if (r < 0 && r != -EEXIST)
		return refuse_tpm(o, tpm, "make the storage root key", r);
	r = tpm_srk_find(tpm, &srk, d->srk_name);
	if (r == -EOPNOTSUPP)
		return cli_error(CLI_REFUSED,
				 "%s: the key at 0x81000001 is no P-256 storage key; "
				 "whoever made it must evict it",
				 o->what);
	if (r < 0)
		return refuse_tpm(o, tpm, "read the storage root key", r);
	memcpy(d->srk_public, srk.public, srk.public_bytes);
	d->srk_public_bytes = (uint32_t)srk.public_bytes;
	return 0;
}

static int choose_pcrs(const struct order *o, struct tpm *tpm, struct device *d)
{
	uint32_t asked = o->pcr_mask ? o->pcr_mask : CANDIDATES, blank;
	int r = tpm_pcr_read(tpm, asked, d->pcr_value);

	if (r == -ENODATA)
		return cli_error(CLI_REFUSED,
				 "%s: the TPM has no SHA-256 bank of PCRs; switch it on "
				 "in the firmware",
				 o->what);
	if (r < 0)
		return refuse_tpm(o, tpm, "read the PCRs", r);
	blank = tpm_name_blank_pcrs(asked, d->pcr_value);
	if (o->pcr_mask && blank)
		return cli_error(CLI_REFUSED,
				 "%s: nothing was measured into PCR mask 0x%06x; a seal "
				 "to blank PCRs means nothing",
				 o->what, (unsigned)blank);
	d->pcr_mask = asked & ~blank;
	if (d->pcr_mask == 0)
		return cli_error(CLI_REFUSED,
				 "%s: PCR 4, 8, 9 and 15 are all blank; boot by UEFI with "
				 "a boot loader that measures",
				 o->what);
	for (unsigned pcr = 0; pcr < TPM_N_PCRS; pcr++)
		if (blank >> pcr & 1)
			memset(d->pcr_value[pcr], 0, sizeof(d->pcr_value[pcr]));
	tpm_name_pcr_digest(d->pcr_mask, d->pcr_value, d->pcr_digest);
	return 0;
}

/* What IT should know before it signs; no fault of the command. */
static int warn_of_limits(const struct order *o, struct tpm *tpm, const struct device *d)
{
	struct tpm_lockout l;
	int r = tpm_lockout_read(tpm, &l);

	if (r < 0)
		return refuse_tpm(o, tpm, "read the lock-out state", r);
	fprintf(stderr,
		"boot coverage: %s; wrong PINs before lock-out: %u; one is forgiven every %u s\n",
		device_coverage_name(device_coverage(d->pcr_mask)), (unsigned)l.n_max,
		(unsigned)l.recovery_s);
	return 0;
}

int cli_device_enrol(int argc, char **argv)
{
	struct device device = { 0 };
	struct msg_config config;
	struct cli_options opt;
	struct order order;
	char text[DEVICE_TEXT_BYTES];
	struct tpm *tpm = NULL;
	OWNS_FD int fd = -1;
	int status = cli_common(&opt, &argc, argv);

	if (status == 0)
		status = read_options(&order, argc, argv);
	if (status == 0 && !order.tpm) {
		status = cli_config(opt.config_path, &config);
		order.tpm = config.tpm;
	}
	if (status != 0)
		return status;
	fd = connect_tpm(order.tpm);
	if (fd < 0)
		return cli_errno(fd, "%s: open TPM '%s'", order.what, order.tpm);
	if (setenv("TSS2_LOG", "all+none", 1) < 0 || tpm_open(fd, &tpm) < 0)
		return cli_error(CLI_FAILED, "%s: the TSS library does not start", order.what);
	(void)snprintf(device.name, sizeof(device.name), "%s", order.name);
	device.issued_wall_s = (uint64_t)time(NULL);
	status = find_srk(&order, tpm, &device);
	if (status == 0)
		status = choose_pcrs(&order, tpm, &device);
	if (status == 0)
		status = warn_of_limits(&order, tpm, &device);
	if (status == 0 && device_build(&device, text) < 0)
		status = cli_error(CLI_FAILED, "%s: the record cannot be written", order.what);
	if (status == 0 && (fputs(text, stdout) < 0 || fflush(stdout) != 0))
		status = cli_errno(-errno, "%s: print the record", order.what);
	tpm_close(tpm);
	return status;
}
