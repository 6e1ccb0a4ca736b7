#include <stdint.h>
#include <stdlib.h>

#include "policy/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document_error error;
	struct msg_config config;

	if (config_parse((const char *)data, size, &config, &error) == 0 &&
	    (config.n_uplinks > MSG_UPLINKS || config.n_ports > MSG_PORTS || config.uid_base == 0 ||
	     config.state[0] != '/'))
		abort();
	return 0;
}
