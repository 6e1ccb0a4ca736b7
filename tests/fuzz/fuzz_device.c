#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/device.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document_error error;
	struct device device;
	struct device again;
	char text[DEVICE_TEXT_BYTES];

	if (device_parse((const char *)data, size, &device, &error) < 0)
		return 0;
	if (device_build(&device, text) < 0 ||
	    device_parse(text, strlen(text), &again, &error) < 0 ||
	    memcmp(&device, &again, sizeof(device)) != 0)
		abort();
	return 0;
}
