// SPDX-License-Identifier: GPL-2.0
/*
 * The helper's registration, and the hooks that give it to new connections. What differs between
 * kernel versions is in this file alone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/tcp.h>
#include <linux/version.h>

#include <net/ipv6.h>
#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_helper.h>

#include "../helpers.h"
#include "internal.h"

/*
 * Up to 7.2 a helper stands for one family, named by its tuple; from 7.3 on one stands for both.
 * Both register a refcounted copy, which connections may keep after the module is unloaded.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
#else
static const u8 families[] = { NFPROTO_UNSPEC };
#endif

/* All helpers are one engine: they differ by the profile under which it judges. */
static int help_tls(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		    enum ip_conntrack_info ctinfo)
{
	return nf_ct_tls_help(skb, protoff, ct, ctinfo, NF_CT_TLS_PROFILE_TLS);
}

static int help_report(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		       enum ip_conntrack_info ctinfo)
{
	return nf_ct_tls_help(skb, protoff, ct, ctinfo, NF_CT_TLS_PROFILE_REPORT);
}

static int help_starttls(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
			 enum ip_conntrack_info ctinfo)
{
	return nf_ct_tls_help(skb, protoff, ct, ctinfo, NF_CT_TLS_PROFILE_STARTTLS);
}

static int help_proxy(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		      enum ip_conntrack_info ctinfo)
{
	return nf_ct_tls_help(skb, protoff, ct, ctinfo, NF_CT_TLS_PROFILE_PROXY);
}

static const struct profile {
	const char *name;
	int (*help)(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		    enum ip_conntrack_info ctinfo);
} profiles[] = {
	/* The first is what ports get. */
	{ "tls", help_tls },
	{ "tls-report", help_report },
	{ "starttls", help_starttls },
	{ "tls-proxy", help_proxy },
};

#define HELPERS (ARRAY_SIZE(profiles) * ARRAY_SIZE(families))

static struct nf_conntrack_helper *helpers[HELPERS] __read_mostly;

static void init_helper(struct nf_conntrack_helper *helper, u8 family,
			const struct profile *profile,
			const struct nf_conntrack_expect_policy *policy)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
	/* The port attaches nothing, but no two helpers of a family may have the same. */
	u16 port = profile - profiles;

	nf_ct_helper_init(helper, family, IPPROTO_TCP, profile->name, port, port, 0, policy, 0,
			  profile->help, NULL, THIS_MODULE);
#else
	nf_ct_helper_init(helper, family, IPPROTO_TCP, profile->name, policy, 0,
			  profile->help, NULL, THIS_MODULE);
#endif
}

int nf_ct_tls_register(void)
{
	/* We expect no connections, but every helper must have a policy. */
	static const struct nf_conntrack_expect_policy policy = { .max_expected = 1 };
	struct nf_conntrack_helper *templates;
	int err;

	NF_CT_HELPER_BUILD_BUG_ON(NF_CT_TLS_STATE_SIZE);
	BUILD_BUG_ON(offsetof(struct nf_conn_help, data) % NF_CT_TLS_STATE_ALIGN);
	BUILD_BUG_ON(NF_CT_TLS_DROP != NF_DROP || NF_CT_TLS_ACCEPT != NF_ACCEPT);

	templates = kcalloc(HELPERS, sizeof(*templates), GFP_KERNEL);
	if (!templates)
		return -ENOMEM;
	for (unsigned int i = 0; i < HELPERS; i++) {
		init_helper(&templates[i], families[i % ARRAY_SIZE(families)],
			    &profiles[i / ARRAY_SIZE(families)], &policy);
	}
	err = nf_conntrack_helpers_register(templates, HELPERS, helpers);
	kfree(templates);
	return err;
}

void nf_ct_tls_unregister(void)
{
	nf_conntrack_helpers_unregister(helpers, HELPERS);
}

/* Attaching by port */

static struct nf_conntrack_helper *helper_for(u8 family)
{
	if (ARRAY_SIZE(families) > 1 && family == NFPROTO_IPV6)
		return helpers[ARRAY_SIZE(families) - 1];
	return helpers[0];
}

