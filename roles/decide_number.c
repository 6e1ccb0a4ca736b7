/* Numbers that must never go back, each in a file of its own: decimal text and a newline. */
#include "roles/decide.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "policy/text.h"

int decide_number_read(int fd, uint64_t *ret)
{
	char text[TEXT_U64_BYTES + 2]; /* one more: a longer file shows */
	struct stat st;
	size_t n;
	int r;

	if (fd < 0)
		return -ENOENT;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL; /* it might make us wait */
	r = file_load(fd, text, sizeof(text) - 1, &n);
	if (r < 0)
		return r;
	if (n == 0) { /* the first start */
		*ret = 0;
		return 0;
	}
	if (text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	if (strlen(text) != n)
		return -EBADMSG;
	return text_u64_parse(text, ret);
}

int decide_number_write(int fd, uint64_t value)
{
	char text[TEXT_U64_BYTES + 1];
	size_t n = text_u64_build(value, text);
	int r;

	text[n++] = '\n';
	/* longer or equal: it never gets shorter, so no moment of it reads as a lower one */
	r = file_write(fd, text, n, 0);
	if (r == 0 && fdatasync(fd) < 0)
		r = -errno;
	return r;
}
