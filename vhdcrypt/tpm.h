/* tpm.h - one TPM behind one descriptor: its storage root key, its PCRs, its lock-out, its end.
 *
 * What the TPM says is believed only where a session protects it. Sessions are salted to the
 * storage root key whose Name we computed ourselves; the caller compares that Name with the
 * signed one before anything secret is sent. TPM2_Startup is the firmware's business.
 * Errors of all functions: -ENODEV the transport broke; -EBUSY locked out; -EKEYREJECTED wrong
 * authorisation value; -EACCES a policy did not hold; -EBADMSG an object that is not for this TPM
 * or was altered; -EPROTO an answer was altered on its way; -EAGAIN the TPM asks to come later;
 * -EIO anything else, see tpm_rc(). Source: TPM 2.0 Library part 3; TCG ESAPI 1.0. */
#ifndef VHDCRYPT_TPM_H
#define VHDCRYPT_TPM_H

#include <stdbool.h>
#include <stdint.h>

#include "vhdcrypt/tpm_public.h"

struct tpm;

struct tpm_lockout {
	bool locked;
	uint32_t n_failed;
	uint32_t n_max;
	uint32_t recovery_s; /* after so long one failure is forgotten */
};

/* fd is lent and must stay open. Talks to no TPM yet. Also -ENOMEM. */
int tpm_open(int fd, struct tpm **ret);

/* Accepts NULL. Nothing is left loaded in the TPM. */
void tpm_close(struct tpm *tpm);

/* The response code behind the last error, for a message to people; 0 none. */
uint32_t tpm_rc(const struct tpm *tpm);

/* Find the storage root key at 0x81000001; sessions are salted to it from now on. ret_name is
 * computed over the very public area that the sessions will use.
 * Also -ENOENT: none there; -EOPNOTSUPP: one of another kind than we accept. */
int tpm_srk_find(struct tpm *tpm, struct tpm_srk *ret, uint8_t ret_name[TPM_NAME_BYTES]);

/* Make it (TCG ECC storage template, empty owner authorisation) and keep it there.
 * Also -EEXIST: there is one; -EKEYREJECTED: the owner hierarchy has a password. */
int tpm_srk_make(struct tpm *tpm);

/* SHA-256 bank; values of PCRs that are not in the mask are zero. Unprotected: only a hint.
 * Also -ENODATA: the bank is not there. */
int tpm_pcr_read(struct tpm *tpm, uint32_t pcr_mask, uint8_t ret[TPM_N_PCRS][TPM_DIGEST_BYTES]);

int tpm_lockout_read(struct tpm *tpm, struct tpm_lockout *ret);

/* Guesses that are left before lock-out. */
uint32_t tpm_lockout_left(const struct tpm_lockout *lockout);

/* TPM2_Shutdown(CLEAR). Without it the next power cut counts as a wrong PIN, if a right one was
 * used since the start (part 1, 19.8.6). The TPM stays usable. */
int tpm_shutdown(struct tpm *tpm);

#endif
