// SPDX-License-Identifier: GPL-2.0
/* What the world hears of a condemned connection: log lines, and its mark. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/net.h>
#include <linux/skbuff.h>

#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_helper.h>

#include "../helpers.h"

void nf_ct_tls_report(struct sk_buff *skb, struct nf_conn *ct, const u8 *reason,
		      unsigned int len, bool reply)
{
	const struct nf_conntrack_tuple *tuple = &ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple;
	const char *direction = reply ? "reply" : "original";
	u16 sport = ntohs(tuple->src.u.tcp.port), dport = ntohs(tuple->dst.u.tcp.port);

	nf_ct_helper_log(skb, ct, "%.*s", len, reason);
	if (nf_ct_l3num(ct) == NFPROTO_IPV6)
		net_warn_ratelimited("%.*s: connection condemned, %s direction, [%pI6c]:%u -> [%pI6c]:%u\n",
				     len, reason, direction, &tuple->src.u3.ip6, sport,
				     &tuple->dst.u3.ip6, dport);
	else
		net_warn_ratelimited("%.*s: connection condemned, %s direction, %pI4:%u -> %pI4:%u\n",
				     len, reason, direction, &tuple->src.u3.ip, sport,
				     &tuple->dst.u3.ip, dport);
}

void nf_ct_tls_set_mark(struct nf_conn *ct, u32 mark)
{
#if IS_ENABLED(CONFIG_NF_CONNTRACK_MARK)
	WRITE_ONCE(ct->mark, READ_ONCE(ct->mark) | mark);
	nf_conntrack_event_cache(IPCT_MARK, ct);
	/* Nothing more may pass that would deliver it. */
	nf_ct_deliver_cached_events(ct);
#endif
}
