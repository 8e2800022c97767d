// SPDX-License-Identifier: GPL-2.0
/*
 * load ADDRESS PORT REQUESTS kept|new: requests the root of an HTTPS server REQUESTS times, on one
 * connection, or each time on a new one with a full handshake. The client does little else, since
 * its own work hides the router's cost.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY 1024

static const char request[] = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";

static SSL *begin(SSL_CTX *ctx, const struct sockaddr_in *server)
{
	int sock = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	SSL *ssl = SSL_new(ctx);

	if (sock < 0 || connect(sock, (const void *)server, sizeof(*server)))
		err(1, "connect");
	setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (!ssl || !SSL_set_fd(ssl, sock) || SSL_connect(ssl) != 1)
		errx(1, "no handshake");
	return ssl;
}

static void end(SSL *ssl)
{
	int sock = SSL_get_fd(ssl);

	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(sock);
}

/* Reads one answer: a head, and a body of BODY bytes. */
static void ask(SSL *ssl)
{
	char answer[4096];
	const char *body = NULL;
	int len = 0, got;

	if (SSL_write(ssl, request, sizeof(request) - 1) <= 0)
		errx(1, "cannot send a request");
	while (!body || len < body - answer + BODY) {
		got = SSL_read(ssl, answer + len, sizeof(answer) - 1 - len);
		if (got <= 0)
			errx(1, "an answer ended after %d bytes", len);
		len += got;
		answer[len] = 0;
		body = strstr(answer, "\r\n\r\n");
		if (body)
			body += 4;
	}
	if (len != body - answer + BODY || strncmp(answer, "HTTP/1.1 200 ", 13))
		errx(1, "another answer than expected: %.20s", answer);
}

int main(int argc, char **argv)
{
	struct sockaddr_in server = { .sin_family = AF_INET };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = NULL;
	int kept;

	if (argc != 5 || !inet_aton(argv[1], &server.sin_addr) || !ctx)
		errx(1, "load ADDRESS PORT REQUESTS kept|new");
	server.sin_port = htons(atoi(argv[2]));
	kept = !strcmp(argv[4], "kept");
	for (int left = atoi(argv[3]); left; left--) {
		if (!ssl)
			ssl = begin(ctx, &server);
		ask(ssl);
		if (kept && left > 1)
			continue;
		end(ssl);
		ssl = NULL;
	}
	return 0;
}
