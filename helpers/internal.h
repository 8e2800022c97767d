/* SPDX-License-Identifier: GPL-2.0 */
/* What the C files of this folder tell each other, and Rust does not see. */
#ifndef NF_CONNTRACK_TLS_INTERNAL_H
#define NF_CONNTRACK_TLS_INTERNAL_H

#include "../helpers.h"

/* The "ports" parameter, and how many ports it holds. */
extern unsigned short nf_ct_tls_ports[NF_CT_TLS_MAX_PORTS];
extern unsigned int nf_ct_tls_ports_count;

#endif /* NF_CONNTRACK_TLS_INTERNAL_H */
