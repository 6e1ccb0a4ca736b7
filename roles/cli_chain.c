#include "roles/cli_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "roles/cli.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/header_raw.h"

/* A cycle would never end, and a chain of a thousand layers nearly so. */
static int check_new(const struct cli_chain *chain, const struct cli_layer *layer)
{
	const uint8_t *uuid = image_info(layer->image)->footer.uuid;
	char text[HEADER_RAW_UUID_TEXT_BYTES];

	header_raw_uuid_text(uuid, text);
	for (unsigned i = 0; i < chain->n; i++)
		if (memcmp(image_info(chain->layer[i].image)->footer.uuid, uuid,
			   VHD_FORMAT_UUID_BYTES) == 0)
			return cli_error(CLI_DAMAGED,
					 "%s '%s': footer: UUID %s is also that of '%s', which is "
					 "above it in the chain: a layer cannot be its own parent",
					 layer->verb, layer->path, text, chain->layer[i].path);
	if (chain->n == IMAGE_CHAIN_MAX)
		return cli_error(CLI_DAMAGED,
				 "%s '%s': chain: number of layers %u is above %d: merge some "
				 "(bulkhead vhd coalesce)",
				 layer->verb, chain->layer[0].path, chain->n + 1, IMAGE_CHAIN_MAX);
	return 0;
}

static bool is_named(const struct cli_layer *child, const struct cli_layer *parent)
{
	return memcmp(image_info(child->image)->parent_uuid, image_info(parent->image)->footer.uuid,
		      VHD_FORMAT_UUID_BYTES) == 0;
}

static int not_the_parent(const struct cli_layer *child, const struct cli_layer *found)
{
	char want[HEADER_RAW_UUID_TEXT_BYTES], is[HEADER_RAW_UUID_TEXT_BYTES];

	header_raw_uuid_text(image_info(child->image)->parent_uuid, want);
	header_raw_uuid_text(image_info(found->image)->footer.uuid, is);
	return cli_error(CLI_DAMAGED,
			 "%s '%s': header: parent UUID %s is not that of '%s', which is %s; bring "
			 "the parent that belongs to it",
			 child->verb, child->path, want, found->path, is);
}

static int not_there(const struct cli_chain *chain, const struct cli_layer *child, const char *name)
{
	char quoted[2 * IMAGE_PARENT_NAME_BYTES];
	const char *prefix = chain->folder.prefix;

	return cli_error(CLI_FAILED, "%s '%s': its parent '%s' is not in folder '%s'; put it there",
			 child->verb, child->path,
			 log_quote(name, strlen(name), quoted, sizeof(quoted)),
			 prefix[0] ? prefix : ".");
}

static bool is_there(const struct cli_chain *chain, const char *name)
{
	return faccessat(chain->folder.fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* The parent of the last layer, by the first of its names that is there and is the one. */
static int open_parent(struct cli_chain *chain)
{
	struct cli_layer *child = &chain->layer[chain->n - 1], *parent = child + 1;
	char name[IMAGE_PARENT_NAMES_MAX][IMAGE_PARENT_NAME_BYTES];
	int status, n = image_parent_names(child->image, name, &child->fault);
	bool last;

	if (n < 0)
		return cli_vhd_refused(child->verb, child->path, n, &child->fault);
	if (n == 0)
		return cli_error(CLI_DAMAGED, "%s '%s': header: no parent is named", child->verb,
				 child->path);
	for (int i = 0; i < n; i++) {
		if (!is_there(chain, name[i]))
			continue;
		status = cli_layer_open(&chain->folder, name[i], IMAGE_READ_ONLY, child->verb,
					parent);
		if (status != 0)
			return status;
		if (is_named(child, parent))
			return check_new(chain, parent);
		last = true;
		for (int k = i + 1; k < n; k++)
			last = last && !is_there(chain, name[k]);
		if (last)
			return not_the_parent(child, parent);
		(void)cli_layer_close(parent); /* read-only */
	}
	return not_there(chain, child, name[0]);
}

int cli_chain_open(const char *path, enum image_mode leaf_mode, const char *verb,
		   struct cli_chain *ret)
{
	char name[CLI_LAYER_NAME_BYTES];
	int status;

	*ret = (struct cli_chain){ .folder.fd = -1 };
	ret->layer = calloc(IMAGE_CHAIN_MAX + 1, sizeof(ret->layer[0]));
	if (!ret->layer)
		return cli_errno(-ENOMEM, "%s '%s'", verb, path);
	for (unsigned i = 0; i <= IMAGE_CHAIN_MAX; i++)
		cli_layer_init(&ret->layer[i]);
	status = cli_layer_folder_open(path, verb, &ret->folder, name);
	if (status == 0)
		status = cli_layer_open(&ret->folder, name, leaf_mode, verb, &ret->layer[0]);
	if (status != 0)
		return status;
	ret->n = 1;
	while (status == 0 &&
	       image_info(ret->layer[ret->n - 1].image)->footer.type == VHD_TYPE_DIFFERENCING) {
		status = open_parent(ret);
		if (status == 0)
			ret->n++;
		else
			(void)cli_layer_close(&ret->layer[ret->n]); /* read-only */
	}
	return status;
}

int cli_chain_lock(const struct cli_chain *chain)
{
	int status = 0;

	for (unsigned i = 0; status == 0 && i < chain->n; i++)
		status = i == 0 ? cli_layer_lock(&chain->layer[i])
				: cli_layer_lock_shared(&chain->layer[i]);
	return status;
}

int cli_chain_join(struct cli_chain *chain, const struct cli_layer_keys *keys)
{
	int status = 0;

	for (unsigned i = chain->n; status == 0 && i-- > 0;) {
		struct cli_layer *layer = &chain->layer[i];
		int r = 0;

		if (i + 1 < chain->n)
			r = image_set_parent(layer->image, chain->layer[i + 1].image,
					     &layer->fault);
		if (r == 0 && !keys)
			r = image_set_plain(layer->image);
		if (r < 0)
			status = cli_vhd_refused(layer->verb, layer->path, r, &layer->fault);
		else if (keys)
			status = cli_layer_unlock(&chain->folder, keys, layer);
	}
	return status;
}

bool cli_chain_has_header(const struct cli_chain *chain)
{
	for (unsigned i = 0; i < chain->n; i++)
		if (cli_layer_has_header(&chain->folder, chain->layer[i].name))
			return true;
	return false;
}

int cli_chain_close(struct cli_chain *chain)
{
	int status = 0;

	for (unsigned i = 0; chain->layer && i <= IMAGE_CHAIN_MAX; i++) {
		int r = cli_layer_close(&chain->layer[i]); /* children before their parents */

		status = status ? status : r;
	}
	free(chain->layer);
	cli_layer_folder_close(&chain->folder);
	*chain = (struct cli_chain){ .folder.fd = -1 };
	return status;
}
