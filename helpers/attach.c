// SPDX-License-Identifier: GPL-2.0
/*
 * The helper's registration, and the hooks that give it to new connections. What differs between
 * kernel versions is in this file alone.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/in.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/version.h>

#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_helper.h>

#include "../helpers.h"
#include "internal.h"

#define HELPER_NAME "tls"

/*
 * Up to 7.2 a helper stands for one family, told by its tuple; from 7.3 on one stands for both.
 * Both register a counted copy, which connections may outlive us with.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
static const u8 families[] = { NFPROTO_IPV4, NFPROTO_IPV6 };
#define helper_init(helper, family, policy, help)					\
	nf_ct_helper_init(helper, family, IPPROTO_TCP, HELPER_NAME, 0, 0, 0, policy, 0,	\
			  help, NULL, THIS_MODULE)
#else
static const u8 families[] = { NFPROTO_UNSPEC };
#define helper_init(helper, family, policy, help)					\
	nf_ct_helper_init(helper, family, IPPROTO_TCP, HELPER_NAME, policy, 0,		\
			  help, NULL, THIS_MODULE)
#endif

static struct nf_conntrack_helper *helpers[ARRAY_SIZE(families)] __read_mostly;

static int help(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		enum ip_conntrack_info ctinfo)
{
	return nf_ct_tls_help(skb, protoff, ct, ctinfo);
}

int nf_ct_tls_register(void)
{
	/* We expect no connections, but every helper must have a policy. */
	static const struct nf_conntrack_expect_policy policy = { .max_expected = 1 };
	struct nf_conntrack_helper templates[ARRAY_SIZE(families)];

	NF_CT_HELPER_BUILD_BUG_ON(NF_CT_TLS_STATE_SIZE);
	BUILD_BUG_ON(offsetof(struct nf_conn_help, data) % NF_CT_TLS_STATE_ALIGN);
	BUILD_BUG_ON(NF_CT_TLS_DROP != NF_DROP || NF_CT_TLS_ACCEPT != NF_ACCEPT);

	for (unsigned int i = 0; i < ARRAY_SIZE(families); i++)
		helper_init(&templates[i], families[i], &policy, help);
	return nf_conntrack_helpers_register(templates, ARRAY_SIZE(families), helpers);
}

void nf_ct_tls_unregister(void)
{
	nf_conntrack_helpers_unregister(helpers, ARRAY_SIZE(families));
}

/* Attaching by port */

static struct nf_conntrack_helper *helper_for(u8 family)
{
	if (ARRAY_SIZE(families) > 1 && family == NFPROTO_IPV6)
		return helpers[ARRAY_SIZE(families) - 1];
	return helpers[0];
}

static bool is_our_port(const struct nf_conn *ct)
{
	u16 port = ntohs(ct->tuplehash[IP_CT_DIR_ORIGINAL].tuple.dst.u.tcp.port);

	for (unsigned int i = 0; i < nf_ct_tls_ports_count; i++) {
		if (nf_ct_tls_ports[i] == port)
			return true;
	}
	return false;
}

/* Runs behind conntrack and the raw table: explicit rules go first. */
static unsigned int attach(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);
	struct nf_conntrack_helper *helper;
	struct nf_conn_help *ext;

	/* Only an unconfirmed connection is ours alone, and can be extended. */
	if (!ct || ctinfo != IP_CT_NEW || nf_ct_is_confirmed(ct) || nf_ct_is_template(ct))
		return NF_ACCEPT;
	if (nf_ct_protonum(ct) != IPPROTO_TCP || nfct_help(ct) || !is_our_port(ct))
		return NF_ACCEPT;

	helper = helper_for(nf_ct_l3num(ct));
	ext = nf_ct_helper_ext_add(ct, GFP_ATOMIC);
	if (!ext) {
		pr_warn_ratelimited("no memory, a connection goes unhelped\n");
		return NF_ACCEPT;
	}
	if (refcount_inc_not_zero(&helper->ct_refcnt))
		rcu_assign_pointer(ext->helper, helper);
	return NF_ACCEPT;
}

static const struct nf_hook_ops attach_ops[] = {
	{
		.hook = attach,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP_PRI_CONNTRACK + 1,
	},
	{
		.hook = attach,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_CONNTRACK + 1,
	},
	{
		.hook = attach,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_PRE_ROUTING,
		.priority = NF_IP6_PRI_CONNTRACK + 1,
	},
	{
		.hook = attach,
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

static bool has_ports(void)
{
	for (unsigned int i = 0; i < nf_ct_tls_ports_count; i++) {
		if (nf_ct_tls_ports[i])
			return true;
	}
	return false;
}

int nf_ct_tls_attach_start(void)
{
	int err;

	if (!has_ports())
		return 0;
	err = nf_ct_netns_get(&init_net, NFPROTO_INET);
	if (err)
		return err;
	err = register_pernet_subsys(&attach_net_ops);
	if (err)
		nf_ct_netns_put(&init_net, NFPROTO_INET);
	return err;
}

void nf_ct_tls_attach_stop(void)
{
	if (!has_ports())
		return;
	unregister_pernet_subsys(&attach_net_ops);
	nf_ct_netns_put(&init_net, NFPROTO_INET);
}
