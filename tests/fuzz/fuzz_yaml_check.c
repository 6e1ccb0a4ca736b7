#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/document.h"
#include "policy/yaml_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml_check_fault fault;
	struct document_error error;
	enum document_kind kind;

	if (yaml_check((const char *)data, size, &fault) < 0)
		return 0;
	/* where the raw check sees none, libyaml must not see one either */
	if (document_kind_read((const char *)data, size, &kind, &error) < 0 &&
	    (strcmp(error.text, "a tag, an anchor or an alias") == 0 ||
	     strcmp(error.text, "more than one document") == 0))
		abort();
	return 0;
}
