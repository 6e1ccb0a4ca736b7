#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/tpm_name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t name[TPM_NAME_BYTES];
	struct tpm_srk srk;

	(void)tpm_public_srk_parse(bytes_of(data, size), &srk);
	(void)tpm_name_of(data, size, name);
	return 0;
}
