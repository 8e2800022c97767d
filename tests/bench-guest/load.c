// SPDX-License-Identifier: GPL-2.0
/*
 * load ADDRESS PORT REQUESTS kept|timed|new|held: requests the root of an HTTPS server REQUESTS
 * times. On one connection, and for "timed" prints the ns of each request; or each time on another
 * one with a full handshake, which for "held" stays open until this program is killed.
 *
 * load ADDRESS PORT BYTES bulk: requests /bulk, which has that many bytes.
 *
 * The client does little else, since its own work hides the router's cost.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BODY 1024

static const char bulk_request[] = "GET /bulk HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
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

/* Reads an answer to its end: a head, which comes whole, and a body. */
static void fetch(SSL *ssl, int bytes)
{
	static char answer[1 << 16];
	const char *body;
	int left, got;

	if (SSL_write(ssl, bulk_request, sizeof(bulk_request) - 1) <= 0)
		errx(1, "cannot send a request");
	got = SSL_read(ssl, answer, sizeof(answer) - 1);
	if (got <= 0)
		errx(1, "no answer");
	answer[got] = 0;
	body = strstr(answer, "\r\n\r\n");
	if (!body || strncmp(answer, "HTTP/1.1 200 ", 13))
		errx(1, "another answer than expected: %.20s", answer);
	for (left = bytes - (got - (body + 4 - answer)); left > 0; left -= got) {
		got = SSL_read(ssl, answer, sizeof(answer));
		if (got <= 0)
			errx(1, "the answer lacks %d bytes", left);
	}
	if (left)
		errx(1, "the answer has %d bytes too many", -left);
}

static unsigned long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

int main(int argc, char **argv)
{
	struct sockaddr_in server = { .sin_family = AF_INET };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = NULL;
	unsigned long long begun = 0;
	int kept, timed, held;

	if (argc != 5 || !inet_aton(argv[1], &server.sin_addr) || !ctx)
		errx(1, "load ADDRESS PORT REQUESTS kept|timed|new|held, or BYTES bulk");
	server.sin_port = htons(atoi(argv[2]));
	if (!strcmp(argv[4], "bulk")) {
		ssl = begin(ctx, &server);
		fetch(ssl, atoi(argv[3]));
		end(ssl);
		return 0;
	}
	timed = !strcmp(argv[4], "timed");
	kept = timed || !strcmp(argv[4], "kept");
	held = !strcmp(argv[4], "held");
	for (int left = atoi(argv[3]); left; left--) {
		if (!ssl)
			ssl = begin(ctx, &server);
		if (timed)
			begun = now();
		ask(ssl);
		if (timed)
			printf("%llu\n", now() - begun);
		if (kept && left > 1)
			continue;
		if (!held)
			end(ssl);
		ssl = NULL;
	}
	if (held) {
		puts("held");
		fflush(stdout);
		pause();
	}
	return 0;
}
