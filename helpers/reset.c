// SPDX-License-Identifier: GPL-2.0
/*
 * Ends a condemned connection at both ends, with sequence numbers that each end accepts (RFC 5961).
 *
 * Towards the receiver, the packet itself becomes a RST and goes on: its addresses and its way are
 * right whatever NAT, bridge or route there is. Towards the sender goes a new RST, which begins
 * where the packet acknowledges; that is just what its sender expects next. If an end does not get
 * the first RST, its next ACK or data gets both again, with the numbers that it carries.
 *
 * conntrack does not see the RSTs, so its entry does not close, and outlives an end that stays
 * silent.
 */
#include <linux/etherdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter_bridge.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>

#include <net/dst_metadata.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/l3mdev.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_l4proto.h>
#include <net/netfilter/nf_conntrack_timeout.h>
#include <net/route.h>
#include <net/tcp.h>
#include <net/xfrm.h>

#include "../helpers.h"
#include "internal.h"

static void check_tcp4(struct tcphdr *th, const struct iphdr *iph, unsigned int len)
{
	th->check = 0;
	th->check = tcp_v4_check(len, iph->saddr, iph->daddr, csum_partial(th, len, 0));
}

static void check_tcp6(struct tcphdr *th, const struct ipv6hdr *ip6h, unsigned int len)
{
	th->check = 0;
	th->check = csum_ipv6_magic(&ip6h->saddr, &ip6h->daddr, len, IPPROTO_TCP,
				    csum_partial(th, len, 0));
}

/* Towards the receiver: the packet becomes a RST. */

static void make_rst(struct tcphdr *th)
{
	tcp_flag_word(th) &= ~(TCP_FLAG_FIN | TCP_FLAG_SYN | TCP_FLAG_PSH | TCP_FLAG_URG |
			       TCP_FLAG_ECE | TCP_FLAG_CWR);
	tcp_flag_word(th) |= TCP_FLAG_RST;
	th->urg_ptr = 0;
}

/* A clone of what a local socket sent waits for its retransmission, and must not change. */
static bool strip_payload(struct sk_buff *skb, unsigned int protoff)
{
	const struct tcphdr *th;
	unsigned int end;

	if (skb_unclone(skb, GFP_ATOMIC) || !pskb_may_pull(skb, protoff + sizeof(*th)))
		return false;
	th = (const struct tcphdr *)(skb->data + protoff);
	end = protoff + th->doff * 4;
	if (!pskb_may_pull(skb, end) || pskb_trim(skb, end))
		return false;
	skb_gso_reset(skb);
	skb->ip_summed = CHECKSUM_NONE;
	skb->csum_valid = 0;
	return true;
}

static bool become_rst(struct sk_buff *skb, unsigned int protoff)
{
	struct tcphdr *th;
	unsigned int len;

	if (!strip_payload(skb, protoff))
		return false;
	th = (struct tcphdr *)(skb->data + protoff);
	len = skb->len - protoff;
	make_rst(th);
	if (skb->protocol == htons(ETH_P_IPV6)) {
		struct ipv6hdr *ip6h = ipv6_hdr(skb);

		ip6h->payload_len = htons(skb->len - skb_network_offset(skb) - sizeof(*ip6h));
		check_tcp6(th, ip6h, len);
	} else {
		struct iphdr *iph = ip_hdr(skb);

		iph->tot_len = htons(skb->len - skb_network_offset(skb));
		ip_send_check(iph);
		check_tcp4(th, iph, len);
	}
	return true;
}

/* Towards the sender: a new RST, between the addresses that the sender knows. */

static void put_ipv4(struct sk_buff *rst, const struct net *net,
		     const struct nf_conntrack_tuple *tuple)
{
	struct iphdr *iph = skb_put_zero(rst, sizeof(*iph));

	iph->version = 4;
	iph->ihl = sizeof(*iph) / 4;
	iph->frag_off = htons(IP_DF);
	iph->protocol = IPPROTO_TCP;
	iph->ttl = READ_ONCE(net->ipv4.sysctl_ip_default_ttl);
	iph->saddr = tuple->dst.u3.ip;
	iph->daddr = tuple->src.u3.ip;
	iph->tot_len = htons(sizeof(*iph) + sizeof(struct tcphdr));
	ip_send_check(iph);
	rst->protocol = htons(ETH_P_IP);
}

