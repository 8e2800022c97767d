// SPDX-License-Identifier: GPL-2.0
/* mbedTLS, as peer.c uses it. */
#include <stdio.h>
#include <stdlib.h>

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_cache.h>
#include <mbedtls/ssl_ticket.h>
#include <psa/crypto.h>

#include "peer.h"

struct session {
	mbedtls_ssl_context ssl;
	mbedtls_net_context net;
};

static mbedtls_entropy_context entropy;
static mbedtls_ctr_drbg_context random_source;
static mbedtls_ssl_config config;
static mbedtls_x509_crt ca, cert;
static mbedtls_pk_context key;
static mbedtls_ssl_cache_context cache;
static mbedtls_ssl_ticket_context tickets;
static mbedtls_ssl_session saved;
static bool have_saved;
static uint16_t group_list[MAX_GROUPS + 1];

static void must(const char *what, int error)
{
	if (error)
		die(what, error);
}

static void load_certificates(void)
{
	mbedtls_x509_crt_init(&ca);
	mbedtls_x509_crt_init(&cert);
	mbedtls_pk_init(&key);
	must("ca", mbedtls_x509_crt_parse_file(&ca, options.ca));
	mbedtls_ssl_conf_ca_chain(&config, &ca, NULL);
	if (!options.cert)
		return;
	must("cert", mbedtls_x509_crt_parse_file(&cert, options.cert));
	must("key", mbedtls_pk_parse_keyfile(&key, options.key, NULL, mbedtls_ctr_drbg_random,
					     &random_source));
	must("own cert", mbedtls_ssl_conf_own_cert(&config, &cert, &key));
}

static void configure_resumption(void)
{
	int on = options.tickets ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED :
				   MBEDTLS_SSL_SESSION_TICKETS_DISABLED;

	mbedtls_ssl_session_init(&saved);
	if (!options.server) {
		mbedtls_ssl_conf_session_tickets(&config, on);
		mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(&config,
			MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
		return;
	}
	mbedtls_ssl_cache_init(&cache);
	mbedtls_ssl_conf_session_cache(&config, &cache, mbedtls_ssl_cache_get,
				       mbedtls_ssl_cache_set);
	if (!options.tickets)
		return;
	mbedtls_ssl_ticket_init(&tickets);
	must("tickets", mbedtls_ssl_ticket_setup(&tickets, mbedtls_ctr_drbg_random, &random_source,
						 MBEDTLS_CIPHER_AES_256_GCM, 3600));
	mbedtls_ssl_conf_session_tickets_cb(&config, mbedtls_ssl_ticket_write,
					    mbedtls_ssl_ticket_parse, &tickets);
}

static unsigned char fragment_code(void)
{
	switch (options.mfl) {
	case 512:
		return MBEDTLS_SSL_MAX_FRAG_LEN_512;
	case 1024:
		return MBEDTLS_SSL_MAX_FRAG_LEN_1024;
	}
	return MBEDTLS_SSL_MAX_FRAG_LEN_NONE;
}

static void configure_extensions(void)
{
	mbedtls_ssl_conf_renegotiation(&config, MBEDTLS_SSL_RENEGOTIATION_ENABLED);
	must("mfl", mbedtls_ssl_conf_max_frag_len(&config, fragment_code()));
	if (!options.groups[0])
		return;
	for (int i = 0; i < MAX_GROUPS; i++)
		group_list[i] = options.groups[i];
	mbedtls_ssl_conf_groups(&config, group_list);
}

void tls_setup(void)
{
	must("psa", psa_crypto_init());
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&random_source);
	must("seed",
	     mbedtls_ctr_drbg_seed(&random_source, mbedtls_entropy_func, &entropy, NULL, 0));
	mbedtls_ssl_config_init(&config);
	must("config", mbedtls_ssl_config_defaults(&config,
		options.server ? MBEDTLS_SSL_IS_SERVER : MBEDTLS_SSL_IS_CLIENT,
		MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT));
	mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random_source);
	mbedtls_ssl_conf_min_tls_version(&config, options.min);
	mbedtls_ssl_conf_max_tls_version(&config, options.max);
	mbedtls_ssl_conf_authmode(&config, options.server && !options.auth ?
				  MBEDTLS_SSL_VERIFY_NONE : MBEDTLS_SSL_VERIFY_REQUIRED);
	load_certificates();
	configure_resumption();
	configure_extensions();
}

void *tls_open(int fd)
{
	struct session *session = calloc(1, sizeof(*session));
	int error;

	session->net.fd = fd;
	mbedtls_ssl_init(&session->ssl);
	must("ssl", mbedtls_ssl_setup(&session->ssl, &config));
	mbedtls_ssl_set_bio(&session->ssl, &session->net, mbedtls_net_send, mbedtls_net_recv, NULL);
	if (!options.server)
		must("name", mbedtls_ssl_set_hostname(&session->ssl, "server.example"));
	if (have_saved)
		must("resume", mbedtls_ssl_set_session(&session->ssl, &saved));
	error = mbedtls_ssl_handshake(&session->ssl);
	if (error) {
		fprintf(stderr, "handshake: -0x%x\n", -error);
		return NULL;
	}
	return session;
}

static void keep(struct session *session)
{
	mbedtls_ssl_session_free(&saved);
	mbedtls_ssl_session_init(&saved);
	have_saved = !mbedtls_ssl_get_session(&session->ssl, &saved);
}

int tls_read(void *handle, void *buffer, size_t size)
{
	struct session *session = handle;
	int got;

	for (;;) {
		got = mbedtls_ssl_read(&session->ssl, buffer, size);
		if (got == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
			keep(session);
		else if (got != MBEDTLS_ERR_SSL_WANT_READ)
			break;
	}
	return got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY ? 0 : got;
}

void tls_write(void *handle, const void *data, size_t size)
{
	struct session *session = handle;
	const unsigned char *next = data;

	while (size) {
		int sent = mbedtls_ssl_write(&session->ssl, next, size);

		if (sent == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET)
			continue;
		if (sent < 0 && options.server)
			return;
		if (sent < 0)
			die("write", sent);
		next += sent;
		size -= sent;
	}
}

void tls_renegotiate(void *handle)
{
	struct session *session = handle;

	must("renegotiation", mbedtls_ssl_renegotiate(&session->ssl));
}

void tls_close(void *handle)
{
	struct session *session = handle;

	if (!options.server && mbedtls_ssl_get_version_number(&session->ssl) < 0x0304)
		keep(session);
	mbedtls_ssl_close_notify(&session->ssl);
	mbedtls_ssl_free(&session->ssl);
	free(session);
}
