/* luks_header CASE FILE - a checked-out disk's header (LUKS2) with one thing changed in both copies and
 * every checksum right. Without arguments: the names of all cases, each with what the refusal must
 * name. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/luks_edit.h"

struct evil {
	const char *name, *after, *from, *to, *must_say;
};

static const struct evil EVIL[] = {
	{ "null-keyslot", "\"290816\"", "aes-xts-plain64", "cipher_null-ecb",
	  "keyslots.1.area.encryption" },
	{ "null-keyslot-of-the-laptop", "\"32768\"", "aes-xts-plain64", "cipher_null-ecb",
	  "keyslots.0.area.encryption" },
	{ "null-cipher", "\"segments\"", "aes-xts-plain64", "cipher_null-ecb",
	  "segments.0.encryption is \"cipher_null-ecb\"" },
	{ "ecb", "\"segments\"", "aes-xts-plain64", "aes-ecb", "segments.0.encryption" },
	{ "cbc-null", "\"segments\"", "aes-xts-plain64", "aes-cbc-null", "segments.0.encryption" },
	{ "short-tweak", "\"segments\"", "aes-xts-plain64", "aes-xts-plain",
	  "segments.0.encryption" },
	{ "smaller-key", "\"keyslots\"", "\"key_size\":64", "\"key_size\":32",
	  "keyslots.0.key_size" },
	{ "tweak-moved", "\"segments\"", "\"iv_tweak\":\"0\"", "\"iv_tweak\":\"8\"",
	  "segments.0.iv_tweak" },
	{ "payload-moved", "\"segments\"", "\"offset\":\"0\"", "\"offset\":\"512\"",
	  "segments.0.offset" },
	{ "payload-cut", "\"segments\"", "\"size\":\"dynamic\"", "\"size\":\"4096\"",
	  "segments.0.size" },
	{ "sectors-of-1024", "\"segments\"", "\"sector_size\":512", "\"sector_size\":1024",
	  "segments.0.sector_size" },
	{ "sectors-of-4096", "\"segments\"", "\"sector_size\":512", "\"sector_size\":4096",
	  "'leaf.luks': LUKS2 header: sector_size 0x1000" },
	{ "linear-segment", "\"segments\"", "\"type\":\"crypt\"", "\"type\":\"linear\"",
	  "segments.0.type" },
	{ "second-segment", "\"segments\"", "\"sector_size\":512}",
	  "\"sector_size\":512},\"1\":{\"type\":\"linear\",\"offset\":\"0\",\"size\":\"dynamic\"}",
	  "segments has '1'" },
	{ "backup-segment", "\"segments\"", "\"sector_size\":512}",
	  "\"sector_size\":512,\"flags\":[\"backup-final\"]}", "segments.0 has 'flags'" },
	{ "reencryption", "\"keyslots\"", "\"type\":\"luks2\"", "\"type\":\"reencrypt\"",
	  "keyslots.0.type" },
	{ "requirements", "\"config\"", "\"json_size\"",
	  "\"requirements\":{\"mandatory\":[\"online-reencrypt\"]},\"json_size\"",
	  "config has 'requirements'" },
	{ "unknown-requirements", "\"config\"", "\"json_size\"",
	  "\"requirements\":{\"mandatory\":[\"x\"]},\"json_size\"", "config has 'requirements'" },
	{ "third-keyslot", "\"keyslots\"",
	  "{\"0\":", "{\"2\":{\"type\":\"luks2\"},\"0\":", "keyslots has '2'" },
	{ "keyslots-overlap", "\"keyslots\"", "\"290816\"", "\"32768\"",
	  "areas of the keyslots overlap" },
	{ "keyslot-in-the-header", "\"keyslots\"", "\"32768\"", "\"0\"",
	  "keyslots.0.area lies outside" },
	{ "hours-of-pbkdf2", "\"keyslots\"", "\"iterations\":1000", "\"iterations\":2000000000",
	  "keyslots.0.kdf.iterations" },
	{ "digest-without-a-keyslot", "\"digests\"", "[\"0\",\"1\"]", "[\"0\"]",
	  "digests.0.keyslots" },
	{ "extra-token", "\"tokens\"", "\"tokens\":{",
	  "\"tokens\":{\"1\":{\"type\":\"systemd-tpm2\"},", "tokens has '1'" },
	{ "token-of-systemd", "\"tokens\"", "\"bulkhead\"", "\"systemd-tpm2\"", "tokens.0.type" },
	{ "token-of-version-2", "\"tokens\"", "\"version\":1", "\"version\":2",
	  "tokens.0.version" },
	{ "cheap-argon2", "\"tokens\"", "\"ops\":8", "\"ops\":1", "token.argon2.ops" },
	{ "json-twice", "\"config\"", "\"json_size\":\"12288\",",
	  "\"json_size\":\"12288\",\"json_size\":\"12288\",", "odd form" },
	{ "json-breaks-off", "\"config\"", "524288\"}}", "524288\"}", "breaks off" },
	/* these two have no text of their own: see main() */
	{ "copies-differ", "", "", "", "two copies of the header differ" },
	{ "hidden-bytes", "", "", "", "JSON area" },
};

enum { N = sizeof(EVIL) / sizeof(EVIL[0]), SECOND_SEQUENCE_AT = LUKS_COPY_BYTES + 23 };

static bool spoil(uint8_t *header, const struct evil *evil)
{
	if (strcmp(evil->name, "copies-differ") == 0) {
		header[SECOND_SEQUENCE_AT]++;
		luks_edit_checksum(header + LUKS_COPY_BYTES);
		return true;
	}
	if (strcmp(evil->name, "hidden-bytes") == 0) {
		for (int i = 1; i <= 2; i++) {
			header[i * LUKS_COPY_BYTES - 1] = 1;
			luks_edit_checksum(header + (i - 1) * LUKS_COPY_BYTES);
		}
		return true;
	}
	return luks_edit_json(header, evil->after, evil->from, evil->to);
}

int main(int argc, char **argv)
{
	static uint8_t header[LUKS_BYTES];
	int fd;

	for (size_t i = 0; argc == 1 && i < N; i++)
		printf("%s\t%s\n", EVIL[i].name, EVIL[i].must_say);
	if (argc == 1)
		return 0;
	fd = argc == 3 ? open(argv[2], O_RDWR | O_CLOEXEC) : -1;
	if (fd < 0 || pread(fd, header, LUKS_BYTES, 0) != LUKS_BYTES)
		return 1;
	for (size_t i = 0; i < N; i++)
		if (strcmp(EVIL[i].name, argv[1]) == 0 && spoil(header, &EVIL[i]) &&
		    pwrite(fd, header, LUKS_BYTES, 0) == LUKS_BYTES)
			return 0;
	fprintf(stderr, "luks_header: '%s' does not fit this header\n", argv[1]);
	return 1;
}