static void put_ipv6(struct sk_buff *rst, const struct net *net,
		     const struct nf_conntrack_tuple *tuple)
{
	struct ipv6hdr *ip6h = skb_put_zero(rst, sizeof(*ip6h));

	ip6_flow_hdr(ip6h, 0, 0);
	ip6h->nexthdr = IPPROTO_TCP;
	ip6h->hop_limit = READ_ONCE(net->ipv6.devconf_all->hop_limit);
	ip6h->saddr = tuple->dst.u3.in6;
	ip6h->daddr = tuple->src.u3.in6;
	ip6h->payload_len = htons(sizeof(struct tcphdr));
	rst->protocol = htons(ETH_P_IPV6);
}

/* Without an ACK, its sender knows no number of the peer. It accepts a RST that acknowledges. */
static void put_tcp(struct sk_buff *rst, const struct nf_conntrack_tuple *tuple,
		    const struct tcphdr *th, unsigned int payload)
{
	struct tcphdr *to;

	skb_set_transport_header(rst, rst->len);
	to = skb_put_zero(rst, sizeof(*to));
	to->source = tuple->dst.u.tcp.port;
	to->dest = tuple->src.u.tcp.port;
	to->doff = sizeof(*to) / 4;
	to->rst = 1;
	if (th->ack) {
		to->seq = th->ack_seq;
	} else {
		to->ack = 1;
		to->ack_seq = htonl(ntohl(th->seq) + th->syn + th->fin + payload);
	}
	if (rst->protocol == htons(ETH_P_IPV6))
		check_tcp6(to, ipv6_hdr(rst), sizeof(*to));
	else
		check_tcp4(to, ip_hdr(rst), sizeof(*to));
}

static struct sk_buff *new_rst(const struct sk_buff *skb, unsigned int protoff,
			       const struct net *net, const struct nf_conntrack_tuple *tuple)
{
	const unsigned int room = LL_MAX_HEADER + sizeof(struct ipv6hdr) + sizeof(struct tcphdr);
	struct tcphdr buffer;
	const struct tcphdr *th = skb_header_pointer(skb, protoff, sizeof(buffer), &buffer);
	struct sk_buff *rst = th ? alloc_skb(room, GFP_ATOMIC) : NULL;

	if (!rst)
		return NULL;
	skb_reserve(rst, LL_MAX_HEADER);
	skb_reset_network_header(rst);
	if (tuple->src.l3num == NFPROTO_IPV6)
		put_ipv6(rst, net, tuple);
	else
		put_ipv4(rst, net, tuple);
	put_tcp(rst, tuple, th, skb->len - protoff - th->doff * 4);
	/* conntrack must not act on it: neither end has sent it. */
	nf_ct_set(rst, NULL, IP_CT_UNTRACKED);
	return rst;
}

/* The VRF of the device that the sender's packet came by, or that it leaves by. */
static int vrf_of(struct net *net, const struct sk_buff *skb)
{
	struct net_device *dev = NULL;

	if (skb->skb_iif)
		dev = dev_get_by_index_rcu(net, skb->skb_iif);
	if (!dev && skb_valid_dst(skb))
		dev = skb_dst_dev(skb);
	return l3mdev_master_ifindex_rcu(dev);
}

static struct dst_entry *route4(struct net *net, const struct sk_buff *skb,
				const struct nf_conntrack_tuple *tuple)
{
	struct flowi4 fl4 = {
		.daddr = tuple->src.u3.ip,
		.saddr = tuple->dst.u3.ip,
		.fl4_sport = tuple->dst.u.tcp.port,
		.fl4_dport = tuple->src.u.tcp.port,
		.flowi4_proto = IPPROTO_TCP,
		.flowi4_l3mdev = vrf_of(net, skb),
		.flowi4_mark = IP4_REPLY_MARK(net, skb->mark),
		/* It is the peer's address, not ours. */
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
	};
	struct rtable *rt = ip_route_output_flow(net, &fl4, NULL);

	return IS_ERR(rt) ? NULL : &rt->dst;
}

