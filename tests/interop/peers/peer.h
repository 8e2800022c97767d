/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the peers written in C share. A stack's own file has the tls_ functions; peer.c has main().
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>

#define MAX_GROUPS 4

/* The words of the command line; versions and groups in the wire's form. */
struct options {
	bool server;
	const char *host;
	const char *port;
	int min, max;
	const char *cert, *key, *ca;
	const char *data;		/* what a server answers with */
	int connections;		/* how many a client makes, the later ones resumed */
	bool auth;			/* client certificates: asked for, and sent */
	bool tickets;
	bool renegotiate;
	int mfl;			/* max_fragment_length, in bytes */
	int groups[MAX_GROUPS + 1];	/* ends with 0 */
};

extern struct options options;

/* Prints why, and ends the process. */
void die(const char *what, int error) __attribute__((noreturn));

void tls_setup(void);
/* Shakes hands on a connected socket. If that fails, prints why and returns NULL. */
void *tls_open(int fd);
/* Like read(): 0 is the end, and negative an error. */
int tls_read(void *session, void *buffer, size_t size);
void tls_write(void *session, const void *data, size_t size);
/* Another handshake in the same connection. */
void tls_renegotiate(void *session);
/* Sends close_notify, and frees the session, except what resumption needs. */
void tls_close(void *session);

#endif
