/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The border between C and Rust.
 *
 * bindgen makes the Rust declarations from this file at build time. It stands alone: the kernel's
 * structures are opaque here, and so in Rust.
 */
#ifndef NF_CONNTRACK_TLS_HELPERS_H
#define NF_CONNTRACK_TLS_HELPERS_H

#include <linux/types.h>

struct sk_buff;
struct nf_conn;

/* The version that debian/changelog names, too. */
#define NF_CT_TLS_VERSION	"0.1.0"

/* The bytes that nf_conntrack gives a helper for each connection, and their alignment. */
#define NF_CT_TLS_STATE_SIZE	32
#define NF_CT_TLS_STATE_ALIGN	8

/* The verdicts of linux/netfilter.h that a helper gives. */
#define NF_CT_TLS_DROP		0
#define NF_CT_TLS_ACCEPT	1

/* Room for a struct skb_seq_state. */
#define NF_CT_TLS_CURSOR_WORDS	8

#define NF_CT_TLS_MAX_PORTS	8

/* Flags of a segment: those of TCP, what its packet says, and what conntrack says. */
#define NF_CT_TLS_FIN		0x01
#define NF_CT_TLS_SYN		0x02
#define NF_CT_TLS_RST		0x04
#define NF_CT_TLS_ACK		0x10
#define NF_CT_TLS_URG		0x20
#define NF_CT_TLS_OPAQUE	0x100	/* kTLS: its payload is encrypted after us */
#define NF_CT_TLS_REPLY		0x200	/* it travels in the reply direction */

/* Flags of what conntrack says of a segment. */
#define NF_CT_TLS_BEGINS	0x1	/* a SYN-ACK by which the connection begins */
#define NF_CT_TLS_OVERRUNS	0x2	/* it ends beyond the receiver's window */
#define NF_CT_TLS_ESTABLISHED	0x4	/* the connection is established, or past that */

/* The longest header of TCP, in bytes. */
#define NF_CT_TLS_TCP_HEADER	60

/**
 * struct nf_ct_tls_segment - a TCP segment, and where it lies in its packet
 * @seq: sequence number, host byte order
 * @ack: acknowledgment number, host byte order
 * @offset: of the payload in the packet, in bytes
 * @len: of the payload, in bytes
 * @flags: NF_CT_TLS_SYN and so on
 * @options_len: of the header's options, in bytes
 * @options: the options, in the packet or in a copy; NULL if they cannot be read
 */
struct nf_ct_tls_segment {
	__u32 seq;
	__u32 ack;
	__u32 offset;
	__u32 len;
	__u32 flags;
	__u32 options_len;
	const __u8 *options;
};

/**
 * struct nf_ct_tls_view - how conntrack sees a segment
 * @ack: the segment's acknowledgment number, in the receiver's own numbers
 * @ack_lag: how far @ack lies before the highest that its sender has sent; 0 if it does not
 * @max_window: the largest window that its sender has offered
 * @acked: up to where the receiver has acknowledged the sender's stream
 * @flags: NF_CT_TLS_BEGINS and so on; @acked means nothing without NF_CT_TLS_ESTABLISHED
 */
struct nf_ct_tls_view {
	__u32 ack;
	__u32 ack_lag;
	__u32 max_window;
	__u32 acked;
	__u32 flags;
};

/* A walk over a packet's payload where it lies: a struct skb_seq_state. */
struct nf_ct_tls_cursor {
	unsigned long opaque[NF_CT_TLS_CURSOR_WORDS];
};

/* What is counted: the outcomes, then the reasons in their order. */
#define NF_CT_TLS_COUNTERS	64

/* Where a policy says what is logged: in the kernel log, by netfilter's packet loggers. */
#define NF_CT_TLS_LOG_KERNEL	0x1
#define NF_CT_TLS_LOG_PACKET	0x2

/* The default for connections that begin in the middle. */
#define NF_CT_TLS_MIDSTREAM_DEFAULT	0

/* Ports, the first @count. */
struct nf_ct_tls_ports {
	__u16 port[NF_CT_TLS_MAX_PORTS];
	__u16 count;
};

