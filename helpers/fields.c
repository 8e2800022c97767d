// SPDX-License-Identifier: GPL-2.0
/* The fields of a policy as text: what users write to parameters and sysctls, and read there. */
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "../helpers.h"
#include "internal.h"

static int parse_u16(char *text, void *to, const char **culprit)
{
	return kstrtou16(text, 0, to);
}

static int show_u16(char *to, size_t size, const void *from)
{
	return scnprintf(to, size, "%u", *(const u16 *)from);
}

static int parse_u32(char *text, void *to, const char **culprit)
{
	return kstrtou32(text, 0, to);
}

static int show_bits(char *to, size_t size, const void *from)
{
	return scnprintf(to, size, "0x%x", *(const u32 *)from);
}

static int show_u8(char *to, size_t size, const void *from)
{
	return scnprintf(to, size, "%u", *(const u8 *)from);
}

struct word {
	const char *word;
	u16 value;
};

static const struct word switches[] = {
	{ "0", 0 }, { "n", 0 }, { "no", 0 }, { "off", 0 }, { "false", 0 },
	{ "1", 1 }, { "y", 1 }, { "yes", 1 }, { "on", 1 }, { "true", 1 }, { }
};

static const struct word logs[] = {
	{ "0", 0 }, { "none", 0 }, { "off", 0 }, { "no", 0 }, { "n", 0 },
	{ "1", NF_CT_TLS_LOG_KERNEL }, { "kernel", NF_CT_TLS_LOG_KERNEL },
	{ "2", NF_CT_TLS_LOG_PACKET }, { "packet", NF_CT_TLS_LOG_PACKET },
	{ "3", NF_CT_TLS_LOG_KERNEL | NF_CT_TLS_LOG_PACKET },
	{ "both", NF_CT_TLS_LOG_KERNEL | NF_CT_TLS_LOG_PACKET }, { }
};

static const struct word midstreams[] = { { "pass", 0 }, { "drop", 1 }, { } };

static const struct word upgrades[] = { { "allow", 0 }, { "require", 1 }, { } };

static const struct word versions[] = {
	{ "any", 0 }, { "ssl3", 0x0300 }, { "ssl3.0", 0x0300 },
	{ "1.0", 0x0301 }, { "1.1", 0x0302 }, { "1.2", 0x0303 }, { "1.3", 0x0304 }, { }
};

static int look_up(const struct word *words, const char *text)
{
	for (; words->word; words++) {
		if (!strcasecmp(words->word, text))
			return words->value;
	}
	return -EINVAL;
}

static int parse_u8(const struct word *words, const char *text, u8 *to)
{
	int value = look_up(words, text);

	if (value < 0)
		return value;
	*to = value;
	return 0;
}

static int parse_switch(char *text, void *to, const char **culprit)
{
	return parse_u8(switches, text, to);
}

static int parse_log(char *text, void *to, const char **culprit)
{
	return parse_u8(logs, text, to);
}

static int parse_midstream(char *text, void *to, const char **culprit)
{
	return parse_u8(midstreams, text, to);
}

static int show_midstream(char *to, size_t size, const void *from)
{
	return scnprintf(to, size, "%s", midstreams[!!*(const u8 *)from].word);
}

static int parse_starttls(char *text, void *to, const char **culprit)
{
	return parse_u8(upgrades, text, to);
}

static int show_starttls(char *to, size_t size, const void *from)
{
	return scnprintf(to, size, "%s", upgrades[!!*(const u8 *)from].word);
}

/* As numbers of the wire, or by name. */
static int parse_version(char *text, void *to, const char **culprit)
{
	int named;
	u16 version;

	named = look_up(versions, strncasecmp(text, "tls", 3) ? text : text + 3);
	if (named >= 0)
		version = named;
	else if (kstrtou16(text, 0, &version))
		return -EINVAL;
	if (version && (version < 0x0300 || version > 0x0304))
		return -EINVAL;
	*(u16 *)to = version;
	return 0;
}

static int show_version(char *to, size_t size, const void *from)
{
	return scnprintf(to, size, "0x%04x", *(const u16 *)from);
}

/* A reason's number, from 1 on, or 0. */
static unsigned int reason_of(const char *word)
{
	unsigned int len = 0;
	const u8 *name;

	for (unsigned int i = 1; (name = nf_ct_tls_reason_name(i, &len)); i++) {
		if (strlen(word) == len && !memcmp(word, name, len))
			return i;
	}
	return 0;
}

static int parse_reasons(char *text, void *to, const char **culprit)
{
	u32 reasons = 0;
	char *word;

	while ((word = strsep(&text, ","))) {
		unsigned int reason = reason_of(word);

		if (reason) {
			reasons |= BIT(reason);
		} else if (!strcmp(word, "all")) {
			reasons = ~0U;
		} else if (strcmp(word, "none")) {
			*culprit = word;
			return -EINVAL;
		}
	}
	*(u32 *)to = reasons;
	return 0;
}