static bool is_our_port(const struct nf_conn *ct, const struct nf_ct_tls_ports *ports)
{
	u16 port = ntohs(nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL)->dst.u.tcp.port);

	for (unsigned int i = 0; i < ports->count; i++) {
		if (ports->port[i] == port)
			return true;
	}
	return false;
}

/* Only an unconfirmed connection is ours alone, and can be extended. */
static void attach(struct nf_conn *ct)
{
	struct nf_conntrack_helper *helper = helper_for(nf_ct_l3num(ct));
	struct nf_conn_help *ext;

	if (nf_ct_protonum(ct) != IPPROTO_TCP || nfct_help(ct) ||
	    !is_our_port(ct, &nf_ct_tls_policy_of(ct)->ports))
		return;
	ext = nf_ct_helper_ext_add(ct, GFP_ATOMIC);
	if (!ext) {
		if (nf_ct_tls_may_print(nf_ct_net(ct)))
			pr_warn_ratelimited("no memory, a connection goes unhelped\n");
		return;
	}
	if (refcount_inc_not_zero(&helper->ct_refcnt))
		rcu_assign_pointer(ext->helper, helper);
}

/* A new connection in an old entry */

static bool is_syn(const struct sk_buff *skb, u8 family)
{
	u8 protocol = IPPROTO_TCP;
	int protoff = skb_network_offset(skb);
	struct tcphdr buffer;
	const struct tcphdr *th;
	__be16 frag_off;

	if (family == NFPROTO_IPV6) {
		protocol = ipv6_hdr(skb)->nexthdr;
		protoff = ipv6_skip_exthdr(skb, protoff + sizeof(struct ipv6hdr), &protocol,
					   &frag_off);
	} else {
		protoff += ip_hdrlen(skb);
	}
	if (protoff < 0 || protocol != IPPROTO_TCP)
		return false;
	th = skb_header_pointer(skb, protoff, sizeof(buffer), &buffer);
	return th && th->syn && !th->ack;
}

/*
 * A SYN may begin another connection in the entry of a condemned one. Only the answer to it shows
 * whether it does. So the mark is cleared, for rules that look at it to let the SYN pass.
 */
static void spare_syn(const struct sk_buff *skb, struct nf_conn *ct)
{
	if (nf_ct_protonum(ct) == IPPROTO_TCP && is_syn(skb, nf_ct_l3num(ct)))
		nf_ct_tls_clear_mark(ct, nf_ct_tls_policy_of(ct)->mark);
}

/* Runs after conntrack and the raw table: explicit rules go first. */
static unsigned int meet(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	if (!ct || nf_ct_is_template(ct))
		return NF_ACCEPT;
	if (ctinfo == IP_CT_NEW && !nf_ct_is_confirmed(ct))
		attach(ct);
	else if (nf_ct_tls_is_held(ct) && CTINFO2DIR(ctinfo) == IP_CT_DIR_ORIGINAL)
		spare_syn(skb, ct);
	return NF_ACCEPT;
}

static const struct nf_hook_ops attach_ops[] = {
	{
		.hook = meet,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK + 1,
	},
	{
		.hook = meet,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_CONNTRACK + 1,
	},
	{
		.hook = meet,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_CONNTRACK + 1,
	},
	{
		.hook = meet,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP6_PRI_CONNTRACK + 1,
	},
};

static int __net_init attach_net_init(struct net *net)
{
	return nf_register_net_hooks(net, attach_ops, ARRAY_SIZE(attach_ops));
}

static void __net_exit attach_net_exit(struct net *net)
{
	nf_unregister_net_hooks(net, attach_ops, ARRAY_SIZE(attach_ops));
}

static struct pernet_operations attach_net_ops = {
	.init = attach_net_init,
	.exit = attach_net_exit,
};

int nf_ct_tls_hooks_init(void)
{
	return register_pernet_subsys(&attach_net_ops);
}

void nf_ct_tls_hooks_exit(void)
{
	unregister_pernet_subsys(&attach_net_ops);
}

int nf_ct_tls_track(struct tls_net *tn, bool on)
{
	int err = 0;

	if (on && !tn->tracks)
		err = nf_ct_netns_get(tn->net, NFPROTO_INET);
	else if (!on && tn->tracks)
		nf_ct_netns_put(tn->net, NFPROTO_INET);
	if (!err)
		tn->tracks = on;
	return err;
}