/**
 * struct nf_ct_tls_policy - what a network namespace wants
 * @report: the reasons that are reported only: bit n is the reason numbered n
 * @off: the reasons that are not looked for
 * @mark: bits of the conntrack mark
 * @seq_len: how many low bytes in a row are allowed, 0 for any number
 * @min_version: the lowest version, 0 for any
 * @log_limit: lines in 5 seconds, 0 for any number
 * @ports: the ports whose new connections get the helper
 * @heartbeat: 1 for heartbeats by the rules, 0 for none
 * @log_only: whether to drop nothing
 * @midstream: whether to drop what begins in the middle
 * @reset: whether to reset both ends of a condemned connection
 * @starttls: whether "starttls" requires an upgrade
 * @log: NF_CT_TLS_LOG_KERNEL and so on
 */
struct nf_ct_tls_policy {
	__u32 report;
	__u32 off;
	__u32 mark;
	__u16 seq_len;
	__u16 min_version;
	__u16 log_limit;
	struct nf_ct_tls_ports ports;
	__u8 heartbeat;
	__u8 log_only;
	__u8 midstream;
	__u8 reset;
	__u8 starttls;
	__u8 log;
};

/* The helpers, by the profile under which the engine judges. */
#define NF_CT_TLS_PROFILE_TLS		0	/* "tls": what the policy says */
#define NF_CT_TLS_PROFILE_REPORT	1	/* "tls-report": report, drop nothing */
#define NF_CT_TLS_PROFILE_STARTTLS	2	/* "starttls": TLS after an upgrade */
#define NF_CT_TLS_PROFILE_PROXY		3	/* "tls-proxy": TLS after a PROXY header */

/* What became of a broken rule. */
#define NF_CT_TLS_REPORTED	0
#define NF_CT_TLS_DROPPED	1
#define NF_CT_TLS_RESET		2

/* C calls Rust. */

/**
 * nf_ct_tls_help() - judge a packet of a connection that has the helper
 * @skb: the packet, at its network header
 * @protoff: offset of its TCP header
 * @ct: its connection, which has the helper's extension
 * @ctinfo: an enum ip_conntrack_info
 * @profile: NF_CT_TLS_PROFILE_TLS and so on
 *
 * Called by nf_confirm() under rcu_read_lock(), in softirq or process context.
 *
 * Return: NF_ACCEPT or NF_DROP.
 */
int nf_ct_tls_help(struct sk_buff *skb, unsigned int protoff,
		   struct nf_conn *ct, unsigned int ctinfo, unsigned int profile);

/**
 * nf_ct_tls_counter_name() - name a counter
 * @counter: below NF_CT_TLS_COUNTERS
 * @len: set to the name's length
 *
 * Return: the name, not NUL-terminated, which lives as long as the module; NULL after the last.
 */
const __u8 *nf_ct_tls_counter_name(unsigned int counter, unsigned int *len);

/**
 * nf_ct_tls_reason_name() - name a reason
 * @reason: its number, from 1 on
 * @len: set to the name's length
 *
 * Return: as nf_ct_tls_counter_name() does.
 */
const __u8 *nf_ct_tls_reason_name(unsigned int reason, unsigned int *len);

/* Rust calls C. */

/* Adds @n to a counter of the network namespace of @ct, on this CPU, under rcu_read_lock(). */
void nf_ct_tls_count(const struct nf_conn *ct, unsigned int counter, __u64 n);

/*
 * Logs what is in force, and makes what each network namespace has of ours: counters and their
 * file, policy and its sysctls. Before and after, there is no policy and nothing is counted. If the
 * kernel itself loads the module, that policy names no ports. Both sleep. Return: 0 or a negative
 * errno.
 */
int nf_ct_tls_load(void);
void nf_ct_tls_nets_exit(void);

/* Registers the helpers on IPv4 and IPv6. Sleeps. Return: 0 or a negative errno. */
int nf_ct_tls_register(void);
/* Unregisters them, and waits until no CPU is in nf_ct_tls_help(). Sleeps. */
void nf_ct_tls_unregister(void);

/*
 * Lets new connections to the ports of their namespace's policy get the helper. The helpers are
 * registered. Sleeps. Return: 0 or a negative errno.
 */
int nf_ct_tls_hooks_init(void);
/* Undoes nf_ct_tls_hooks_init(). Sleeps. */
void nf_ct_tls_hooks_exit(void);

/* Return: the policy for @ct, which stays until rcu_read_unlock(). */
const struct nf_ct_tls_policy *nf_ct_tls_policy_of(const struct nf_conn *ct);

