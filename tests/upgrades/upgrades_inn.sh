#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# NNTP: INN's nnrpd, which serves readers, without articles and without innd.

# shellcheck source=tests/upgrades/lib.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

setup starttls 119
news=$scratch/news
mkdir "$news"
cat >"$news/inn.conf" <<-CONF
	mta: "/bin/false"
	organization: test
	pathhost: server.example
	domain: example
	hismethod: hisv6
	ovmethod: tradindexed
	enableoverview: true
	readerswhenstopped: true
	pathnews: /usr/lib/news
	pathetc: $news
	pathdb: $news
	pathrun: $news
	pathlog: $news
	pathspool: $news
	pathtmp: $news
	tlscertfile: $scratch/cert.pem
	tlskeyfile: $scratch/key.pem
CONF
cat >"$news/readers.conf" <<-CONF
	auth all {
		hosts: *
		default: test
	}
	access all {
		users: *
		newsgroups: *
	}
CONF
cp /etc/news/storage.conf "$news/"
echo "example.test 0000000000 0000000001 y" >"$news/active"
echo "example.test 0 news" >"$news/active.times"
echo "example.test	a group" >"$news/newsgroups"
: >"$news/history"
chown -R news "$news"
export INNCONF=$news/inn.conf
as_news=(setpriv --reuid news --regid news --clear-groups)
"${as_news[@]}" mkdir "$news/overview"
"${as_news[@]}" /usr/lib/news/bin/makedbz -s 100 -i -o
"${as_news[@]}" /usr/lib/news/bin/tdx-util -c -n example.test
readable_key news
serve 119 /usr/lib/news/bin/nnrpd -D -f -n -p 119
rows nntp
