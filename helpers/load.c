// SPDX-License-Identifier: GPL-2.0
/* Who loads the module, and what it says about itself. */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include <net/netfilter/nf_conntrack_helper.h>

#include "../helpers.h"
#include "internal.h"

MODULE_VERSION(NF_CT_TLS_VERSION);
/* A rule that names a helper loads the module. */
MODULE_ALIAS_NFCT_HELPER("tls");
MODULE_ALIAS_NFCT_HELPER("tls-report");
MODULE_ALIAS_NFCT_HELPER("starttls");
MODULE_ALIAS_NFCT_HELPER("tls-proxy");

/*
 * A user without any privilege can make the kernel load us, by a rule in a namespace of its own.
 * The modprobe that the kernel runs then descends from a thread of the kernel; one that somebody
 * runs descends from init.
 */
static bool is_asked_for_by_kernel(void)
{
	const struct task_struct *task = current;
	bool by_kernel;

	rcu_read_lock();
	while (!is_global_init((struct task_struct *)task) && !(task->flags & PF_KTHREAD))
		task = rcu_dereference(task->real_parent);
	by_kernel = task->flags & PF_KTHREAD;
	rcu_read_unlock();
	return by_kernel;
}

int nf_ct_tls_load(void)
{
	const char *hint = "";

	if (is_asked_for_by_kernel()) {
		nf_ct_tls_policy_forget_ports();
		hint = " (loaded for a rule: attached by rules only, or by sysctl)";
	}
	nf_ct_tls_policy_say(hint);
	return nf_ct_tls_nets_init();
}
