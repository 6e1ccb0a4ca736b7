/* bulkhead image make VHD: what IT signs about a plain image that many disks may lie upon. Its hash tree, and
 * the document with the root, for `bulkhead policy sign` with an image key. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "policy/image_doc.h"
#include "roles/cli.h"
#include "roles/cli_disk_doc.h"
#include "roles/cli_disk_upon.h"
#include "roles/cli_new_file.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/hash_tree.h"

static int describe(const struct image *image, const uint8_t root[32],
		    char ret[IMAGE_DOC_TEXT_BYTES])
{
	const struct image_info *info = image_info(image);
	struct msg_layer layer = { .name = CLI_DISK_GOLD,
				   .disk_bytes = info->virtual_bytes,
				   .plain = 1 };

	memcpy(layer.uuid, info->footer.uuid, sizeof(layer.uuid));
	memcpy(layer.root, root, sizeof(layer.root));
	return image_doc_build(&layer, ret);
}

/* PATH.tree and PATH.yaml, for PATH.vhd; both or none. */
static int make(const char *verb, const char *path, int vhd_fd, const struct image *image)
{
	char tree_path[CLI_NEW_FILE_PATH_BYTES], doc_path[CLI_NEW_FILE_PATH_BYTES];
	char text[IMAGE_DOC_TEXT_BYTES];
	const char *dot = strrchr(path, '.');
	int stem = dot && !strchr(dot, '/') ? (int)(dot - path) : (int)strlen(path);
	struct cli_new_file tree;
	uint8_t root[32];
	int r, status;

	if (snprintf(tree_path, sizeof(tree_path), "%.*s.tree", stem, path) >=
		    (int)sizeof(tree_path) ||
	    snprintf(doc_path, sizeof(doc_path), "%.*s.yaml", stem, path) >= (int)sizeof(doc_path))
		return cli_error(CLI_USAGE, "%s '%s': the path is too long", verb, path);
	r = cli_new_file_begin(tree_path, &tree);
	if (r < 0)
		return cli_errno(r, "%s '%s': make '%s'", verb, path, tree_path);
	r = hash_tree_build(vhd_fd, tree.fd, root);
	if (r == 0)
		r = describe(image, root, text);
	status = r < 0 ? cli_errno(r, "%s '%s': make its hash tree", verb, path)
		       : cli_disk_doc_write(doc_path, text, strlen(text), verb);
	r = cli_new_file_end(&tree, status == 0);
	if (status == 0 && r < 0) {
		(void)unlink(doc_path);
		return cli_errno(r, "%s '%s': name '%s'", verb, path, tree_path);
	}
	if (status == 0)
		printf("'%s' and '%s': sign the latter with an image key (bulkhead policy "
		       "sign)\n%s",
		       tree_path, doc_path, text);
	return status;
}

int cli_image_make(int argc, char **argv)
{
	struct image *image = NULL;
	struct cli_options opt;
	OWNS_FD int fd = -1;
	int status = cli_common(&opt, &argc, argv);

	if (status != 0)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	status = cli_vhd_not_encrypted(argv[0], argv[1]);
	if (status == 0)
		status = cli_vhd_open(argv[0], argv[1], IMAGE_READ_ONLY, &fd, &image);
	if (status == 0)
		status = make(argv[0], argv[1], fd, image);
	(void)image_close(image); /* read-only */
	return status;
}
