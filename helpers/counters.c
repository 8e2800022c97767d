// SPDX-License-Identifier: GPL-2.0
/* The counters of each network namespace: a container sees its own. */
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include <net/net_namespace.h>
#include <net/netns/generic.h>
#include <net/netfilter/nf_conntrack.h>

#include "../helpers.h"

#define COUNTERS_FILE "nf_conntrack_tls"

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
