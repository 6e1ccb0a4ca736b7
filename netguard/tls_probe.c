#include "netguard/tls_probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/* TLS 1.3 alone, no PSK: every handshake carries a certificate and a signature over it. */
#define PRIORITY                                                                                   \
	"NONE:+VERS-TLS1.3:+CTYPE-X509:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-GCM:+AEAD:"        \
	"+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+SIGN-EDDSA-ED25519:"                     \
	"+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-RSA-PSS-RSAE-SHA256:"     \
	"+SIGN-RSA-PSS-RSAE-SHA384"

enum {
	PIN_BYTES = 32,
	RECEIVE_MAX_BYTES = 65536, /* a chain is some thousand; a server that sends on is ended */
};

struct tls_setup {
	gnutls_priority_t priority;
	gnutls_certificate_credentials_t nobody; /* trusts no authority: none is asked */
};

struct tls_probe {
	int fd;
	struct tls_target target;
	gnutls_session_t session;
	bool connected;
	size_t received_bytes;
};

int tls_setup_new(struct tls_setup **ret)
{
	struct tls_setup *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	if (gnutls_priority_init(&s->priority, PRIORITY, NULL) < 0 ||
	    gnutls_certificate_allocate_credentials(&s->nobody) < 0) {
		free(s);
		return -EINVAL;
	}
	*ret = s;
	return 0;
}

static ssize_t push(gnutls_transport_ptr_t ptr, const void *data, size_t len_bytes)
{
	struct tls_probe *p = ptr;
	struct iovec iov = { .iov_len = len_bytes };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	memcpy(&iov.iov_base, &data, sizeof(iov.iov_base)); /* sendmsg() does not write */
	n = sendmsg(p->fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		gnutls_transport_set_errno(p->session, errno);
	return n;
}

static ssize_t pull(gnutls_transport_ptr_t ptr, void *data, size_t len_bytes)
{
	struct tls_probe *p = ptr;
	struct iovec iov = { .iov_base = data, .iov_len = len_bytes };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (p->received_bytes > RECEIVE_MAX_BYTES) {
		gnutls_transport_set_errno(p->session, EMSGSIZE);
		return -1;
	}
	n = recvmsg(p->fd, &h, MSG_DONTWAIT);
	if (n < 0)
		gnutls_transport_set_errno(p->session, errno);
	else
		p->received_bytes += (size_t)n;
	return n;
}

int tls_probe_new(const struct tls_setup *setup, int fd, const struct tls_target *target,
		  struct tls_probe **ret)
{
	struct tls_probe *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->fd = fd;
	p->target = *target;
	if (gnutls_init(&p->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS |
					     GNUTLS_NO_SIGNAL) < 0) {
		free(p);
		return -ENOMEM;
	}
	if (gnutls_priority_set(p->session, setup->priority) < 0 ||
	    gnutls_credentials_set(p->session, GNUTLS_CRD_CERTIFICATE, setup->nobody) < 0) {
		gnutls_deinit(p->session);
		free(p);
		return -ENOMEM;
	}
	gnutls_handshake_set_timeout(p->session, 0); /* whoever waits has a clock */
	gnutls_transport_set_ptr(p->session, p);
	gnutls_transport_set_push_function(p->session, push);
	gnutls_transport_set_pull_function(p->session, pull);
	*ret = p;
	return 0;
}

/* Again and again, until the kernel says how it went. 1 there, 0 not yet, or negative errno. */
static int connect_to(const struct tls_probe *p)
{
	const struct tls_target *t = &p->target;
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(t->port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(t->port),
				   .sin6_scope_id = t->scope };
	bool v6 = t->family == AF_INET6;

	memcpy(v6 ? (void *)&a6.sin6_addr : (void *)&a4.sin_addr, t->address, v6 ? 16 : 4);
	if (connect(p->fd, v6 ? (const struct sockaddr *)&a6 : (const struct sockaddr *)&a4,
		    v6 ? sizeof(a6) : sizeof(a4)) == 0 ||
	    errno == EISCONN)
		return 1;
	return errno == EINPROGRESS || errno == EALREADY || errno == EINTR ? 0 : -errno;
}

/* The key that signed this handshake is the one in the first certificate. */
static enum reason check_peer(const struct tls_probe *p, uint64_t now_wall_s)
{
	unsigned n = 0;
	const gnutls_datum_t *raw = gnutls_certificate_get_peers(p->session, &n);
	enum reason reason = REASON_TLS_HANDSHAKE;
	gnutls_x509_crt_t crt;
	uint8_t id[PIN_BYTES];
	size_t id_bytes = sizeof(id);

	if (!raw || n == 0 || gnutls_x509_crt_init(&crt) < 0)
		return reason;
	if (gnutls_x509_crt_import(crt, &raw[0], GNUTLS_X509_FMT_DER) == 0 &&
	    gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, id, &id_bytes) == 0 &&
	    id_bytes == sizeof(id)) {
		time_t from = gnutls_x509_crt_get_activation_time(crt);
		time_t to = gnutls_x509_crt_get_expiration_time(crt);

		if (memcmp(id, p->target.pin, sizeof(id)) != 0)
			reason = REASON_TLS_PIN;
		else if (from < 0 || to < 0 || now_wall_s < (uint64_t)from ||
			 now_wall_s > (uint64_t)to)
			reason = REASON_TLS_EXPIRED;
		else
			reason = REASON_OK;
	}
	gnutls_x509_crt_deinit(crt);
	return reason;
}

bool tls_probe_step(struct tls_probe *p, uint64_t now_wall_s, enum reason *ret_reason)
{
	int r;

	*ret_reason = REASON_TLS_CONNECT;
	if (!p->connected) {
		r = connect_to(p);
		p->connected = r == 1;
		if (r != 1)
			return r < 0;
	}
	*ret_reason = REASON_TLS_HANDSHAKE;
	do
		r = gnutls_handshake(p->session);
	while (r < 0 && r != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(r));
	if (r == GNUTLS_E_AGAIN)
		return false;
	if (r < 0 || gnutls_protocol_get_version(p->session) != GNUTLS_TLS1_3)
		return true;
	*ret_reason = check_peer(p, now_wall_s);
	return true;
}

bool tls_probe_wants_output(const struct tls_probe *p)
{
	return !p->connected || gnutls_record_get_direction(p->session) == 1;
}

void tls_probe_end(struct tls_probe *p)
{
	static const struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

	if (!p)
		return;
	gnutls_deinit(p->session);
	(void)connect(p->fd, &nowhere,
		      sizeof(nowhere)); /* resets; it may not have been connected */
	free(p);
}
