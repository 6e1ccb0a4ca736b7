/* Keys and certificates. A secret key file is a line that names its kind, then the raw key. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/defer.h"
#include "base/file.h"
#include "base/loop.h"

#include "roles/beacon.h"

enum { HEAD_BYTES = 16, DAY_S = 24 * 60 * 60, DAYS_MAX = 366, PUBLIC_BYTES = 2 * BEACON_KEY_BYTES };

static const char HEAD_ROOT[HEAD_BYTES + 1] = "bulkhead-root-1\n";
static const char HEAD_BEACON[HEAD_BYTES + 1] = "bulkhead-bkey-1\n";

/* A new file, never over an old one: a lost root key cannot be had again. */
static int write_file(const char *path, mode_t mode, const char *head, const uint8_t *data,
		      size_t len_bytes)
{
	OWNS_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = head ? file_append(fd, head, HEAD_BYTES) : 0;
	if (r == 0)
		r = file_append(fd, data, len_bytes);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(path); /* half a key is worse than none */
	return r;
}

static int read_secret(const char *path, const char *head, size_t len_bytes, struct secret *ret)
{
	OWNS_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	OWNS_SECRET struct secret s = { 0 };
	char seen[HEAD_BYTES], more;
	int r;

	if (fd < 0)
		return -errno;
	r = secret_new(&s, len_bytes);
	if (r < 0)
		return r;
	if (read(fd, seen, sizeof(seen)) != (ssize_t)sizeof(seen) ||
	    memcmp(seen, head, sizeof(seen)) != 0 ||
	    read(fd, s.bytes, len_bytes) != (ssize_t)len_bytes || read(fd, &more, 1) != 0)
		return -EBADMSG;
	*ret = s;
	s = (struct secret){ 0 };
	return 0;
}

static void print_base64(const uint8_t *data, size_t len_bytes)
{
	char text[sodium_base64_ENCODED_LEN(PUBLIC_BYTES, sodium_base64_VARIANT_ORIGINAL)];

	(void)sodium_bin2base64(text, sizeof(text), data, len_bytes,
				sodium_base64_VARIANT_ORIGINAL);
	(void)puts(text);
}

int beacon_keygen(int argc, char **argv)
{
	OWNS_SECRET struct secret s = { 0 };
	uint8_t public[PUBLIC_BYTES];
	bool root;
	int r;

	if (argc != 3 || (strcmp(argv[1], "root") != 0 && strcmp(argv[1], "beacon") != 0))
		return BEACON_EXIT_USAGE;
	root = strcmp(argv[1], "root") == 0;
	r = secret_new(&s, root ? BEACON_SIGN_SECRET_BYTES : BEACON_KEY_SECRET_BYTES);
	if (r < 0) {
		beacon_say(r, "keygen '%s': lock memory for the key; raise RLIMIT_MEMLOCK",
			   argv[2]);
		return BEACON_EXIT_FAILED;
	}
	(void)crypto_sign_keypair(public, s.bytes); /* these two cannot fail */
	if (!root)
		(void)crypto_box_keypair(public + BEACON_KEY_BYTES,
					 s.bytes + BEACON_SIGN_SECRET_BYTES);
	r = write_file(argv[2], 0600, root ? HEAD_ROOT : HEAD_BEACON, s.bytes, s.len_bytes);
	if (r < 0) {
		beacon_say(r, "keygen '%s': write the secret key; choose a new file", argv[2]);
		return BEACON_EXIT_FAILED;
	}
	print_base64(public, root ? BEACON_KEY_BYTES : PUBLIC_BYTES);
	return BEACON_EXIT_DONE;
}

int beacon_key_load(const char *path, struct secret *ret, uint8_t ret_sign_key[BEACON_KEY_BYTES],
		    uint8_t ret_box_key[BEACON_KEY_BYTES])
{
	int r = read_secret(path, HEAD_BEACON, BEACON_KEY_SECRET_BYTES, ret);

	if (r < 0)
		return r;
	(void)crypto_sign_ed25519_sk_to_pk(ret_sign_key, ret->bytes);
	(void)crypto_scalarmult_base(ret_box_key, ret->bytes + BEACON_SIGN_SECRET_BYTES);
	return 0;
}

