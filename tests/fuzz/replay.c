/* replay - feed files to a fuzz target, with any compiler: the files and folders named in argv.
 *
 * Each input is given as it is, cut at every length and with every bit flipped once (inputs up to
 * THOROUGH_BYTES): what a sanitizer build would complain about is found without a fuzzer. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	THOROUGH_BYTES = 2048, /* larger ones: a few seconds become minutes */
	INPUT_MAX_BYTES = 16 << 20,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static unsigned long n_inputs;

/* From a heap block of exactly its size: then a sanitizer sees the first byte too many. */
static void feed(const uint8_t *data, size_t len_bytes)
{
	uint8_t *copy = malloc(len_bytes > 0 ? len_bytes : 1);

	if (!copy)
		abort();
	memcpy(copy, data, len_bytes);
	(void)LLVMFuzzerTestOneInput(copy, len_bytes);
	free(copy);
	n_inputs++;
}

static void feed_variants(uint8_t *data, size_t len_bytes)
{
	feed(data, len_bytes);
	if (len_bytes > THOROUGH_BYTES)
		return;
	for (size_t n = 0; n < len_bytes; n++)
		feed(data, n);
	for (size_t bit = 0; bit < len_bytes * 8; bit++) {
		data[bit / 8] = (uint8_t)(data[bit / 8] ^ (1U << (bit % 8)));
		feed(data, len_bytes);
		data[bit / 8] = (uint8_t)(data[bit / 8] ^ (1U << (bit % 8)));
	}
}

static int replay_file(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX_BYTES);
	FILE *file = fopen(path, "re");
	size_t len_bytes;

	if (!data || !file) {
		fprintf(stderr, "replay: open '%s': %s\n", path, strerror(errno));
		free(data);
		return 1;
	}
	len_bytes = fread(data, 1, INPUT_MAX_BYTES, file);
	fclose(file);
	feed_variants(data, len_bytes);
	free(data);
	return 0;
}

static int replay(const char *path)
{
	struct dirent **entry;
	struct stat st;
	int bad = 0;
	int n;

	if (stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
		return replay_file(path);
	n = scandir(path, &entry, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		char child[4096];

		snprintf(child, sizeof(child), "%s/%s", path, entry[i]->d_name);
		if (entry[i]->d_name[0] != '.')
			bad |= replay(child);
		free(entry[i]);
	}
	if (n >= 0)
		free(entry);
	return bad | (n <= 2);
}

int main(int argc, char **argv)
{
	int bad = argc < 2;

	for (int i = 1; i < argc; i++)
		bad |= replay(argv[i]);
	printf("%lu inputs\n", n_inputs);
	return bad || n_inputs == 0;
}
