// SPDX-License-Identifier: GPL-2.0
/*
 * What Rust cannot name of a packet and its connection: macros, inline functions and the kernel's
 * structures. No protocol and no policy lives here, nor in helpers/, which holds the rest of the C
 * side, one file per idea.
 */
#include <linux/build_bug.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>

#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/tcp.h>

#include "helpers.h"

bool nf_ct_tls_segment_of(const struct sk_buff *skb, unsigned int protoff,
			  struct nf_ct_tls_segment *segment, u8 options[NF_CT_TLS_OPTIONS])
{
	struct tcphdr buffer;
	const struct tcphdr *th = skb_header_pointer(skb, protoff, sizeof(buffer), &buffer);

	BUILD_BUG_ON(NF_CT_TLS_OPTIONS < MAX_TCP_OPTION_SPACE);
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
	return true;
}

bool nf_ct_tls_acked_more(const struct nf_conn *ct, unsigned int ctinfo, u32 ack)
{
	const struct ip_ct_tcp_state *sender = &ct->proto.tcp.seen[CTINFO2DIR(ctinfo)];

	return (sender->flags & IP_CT_TCP_FLAG_MAXACK_SET) && (s32)(ack - sender->td_maxack) < 0;
}

bool nf_ct_tls_is_reply(unsigned int ctinfo)
{
	return CTINFO2DIR(ctinfo) == IP_CT_DIR_REPLY;
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
