// SPDX-License-Identifier: GPL-2.0
/*
 * A helper that works as the 2014 module did: it copies the packet into one linear buffer, under
 * one lock for all connections, and looks at each byte. For the benchmark only: IPv4, in order.
 */
#include <linux/in.h>
#include <linux/module.h>
#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include <linux/spinlock.h>
#include <linux/tcp.h>
#include <linux/version.h>

#include <net/netfilter/nf_conntrack.h>
#include <net/netfilter/nf_conntrack_helper.h>

#define HELPER_NAME "naive2014"
#define HANDSHAKE 22
#define LONGEST_RUN 128

struct stream {
	u16 left;	/* of the record's body */
	u16 run;	/* of low bytes */
	u16 length;	/* the last two bytes of the header */
	u8 header;	/* bytes of it that were seen */
	u8 type;
};

static unsigned long bytes;
module_param(bytes, ulong, 0444);
MODULE_PARM_DESC(bytes, "how many were looked at");

static u8 linear[65536];
static DEFINE_SPINLOCK(lock);
static struct nf_conntrack_helper *helper;

static int look(struct stream *stream, const u8 *data, unsigned int len)
{
	int verdict = NF_ACCEPT;

	for (unsigned int i = 0; i < len; i++) {
		if (stream->left) {
			stream->left--;
			stream->run = data[i] < 128 ? stream->run + 1 : 0;
			if (stream->run > LONGEST_RUN && stream->type != HANDSHAKE)
				verdict = NF_DROP;
			continue;
		}
		if (stream->header == 0)
			stream->type = data[i];
		stream->length = stream->length << 8 | data[i];
		if (++stream->header < 5)
			continue;
		stream->left = stream->length;
		stream->header = 0;
		stream->run = 0;
	}
	bytes += len;
	return verdict;
}

static int help(struct sk_buff *skb, unsigned int protoff, struct nf_conn *ct,
		enum ip_conntrack_info ctinfo)
{
	struct stream *streams = nfct_help_data(ct);
	struct tcphdr buffer, *th = skb_header_pointer(skb, protoff, sizeof(buffer), &buffer);
	unsigned int offset;
	int verdict = NF_ACCEPT;

	if (!th)
		return NF_ACCEPT;
	offset = protoff + th->doff * 4;
	if (offset >= skb->len || skb->len - offset > sizeof(linear))
		return NF_ACCEPT;

	spin_lock_bh(&lock);
	if (!skb_copy_bits(skb, offset, linear, skb->len - offset))
		verdict = look(&streams[CTINFO2DIR(ctinfo)], linear, skb->len - offset);
	spin_unlock_bh(&lock);
	return verdict;
}

static int __init naive_init(void)
{
	static const struct nf_conntrack_expect_policy policy = { .max_expected = 1 };
	struct nf_conntrack_helper template;

	NF_CT_HELPER_BUILD_BUG_ON(2 * sizeof(struct stream));
#if LINUX_VERSION_CODE < KERNEL_VERSION(7, 3, 0)
	nf_ct_helper_init(&template, NFPROTO_IPV4, IPPROTO_TCP, HELPER_NAME, 0, 0, 0, &policy, 0,
			  help, NULL, THIS_MODULE);
#else
	nf_ct_helper_init(&template, NFPROTO_IPV4, IPPROTO_TCP, HELPER_NAME, &policy, 0,
			  help, NULL, THIS_MODULE);
#endif
	return nf_conntrack_helpers_register(&template, 1, &helper);
}

static void __exit naive_exit(void)
{
	nf_conntrack_helpers_unregister(&helper, 1);
}

module_init(naive_init);
module_exit(naive_exit);

MODULE_DESCRIPTION("TLS helper as of 2014, for the benchmark alone");
MODULE_LICENSE("GPL");
MODULE_ALIAS_NFCT_HELPER(HELPER_NAME);
