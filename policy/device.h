/* device.h - the record of one laptop: its name and the TPM that its disks are checked out to.
 *
 * `bulkhead device enrol` writes it unsigned, IT compares and signs it with a policy key. */
#ifndef POLICY_DEVICE_H
#define POLICY_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"
#include "policy/document.h"

enum {
	DEVICE_PCRS = 24,
	DEVICE_SRK_BYTES = 512, /* TPM2B_PUBLIC of an ECC or RSA key */
	DEVICE_EK_BYTES = 2048, /* DER certificate, or TPM2B_PUBLIC */
	DEVICE_TEXT_BYTES = 12288,
};

/* How much of the boot the PCR set covers; the name is what every report shows. */
enum device_coverage {
	DEVICE_COVERAGE_PARTIAL, /* less than the next one */
	DEVICE_COVERAGE_LOADER,	 /* PCR 4: the boot loader, or a unified xen.efi with all inside */
	DEVICE_COVERAGE_KERNEL,	 /* 4, 8 and 9: also its commands and the files it read */
	DEVICE_COVERAGE_ROOT,	 /* 4, 8, 9 and 15: also the root volume */
};

struct device {
	char name[MSG_NAME_BYTES];
	uint64_t issued_wall_s;
	uint32_t srk_public_bytes;
	uint32_t ek_bytes;		      /* 0: none */
	uint8_t srk_public[DEVICE_SRK_BYTES]; /* TPM2B_PUBLIC as marshalled */
	uint8_t srk_name[34];
	uint32_t pcr_mask;		    /* bit n: PCR n, SHA-256 bank */
	uint8_t pcr_value[DEVICE_PCRS][32]; /* of the bits in the mask */
	uint8_t pcr_digest[32]; /* SHA-256 of these values, ascending: TPM 2.0 part 3, PolicyPCR */
	uint8_t ek[DEVICE_EK_BYTES];
};

/* What a PCR set covers; and its word in the document. */
enum device_coverage device_coverage(uint32_t pcr_mask);
const char *device_coverage_name(enum device_coverage coverage);

/* SHA-256 over the values of the mask's PCRs, ascending. */
void device_pcr_digest(const struct device *device, uint8_t ret[32]);

/* Parse text whose signature has been verified. Blank (00, FF) PCRs, a digest that is not that of
 * the values, a coverage that is not that of the mask are faults.
 * -EBADMSG with *ret_error; -ENOMEM. */
int device_parse(const char *text, size_t len_bytes, struct device *ret,
		 struct document_error *ret_error);

/* Write the text that device_parse() reads to the same values. ret_text is NUL-terminated.
 * -EINVAL: a field that no document can hold (name, blank PCR, sizes). */
int device_build(const struct device *device, char ret_text[DEVICE_TEXT_BYTES]);

#endif
