// SPDX-License-Identifier: GPL-2.0
/*
 * The policy of each network namespace, and the two ways to it: sysctls, which replace that of
 * their namespace, and the module's parameters, which are what a new namespace begins with.
 *
 * A policy that packets may look at is never changed: a changed copy takes its place.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysctl.h>
#include <linux/user_namespace.h>

#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>

#include "../helpers.h"
#include "internal.h"

/* Longer than the names of all reasons. */
#define TEXT_SIZE 1024

/* Guards the module's policy, and the writers of the others. */
static DEFINE_MUTEX(policy_mutex);

static struct nf_ct_tls_policy defaults = {
	.seq_len = 128,
	.ports = { .count = 1, .port = { 443 } },
	.midstream = NF_CT_TLS_MIDSTREAM_DEFAULT,
	.reset = 1,
	.log = NF_CT_TLS_LOG_KERNEL | NF_CT_TLS_LOG_PACKET,
	.log_limit = 10,
};

const struct nf_ct_tls_policy *nf_ct_tls_policy_of(const struct nf_conn *ct)
{
	return rcu_dereference(nf_ct_tls_net_rcu(nf_ct_net(ct))->policy);
}

static void refuse(const struct nf_ct_tls_field *field, const char *text, const char *culprit)
{
	const char *name = nf_ct_tls_field_name(field);
	int len = min(strcspn(text, "\n"), 64);

	if (culprit)
		pr_err("%s=%.*s: not \"%.64s\": allowed are %s\n", name, len, text, culprit,
		       field->allowed);
	else
		pr_err("%s=%.*s: allowed are %s\n", name, len, text, field->allowed);
}

/* Any error in a value is EINVAL, and leaves the policy as it was. */
static int parse(const struct nf_ct_tls_field *field, const char *text, bool may_print,
		 struct nf_ct_tls_policy *policy)
{
	const char *culprit;
	char *copy = kstrdup(text, GFP_KERNEL);
	int err;

	if (!copy)
		return -ENOMEM;
	err = nf_ct_tls_field_parse(field, policy, strim(copy), &culprit);
	if (err) {
		if (may_print)
			refuse(field, text, culprit);
		err = -EINVAL;
	}
	kfree(copy);
	return err;
}

/* The module's parameters */

static int set_param(const char *val, const struct kernel_param *kp)
{
	int err;

	mutex_lock(&policy_mutex);
	err = parse(kp->arg, val, true, &defaults);
	mutex_unlock(&policy_mutex);
	return err;
}

static int get_param(char *buffer, const struct kernel_param *kp)
{
	int len;

	mutex_lock(&policy_mutex);
	len = nf_ct_tls_field_show(kp->arg, &defaults, buffer, TEXT_SIZE);
	mutex_unlock(&policy_mutex);
	buffer[len] = '\n';
	return len + 1;
}

static const struct kernel_param_ops param_ops = { .set = set_param, .get = get_param };

#define FIELD(index) ((void *)&nf_ct_tls_fields[NF_CT_TLS_FIELD_##index])

