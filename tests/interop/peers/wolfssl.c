// SPDX-License-Identifier: GPL-2.0
/* wolfSSL, as peer.c uses it. */
#include <stdio.h>

#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

#include "peer.h"

static WOLFSSL_CTX *context;
static WOLFSSL_SESSION *saved;

static void must(const char *what, int done)
{
	if (done != WOLFSSL_SUCCESS)
		die(what, done);
}

static void load_certificates(void)
{
	must("ca", wolfSSL_CTX_load_verify_locations(context, options.ca, NULL));
	if (!options.cert)
		return;
	must("cert", wolfSSL_CTX_use_certificate_chain_file(context, options.cert));
	must("key", wolfSSL_CTX_use_PrivateKey_file(context, options.key, SSL_FILETYPE_PEM));
}

static int fragment_code(void)
{
	return options.mfl == 512 ? WOLFSSL_MFL_2_9 : WOLFSSL_MFL_2_10;
}

static int group_count(void)
{
	int count = 0;

	while (options.groups[count])
		count++;
	return count;
}

static int verify_mode(void)
{
	if (options.server && !options.auth)
		return WOLFSSL_VERIFY_NONE;
	return WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

void tls_setup(void)
{
	wolfSSL_Init();
	context = wolfSSL_CTX_new(options.server ? wolfSSLv23_server_method() :
						   wolfSSLv23_client_method());
	if (!context)
		die("context", 0);
	must("min", wolfSSL_CTX_set_min_proto_version(context, options.min));
	must("max", wolfSSL_CTX_set_max_proto_version(context, options.max));
	load_certificates();
	wolfSSL_CTX_set_verify(context, verify_mode(), NULL);
	if (options.groups[0])
		must("groups", wolfSSL_CTX_set_groups(context, options.groups, group_count()));
	if (options.server)
		return;
	if (options.tickets)
		must("tickets", wolfSSL_CTX_UseSessionTicket(context));
	if (options.mfl)
		must("mfl", wolfSSL_CTX_UseMaxFragment(context, fragment_code()));
}

void *tls_open(int fd)
{
	WOLFSSL *ssl = wolfSSL_new(context);
	int done;

	must("fd", wolfSSL_set_fd(ssl, fd));
	if (!options.server && options.groups[0] && options.max == 0x0304)
		must("share", wolfSSL_UseKeyShare(ssl, options.groups[0]));
	if (saved)
		must("resume", wolfSSL_set_session(ssl, saved));
	done = options.server ? wolfSSL_accept(ssl) : wolfSSL_connect(ssl);
	if (done == WOLFSSL_SUCCESS)
		return ssl;
	fprintf(stderr, "handshake: %d\n", wolfSSL_get_error(ssl, done));
	wolfSSL_free(ssl);
	return NULL;
}

int tls_read(void *handle, void *buffer, size_t size)
{
	int got = wolfSSL_read(handle, buffer, size);

	if (got <= 0 && wolfSSL_get_error(handle, got) == WOLFSSL_ERROR_ZERO_RETURN)
		return 0;
	return got > 0 ? got : -1;
}

void tls_write(void *handle, const void *data, size_t size)
{
	int sent = wolfSSL_write(handle, data, size);

	if (sent != (int)size && !options.server)
		die("write", wolfSSL_get_error(handle, sent));
}

void tls_renegotiate(void *handle)
{
	(void)handle;
	die("Debian's wolfSSL has no renegotiation", 0);
}

void tls_close(void *handle)
{
	if (!options.server) {
		wolfSSL_SESSION_free(saved);
		saved = wolfSSL_get1_session(handle);
	}
	wolfSSL_shutdown(handle);
	wolfSSL_free(handle);
}
