#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/util.h"
#include "roles/cli_new_file.h"

typedef int begin(const char *path, struct cli_new_file *ret);
static begin *const ways[] = { cli_new_file_begin, cli_new_file_begin_named };

struct place {
	char folder[64], path[128], partial[160];
};

static void make_place(struct place *p)
{
	strcpy(p->folder, "/tmp/bulkhead-new-file.XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	(void)snprintf(p->path, sizeof(p->path), "%s/out", p->folder);
	(void)snprintf(p->partial, sizeof(p->partial), "%s.partial", p->path);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void holds(const char *path, const char *text)
{
	char got[16] = { 0 };
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_true(fread(got, 1, sizeof(got) - 1, f) == strlen(text));
	assert_string_equal(got, text);
	assert_int_equal(fclose(f), 0);
}

static void drop_place(struct place *p)
{
	(void)unlink(p->path);
	assert_int_equal(rmdir(p->folder), 0); /* nothing else was left */
}

static void has_its_name_only_when_it_is_done(void **state)
{
	struct cli_new_file f;
	struct place p;
	struct stat st;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
		make_place(&p);
		assert_int_equal(ways[i](p.path, &f), 0);
		assert_int_equal(write(f.fd, "new", 3), 3);
		assert_int_equal(access(p.path, F_OK), -1);
		assert_int_equal(cli_new_file_end(&f, true), 0);
		holds(p.path, "new");
		assert_int_equal(stat(p.path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		drop_place(&p);
	}
}

static void leaves_nothing_when_it_is_not_done(void **state)
{
	struct cli_new_file f;
	struct place p;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
		make_place(&p);
		assert_int_equal(ways[i](p.path, &f), 0);
		assert_int_equal(cli_new_file_end(&f, false), 0);
		assert_int_equal(access(p.path, F_OK), -1);
		drop_place(&p);
	}
}

static void never_takes_the_place_of_a_file(void **state)
{
	struct cli_new_file f;
	struct place p;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(ways); i++) {
		make_place(&p);
		assert_int_equal(ways[i](p.path, &f), 0);
		write_file(p.path, "theirs"); /* it came meanwhile */
		assert_int_equal(cli_new_file_end(&f, true), -EEXIST);
		assert_int_equal(ways[i](p.path, &f), -EEXIST);
		assert_int_equal(cli_new_file_end(&f, false), 0);
		holds(p.path, "theirs");
		drop_place(&p);
	}
}

static void overwrites_what_a_killed_one_has_left(void **state)
{
	struct cli_new_file f, other;
	struct place p;

	(void)state;
	make_place(&p);
	write_file(p.partial, "plaintext of before");
	assert_int_equal(chmod(p.partial, 0644), 0);
	assert_int_equal(cli_new_file_begin_named(p.path, &f), 0);
	assert_int_equal(lseek(f.fd, 0, SEEK_END), 0);
	/* but not while somebody makes it */
	assert_int_equal(cli_new_file_begin_named(p.path, &other), -EWOULDBLOCK);
	assert_int_equal(cli_new_file_end(&other, false), 0);
	assert_int_equal(cli_new_file_end(&f, true), 0);
	holds(p.path, "");
	drop_place(&p);
}

static void follows_no_link(void **state)
{
	struct cli_new_file f;
	struct place p;

	(void)state;
	make_place(&p);
	assert_int_equal(symlink("/dev/null", p.partial), 0);
	assert_int_equal(cli_new_file_begin_named(p.path, &f), -ELOOP);
	assert_int_equal(unlink(p.partial), 0);
	assert_int_equal(symlink("nowhere", p.path), 0);
	assert_int_equal(cli_new_file_begin(p.path, &f), -EEXIST);
	drop_place(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_its_name_only_when_it_is_done),
		cmocka_unit_test(leaves_nothing_when_it_is_not_done),
		cmocka_unit_test(never_takes_the_place_of_a_file),
		cmocka_unit_test(overwrites_what_a_killed_one_has_left),
		cmocka_unit_test(follows_no_link),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
