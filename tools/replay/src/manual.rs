// SPDX-License-Identifier: GPL-2.0

//! The manual page and the shells' completions, from the options themselves.

use crate::options::{
    Generate,
    Options, //
};
use clap::CommandFactory;
use clap_complete::{
    generate as complete,
    Shell, //
};
use clap_mangen::{
    roff::{
        bold,
        roman,
        Roff, //
    },
    Man, //
};
use std::io::{
    self,
    Write, //
};

/// A section of the page, after the options: a title, and terms with their texts, or texts alone.
type Section = (&'static str, &'static [(&'static str, &'static str)]);

const SECTIONS: [Section; 8] = [
    ("OUTPUT", &[
        ("", "A table with one line per connection: a condemned one as soon as it is, any other as soon as it ends. Then \"name value\" lines by the names of the module's counters, and a \"lacking:\" line for each thing that the captures lack. The first column of the table is the verdict:"),
        ("a rule's name", "The connection is condemned for it, at the packet of the second column, counted from 1."),
        ("clean", "It broke no rule."),
        ("unread", "It sent something, none of which could be followed."),
        ("empty", "It sent nothing."),
        ("", "The last column says what the capture lacks of the connection, which limits the verdict:"),
        ("no_syn", "Its beginning. It is judged from the first segment on that begins with a record."),
        ("one_sided", "All packets of one side."),
        ("lossy", "Segments: there are gaps, or an ACK covers what is not there. A direction with a gap is not judged until a segment begins with a record."),
        ("cut", "The ends of packets, as by tcpdump's -s."),
    ]),
    ("JSON", &[
        ("", "Each line is an object whose event_type is \"connection\", \"file\" or \"summary\". Names are those of Suricata's EVE where it has them, so pcap_cnt is the number of the packet that broke the rule. tools/replay/schema.json is their JSON Schema. A file that could not be read to its end has an error. bytes_toserver and bytes_toclient count TCP payload."),
    ]),
    ("TUNNELS", &[
        ("", "Looked into are VLAN and QinQ tags, PBB, MPLS, PPPoE, PPP, Cisco metadata, NSH, GRE, PPTP, ERSPAN, VXLAN, Geneve, GTP-U, EtherIP, IP in IP (also 6in4 and 4in6). Link types: Ethernet, raw IP, Linux cooked (v1, v2), null and loopback, PPP, PPPoE, Cisco HDLC, MPLS, NFLOG, PFLOG. Packets of ESP, L2TP, MACsec, WireGuard, OpenVPN, QUIC and the like cannot be read: they are counted, and told in a \"lacking:\" line. Two tunnels that hold connections of the same addresses and ports are not told apart."),
    ]),
    ("FILTERS", &[
        ("", "--filter knows a part of the language of pcap-filter(7), and looks at the addresses within tunnels: [src|dst] host ADDRESS, net NETWORK/LENGTH, port PORT, portrange FIRST-LAST, and ip, ip6, tcp, joined by and, or, not and parentheses. A value alone takes the qualifier before it: port 443 or 8443."),
    ]),
    ("EVIDENCE", &[
        ("", "--write makes a pcapng file of all packets of the condemned connections. The packet that broke the rule has a comment with the reason, the addresses, and where it was found; wireshark finds it by the display filter frame.comment. Input that cannot be read twice, as a pipe, is kept in the folder for temporary files until the end."),
    ]),
    ("SIGNALS", &[
        ("", "SIGINT (Ctrl-C) and SIGTERM end the reading: what was read until then is summed up. A second one ends the program."),
    ]),
    ("EXIT STATUS", &[
        ("0", "A connection was condemned, as for grep -q also if a file could not be read."),
        ("1", "None was."),
        ("2", "None was, and a file could not be read to its end; or the options are wrong, or output cannot be written."),
    ]),
    ("CAVEATS", &[
        ("", "IP fragments are counted, and not put together. Checksums are not checked. The module drops an out-of-order segment that may hide something, and sees it again; here it has passed, and its direction is taken up again at the next record."),
    ]),
];

const EXAMPLES: [(&str, &str); 6] = [
    (
        "tls-replay --only-condemned --top /var/captures",
        "Look through a folder.",
    ),
    (
        "tls-replay --join --json trace.pcap*",
        "Judge the files of tcpdump -C as one.",
    ),
    (
        "tls-replay -i eth0 --ports 443,8443-8450,imaps",
        "Watch an interface until Ctrl-C.",
    ),
    (
        "tcpdump -i eth0 -s 0 -U -w - | tls-replay -",
        "The same, by a tcpdump of your own.",
    ),
    (
        "tls-replay --write condemned.pcapng --report page.html dump.pcap.zst",
        "Keep evidence, and a page to show.",
    ),
    (
        "tls-replay --json web.pcapng | jq 'select(.verdict == \"condemned\")'",
        "Look at the details.",
    ),
];

/// Writes the manual page, or completions.
pub(crate) fn generate(what: Generate, out: &mut impl Write) -> io::Result<()> {
    let shell = match what {
        Generate::Man => return page(out),
        Generate::Bash => Shell::Bash,
        Generate::Elvish => Shell::Elvish,
        Generate::Fish => Shell::Fish,
        Generate::Zsh => Shell::Zsh,
    };
    complete(shell, &mut Options::command(), "tls-replay", out);
    Ok(())
}

fn page(out: &mut impl Write) -> io::Result<()> {
    let command = Options::command().after_help("");
    let man = Man::new(command)
        .section("1")
        .manual("User Commands")
        .source("nf_conntrack_tls");
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    let mut roff = Roff::new();
    for (title, paragraphs) in SECTIONS {
        roff.control("SH", [title]);
        for (term, text) in paragraphs {
            paragraph(&mut roff, term, text);
        }
    }
    roff.control("SH", ["EXAMPLES"]);
    for (command, text) in EXAMPLES {
        paragraph(&mut roff, command, text);
    }
    roff.control("SH", ["SEE ALSO"]);
    paragraph(&mut roff, "", "tcpdump(8), wireshark(1), pcap-filter(7), nf_conntrack_tls(4), and nf_conntrack_tls's README for the rules and their reasons");
    roff.to_writer(out)
}

fn paragraph(roff: &mut Roff, term: &str, text: &str) {
    if term.is_empty() {
        roff.control("PP", []);
    } else {
        roff.control("TP", []);
        roff.text([bold(term)]);
    }
    roff.text([roman(text)]);
}
