#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The counters of nf_conntrack_tls for node_exporter's textfile collector, to be run once a minute,
# by cron or a timer:
#   ./nf-conntrack-tls.sh /var/lib/prometheus/node-exporter
# Where the module is not loaded, its counters are absent, rather than old.

set -eu

folder=${1:?the folder that --collector.textfile.directory names}
file=$folder/nf_conntrack_tls.prom

if [ ! -e /proc/net/nf_conntrack_tls ]; then
	rm -f "$file"
	exit
fi
awk '
	!reasons {
		printf "# HELP nf_conntrack_tls_%s_total Counter %s of nf_conntrack_tls(4).\n", $1, $1
		printf "# TYPE nf_conntrack_tls_%s_total counter\n", $1
		printf "nf_conntrack_tls_%s_total %s\n", $1, $2
	}
	reasons { printf "nf_conntrack_tls_broken_total{reason=\"%s\"} %s\n", $1, $2 }
	$1 == "resets" {
		reasons = 1
		print "# HELP nf_conntrack_tls_broken_total Connections that broke a rule, by its reason."
		print "# TYPE nf_conntrack_tls_broken_total counter"
	}
' /proc/net/nf_conntrack_tls >"$file.$$"
# The collector must not read half a file.
mv "$file.$$" "$file"
