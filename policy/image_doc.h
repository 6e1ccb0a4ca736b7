/* image_doc.h - IT's word on one layer that is never written: an `image` document.
 *
 * It names an image by the root of its hash tree, so by every byte of its file. A lease carries the
 * signature beside what it says of the layer: the document is made again from that, so there is no file
 * on the laptop to be lost or exchanged. Where trust has image keys, no layer below a leaf opens
 * without; so who signs leases cannot put a layer of his own there. */
#ifndef POLICY_IMAGE_DOC_H
#define POLICY_IMAGE_DOC_H

#include "base/msg.h"
#include "policy/document.h"

enum { IMAGE_DOC_TEXT_BYTES = 1024 };

/* Parse text whose signature has been verified. ret->generation, of a header, is 0. -EBADMSG with
 * *ret_error; -ENOMEM. */
int image_doc_parse(const char *text, size_t len_bytes, struct msg_layer *ret,
		    struct document_error *ret_error);

/* The one text of this layer, as it is signed; its generation is not in it. NUL-terminated. -EINVAL: a
 * name that no document can hold. */
int image_doc_build(const struct msg_layer *layer, char ret_text[IMAGE_DOC_TEXT_BYTES]);

#endif
