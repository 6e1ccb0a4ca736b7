#include "vhdcrypt/tcti.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/bytes.h"

#define TCTI_MAGIC UINT64_C(0x62756c6b68656164)

static struct tcti *tcti_of(TSS2_TCTI_CONTEXT *context)
{
	return (struct tcti *)(void *)context;
}

static TSS2_RC transmit(TSS2_TCTI_CONTEXT *context, size_t n, const uint8_t *command)
{
	struct tcti *tcti = tcti_of(context);

	if (!command || n < TCTI_HEADER_BYTES)
		return TSS2_TCTI_RC_BAD_VALUE;
	tcti->answer_bytes = 0;
	while (n > 0) {
		ssize_t done = write(tcti->fd, command, n);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return TSS2_TCTI_RC_IO_ERROR;
		command += done;
		n -= (size_t)done;
	}
	return TSS2_RC_SUCCESS;
}

static TSS2_RC wait_for_answer(const struct tcti *tcti, int32_t timeout_ms)
{
	struct pollfd p = { .fd = tcti->fd, .events = POLLIN };
	int r = poll(&p, 1, timeout_ms == TSS2_TCTI_TIMEOUT_BLOCK ? TCTI_TIMEOUT_MS : timeout_ms);

	if (r > 0)
		return TSS2_RC_SUCCESS;
	if (r < 0)
		return errno == EINTR ? TSS2_TCTI_RC_TRY_AGAIN : TSS2_TCTI_RC_IO_ERROR;
	return timeout_ms == TSS2_TCTI_TIMEOUT_BLOCK ? TSS2_TCTI_RC_IO_ERROR
						     : TSS2_TCTI_RC_TRY_AGAIN;
}

/* How long the answer says it is; 0 while its header is not complete. */
static size_t announced_bytes(const struct tcti *tcti)
{
	struct bytes head = bytes_of(tcti->answer, tcti->answer_bytes);

	(void)bytes_be16(&head);
	return bytes_be32(&head);
}

/* A device gives a whole answer to one read and discards what does not fit; a stream may give
 * it in pieces. More than was announced is a peer that does not speak TPM. */
static TSS2_RC fill(struct tcti *tcti)
{
	for (;;) {
		size_t want = announced_bytes(tcti);
		ssize_t got;
		TSS2_RC rc;

		if (want != 0) {
			if (want < TCTI_HEADER_BYTES || want > sizeof(tcti->answer) ||
			    want < tcti->answer_bytes)
				return TSS2_TCTI_RC_MALFORMED_RESPONSE;
			if (want == tcti->answer_bytes)
				return TSS2_RC_SUCCESS;
		} else if (tcti->answer_bytes >= TCTI_HEADER_BYTES) {
			return TSS2_TCTI_RC_MALFORMED_RESPONSE;
		}
		rc = wait_for_answer(tcti, TSS2_TCTI_TIMEOUT_BLOCK);
		if (rc == TSS2_TCTI_RC_TRY_AGAIN)
			continue;
		if (rc != TSS2_RC_SUCCESS)
			return rc;
		got = read(tcti->fd, tcti->answer + tcti->answer_bytes,
			   sizeof(tcti->answer) - tcti->answer_bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return TSS2_TCTI_RC_IO_ERROR;
		tcti->answer_bytes += (size_t)got;
	}
}

static TSS2_RC receive(TSS2_TCTI_CONTEXT *context, size_t *size, uint8_t *answer,
		       int32_t timeout_ms)
{
	struct tcti *tcti = tcti_of(context);
	TSS2_RC rc = TSS2_RC_SUCCESS;

	if (!size)
		return TSS2_TCTI_RC_BAD_REFERENCE;
	if (tcti->answer_bytes == 0)
		rc = wait_for_answer(tcti, timeout_ms);
	if (rc == TSS2_RC_SUCCESS)
		rc = fill(tcti);
	if (rc == TSS2_TCTI_RC_IO_ERROR || rc == TSS2_TCTI_RC_MALFORMED_RESPONSE)
		tcti->answer_bytes = 0;
	if (rc != TSS2_RC_SUCCESS)
		return rc;
	if (!answer) { /* it only asks how long the answer is, and comes again */
		*size = tcti->answer_bytes;
		return TSS2_RC_SUCCESS;
	}
	if (*size < tcti->answer_bytes)
		return TSS2_TCTI_RC_INSUFFICIENT_BUFFER;
	*size = tcti->answer_bytes;
	memcpy(answer, tcti->answer, tcti->answer_bytes);
	sodium_memzero(tcti->answer, tcti->answer_bytes);
	tcti->answer_bytes = 0;
	return TSS2_RC_SUCCESS;
}

static TSS2_RC cancel(TSS2_TCTI_CONTEXT *context)
{
	(void)context;
	return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC set_locality(TSS2_TCTI_CONTEXT *context, uint8_t locality)
{
	(void)context;
	return locality == 0 ? TSS2_RC_SUCCESS : TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC poll_handles(TSS2_TCTI_CONTEXT *context, TSS2_TCTI_POLL_HANDLE *handles, size_t *n)
{
	(void)context;
	(void)handles;
	(void)n;
	return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static TSS2_RC make_sticky(TSS2_TCTI_CONTEXT *context, TPM2_HANDLE *handle, uint8_t sticky)
{
	(void)context;
	(void)handle;
	(void)sticky;
	return TSS2_TCTI_RC_NOT_IMPLEMENTED;
}

static void finalize(TSS2_TCTI_CONTEXT *context)
{
	(void)context; /* the descriptor is lent and the memory is the caller's */
}

void tcti_init(struct tcti *tcti, int fd)
{
	memset(tcti, 0, sizeof(*tcti));
	tcti->common.v1.magic = TCTI_MAGIC;
	tcti->common.v1.version = 2;
	tcti->common.v1.transmit = transmit;
	tcti->common.v1.receive = receive;
	tcti->common.v1.finalize = finalize;
	tcti->common.v1.cancel = cancel;
	tcti->common.v1.getPollHandles = poll_handles;
	tcti->common.v1.setLocality = set_locality;
	tcti->common.makeSticky = make_sticky;
	tcti->fd = fd;
}

TSS2_TCTI_CONTEXT *tcti_context(struct tcti *tcti)
{
	return (TSS2_TCTI_CONTEXT *)&tcti->common;
}
