// SPDX-License-Identifier: GPL-2.0
/*
 * What Rust cannot name: macros, inline functions, varargs and the kernel's structures; and every
 * difference between kernel versions. No protocol and no policy lives here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/build_bug.h>
#include <linux/in.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/net.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/ratelimit.h>
#include <linux/seq_file.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <linux/version.h>

#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_core.h>
#include <net/netfilter/nf_conntrack_ecache.h>
#include <net/netfilter/nf_conntrack_helper.h>

#include "helpers.h"

#define HELPER_NAME "tls"
#define COUNTERS_FILE "nf_conntrack_tls"

/* Parameters */

unsigned int nf_ct_tls_seq_len __read_mostly = 128;
unsigned int nf_ct_tls_heartbeat __read_mostly = 1;
unsigned int nf_ct_tls_min_version __read_mostly;
unsigned int nf_ct_tls_log_only __read_mostly;
unsigned int nf_ct_tls_mark __read_mostly;

static unsigned short ports[NF_CT_TLS_MAX_PORTS] __read_mostly = { 443 };
static unsigned int ports_count __read_mostly = 1;

/* Says what is allowed; sysfs hands over a line with its end. Whatever is wrong is EINVAL. */
static int refuse(const char *val, const struct kernel_param *kp, const char *allowed)
{
	pr_err("%s=%.*s: allowed are %s\n", kp->name, (int)strcspn(val, "\n"), val, allowed);
	return -EINVAL;
}

static int set_seq_len(const char *val, const struct kernel_param *kp)
{
	if (param_set_uint_minmax(val, kp, 0, U16_MAX))
		return refuse(val, kp, "1 to 65535 bytes, and 0 for off");
	return 0;
}

static int set_switch(const char *val, const struct kernel_param *kp)
{
	if (param_set_uint_minmax(val, kp, 0, 1))
		return refuse(val, kp, "0 and 1");
	return 0;
}

static int set_mark(const char *val, const struct kernel_param *kp)
{
	if (param_set_uint(val, kp))
		return refuse(val, kp, "0 (none) to 0xffffffff");
	return 0;
}

static int set_min_version(const char *val, const struct kernel_param *kp)
{
	unsigned int version;

	if (kstrtouint(val, 0, &version) || (version && (version < 0x0300 || version > 0x0304)))
		return refuse(val, kp, "0 (any), 0x0300 (SSL 3.0) to 0x0304 (TLS 1.3)");
	WRITE_ONCE(nf_ct_tls_min_version, version);
	return 0;
}

static int get_min_version(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "0x%04x\n", nf_ct_tls_min_version);
}

static int get_mark(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "0x%x\n", READ_ONCE(nf_ct_tls_mark));
}

static int set_ports(const char *val, const struct kernel_param *kp)
{
	static const struct kernel_param_ops elem_ops = { .set = param_set_ushort };
	struct kparam_array elems = {
		.max = NF_CT_TLS_MAX_PORTS,
		.elemsize = sizeof(ports[0]),
		.num = &ports_count,
		.ops = &elem_ops,
		.elem = ports,
	};
	struct kernel_param array = *kp;

	array.arr = &elems;
	if (!param_array_ops.set(val, &array))
		return 0;
	/* The array's parser cut the list at its commas. */
	pr_err("ports=...: allowed are up to %d ports, 1 to 65535, or 0 for none\n",
	       NF_CT_TLS_MAX_PORTS);
	return -EINVAL;
}

static int get_ports(char *buffer, const struct kernel_param *kp)
{
	int len = 0;

	for (unsigned int i = 0; i < ports_count; i++)
		len += sysfs_emit_at(buffer, len, "%s%u", i ? "," : "", ports[i]);
	return len + sysfs_emit_at(buffer, len, "\n");
}

static const struct kernel_param_ops seq_len_ops = { .set = set_seq_len, .get = param_get_uint };
static const struct kernel_param_ops switch_ops = { .set = set_switch, .get = param_get_uint };
static const struct kernel_param_ops mark_ops = { .set = set_mark, .get = get_mark };
static const struct kernel_param_ops ports_ops = { .set = set_ports, .get = get_ports };
static const struct kernel_param_ops min_version_ops = {
	.set = set_min_version,
	.get = get_min_version,
};