module_param_cb(seq_len, &param_ops, FIELD(SEQ_LEN), 0644);
__MODULE_PARM_TYPE(seq_len, "uint");
MODULE_PARM_DESC(seq_len, "drop at more than this many bytes below 128 in a row where ciphertext should be: 1..65535 bytes, 0 for off (default 128)");
module_param_cb(min_version, &param_ops, FIELD(MIN_VERSION), 0644);
__MODULE_PARM_TYPE(min_version, "version");
MODULE_PARM_DESC(min_version, "lowest version that may be negotiated: ssl3, 1.0, 1.1, 1.2, 1.3 or 0x0300 to 0x0304, 0 for any (default 0)");
module_param_cb(heartbeat, &param_ops, FIELD(HEARTBEAT), 0644);
__MODULE_PARM_TYPE(heartbeat, "bool");
MODULE_PARM_DESC(heartbeat, "heartbeats: 0 refused, 1 by the rules of RFC 6520 (default 0)");
module_param_cb(report, &param_ops, FIELD(REPORT), 0644);
__MODULE_PARM_TYPE(report, "names");
MODULE_PARM_DESC(report, "reasons that are reported only, or all, or none (default none)");
module_param_cb(off, &param_ops, FIELD(OFF), 0644);
__MODULE_PARM_TYPE(off, "names");
MODULE_PARM_DESC(off, "reasons that are not looked for, or all, or none (default none)");
module_param_cb(log_only, &param_ops, FIELD(LOG_ONLY), 0644);
__MODULE_PARM_TYPE(log_only, "bool");
MODULE_PARM_DESC(log_only, "1 to report what breaks a rule and drop nothing (default 0)");
module_param_cb(midstream, &param_ops, FIELD(MIDSTREAM), 0644);
__MODULE_PARM_TYPE(midstream, "word");
MODULE_PARM_DESC(midstream, "connections that begin in the middle: pass or drop");
module_param_cb(starttls, &param_ops, FIELD(STARTTLS), 0644);
__MODULE_PARM_TYPE(starttls, "word");
MODULE_PARM_DESC(starttls, "connections with the helper starttls that do not upgrade: allow or require (default allow)");
module_param_cb(reset, &param_ops, FIELD(RESET), 0644);
__MODULE_PARM_TYPE(reset, "bool");
MODULE_PARM_DESC(reset, "condemned connections: 1 reset at both ends, 0 dropped in silence (default 1)");
module_param_cb(mark, &param_ops, FIELD(MARK), 0644);
__MODULE_PARM_TYPE(mark, "uint");
MODULE_PARM_DESC(mark, "bits of the conntrack mark for broken rules; 5 in a row or more hold the reason's number (default 0)");
module_param_cb(log, &param_ops, FIELD(LOG), 0644);
__MODULE_PARM_TYPE(log, "uint");
MODULE_PARM_DESC(log, "1 for lines in the kernel log, 2 for packet loggers, 3 for both, 0 for none (default 3)");
module_param_cb(log_limit, &param_ops, FIELD(LOG_LIMIT), 0644);
__MODULE_PARM_TYPE(log_limit, "uint");
MODULE_PARM_DESC(log_limit, "lines in 5 seconds, for each network namespace, 0 for no limit (default 10)");
module_param_cb(ports, &param_ops, FIELD(PORTS), 0644);
__MODULE_PARM_TYPE(ports, "array of ushort");
MODULE_PARM_DESC(ports, "TCP ports whose new connections get the helper: up to 8, 0 for none (default 443)");

void nf_ct_tls_policy_forget_ports(void)
{
	mutex_lock(&policy_mutex);
	defaults.ports = (struct nf_ct_tls_ports){};
	mutex_unlock(&policy_mutex);
}

/* For a line of the kernel log, which holds that much at least. */
void nf_ct_tls_policy_say(const char *hint)
{
	char *line = kmalloc(TEXT_SIZE, GFP_KERNEL);
	unsigned int at = 0;

	if (!line)
		return;
	mutex_lock(&policy_mutex);
	for (unsigned int i = 0; i < NF_CT_TLS_FIELDS; i++) {
		const struct nf_ct_tls_field *field = &nf_ct_tls_fields[i];

		at += scnprintf(line + at, TEXT_SIZE - at, " %s=", nf_ct_tls_field_name(field));
		at += nf_ct_tls_field_show(field, &defaults, line + at, TEXT_SIZE - at);
	}
	mutex_unlock(&policy_mutex);
	pr_info("%s:%s%s\n", NF_CT_TLS_VERSION, line, hint);
	kfree(line);
}

/* The sysctls */