static struct dst_entry *route6(struct net *net, const struct sk_buff *skb,
				const struct nf_conntrack_tuple *tuple)
{
	struct flowi6 fl6 = {
		.daddr = tuple->src.u3.in6,
		.saddr = tuple->dst.u3.in6,
		.fl6_sport = tuple->dst.u.tcp.port,
		.fl6_dport = tuple->src.u.tcp.port,
		.flowi6_proto = IPPROTO_TCP,
		.flowi6_l3mdev = vrf_of(net, skb),
		.flowi6_mark = IP6_REPLY_MARK(net, skb->mark),
	};
	struct dst_entry *dst;

	if (ipv6_addr_type(&fl6.daddr) & IPV6_ADDR_LINKLOCAL)
		fl6.flowi6_oif = skb->skb_iif;
	dst = ip6_route_output(net, NULL, &fl6);
	if (dst->error) {
		dst_release(dst);
		return NULL;
	}
	dst = xfrm_lookup(net, dst, flowi6_to_flowi(&fl6), NULL, 0);
	return IS_ERR(dst) ? NULL : dst;
}

static bool send_routed(struct net *net, struct sk_buff *rst, struct dst_entry *dst)
{
	if (!dst) {
		kfree_skb(rst);
		return false;
	}
	skb_dst_set(rst, dst);
	if (rst->protocol == htons(ETH_P_IPV6))
		ip6_local_out(net, NULL, rst);
	else
		ip_local_out(net, NULL, rst);
	return true;
}

#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
/* A bridge may have no route: the RST leaves by the port that the packet came in by. */
static bool send_bridged(struct net *net, struct sk_buff *rst, const struct sk_buff *skb)
{
	const struct ethhdr *eth = eth_hdr(skb);

	rst->dev = nf_bridge_get_physindev(skb, net);
	if (!rst->dev || dev_hard_header(rst, rst->dev, ntohs(rst->protocol), eth->h_source,
					 eth->h_dest, rst->len) < 0) {
		kfree_skb(rst);
		return false;
	}
	dev_queue_xmit(rst);
	return true;
}
#endif

static bool reset_sender(const struct sk_buff *skb, unsigned int protoff, struct net *net,
			 const struct nf_conntrack_tuple *tuple)
{
	struct sk_buff *rst = new_rst(skb, protoff, net, tuple);

	if (!rst)
		return false;
#if IS_ENABLED(CONFIG_BRIDGE_NETFILTER)
	if (nf_bridge_info_exists(skb))
		return send_bridged(net, rst, skb);
#endif
	if (tuple->src.l3num == NFPROTO_IPV6)
		return send_routed(net, rst, route6(net, skb, tuple));
	return send_routed(net, rst, route4(net, skb, tuple));
}

unsigned int nf_ct_tls_reset(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
			     unsigned int ctinfo)
{
	const struct nf_conntrack_tuple *tuple = nf_ct_tuple(ct, CTINFO2DIR(ctinfo));
	unsigned int ended = 0;

	if (reset_sender(skb, protoff, nf_ct_net(ct), tuple))
		ended |= NF_CT_TLS_SENDER;
	if (become_rst(skb, protoff))
		ended |= NF_CT_TLS_RECEIVER;
	return ended;
}

/* conntrack's memory of a condemned connection */

void nf_ct_tls_hold(struct nf_conn *ct)
{
	unsigned int *timeouts = nf_ct_timeout_lookup(ct);
	u32 timeout;

	if (!timeouts)
		timeouts = nf_tcp_pernet(nf_ct_net(ct))->timeouts;
	timeout = READ_ONCE(timeouts[TCP_CONNTRACK_ESTABLISHED]);
	/* Until it is confirmed, the time counts from then on. */
	if (nf_ct_is_confirmed(ct))
		timeout += nfct_time_stamp;
	set_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status);
	WRITE_ONCE(ct->timeout, timeout);
}

bool nf_ct_tls_is_held(const struct nf_conn *ct)
{
	return test_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status);
}

void nf_ct_tls_unhold(struct nf_conn *ct)
{
	if (nf_ct_tls_is_held(ct))
		clear_bit(IPS_FIXED_TIMEOUT_BIT, &ct->status);
}
