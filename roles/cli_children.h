/* cli_children.h - who has a VHD for his parent, among the files beside it.
 *
 * What changes under a layer breaks it. Layers of a disk lie in one folder, so these can be known;
 * a copy of a layer elsewhere cannot. */
#ifndef ROLES_CLI_CHILDREN_H
#define ROLES_CLI_CHILDREN_H

#include <stdbool.h>

#include "roles/cli_layer.h"

/* A VHD in the folder upon the one of this UUID; except: an open file that does not count, or -1.
 * ret_name: printable. -errno. */
int cli_children_find(const struct cli_layer_folder *folder,
		      const uint8_t uuid[VHD_FORMAT_UUID_BYTES], int except_fd, bool *ret_found,
		      char ret_name[CLI_LAYER_NAME_BYTES]);

#endif