static int change(struct tls_net *tn, const struct nf_ct_tls_field *field, const char *text)
{
	struct nf_ct_tls_policy *old, *new;
	int err = -ENOMEM;

	mutex_lock(&policy_mutex);
	old = rcu_dereference_protected(tn->policy, lockdep_is_held(&policy_mutex));
	new = kmemdup(old, sizeof(*old), GFP_KERNEL_ACCOUNT);
	if (new)
		err = parse(field, text, nf_ct_tls_may_print(tn->net), new);
	if (!err && field == &nf_ct_tls_fields[NF_CT_TLS_FIELD_PORTS])
		err = nf_ct_tls_track(tn, new->ports.count);
	if (!err)
		rcu_assign_pointer(tn->policy, new);
	mutex_unlock(&policy_mutex);
	if (err)
		kfree(new);
	else
		kfree_rcu_mightsleep(old);
	return err;
}

static int show(const struct tls_net *tn, const struct nf_ct_tls_field *field, char *text)
{
	rcu_read_lock();
	nf_ct_tls_field_show(field, rcu_dereference(tn->policy), text, TEXT_SIZE);
	rcu_read_unlock();
	return 0;
}

static int policy_sysctl(const struct ctl_table *table, int write, void *buffer, size_t *lenp,
			 loff_t *ppos)
{
	struct tls_net *tn = table->data;
	char *text;
	int err;

	/* A value comes in one piece. */
	if (write && (*ppos || *lenp >= TEXT_SIZE))
		return -EINVAL;
	text = kzalloc(TEXT_SIZE, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	if (!write)
		show(tn, table->extra1, text);
	err = proc_dostring(&(const struct ctl_table){ .data = text, .maxlen = TEXT_SIZE }, write,
			    buffer, lenp, ppos);
	if (!err && write)
		err = change(tn, table->extra1, text);
	kfree(text);
	return err;
}

/*
 * The administrator of a namespace decides its policy. The host decides how much it may print to
 * the host's log.
 */
static umode_t mode_of(const struct net *net, unsigned int field)
{
	if (field == NF_CT_TLS_FIELD_LOG_LIMIT && net->user_ns != &init_user_ns)
		return 0444;
	return 0644;
}

static int register_sysctls(struct tls_net *tn)
{
	tn->table = kcalloc(NF_CT_TLS_FIELDS, sizeof(*tn->table), GFP_KERNEL_ACCOUNT);
	if (!tn->table)
		return -ENOMEM;
	for (unsigned int i = 0; i < NF_CT_TLS_FIELDS; i++) {
		tn->table[i] = (struct ctl_table) {
			.procname = nf_ct_tls_fields[i].sysctl,
			.data = tn,
			.maxlen = sizeof(*tn),
			.mode = mode_of(tn->net, i),
			.proc_handler = policy_sysctl,
			.extra1 = (void *)&nf_ct_tls_fields[i],
		};
	}
	tn->sysctls = register_net_sysctl_sz(tn->net, "net/netfilter", tn->table,
					     NF_CT_TLS_FIELDS);
	if (tn->sysctls)
		return 0;
	kfree(tn->table);
	return -ENOMEM;
}

int nf_ct_tls_policy_init(struct tls_net *tn)
{
	struct nf_ct_tls_policy *policy;
	int err;

	mutex_lock(&policy_mutex);
	policy = kmemdup(&defaults, sizeof(defaults), GFP_KERNEL_ACCOUNT);
	mutex_unlock(&policy_mutex);
	if (!policy)
		return -ENOMEM;
	RCU_INIT_POINTER(tn->policy, policy);
	/* In other namespaces conntrack is on if a rule needs it, or if the sysctl names ports. */
	if (net_eq(tn->net, &init_net) && policy->ports.count) {
		err = nf_ct_tls_track(tn, true);
		if (err)
			goto free_policy;
	}
	err = register_sysctls(tn);
	if (err)
		goto untrack;
	return 0;

untrack:
	nf_ct_tls_track(tn, false);
free_policy:
	kfree(policy);
	return err;
}

/* There are no writers any more, but a packet may still read it. */
void nf_ct_tls_policy_exit(struct tls_net *tn)
{
	unregister_net_sysctl_table(tn->sysctls);
	kfree(tn->table);
	nf_ct_tls_track(tn, false);
	kfree_rcu_mightsleep(rcu_dereference_protected(tn->policy, true));
}