/*
 * Looks whether a packet is what half of all packets are, a bare ACK in one piece, or no segment of
 * the connection itself: nf_ct_tls_segment_of() tells.
 * Return: the 32 bytes of the helper in @ct, 8-aligned, if it is; NULL if it is not, or if @ct has
 * none.
 */
const void *nf_ct_tls_bare(const struct sk_buff *skb, unsigned int protoff,
			   const struct nf_conn *ct);

/*
 * Finds the TCP segment of a packet. What of its header does not lie in one piece is copied to
 * @header.
 * Return: the 32 bytes of the helper in @ct, 8-aligned; NULL if @ct has none, if the TCP header
 * cannot be read, or if the packet is only related to its connection, as an ICMP error is. @segment
 * is filled unless that is NULL.
 */
void *nf_ct_tls_segment_of(const struct sk_buff *skb, unsigned int protoff,
			   const struct nf_conn *ct, unsigned int ctinfo,
			   struct nf_ct_tls_segment *segment, __u8 header[NF_CT_TLS_TCP_HEADER]);

/*
 * Takes ct->lock, with softirqs off until its release, and fills @view with how conntrack sees a
 * segment that nf_ct_tls_segment_of() has found.
 */
void nf_ct_tls_lock(struct nf_conn *ct, const struct nf_ct_tls_segment *segment,
		    struct nf_ct_tls_view *view);
void nf_ct_tls_unlock(struct nf_conn *ct);

/*
 * Finds @len bytes at @offset of @skb, which are within it.
 * Return: where they lie, if that is one piece and can be read without a mapping; else NULL.
 */
const __u8 *nf_ct_tls_piece(const struct sk_buff *skb, unsigned int offset, unsigned int len);

/* Copies @len bytes at @offset of @skb. Return: false if they are not there or cannot be read. */
bool nf_ct_tls_peek(const struct sk_buff *skb, unsigned int offset, __u8 *to, unsigned int len);

/*
 * Begins a walk over bytes @from to @to (exclusive) of @skb, both within it. To be ended by
 * nf_ct_tls_cursor_end(). The walk may hold a mapping: no sleeping until its end.
 */
void nf_ct_tls_cursor_begin(struct nf_ct_tls_cursor *cursor, struct sk_buff *skb,
			    unsigned int from, unsigned int to);
/*
 * Finds the bytes from @consumed on, counted from where the walk began; @consumed may not shrink.
 * Return: how many lie at *@data, more than asked for perhaps, or 0 at the end or if they cannot be
 * read. They stay until the next call.
 */
unsigned int nf_ct_tls_cursor_next(struct nf_ct_tls_cursor *cursor, unsigned int consumed,
				   const __u8 **data);
void nf_ct_tls_cursor_end(struct nf_ct_tls_cursor *cursor);

/*
 * Reports that a rule was broken in @ct: in the logs that its policy names, as far as their limit
 * allows. @reason has @len bytes, @reply is the direction, @outcome NF_CT_TLS_REPORTED and so on.
 * ct->lock is not held.
 */
void nf_ct_tls_report(struct sk_buff *skb, struct nf_conn *ct, const __u8 *reason,
		      unsigned int len, bool reply, unsigned int outcome);

/*
 * Marks @ct for a reason, given by its number, and tells listeners. Where @mask has five bits in a
 * row or more, and no others, they hold the number; else all of its bits are set. Takes no lock.
 */
void nf_ct_tls_set_mark(struct nf_conn *ct, __u32 mask, unsigned int reason);
/* Clears all bits of @mask. */
void nf_ct_tls_clear_mark(struct nf_conn *ct, __u32 mask);

/* The ends of a connection that nf_ct_tls_reset() has ended, as seen from a packet. */
#define NF_CT_TLS_SENDER	0x1
#define NF_CT_TLS_RECEIVER	0x2

/*
 * Resets both ends of a connection: sends the sender of @skb a RST, and turns @skb, which is no
 * RST, into another one. ct->lock is not held, nothing is borrowed of the packet.
 * Return: the ends for which that succeeded. Without NF_CT_TLS_RECEIVER, @skb must be dropped.
 */
unsigned int nf_ct_tls_reset(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
			     unsigned int ctinfo);

/*
 * Keeps the entry of a condemned connection as long as an established one, whatever state its
 * packets lead to; and leaves it to conntrack again.
 */
void nf_ct_tls_hold(struct nf_conn *ct);
void nf_ct_tls_unhold(struct nf_conn *ct);

#endif /* NF_CONNTRACK_TLS_HELPERS_H */
