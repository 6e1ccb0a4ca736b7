#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vhdcrypt/json_shape.h"
#include "vhdcrypt/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_object *object = NULL;
	struct token token, again;
	struct detail detail;
	char text[TOKEN_TEXT_BYTES], text_again[TOKEN_TEXT_BYTES];

	if (json_shape_parse((const char *)data, size, &object, &detail) < 0)
		return 0;
	if (token_parse(object, "token", &token, &detail) == 0) {
		json_object_put(object);
		object = NULL;
		token_build(&token, text); /* what is read can be written and means the same */
		if (json_shape_parse(text, strlen(text), &object, &detail) < 0 ||
		    token_parse(object, "token", &again, &detail) < 0)
			abort();
		token_build(&again, text_again);
		if (strcmp(text, text_again) != 0)
			abort();
	}
	json_object_put(object);
	return 0;
}
