#include "vhdcrypt/leaf_below.h"

#include <string.h>

#include <sodium.h>

void leaf_below_digest(const struct leaf_below *layer, unsigned n,
		       uint8_t ret[LEAF_MAC_DIGEST_BYTES])
{
	crypto_generichash_state state;

	memset(ret, 0, LEAF_MAC_DIGEST_BYTES);
	if (n == 0)
		return;
	(void)crypto_generichash_init(&state, NULL, 0, LEAF_MAC_DIGEST_BYTES);
	for (unsigned i = 0; i < n; i++) {
		uint8_t sector[4] = { 0, 0, (uint8_t)(layer[i].sector_bytes >> 8),
				      (uint8_t)layer[i].sector_bytes };

		(void)crypto_generichash_update(&state, layer[i].uuid, sizeof(layer[i].uuid));
		(void)crypto_generichash_update(&state, sector, sizeof(sector));
		(void)crypto_generichash_update(&state, layer[i].root, sizeof(layer[i].root));
	}
	(void)crypto_generichash_final(&state, ret, LEAF_MAC_DIGEST_BYTES);
}