static int show_reasons(char *to, size_t size, const void *from)
{
	u32 reasons = *(const u32 *)from;
	unsigned int len = 0, at = 0;
	const u8 *name;

	if (reasons == ~0U)
		return scnprintf(to, size, "all");
	for (unsigned int i = 1; (name = nf_ct_tls_reason_name(i, &len)); i++) {
		if (reasons & BIT(i))
			at += scnprintf(to + at, size - at, "%s%.*s", at ? "," : "", len, name);
	}
	return at ?: scnprintf(to, size, "none");
}

static bool has_port(const struct nf_ct_tls_ports *ports, u16 port)
{
	for (unsigned int i = 0; i < ports->count; i++) {
		if (ports->port[i] == port)
			return true;
	}
	return false;
}

static int parse_ports(char *text, void *to, const char **culprit)
{
	struct nf_ct_tls_ports ports = {};
	char *word;

	if (strcmp(text, "0") && strcmp(text, "none")) {
		while ((word = strsep(&text, ","))) {
			u16 port;

			*culprit = word;
			if (kstrtou16(word, 0, &port) || !port || has_port(&ports, port) ||
			    ports.count == NF_CT_TLS_MAX_PORTS)
				return -EINVAL;
			ports.port[ports.count++] = port;
		}
	}
	*(struct nf_ct_tls_ports *)to = ports;
	return 0;
}

static int show_ports(char *to, size_t size, const void *from)
{
	const struct nf_ct_tls_ports *ports = from;
	int at = 0;

	for (unsigned int i = 0; i < ports->count; i++)
		at += scnprintf(to + at, size - at, "%s%u", i ? "," : "", ports->port[i]);
	return at ?: scnprintf(to, size, "0");
}

#define FIELD(_name, _parse, _show, _allowed) {				\
	.sysctl = NF_CT_TLS_SYSCTL_PREFIX #_name,			\
	.parse = _parse,						\
	.show = _show,							\
	.offset = offsetof(struct nf_ct_tls_policy, _name),		\
	.allowed = _allowed,						\
}

const struct nf_ct_tls_field nf_ct_tls_fields[NF_CT_TLS_FIELDS] = {
	[NF_CT_TLS_FIELD_SEQ_LEN] = FIELD(seq_len, parse_u16, show_u16,
		"1 to 65535 bytes, and 0 for off"),
	[NF_CT_TLS_FIELD_MIN_VERSION] = FIELD(min_version, parse_version, show_version,
		"0 (any), 0x0300 (ssl3), and 0x0301 to 0x0304 (1.0 to 1.3)"),
	[NF_CT_TLS_FIELD_HEARTBEAT] = FIELD(heartbeat, parse_switch, show_u8,
		"0 and 1 (no and yes, off and on)"),
	[NF_CT_TLS_FIELD_REPORT] = FIELD(report, parse_reasons, show_reasons,
		"all, none, and names of reasons with commas between them"),
	[NF_CT_TLS_FIELD_OFF] = FIELD(off, parse_reasons, show_reasons,
		"all, none, and names of reasons with commas between them"),
	[NF_CT_TLS_FIELD_LOG_ONLY] = FIELD(log_only, parse_switch, show_u8,
		"0 and 1 (no and yes, off and on)"),
	[NF_CT_TLS_FIELD_MIDSTREAM] = FIELD(midstream, parse_midstream, show_midstream,
		"pass and drop"),
	[NF_CT_TLS_FIELD_STARTTLS] = FIELD(starttls, parse_starttls, show_starttls,
		"allow and require"),
	[NF_CT_TLS_FIELD_RESET] = FIELD(reset, parse_switch, show_u8,
		"0 and 1 (no and yes, off and on)"),
	[NF_CT_TLS_FIELD_MARK] = FIELD(mark, parse_u32, show_bits, "0 (none) to 0xffffffff"),
	[NF_CT_TLS_FIELD_LOG] = FIELD(log, parse_log, show_u8,
		"0 (none), 1 (kernel), 2 (packet) and 3 (both)"),
	[NF_CT_TLS_FIELD_LOG_LIMIT] = FIELD(log_limit, parse_u16, show_u16,
		"1 to 65535 lines in 5 seconds, and 0 for no limit"),
	[NF_CT_TLS_FIELD_PORTS] = FIELD(ports, parse_ports, show_ports,
		"up to 8 different ports, 1 to 65535, or 0 for none"),
};

const char *nf_ct_tls_field_name(const struct nf_ct_tls_field *field)
{
	return field->sysctl + strlen(NF_CT_TLS_SYSCTL_PREFIX);
}

int nf_ct_tls_field_show(const struct nf_ct_tls_field *field,
			 const struct nf_ct_tls_policy *policy, char *to, size_t size)
{
	return field->show(to, size, (const u8 *)policy + field->offset);
}

int nf_ct_tls_field_parse(const struct nf_ct_tls_field *field, struct nf_ct_tls_policy *policy,
			  char *text, const char **culprit)
{
	*culprit = NULL;
	return field->parse(text, (u8 *)policy + field->offset, culprit);
}
