// SPDX-License-Identifier: GPL-2.0
/* The counters of a network namespace, and the file that shows them: a container sees its own. */
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>

#include <net/net_namespace.h>
#include <net/netfilter/nf_conntrack.h>

#include "../helpers.h"
#include "internal.h"

#define COUNTERS_FILE "nf_conntrack_tls"

void nf_ct_tls_count(const struct nf_conn *ct, unsigned int counter, u64 n)
{
	const struct tls_net *tn = nf_ct_tls_net_rcu(nf_ct_net(ct));

	if (counter < NF_CT_TLS_COUNTERS)
		this_cpu_add(tn->counters->value[counter], n);
}

static int show_counters(struct seq_file *seq, void *unused)
{
	const struct tls_net *tn = nf_ct_tls_net(seq_file_single_net(seq));

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

int nf_ct_tls_counters_show(struct net *net)
{
	if (!proc_create_net_single(COUNTERS_FILE, 0444, net->proc_net, show_counters, NULL))
		return -ENOMEM;
	return 0;
}

void nf_ct_tls_counters_hide(struct net *net)
{
	remove_proc_entry(COUNTERS_FILE, net->proc_net);
}
