/* A damaged file: when there is a plan for it, the file is sound after it, has nothing left to be
 * mended, and differs where the plan said alone; then all that is odd about it is told. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vhdcrypt/image_inspect.h"
#include "vhdcrypt/repair.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	return fd;
}

static bool is_said(const struct repair *plan, uint64_t at)
{
	for (unsigned i = 0; i < plan->n_steps; i++)
		if (at >= plan->step[i].offset_byte &&
		    (plan->step[i].cut || at - plan->step[i].offset_byte < VHD_FORMAT_SECTOR_BYTES))
			return true;
	return false;
}

/* Only at the plan's places. */
static void must_be_as_before(int fd, const uint8_t *data, size_t size, const struct repair *plan)
{
	uint8_t *now = malloc(size + 1);
	ssize_t n = now ? pread(fd, now, size, 0) : -1;

	for (size_t at = 0; at < size; at++)
		if (!is_said(plan, at) && ((ssize_t)at >= n || now[at] != data[at]))
			abort();
	free(now);
}

static void remark(void *context, unsigned quirk, const struct vhd_fault *what)
{
	char text[VHD_FAULT_TEXT_BYTES];

	*(size_t *)context += quirk + strlen(vhd_fault_text(what, text, sizeof(text)));
}

static void must_be_sound(int fd)
{
	struct vhd_fault fault;
	struct image *image;
	size_t told = 0;
	int r = image_open_layer(fd, IMAGE_READ_ONLY, &image, &fault);

	if (r == -EOPNOTSUPP)
		return;
	if (r < 0 || !image_info(image)->end_footer_ok || !image_info(image)->start_footer_ok)
		abort();
	if (image_inspect(image, remark, &told) < 0)
		abort();
	(void)image_close(image);
}

static void mend(const uint8_t *data, size_t size, enum repair_from from)
{
	int fd = file_of(data, size);
	struct store store = { .fd = fd };
	struct repair plan, again;
	struct vhd_fault fault;

	if (repair_plan(&store, from, &plan, &fault) == 0) {
		if (repair_do(&store, &plan) < 0)
			abort();
		must_be_as_before(fd, data, size, &plan);
		must_be_sound(fd);
		if (repair_plan(&store, REPAIR_FROM_EITHER, &again, &fault) < 0 ||
		    again.n_steps != 0)
			abort();
	}
	(void)close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mend(data, size, REPAIR_FROM_EITHER);
	mend(data, size, REPAIR_FROM_START);
	mend(data, size, REPAIR_FROM_END);
	return 0;
}
