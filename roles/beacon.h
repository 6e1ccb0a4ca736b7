/* beacon.h - the parts of bulkhead-beacon: keys, certificates, and the service. */
#ifndef ROLES_BEACON_H
#define ROLES_BEACON_H

#include <stdint.h>

#include "base/secret.h"

#include "netguard/beacon_verify.h"

enum beacon_exit { /* design 10 */
		   BEACON_EXIT_DONE = 0,
		   BEACON_EXIT_FAILED = 1,
		   BEACON_EXIT_USAGE = 2,
		   BEACON_EXIT_REFUSED = 3,
		   BEACON_EXIT_DAMAGED = 4,
};

/* Each takes what follows its verb and returns the exit status. */
int beacon_keygen(int argc, char **argv);
int beacon_certify(int argc, char **argv);
int beacon_serve(int argc, char **argv);

enum { BEACON_KEY_SECRET_BYTES = BEACON_SIGN_SECRET_BYTES + BEACON_BOX_SECRET_BYTES };

/* The beacon's secret, signing part first, and its public keys. 0, -EBADMSG when the file is no
 * beacon key, else negative errno. */
int beacon_key_load(const char *path, struct secret *ret, uint8_t ret_sign_key[BEACON_KEY_BYTES],
		    uint8_t ret_box_key[BEACON_KEY_BYTES]);

/* One line for people on standard error, "bulkhead-beacon: ..."; error: negative errno or 0. */
void beacon_say(int error, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
