// SPDX-License-Identifier: GPL-2.0
/* The module's parameters. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/moduleparam.h>

#include "../helpers.h"
#include "internal.h"

unsigned int nf_ct_tls_seq_len __read_mostly = 128;
unsigned int nf_ct_tls_heartbeat __read_mostly = 1;
unsigned int nf_ct_tls_min_version __read_mostly;
unsigned int nf_ct_tls_log_only __read_mostly;
unsigned int nf_ct_tls_mark __read_mostly;

unsigned short nf_ct_tls_ports[NF_CT_TLS_MAX_PORTS] __read_mostly = { 443 };
unsigned int nf_ct_tls_ports_count __read_mostly = 1;

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
		.elemsize = sizeof(nf_ct_tls_ports[0]),
		.num = &nf_ct_tls_ports_count,
		.ops = &elem_ops,
		.elem = nf_ct_tls_ports,
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

	for (unsigned int i = 0; i < nf_ct_tls_ports_count; i++)
		len += sysfs_emit_at(buffer, len, "%s%u", i ? "," : "", nf_ct_tls_ports[i]);
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