module_param_cb(seq_len, &seq_len_ops, &nf_ct_tls_seq_len, 0444);
__MODULE_PARM_TYPE(seq_len, "uint");
MODULE_PARM_DESC(seq_len, "drop at more than this many bytes below 128 in a row where ciphertext should be: 1..65535 bytes, 0 for off (default 128)");
module_param_cb(heartbeat, &switch_ops, &nf_ct_tls_heartbeat, 0444);
__MODULE_PARM_TYPE(heartbeat, "uint");
MODULE_PARM_DESC(heartbeat, "heartbeats: 1 by the rules of RFC 6520, 0 refused (default 1)");
module_param_cb(ports, &ports_ops, NULL, 0444);
__MODULE_PARM_TYPE(ports, "array of ushort");
MODULE_PARM_DESC(ports, "TCP ports whose new connections get the helper: up to 8, 0 for none (default 443)");
module_param_cb(min_version, &min_version_ops, NULL, 0444);
__MODULE_PARM_TYPE(min_version, "uint");
MODULE_PARM_DESC(min_version, "lowest version that may be negotiated: 0x0300 (SSL 3.0) to 0x0304 (TLS 1.3), 0 for any (default 0)");
module_param_cb(log_only, &switch_ops, &nf_ct_tls_log_only, 0644);
__MODULE_PARM_TYPE(log_only, "uint");
MODULE_PARM_DESC(log_only, "1 to report what breaks a rule and drop nothing (default 0)");
module_param_cb(mark, &mark_ops, &nf_ct_tls_mark, 0644);
__MODULE_PARM_TYPE(mark, "uint");
MODULE_PARM_DESC(mark, "bits to set in the conntrack mark of a condemned connection (default 0)");

/* The helper */

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
	BUILD_BUG_ON(sizeof(struct nf_ct_tls_cursor) < sizeof(struct skb_seq_state));
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

	for (unsigned int i = 0; i < ports_count; i++) {
		if (ports[i] == port)
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
	for (unsigned int i = 0; i < ports_count; i++) {
		if (ports[i])
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

/* Packets */

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

/* Counters: of each network namespace, so that a container sees its own. */

struct tls_counters {
	u64 value[NF_CT_TLS_COUNTERS];
};

struct tls_net {
	struct tls_counters __percpu *counters;
};

static unsigned int tls_net_id __read_mostly;

void nf_ct_tls_count(const struct nf_conn *ct, unsigned int counter, u64 n)
{
	const struct tls_net *tn = net_generic(nf_ct_net(ct), tls_net_id);

	if (counter < NF_CT_TLS_COUNTERS)
		this_cpu_add(tn->counters->value[counter], n);
}

static int show_counters(struct seq_file *seq, void *unused)
{
	const struct tls_net *tn = net_generic(seq_file_single_net(seq), tls_net_id);

	for (unsigned int i = 0; i < NF_CT_TLS_COUNTERS; i++) {
		unsigned int cpu, len = 0;
		const u8 *name = nf_ct_tls_counter_name(i, &len);
		u64 sum = 0;

		if (!name)
			break;
		for_each_possible_cpu(cpu)
			sum += READ_ONCE(per_cpu_ptr(tn->counters, cpu)->value[i]);
		seq_printf(seq, "%.*s %llu\n", len, name, sum);
	}
	return 0;
}

static int __net_init counters_net_init(struct net *net)
{
	struct tls_net *tn = net_generic(net, tls_net_id);

	tn->counters = alloc_percpu(struct tls_counters);
	if (!tn->counters)
		return -ENOMEM;
	if (!proc_create_net_single(COUNTERS_FILE, 0444, net->proc_net, show_counters, NULL)) {
		free_percpu(tn->counters);
		return -ENOMEM;
	}
	return 0;
}

static void __net_exit counters_net_exit(struct net *net)
{
	struct tls_net *tn = net_generic(net, tls_net_id);

	remove_proc_entry(COUNTERS_FILE, net->proc_net);
	free_percpu(tn->counters);
}

static struct pernet_operations counters_net_ops = {
	.init = counters_net_init,
	.exit = counters_net_exit,
	.id = &tls_net_id,
	.size = sizeof(struct tls_net),
};

int nf_ct_tls_counters_start(void)
{
	return register_pernet_subsys(&counters_net_ops);
}

void nf_ct_tls_counters_stop(void)
{
	unregister_pernet_subsys(&counters_net_ops);
}

/* Reports */

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
