// SPDX-License-Identifier: GPL-2.0
/*
 * main LOAD: sends packets through the module's object (packets.c); callgrind counts what
 * measured() does. What the module calls of the kernel is here.
 */
#include <stdio.h>
#include <string.h>

void packets_begin(void);
void packets_body(void);
void packets_record(void);
void packets_ack(void);
unsigned long packets_bytes(void);
int nf_ct_tls_help(void *skb, unsigned int protoff, void *ct, unsigned int ctinfo,
		   unsigned int profile);

int measured(void *skb, unsigned int protoff, void *ct, unsigned int ctinfo);
__attribute__((noinline)) int measured(void *skb, unsigned int protoff, void *ct,
				       unsigned int ctinfo)
{
	int verdict = nf_ct_tls_help(skb, protoff, ct, ctinfo, 0);

	asm volatile("");
	return verdict;
}

/* Patched to no-ops, or to `ret`, in a kernel without mitigations. */
asm(".globl __fentry__, __x86_return_thunk\n"
    "__fentry__: ret\n"
    "__x86_return_thunk: ret\n");

unsigned long __ref_stack_chk_guard, vmemmap_base, page_offset_base;

void _raw_spin_lock_bh(void *lock) {}
void _raw_spin_unlock_bh(void *lock) {}
void __rcu_read_lock(void) {}
void __rcu_read_unlock(void) {}
int nf_ct_seq_offset(void *ct, int dir, unsigned int seq) { return 0; }

/* A linear packet: the walk's state holds its data, its length, and where it begins. */
struct walk { unsigned int lower, upper; void *skb; };
unsigned char *packet_data(void *skb);

void skb_prepare_seq_read(void *skb, unsigned int from, unsigned int to, struct walk *walk)
{
	*walk = (struct walk){ from, to, skb };
}

unsigned int skb_seq_read(unsigned int consumed, const unsigned char **data, struct walk *walk)
{
	if (walk->lower + consumed >= walk->upper)
		return 0;
	*data = packet_data(walk->skb) + walk->lower + consumed;
	return walk->upper - walk->lower - consumed;
}

int skb_copy_bits(void *skb, int offset, void *to, int len)
{
	memcpy(to, packet_data(skb) + offset, len);
	return 0;
}

void skb_abort_seq_read(struct walk *walk) {}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*send)(void);
	} loads[] = {
		{ "body", packets_body }, { "record", packets_record }, { "ack", packets_ack },
	};
	unsigned long before;

	packets_begin();
	before = packets_bytes();
	for (unsigned int i = 0; i < sizeof(loads) / sizeof(*loads); i++) {
		if (argc == 2 && !strcmp(argv[1], loads[i].name)) {
			loads[i].send();
			printf("bytes %lu\n", packets_bytes() - before);
			return 0;
		}
	}
	return 1;
}
