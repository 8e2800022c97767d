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

const void *nf_ct_tls_bare(const struct sk_buff *skb, unsigned int protoff,
			   const struct nf_conn *ct)
{
	const struct tcphdr *th = (void *)skb->data + protoff;

	if (skb_headlen(skb) < protoff + sizeof(*th) || skb->len != protoff + th->doff * 4 ||
	    tcp_flag_byte(th) & (NF_CT_TLS_FIN | NF_CT_TLS_SYN | NF_CT_TLS_RST | NF_CT_TLS_URG))
		return NULL;
	return nfct_help_data(ct);
}

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

static unsigned int flags_of(const struct sk_buff *skb, const struct tcphdr *th,
			     unsigned int ctinfo)
{
	unsigned int flags = tcp_flag_byte(th) & (NF_CT_TLS_FIN | NF_CT_TLS_SYN | NF_CT_TLS_RST |
						  NF_CT_TLS_ACK | NF_CT_TLS_URG);

	if (skb_is_decrypted(skb))
		flags |= NF_CT_TLS_OPAQUE;
	if (CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY)
		flags |= NF_CT_TLS_REPLY;
	return flags;
}

void *nf_ct_tls_segment_of(const struct sk_buff *skb, unsigned int protoff,
			   const struct nf_conn *ct, unsigned int ctinfo,
			   struct nf_ct_tls_segment *segment, u8 header[NF_CT_TLS_TCP_HEADER])
{
	const struct tcphdr *th;
	unsigned int doff;

	BUILD_BUG_ON(NF_CT_TLS_TCP_HEADER < sizeof(*th) + MAX_TCP_OPTION_SPACE);
	if (!is_of_connection(skb, protoff, ctinfo))
		return NULL;
	th = skb_header_pointer(skb, protoff, sizeof(*th), header);
	if (!th)
		return NULL;
	doff = th->doff * 4;
	if (doff < sizeof(*th) || protoff + doff > skb->len)
		return NULL;
	segment->seq = ntohl(th->seq);
	segment->ack = ntohl(th->ack_seq);
	segment->offset = protoff + doff;
	segment->len = skb->len - segment->offset;
	segment->flags = flags_of(skb, th, ctinfo);
	segment->options_len = doff - sizeof(*th);
	segment->options = skb_header_pointer(skb, protoff + sizeof(*th), segment->options_len,
					      header + sizeof(*th));
	return nfct_help_data(ct);
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

	if (!after(segment->seq + segment->len, sender->td_maxend))
		return false;
	return sender->td_maxwin && segment->len > 1 && !liberal &&
	       !nf_tcp_pernet(nf_ct_net(ct))->tcp_be_liberal;
}

/*
 * Numbers are compared as tcp_in_window() of conntrack does, and with what it has kept. Without
 * IPS_SEQ_ADJUST it adjusts none.
 */
static void look(const struct nf_conn *ct, const struct nf_ct_tls_segment *segment,
		 struct nf_ct_tls_view *view)
{
	const struct ip_ct_tcp *tcp = &ct->proto.tcp;
	enum ip_conntrack_dir dir = segment->flags & NF_CT_TLS_REPLY ? IP_CT_DIR_REPLY :
								       IP_CT_DIR_ORIGINAL;
	const struct ip_ct_tcp_state *sender = &tcp->seen[dir], *receiver = &tcp->seen[!dir];
	u32 ack = segment->ack, ack_lag = 0, flags = 0;

	lockdep_assert_held(&ct->lock);
	if (unlikely(test_bit(IPS_SEQ_ADJUST_BIT, &ct->status)))
		ack -= nf_ct_seq_offset(ct, !dir, ack - 1);
	if ((sender->flags & IP_CT_TCP_FLAG_MAXACK_SET) && after(sender->td_maxack, ack))
		ack_lag = sender->td_maxack - ack;
	if (unlikely(segment->flags & NF_CT_TLS_SYN) && tcp->state == TCP_CONNTRACK_SYN_RECV &&
	    (segment->flags & NF_CT_TLS_ACK) && sender->td_end == end_of(segment))
		flags |= NF_CT_TLS_BEGINS;
	if (overruns(ct, sender, receiver, segment))
		flags |= NF_CT_TLS_OVERRUNS;
	if (tcp->state >= TCP_CONNTRACK_ESTABLISHED && tcp->state <= TCP_CONNTRACK_CLOSE &&
	    (receiver->flags & IP_CT_TCP_FLAG_MAXACK_SET))
		flags |= NF_CT_TLS_ESTABLISHED;
	view->ack = ack;
	view->ack_lag = ack_lag;
	view->max_window = sender->td_maxwin;
	view->acked = receiver->td_maxack;
	view->flags = flags;
}

void nf_ct_tls_lock(struct nf_conn *ct, const struct nf_ct_tls_segment *segment,
		    struct nf_ct_tls_view *view)
{
	spin_lock_bh(&ct->lock);
	look(ct, segment, view);
}

void nf_ct_tls_unlock(struct nf_conn *ct)
{
	spin_unlock_bh(&ct->lock);
}

const u8 *nf_ct_tls_piece(const struct sk_buff *skb, unsigned int offset, unsigned int len)
{
	const skb_frag_t *first = &skb_shinfo(skb)->frags[0];
	unsigned int in_first = offset - skb_headlen(skb);
	const u8 *data;

	if (offset + len <= skb_headlen(skb))
		return skb->data + offset;
	/* As skb_seq_read() has it, pages that need no mapping lie in one piece. */
	if (offset < skb_headlen(skb) || !skb_shinfo(skb)->nr_frags || !skb_frags_readable(skb) ||
	    in_first + len > skb_frag_size(first) || skb_frag_must_loop(skb_frag_page(first)))
		return NULL;
	data = skb_frag_address_safe(first);
	return data ? data + in_first : NULL;
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
