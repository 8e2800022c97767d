// SPDX-License-Identifier: GPL-2.0
/* What each network namespace has of its own: counters, a policy, and how much it may log. */
#include <linux/percpu.h>
#include <linux/ratelimit.h>

#include <net/net_namespace.h>

#include "../helpers.h"
#include "internal.h"

/* The limit on a namespace's log lines holds for so many seconds. */
#define LOG_INTERVAL (5 * HZ)

unsigned int nf_ct_tls_net_id __read_mostly;

static int __net_init tls_net_init(struct net *net)
{
	struct tls_net *tn = nf_ct_tls_net(net);
	int err = -ENOMEM;

	tn->net = net;
	/* The module itself logs how many lines were left out, where that is allowed. */
	ratelimit_state_init(&tn->log_limit, LOG_INTERVAL, 0);
	ratelimit_set_flags(&tn->log_limit, RATELIMIT_MSG_ON_RELEASE);
	tn->counters = alloc_percpu(struct nf_ct_tls_counters);
	if (!tn->counters)
		return err;
	err = nf_ct_tls_policy_init(tn);
	if (err)
		goto free_counters;
	err = nf_ct_tls_counters_show(net);
	if (err)
		goto exit_policy;
	return 0;

exit_policy:
	nf_ct_tls_policy_exit(tn);
free_counters:
	free_percpu(tn->counters);
	return err;
}

static void __net_exit tls_net_exit(struct net *net)
{
	struct tls_net *tn = nf_ct_tls_net(net);

	nf_ct_tls_counters_hide(net);
	nf_ct_tls_policy_exit(tn);
	free_percpu(tn->counters);
}

static struct pernet_operations tls_net_ops = {
	.init = tls_net_init,
	.exit = tls_net_exit,
	.id = &nf_ct_tls_net_id,
	.size = sizeof(struct tls_net),
};

int nf_ct_tls_nets_init(void)
{
	return register_pernet_subsys(&tls_net_ops);
}

void nf_ct_tls_nets_exit(void)
{
	unregister_pernet_subsys(&tls_net_ops);
}
