/* SPDX-License-Identifier: GPL-2.0 */
/* What the C files of this folder share, and Rust does not see. */
#ifndef NF_CONNTRACK_TLS_INTERNAL_H
#define NF_CONNTRACK_TLS_INTERNAL_H

#include <linux/percpu.h>
#include <linux/ratelimit_types.h>
#include <linux/types.h>

#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "../helpers.h"

struct ctl_table;
struct ctl_table_header;
struct net;
struct nf_conn;

struct nf_ct_tls_counters {
	u64 value[NF_CT_TLS_COUNTERS];
};

/**
 * struct tls_net - what a network namespace has of ours
 * @net: the namespace
 * @counters: what was counted in it
 * @policy: its policy, which is never changed, but replaced
 * @sysctls: the files by which it is replaced
 * @table: what they are made of
 * @tracks: whether the module has turned conntrack on
 * @log_limit: how much it may log
 */
struct tls_net {
	struct net *net;
	struct nf_ct_tls_counters __percpu *counters;
	struct nf_ct_tls_policy __rcu *policy;
	struct ctl_table_header *sysctls;
	struct ctl_table *table;
	bool tracks;
	struct ratelimit_state log_limit;
};

/* net.c */
extern unsigned int nf_ct_tls_net_id;

static inline struct tls_net *nf_ct_tls_net(const struct net *net)
{
	return net_generic(net, nf_ct_tls_net_id);
}

/* The same under rcu_read_lock(), which net_generic() takes by a call, and gives back. */
static inline struct tls_net *nf_ct_tls_net_rcu(const struct net *net)
{
	return rcu_dereference(net->gen)->ptr[nf_ct_tls_net_id];
}

/* counters.c: the file, while the namespace's counters are there */
int nf_ct_tls_counters_show(struct net *net);
void nf_ct_tls_counters_hide(struct net *net);

/* fields.c */

#define NF_CT_TLS_SYSCTL_PREFIX "nf_conntrack_tls_"

enum nf_ct_tls_field_index {
	NF_CT_TLS_FIELD_SEQ_LEN,
	NF_CT_TLS_FIELD_MIN_VERSION,
	NF_CT_TLS_FIELD_HEARTBEAT,
	NF_CT_TLS_FIELD_REPORT,
	NF_CT_TLS_FIELD_OFF,
	NF_CT_TLS_FIELD_LOG_ONLY,
	NF_CT_TLS_FIELD_MIDSTREAM,
	NF_CT_TLS_FIELD_STARTTLS,
	NF_CT_TLS_FIELD_RESET,
	NF_CT_TLS_FIELD_MARK,
	NF_CT_TLS_FIELD_LOG,
	NF_CT_TLS_FIELD_LOG_LIMIT,
	NF_CT_TLS_FIELD_PORTS,
	NF_CT_TLS_FIELDS
};

/**
 * struct nf_ct_tls_field - a field of a policy, as text
 * @sysctl: its name, with the prefix of sysctls
 * @parse: reads a text, which it may cut up; may tell which part is wrong
 * @show: writes a text; returns its length
 * @offset: where it is in struct nf_ct_tls_policy
 * @allowed: what it may be, for users who wrote something else
 */
struct nf_ct_tls_field {
	const char *sysctl;
	int (*parse)(char *text, void *to, const char **culprit);
	int (*show)(char *to, size_t size, const void *from);
	size_t offset;
	const char *allowed;
};

extern const struct nf_ct_tls_field nf_ct_tls_fields[NF_CT_TLS_FIELDS];

const char *nf_ct_tls_field_name(const struct nf_ct_tls_field *field);
int nf_ct_tls_field_show(const struct nf_ct_tls_field *field,
			 const struct nf_ct_tls_policy *policy, char *to, size_t size);
int nf_ct_tls_field_parse(const struct nf_ct_tls_field *field, struct nf_ct_tls_policy *policy,
			  char *text, const char **culprit);

/* policy.c: gives a namespace the module's policy, and takes it away. Both sleep. */
int nf_ct_tls_policy_init(struct tls_net *tn);
void nf_ct_tls_policy_exit(struct tls_net *tn);
/* Empties "ports" for all namespaces to come. */
void nf_ct_tls_policy_forget_ports(void);
/* Says in one line what is in force in new namespaces. */
void nf_ct_tls_policy_say(const char *hint);
/* attach.c: turns conntrack on in a namespace, or gives that up. Sleeps. */
int nf_ct_tls_track(struct tls_net *tn, bool on);

/* net.c: makes and removes what all namespaces have. Both sleep. */
int nf_ct_tls_nets_init(void);

/**
 * struct nf_ct_tls_report - what a log line says
 * @reason: the name of the broken rule, not NUL-terminated
 * @len: its length
 * @reply: whether the reply direction broke it
 * @outcome: what became of the packet
 */
struct nf_ct_tls_report {
	const u8 *reason;
	unsigned int len;
	bool reply;
	const char *outcome;
};

/* reset.c: whether the entry of a connection is kept since that was condemned */
bool nf_ct_tls_is_held(const struct nf_conn *ct);

/* report.c: whether the kernel log may hear of what happens in a namespace */
bool nf_ct_tls_may_print(const struct net *net);

#endif /* NF_CONNTRACK_TLS_INTERNAL_H */
