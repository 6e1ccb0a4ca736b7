#include <stdlib.h>
#include <string.h>

#include "policy/image_doc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted can be written again, and reads as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct msg_layer layer, again;
	struct document_error error;
	char text[IMAGE_DOC_TEXT_BYTES];

	if (image_doc_parse((const char *)data, size, &layer, &error) < 0)
		return 0;
	if (image_doc_build(&layer, text) < 0 ||
	    image_doc_parse(text, strlen(text), &again, &error) < 0 ||
	    memcmp(&layer, &again, sizeof(layer)) != 0)
		abort();
	return 0;
}
