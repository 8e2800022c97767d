// SPDX-License-Identifier: GPL-2.0
/*
 * blast client|server PORT CONNECTIONS STEP FIRST ROUNDS LENGTH: sends segments of made-up
 * connections, as client or as server: rounds FIRST to FIRST + ROUNDS - 1 of one segment
 * for each STEPth connection. A segment is a TLS record of application data of random look, LENGTH
 * bytes with its header, each round's right after the one before; or a bare ACK, when LENGTH is 0.
 * Prints how long it took, in ns.
 */
#include <arpa/inet.h>
#include <err.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define CLIENTS 0x0a090001u	/* 10.9.0.1 and up: the router has a route there */
#define SERVER 0x0a000202u	/* 10.0.2.2 */
#define PORTS_A_CLIENT 50000
#define FIRST_PORT 10000
#define LONGEST 1448
#define RECORD_HEADER 5

static struct {
	struct iphdr ip;
	struct tcphdr tcp;
	uint8_t payload[LONGEST];
} packet;

static void make_packet(unsigned int length)
{
	uint32_t random = 2463534242u;
	uint8_t header[RECORD_HEADER] = { 23, 3, 3 };

	packet.ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP };
	packet.ip.tot_len = htons(sizeof(packet.ip) + sizeof(packet.tcp) + length);
	packet.tcp.doff = sizeof(packet.tcp) / 4;
	packet.tcp.ack = 1;
	packet.tcp.ack_seq = htonl(1);
	packet.tcp.window = htons(0xffff);
	if (!length)
		return;
	for (unsigned int i = 0; i < length; i++) {
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		packet.payload[i] = random >> 24;
	}
	header[3] = (length - RECORD_HEADER) >> 8;
	header[4] = (length - RECORD_HEADER) & 0xff;
	memcpy(packet.payload, header, sizeof(header));
}

static void address(unsigned int connection, int from_server, uint16_t port)
{
	uint32_t client = htonl(CLIENTS + connection / PORTS_A_CLIENT), server = htonl(SERVER);
	uint16_t client_port = htons(FIRST_PORT + connection % PORTS_A_CLIENT);

	packet.ip.saddr = from_server ? server : client;
	packet.ip.daddr = from_server ? client : server;
	packet.tcp.source = from_server ? htons(port) : client_port;
	packet.tcp.dest = from_server ? client_port : htons(port);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

int main(int argc, char **argv)
{
	unsigned int port, connections, step, first, rounds, length;
	struct sockaddr_in to = { .sin_family = AF_INET };
	int sock = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), from_server;
	uint64_t start;

	if (sock < 0)
		err(1, "socket");
	if (argc != 8)
		errx(1, "blast client|server PORT CONNECTIONS STEP FIRST ROUNDS LENGTH");
	from_server = !strcmp(argv[1], "server");
	port = atoi(argv[2]);
	connections = atoi(argv[3]);
	step = atoi(argv[4]);
	first = atoi(argv[5]);
	rounds = atoi(argv[6]);
	length = atoi(argv[7]);
	if (!step || length > LONGEST || (length && length <= RECORD_HEADER))
		errx(1, "STEP is 1 and more, LENGTH 0 or %d to %d", RECORD_HEADER + 1, LONGEST);
	make_packet(length);

	start = now();
	for (unsigned int round = first; round < first + rounds; round++) {
		packet.tcp.seq = htonl(1 + round * length);
		for (unsigned int i = 0; i < connections; i += step) {
			address(i, from_server, port);
			to.sin_addr.s_addr = packet.ip.daddr;
			if (sendto(sock, &packet, ntohs(packet.ip.tot_len), 0,
				   (void *)&to, sizeof(to)) < 0)
				err(1, "sendto");
		}
	}
	printf("%llu\n", (unsigned long long)(now() - start));
	return 0;
}
