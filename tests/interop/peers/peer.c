// SPDX-License-Identifier: GPL-2.0
/*
 * A TLS client or server for the interop matrix: peer client|server HOST PORT WORD=VALUE...
 *
 * The client sends its standard input, and prints all that comes back. The server reads up to an
 * empty line, and answers with a file and with what it read.
 */
#include <err.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

#define REQUEST_SIZE (1 << 16)

struct options options = {
	.min = 0x0303, .max = 0x0304, .connections = 1, .tickets = true,
};

void die(const char *what, int error)
{
	errx(1, "%s: error %d (-0x%x)", what, error, -error);
}

/* --- the command line ---------------------------------------------------- */

static int version(const char *name)
{
	return 0x0301 + atoi(name + 2);
}

static int group(const char *name)
{
	static const struct { const char *name; int number; } known[] = {
		{ "p256", 0x17 }, { "p384", 0x18 }, { "x25519", 0x1d },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (!strcmp(name, known[i].name))
			return known[i].number;
	errx(2, "unknown group %s", name);
}

static void groups(char *names)
{
	int count = 0;

	for (char *name = strtok(names, ","); name && count < MAX_GROUPS; name = strtok(NULL, ","))
		options.groups[count++] = group(name);
}

static void numeric(const char *word, const char *value)
{
	if (!strcmp(word, "min"))
		options.min = version(value);
	else if (!strcmp(word, "max"))
		options.max = version(value);
	else if (!strcmp(word, "connections"))
		options.connections = atoi(value);
	else if (!strcmp(word, "auth"))
		options.auth = atoi(value);
	else if (!strcmp(word, "tickets"))
		options.tickets = atoi(value);
	else if (!strcmp(word, "renegotiate"))
		options.renegotiate = atoi(value);
	else if (!strcmp(word, "mfl"))
		options.mfl = atoi(value);
	else
		errx(2, "unknown word %s", word);
}

static void option(char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		errx(2, "%s has no value", word);
	*value++ = '\0';
	if (!strcmp(word, "cert"))
		options.cert = value;
	else if (!strcmp(word, "key"))
		options.key = value;
	else if (!strcmp(word, "ca"))
		options.ca = value;
	else if (!strcmp(word, "data"))
		options.data = value;
	else if (!strcmp(word, "groups"))
		groups(value);
	else
		numeric(word, value);
}

/* --- TCP ----------------------------------------------------------------- */

static struct addrinfo *address(void)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST }, *found;

	if (getaddrinfo(options.host, options.port, &hints, &found))
		errx(2, "no address: %s %s", options.host, options.port);
	return found;
}

static int tcp_connect(void)
{
	struct addrinfo *to = address();
	int fd = socket(to->ai_family, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, to->ai_addr, to->ai_addrlen))
		err(1, "connect");
	freeaddrinfo(to);
	return fd;
}

static int tcp_listen(void)
{
	struct addrinfo *at = address();
	int fd = socket(at->ai_family, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, at->ai_addr, at->ai_addrlen) || listen(fd, 16))
		err(1, "listen");
	freeaddrinfo(at);
	return fd;
}

/* --- what is said -------------------------------------------------------- */

static char *slurp(const char *path, size_t *size)
{
	FILE *file = path ? fopen(path, "rb") : stdin;
	char *bytes = NULL;

	if (!file)
		err(1, "%s", path);
	*size = 0;
	do {
		bytes = realloc(bytes, *size + REQUEST_SIZE);
		if (!bytes)
			err(1, "memory");
		*size += fread(bytes + *size, 1, REQUEST_SIZE, file);
	} while (!feof(file) && !ferror(file));
	return bytes;
}

static void ask(const char *request, size_t size)
{
	int fd = tcp_connect(), got;
	void *session = tls_open(fd);
	char buffer[1 << 14];

	if (!session)
		exit(1);
	if (options.renegotiate)
		tls_renegotiate(session);
	tls_write(session, request, size);
	while ((got = tls_read(session, buffer, sizeof(buffer))) > 0)
		fwrite(buffer, 1, got, stdout);
	if (got < 0)
		die("read", got);
	tls_close(session);
	close(fd);
}

static void answer(int fd, const char *data, size_t size)
{
	static char request[REQUEST_SIZE + 1];
	void *session = tls_open(fd);
	size_t have = 0;
	int got;

	if (!session)
		return;
	do {
		got = tls_read(session, request + have, REQUEST_SIZE - have);
		have += got > 0 ? got : 0;
		request[have] = '\0';
	} while (got > 0 && !strstr(request, "\r\n\r\n"));
	if (got > 0) {
		tls_write(session, data, size);
		tls_write(session, request, have);
	}
	tls_close(session);
}

static void serve(void)
{
	int listener = tcp_listen(), fd;
	size_t size;
	char *data = slurp(options.data, &size);

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		answer(fd, data, size);
		close(fd);
	}
	err(1, "accept");
}

int main(int argc, char **argv)
{
	size_t size;
	char *request;

	if (argc < 4)
		errx(2, "usage: %s client|server HOST PORT WORD=VALUE...", argv[0]);
	options.server = !strcmp(argv[1], "server");
	options.host = argv[2];
	options.port = argv[3];
	for (int i = 4; i < argc; i++)
		option(argv[i]);
	signal(SIGPIPE, SIG_IGN);
	tls_setup();
	if (options.server)
		serve();
	request = slurp(NULL, &size);
	for (int i = 0; i < options.connections; i++)
		ask(request, size);
	return 0;
}
