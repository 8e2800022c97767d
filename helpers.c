// SPDX-License-Identifier: GPL-2.0
/*
 * What Rust cannot name of a packet and its connection: macros, inline functions and the kernel's
 * structures. No protocol and no policy lives here, nor in helpers/, which holds the rest of the C
 * side, one file per idea.
 */
#include <linux/build_bug.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>

#include <net/ipv6.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_seqadj.h>
#include <net/tcp.h>

#include "helpers.h"

/*
 * conntrack attaches what is related to a connection as well: ICMP errors about it, and the RST of
 * a REJECT rule. Those are no part of its streams.
 */
static bool is_of_connection(const struct sk_buff *skb, unsigned int protoff,
			     unsigned int ctinfo)
{
	__be16 frag_off;
	u8 nexthdr;

	if (ctinfo == IP_CT_RELATED || ctinfo == IP_CT_RELATED_REPLY)
		return false;
	if (skb->protocol != htons(ETH_P_IPV6))
		return ip_hdr(skb)->protocol == IPPROTO_TCP;
	nexthdr = ipv6_hdr(skb)->nexthdr;
	if (nexthdr == IPPROTO_TCP)
		return true;
	return ipv6_skip_exthdr(skb, sizeof(struct ipv6hdr), &nexthdr, &frag_off) == protoff &&
	       nexthdr == IPPROTO_TCP;
}

bool nf_ct_tls_segment_of(const struct sk_buff *skb, unsigned int protoff, unsigned int ctinfo,
			  struct nf_ct_tls_segment *segment, u8 options[NF_CT_TLS_OPTIONS])
{
	struct tcphdr buffer;
	const struct tcphdr *th;

	BUILD_BUG_ON(NF_CT_TLS_OPTIONS < MAX_TCP_OPTION_SPACE);
	if (!is_of_connection(skb, protoff, ctinfo))
		return false;
	th = skb_header_pointer(skb, protoff, sizeof(buffer), &buffer);
	if (!th || th->doff * 4 < sizeof(*th) || protoff + th->doff * 4 > skb->len)
		return false;
	segment->options_len = th->doff * 4 - sizeof(*th);
	segment->options = skb_header_pointer(skb, protoff + sizeof(*th), segment->options_len,
					      options);
	segment->seq = ntohl(th->seq);
	segment->ack = ntohl(th->ack_seq);
	segment->offset = protoff + th->doff * 4;
	segment->len = skb->len - segment->offset;
	segment->flags = tcp_flag_byte(th) &
			 (NF_CT_TLS_FIN | NF_CT_TLS_SYN | NF_CT_TLS_RST | NF_CT_TLS_ACK |
			  NF_CT_TLS_URG);
	if (skb_is_decrypted(skb))
		segment->flags |= NF_CT_TLS_OPAQUE;
	return true;
}

/* Where a segment ends in its sender's numbers. */
static u32 end_of(const struct nf_ct_tls_segment *segment)
{
	return segment->seq + segment->len + !!(segment->flags & NF_CT_TLS_SYN) +
	       !!(segment->flags & NF_CT_TLS_FIN);
}

/*
 * Whether a receiver would not take all of the segment. Before its first segment a side has no
 * window to keep to. Of connections that it first saw in the middle, conntrack does not know the
 * window scale. A single byte may probe a window that is closed.
 */
static bool overruns(const struct nf_conn *ct, const struct ip_ct_tcp_state *sender,
		     const struct ip_ct_tcp_state *receiver,
		     const struct nf_ct_tls_segment *segment)
{
	u8 liberal = (sender->flags | receiver->flags) & IP_CT_TCP_FLAG_BE_LIBERAL;

	if (!sender->td_maxwin || segment->len <= 1 || liberal ||
	    nf_tcp_pernet(nf_ct_net(ct))->tcp_be_liberal)
		return false;
	return after(segment->seq + segment->len, sender->td_maxend);
}

/* Numbers are compared as tcp_in_window() of conntrack does, and with what it has kept. */
void nf_ct_tls_look(const struct nf_conn *ct, unsigned int ctinfo,
		    struct nf_ct_tls_segment *segment)
{
	const struct ip_ct_tcp *tcp = &ct->proto.tcp;
	enum ip_conntrack_dir dir = CTINFO2DIR(ctinfo);
	const struct ip_ct_tcp_state *sender = &tcp->seen[dir], *receiver = &tcp->seen[!dir];

	lockdep_assert_held(&ct->lock);
	segment->ack -= nf_ct_seq_offset(ct, !dir, segment->ack - 1);
	segment->ack_lag = 0;
	if ((sender->flags & IP_CT_TCP_FLAG_MAXACK_SET) && after(sender->td_maxack, segment->ack))
		segment->ack_lag = sender->td_maxack - segment->ack;
	segment->max_window = sender->td_maxwin;
	segment->acked = receiver->td_maxack;
	if (tcp->state == TCP_CONNTRACK_SYN_RECV && (segment->flags & NF_CT_TLS_SYN) &&
	    (segment->flags & NF_CT_TLS_ACK) && sender->td_end == end_of(segment))
		segment->flags |= NF_CT_TLS_BEGINS;
	if (overruns(ct, sender, receiver, segment))
		segment->flags |= NF_CT_TLS_OVERRUNS;
	if (tcp->state >= TCP_CONNTRACK_ESTABLISHED && tcp->state <= TCP_CONNTRACK_CLOSE &&
	    (receiver->flags & IP_CT_TCP_FLAG_MAXACK_SET))
		segment->flags |= NF_CT_TLS_ESTABLISHED;
}

bool nf_ct_tls_is_reply(unsigned int ctinfo)
{
	return CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY;
}

bool nf_ct_tls_snapshot(const struct nf_conn *ct, void *state)
{
	const unsigned long *from = nfct_help_data(ct);
	unsigned long *to = state;

	if (!from)
		return false;
	for (unsigned int i = 0; i < NF_CT_TLS_STATE_SIZE / sizeof(*to); i++)
		to[i] = READ_ONCE(from[i]);
	return true;
}

void *nf_ct_tls_lock(struct nf_conn *ct)
{
	spin_lock_bh(&ct->lock);
	return nfct_help_data(ct);
}

void nf_ct_tls_unlock(struct nf_conn *ct)
{
	spin_unlock_bh(&ct->lock);
}

bool nf_ct_tls_peek(const struct sk_buff *skb, unsigned int offset, u8 *to, unsigned int len)
{
	return !skb_copy_bits(skb, offset, to, len);
}

void nf_ct_tls_cursor_begin(struct nf_ct_tls_cursor *cursor, struct sk_buff *skb,
			    unsigned int from, unsigned int to)
{
	BUILD_BUG_ON(sizeof(*cursor) < sizeof(struct skb_seq_state));
	skb_prepare_seq_read(skb, from, to, (struct skb_seq_state *)cursor);
}

unsigned int nf_ct_tls_cursor_next(struct nf_ct_tls_cursor *cursor, unsigned int consumed,
				   const u8 **data)
{
	return skb_seq_read(consumed, data, (struct skb_seq_state *)cursor);
}

void nf_ct_tls_cursor_end(struct nf_ct_tls_cursor *cursor)
{
	skb_abort_seq_read((struct skb_seq_state *)cursor);
}