struct certify_options {
	const char *root;
	const char *key;
	const char *site;
	uint64_t epoch;
	uint64_t days;
	uint32_t proof_class;
};

static bool read_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	char *end;
	unsigned long long v;

	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

static bool read_options(int argc, char **argv, struct certify_options *o)
{
	static const struct option options[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "key", required_argument, NULL, 'k' },
		{ "site", required_argument, NULL, 's' },
		{ "epoch", required_argument, NULL, 'e' },
		{ "days", required_argument, NULL, 'd' },
		{ "tunnel", no_argument, NULL, 't' },
		{ 0 },
	};

	o->proof_class = PROOF_CLASS_LINK;
	for (int c = getopt_long(argc, argv, "", options, NULL); c != -1;
	     c = getopt_long(argc, argv, "", options, NULL)) {
		if (c == 'r')
			o->root = optarg;
		else if (c == 'k')
			o->key = optarg;
		else if (c == 's')
			o->site = optarg;
		else if (c == 't')
			o->proof_class = PROOF_CLASS_TUNNEL;
		else if (c == 'e' && read_number(optarg, 1, UINT64_MAX - 1, &o->epoch))
			continue;
		else if (c != 'd' || !read_number(optarg, 1, DAYS_MAX, &o->days))
			return false;
	}
	return o->root && o->key && o->site && o->epoch && o->days && optind == argc - 1;
}

static bool fill_certificate(const struct certify_options *o, struct beacon_certificate *c)
{
	uint8_t keys[PUBLIC_BYTES], wire[BEACON_CERTIFICATE_BYTES];
	uint64_t now_s = loop_now_wall_s();
	size_t n_bytes;

	if (sodium_base642bin(keys, sizeof(keys), o->key, strlen(o->key), NULL, &n_bytes, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0 ||
	    n_bytes != sizeof(keys) || strlen(o->site) >= sizeof(c->site))
		return false;
	*c = (struct beacon_certificate){
		.proof_class = o->proof_class,
		.epoch = o->epoch,
		.not_before_wall_s = now_s,
		.not_after_wall_s = now_s + o->days * DAY_S,
	};
	memcpy(c->site, o->site, strlen(o->site));
	memcpy(c->sign_key, keys, sizeof(c->sign_key));
	memcpy(c->box_key, keys + BEACON_KEY_BYTES, sizeof(c->box_key));
	beacon_wire_certificate_build(c, wire);
	return beacon_wire_certificate_parse(wire, sizeof(wire), c) == 0;
}

int beacon_certify(int argc, char **argv)
{
	OWNS_SECRET struct secret root = { 0 };
	struct certify_options o = { 0 };
	struct beacon_certificate c;
	uint8_t wire[BEACON_CERTIFICATE_BYTES];
	int r;

	if (!read_options(argc, argv, &o))
		return BEACON_EXIT_USAGE;
	if (!fill_certificate(&o, &c)) {
		beacon_say(0,
			   "certify: site '%s' with key '%s': the site must be 1 to 31 printable "
			   "characters without a space, the key what 'keygen beacon' printed",
			   o.site, o.key);
		return BEACON_EXIT_USAGE;
	}
	r = read_secret(o.root, HEAD_ROOT, BEACON_SIGN_SECRET_BYTES, &root);
	if (r < 0) {
		beacon_say(r, "certify: read root key '%s'; give the file that 'keygen root' wrote",
			   o.root);
		return r == -EBADMSG ? BEACON_EXIT_DAMAGED : BEACON_EXIT_FAILED;
	}
	r = beacon_verify_certificate_sign(&c, root.bytes, wire);
	if (r == 0)
		r = write_file(argv[optind], 0644, NULL, wire, sizeof(wire));
	if (r < 0) {
		beacon_say(r, "certify: write certificate '%s'; choose a new file", argv[optind]);
		return BEACON_EXIT_FAILED;
	}
	return BEACON_EXIT_DONE;
}
