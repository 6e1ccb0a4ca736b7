/* tcti.h - the transport between the TSS library and a TPM behind an inherited descriptor.
 *
 * The descriptor is /dev/tpmrm0 or a connected unix stream socket of swtpm; both carry bare TPM
 * commands and answers. An answer ends where its own header says (part 1, 18.3: tag, size, code),
 * so one loop serves both. No TCTI of the TSS is loaded: those open files and read environments.
 * Source: TCG TSS 2.0 TPM Command Transmission Interface, 1.0. */
#ifndef VHDCRYPT_TCTI_H
#define VHDCRYPT_TCTI_H

#include <stddef.h>
#include <stdint.h>

#include <tss2/tss2_tcti.h>

enum {
	TCTI_HEADER_BYTES = 10,
	TCTI_ANSWER_MAX_BYTES = 4096, /* the largest TPMs have; TPM2_PT_MAX_RESPONSE_SIZE */
	TCTI_TIMEOUT_MS = 90 * 1000,  /* self tests of slow chips take tens of seconds */
};

/* The TSS sees `common`, which comes first. The fields are tcti.c's. */
struct tcti {
	TSS2_TCTI_CONTEXT_COMMON_V2 common;
	int fd; /* lent */
	size_t answer_bytes;
	uint8_t answer[TCTI_ANSWER_MAX_BYTES]; /* a whole answer that nobody took yet */
};

/* fd is lent and stays blocking. tcti must outlive every use by the TSS and not move. */
void tcti_init(struct tcti *tcti, int fd);

TSS2_TCTI_CONTEXT *tcti_context(struct tcti *tcti);

#endif
