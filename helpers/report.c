// SPDX-License-Identifier: GPL-2.0
/* How a broken rule is reported: by a line in each log, and by the connection's mark. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/skbuff.h>
#include <linux/string_choices.h>

#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_helper.h>
#include <net/netfilter/nf_log.h>

#include "../helpers.h"
#include "internal.h"

/* The log is the host's. Other namespaces write to it if the host allows it, as with LOG rules. */
bool nf_ct_tls_may_print(const struct net *net)
{
	return net_eq(net, &init_net) || READ_ONCE(sysctl_nf_log_all_netns);
}

/* Which namespace a line is about, unless it is the initial one. */
struct where {
	char text[sizeof(" in net:[4294967295]")];
};

static struct where where(const struct net *net)
{
	struct where where = {};

	if (!net_eq(net, &init_net))
		snprintf(where.text, sizeof(where.text), " in net:[%u]", net->ns.inum);
	return where;
}

static bool may_log(struct tls_net *tn, const struct nf_ct_tls_policy *policy)
{
	if (!policy->log)
		return false;
	if (!policy->log_limit)
		return true;
	WRITE_ONCE(tn->log_limit.burst, policy->log_limit);
	return __ratelimit(&tn->log_limit);
}

/* How many lines were left out before this one. */
static void print_missed(struct tls_net *tn)
{
	int missed = ratelimit_state_reset_miss(&tn->log_limit);

	if (missed)
		pr_warn("%d line%s left out%s\n", missed, str_plural(missed), where(tn->net).text);
}

/* The addresses are those that the client used: before any NAT. */
static void print(const struct nf_conn *ct, const struct nf_ct_tls_report *report)
{
	const struct nf_conntrack_tuple *tuple = nf_ct_tuple(ct, IP_CT_DIR_ORIGINAL);
	const char *direction = report->reply ? "reply" : "original";
	u16 sport = ntohs(tuple->src.u.tcp.port), dport = ntohs(tuple->dst.u.tcp.port);
	struct where in = where(nf_ct_net(ct));

	if (nf_ct_l3num(ct) == NFPROTO_IPV6)
		pr_warn("%.*s: %s, %s direction, [%pI6c]:%u -> [%pI6c]:%u%s\n",
			report->len, report->reason, report->outcome, direction,
			&tuple->src.u3.ip6, sport, &tuple->dst.u3.ip6, dport, in.text);
	else
		pr_warn("%.*s: %s, %s direction, %pI4:%u -> %pI4:%u%s\n",
			report->len, report->reason, report->outcome, direction,
			&tuple->src.u3.ip, sport, &tuple->dst.u3.ip, dport, in.text);
}

static const char *helper_name(const struct nf_conn *ct)
{
	const struct nf_conntrack_helper *helper = rcu_dereference(nfct_help(ct)->helper);

	return helper ? helper->name : "tls";
}

static const char *const outcomes[] = {
	[NF_CT_TLS_REPORTED] = "reported",
	[NF_CT_TLS_DROPPED] = "connection condemned, dropped",
	[NF_CT_TLS_RESET] = "connection condemned, reset",
};

/* nf_ct_helper_log() says "dropping packet", even if the packet passes. */
void nf_ct_tls_report(struct sk_buff *skb, struct nf_conn *ct, const u8 *reason,
		      unsigned int len, bool reply, unsigned int outcome)
{
	struct net *net = nf_ct_net(ct);
	struct tls_net *tn = nf_ct_tls_net(net);
	const struct nf_ct_tls_policy *policy = nf_ct_tls_policy_of(ct);
	const struct nf_ct_tls_report report = {
		.reason = reason,
		.len = len,
		.reply = reply,
		.outcome = outcomes[outcome],
	};

	if (!may_log(tn, policy))
		return;
	if (policy->log & NF_CT_TLS_LOG_PACKET)
		nf_log_packet(net, nf_ct_l3num(ct), 0, skb, NULL, NULL, NULL,
			      "helper %s: %.*s, %s ", helper_name(ct), len, reason,
			      report.outcome);
	if ((policy->log & NF_CT_TLS_LOG_KERNEL) && nf_ct_tls_may_print(net)) {
		print_missed(tn);
		print(ct, &report);
	}
}

/* The mark */

#if IS_ENABLED(CONFIG_NF_CONNTRACK_MARK)
/* So many bits in a row hold the number of any reason. */
#define NUMBER_BITS 5

static u32 marked(u32 mark, u32 mask, unsigned int reason)
{
	u32 ones = mask ? mask >> __ffs(mask) : 0;

	if (hweight32(mask) < NUMBER_BITS || (ones & (ones + 1)))
		return mark | mask;
	return (mark & ~mask) | (reason << __ffs(mask));
}

static void change_mark(struct nf_conn *ct, u32 mark)
{
	if (READ_ONCE(ct->mark) == mark)
		return;
	WRITE_ONCE(ct->mark, mark);
	nf_conntrack_event_cache(IPCT_MARK, ct);
	/* Nothing that would deliver it may pass from here on. */
	nf_ct_deliver_cached_events(ct);
}

void nf_ct_tls_set_mark(struct nf_conn *ct, u32 mask, unsigned int reason)
{
	change_mark(ct, marked(READ_ONCE(ct->mark), mask, reason));
}

void nf_ct_tls_clear_mark(struct nf_conn *ct, u32 mask)
{
	change_mark(ct, READ_ONCE(ct->mark) & ~mask);
}
#else
void nf_ct_tls_set_mark(struct nf_conn *ct, u32 mask, unsigned int reason)
{
}

void nf_ct_tls_clear_mark(struct nf_conn *ct, u32 mask)
{
}
#endif
