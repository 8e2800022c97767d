// SPDX-License-Identifier: GPL-2.0
/*
 * Packets of a connection, as conntrack hands them to the helper, but in a program of userspace, in
 * which the module's own object is linked: so callgrind can count what the module's functions run.
 * What they call of the kernel is as little as will do, and is not counted.
 */
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/ip.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_extend.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netns/generic.h>

#include "../../helpers/internal.h"

#define HEADERS		(sizeof(struct iphdr) + sizeof(struct tcphdr) + 12)
#define LENGTH		1400
#define RECORD_HEADER	5
#define SPAN		11	/* segments of a record */

/* Called by main.c; the names are the loads. */
void packets_begin(void);
void packets_body(void);
void packets_record(void);
void packets_ack(void);
/* What main.c wraps around each packet that is to be counted. */
int measured(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct, unsigned int ctinfo);

static struct net net;
static struct nf_conn ct;
static struct tls_net tn;
static struct nf_ct_tls_policy policy = { .seq_len = 128, .reset = 1 };
static struct nf_ct_tls_counters counters;
static u64 generic[16], extensions[64];
static struct sk_buff skb;
static u8 packet[4096] __aligned(4096);
static u32 seq = 1, random = 2463534242u;

static void fill(u8 *payload, unsigned int begins)
{
	for (unsigned int i = 0; i < LENGTH; i++) {
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		payload[i] = random >> 24;
	}
	if (begins) {
		payload[0] = 23;
		payload[1] = 3;
		payload[2] = 3;
		payload[3] = (begins - RECORD_HEADER) >> 8;
		payload[4] = (begins - RECORD_HEADER) & 0xff;
	}
}

/* A segment with payload, with a record of BEGINS bytes in front, or a bare ACK. */
static void make(unsigned int length, unsigned int begins)
{
	static const u8 timestamp[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 1 };
	struct iphdr *ip = (void *)packet;
	struct tcphdr *tcp = (void *)(ip + 1);

	*ip = (struct iphdr){ .version = 4, .ihl = 5, .protocol = IPPROTO_TCP };
	*tcp = (struct tcphdr){ .doff = 8, .ack = 1, .ack_seq = htonl(1), .seq = htonl(seq) };
	for (unsigned int i = 0; i < sizeof(timestamp); i++)
		((u8 *)(tcp + 1))[i] = timestamp[i];
	if (length)
		fill(packet + HEADERS, begins);
	skb.protocol = htons(ETH_P_IP);
	skb.head = packet;
	skb.data = packet;
	skb.len = HEADERS + length;
	skb.end = sizeof(packet) - sizeof(struct skb_shared_info);
	seq += length;
}

static int send(unsigned int length, unsigned int begins)
{
	make(length, begins);
	return nf_ct_tls_help(&skb, sizeof(struct iphdr), &ct, IP_CT_ESTABLISHED, 0);
}

static void send_measured(unsigned int length, unsigned int begins)
{
	make(length, begins);
	measured(&skb, sizeof(struct iphdr), &ct, IP_CT_ESTABLISHED);
}

/* An established connection, which is taken up in the middle. */
void packets_begin(void)
{
	struct nf_ct_ext *ext = (void *)extensions;

	net.gen = (void *)generic;
	generic[0] = (u64)&tn;
	tn.counters = (void __percpu *)(unsigned long)&counters;
	RCU_INIT_POINTER(tn.policy, &policy);
	ext->offset[NF_CT_EXT_HELPER] = 16;
	ct.ext = ext;
	write_pnet(&ct.ct_net, &net);
	ct.proto.tcp.state = TCP_CONNTRACK_ESTABLISHED;
	for (int dir = 0; dir < IP_CT_DIR_MAX; dir++) {
		ct.proto.tcp.seen[dir].flags = IP_CT_TCP_FLAG_MAXACK_SET;
		ct.proto.tcp.seen[dir].td_maxack = 1;
		ct.proto.tcp.seen[dir].td_maxwin = 65535;
		ct.proto.tcp.seen[dir].td_maxend = 1 << 30;
	}
	send(LENGTH, LENGTH);
}

void packets_body(void)
{
	send(LENGTH, SPAN * LENGTH);
	for (int i = 2; i < SPAN; i++)
		send_measured(LENGTH, 0);
}

void packets_record(void)
{
	for (int i = 2; i < SPAN; i++)
		send_measured(LENGTH, LENGTH);
}

void packets_ack(void)
{
	for (int i = 2; i < SPAN; i++)
		send_measured(0, 0);
}

/* What main.c asks. */
u64 packets_bytes(void);
u8 *packet_data(struct sk_buff *skb);

u8 *packet_data(struct sk_buff *skb)
{
	return skb->data;
}

u64 packets_bytes(void)
{
	return counters.value[1];
}
