/* cli_convert_files.h - the headers, leases and journal around a conversion (cli_convert.h). */
#ifndef ROLES_CLI_CONVERT_FILES_H
#define ROLES_CLI_CONVERT_FILES_H

#include "roles/cli_convert.h"
#include "vhdcrypt/convert.h"

/* Is there a journal with a head? Its MAC is checked later, by the keys that it names. */
bool cli_convert_files_begun(const struct cli_convert *convert, struct journal_head *ret);

/* X.SUFFIX, a header, opened and checked. */
int cli_convert_files_header(const struct cli_convert *convert, const char *suffix,
			     struct header **ret);

/* The keys of both sides: by the journal's fingerprints if it has begun, else by the direction. Sets
 * the sector sizes of *order. */
int cli_convert_files_keys(const struct cli_convert *convert, enum journal_direction direction,
			   const struct cli_layer_keys *keys, struct convert_order *order,
			   struct secret *ret_from, struct secret *ret_to);

/* A journal that nothing was written to goes again: nothing has begun. One that is damaged stays. */
void cli_convert_files_drop_unbegun(const struct cli_convert *convert);

/* Say why convert_open() refused. Exit status. */
int cli_convert_files_refused(const struct cli_convert *convert, int err,
			      const struct vhd_fault *fault);

/* Before a new conversion of an encrypted disk: it is what X.mac says, unless without_mac. */
int cli_convert_files_check_mac(const struct cli_convert *convert, enum journal_direction direction,
				const struct secret *from, uint32_t sector_bytes);

/* Then, before the journal begins: X.next.mac, of the image as it is, by the new key, or by the old
 * one where the disk becomes plain. What it vouches for, a conversion does not change. */
int cli_convert_files_vouch(const struct cli_convert *convert, const struct convert_order *order);

/* Before it goes on, and after the proof: table, bitmaps, header and footer are what they were then. */
int cli_convert_files_vouched(const struct cli_convert *convert, enum journal_direction direction,
			      const struct convert_order *order);

/* After the proof: the new header and lease take the places of the old ones. May be repeated. */
int cli_convert_files_place(const struct cli_convert *convert, enum journal_direction direction);

/* The image is open to all again: the journal goes, then the old header. */
int cli_convert_files_clean(const struct cli_convert *convert, enum journal_direction direction);

/* The old header, where a run was killed between the two: without a journal and a mark it opens nothing. Was
 * it there? */
bool cli_convert_files_clean_old(const struct cli_convert *convert);

#endif
