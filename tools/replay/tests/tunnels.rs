// SPDX-License-Identifier: GPL-2.0

//! `tls-replay` on connections within tags and tunnels, and on what it cannot look into.

mod capture;

use capture::*;

const MAC: [u8; 12] = [2; 12];

/// A header that stands before each IP packet of a connection, and says of which version that is.
type Header<'a> = &'a dyn Fn(bool, usize) -> Vec<u8>;

/// The frames of an attack, each after a header.
fn attack(header: Header<'_>, six: bool) -> Vec<Vec<u8>> {
    let talk = if six { Talk::v6(1) } else { Talk::new(1) };
    let frame = |packet: &Vec<u8>| [header(six, packet.len()), packet.clone()].concat();
    talk.heartbleed().packets.iter().map(frame).collect()
}

fn ether_type(six: bool) -> [u8; 2] {
    if six {
        [0x86, 0xdd]
    } else {
        [8, 0]
    }
}

fn ethernet(six: bool) -> Vec<u8> {
    [&MAC[..], &ether_type(six)].concat()
}

/// An IPv4 header before `length` bytes of that protocol.
fn ip(protocol: u8, length: usize) -> Vec<u8> {
    let [high, low] = (20 + length as u16).to_be_bytes();
    let mut header = vec![0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0];
    header.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    header
}

fn ip6(protocol: u8, length: usize) -> Vec<u8> {
    let [high, low] = (length as u16).to_be_bytes();
    let mut header = vec![0x60, 0, 0, 0, high, low, protocol, 64];
    header.extend([0xfd; 32]);
    header
}

/// IPv4 and UDP before `header` and `length` bytes more.
fn udp(port: u16, header: &[u8], length: usize) -> Vec<u8> {
    let length = 8 + header.len() + length;
    let mut packet = ip(17, length);
    packet.extend(40_000_u16.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend((length as u16).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(header);
    packet
}

/// IPv4 and GRE before `length` bytes.
fn gre(header: &[u8], length: usize) -> Vec<u8> {
    [ip(47, header.len() + length), header.to_vec()].concat()
}

fn vlan(six: bool, tags: &[u16]) -> Vec<u8> {
    let mut header = MAC.to_vec();
    for tag in tags {
        header.extend(tag.to_be_bytes());
        header.extend([0, 7]);
    }
    header.extend(ether_type(six));
    header
}

fn found(name: &str, link: u32, header: Header<'_>) {
    for six in [false, true] {
        let said = replay(&["--json"], &pcap(link, &attack(header, six)));
        let (connections, summary) = said.json();
        let [connection] = &connections[..] else {
            panic!("{name}: {said:?}");
        };
        assert_eq!(connection["reason"], "heartbleed", "{name}: {said:?}");
        assert_eq!(connection["pcap_cnt"], 4, "{name}");
        let due = (!name.is_empty()).then_some(name);
        assert_eq!(connection["tunnel"].as_str(), due, "{name}");
        assert_eq!(summary["condemned"], 1);
    }
}

#[test]
fn tags_and_link_layer_tunnels_are_taken_off() {
    found("vlan", ETHERNET, &|six, _| vlan(six, &[0x8100]));
    found("vlan", ETHERNET, &|six, _| vlan(six, &[0x88a8, 0x8100]));
    found("mpls", ETHERNET, &|_, _| {
        [&MAC[..], &[0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64]].concat()
    });
    // A pseudowire, with its control word.
    found("mpls", ETHERNET, &|six, _| {
        let label = [0x88, 0x47, 0, 2, 1, 64, 0, 0, 0, 0];
        [&MAC[..], &label, &ethernet(six)].concat()
    });
    found("pppoe", ETHERNET, &|six, length| {
        let [high, low] = (length as u16 + 2).to_be_bytes();
        let protocol = if six { 0x57 } else { 0x21 };
        let session = [0x88, 0x64, 0x11, 0, 0, 1, high, low, 0, protocol];
        [&MAC[..], &session].concat()
    });
    found("pbb", ETHERNET, &|six, _| {
        [&MAC[..], &[0x88, 0xe7, 0, 0, 0, 1], &ethernet(six)].concat()
    });
    found("cisco_metadata", ETHERNET, &|six, _| {
        [&MAC[..], &[0x89, 0x09, 1, 1, 0, 1, 0, 5], &ether_type(six)].concat()
    });
    found("nsh", ETHERNET, &|six, _| {
        let next = if six { 2 } else { 1 };
        [&MAC[..], &[0x89, 0x4f, 0, 2, 1, next, 0, 0, 1, 255]].concat()
    });
    // IEEE 802.2, with a length in the EtherType's place.
    found("", ETHERNET, &|six, _| {
        let snap = [0, 100, 0xaa, 0xaa, 3, 0, 0, 0];
        [&MAC[..], &snap, &ether_type(six)].concat()
    });
}

#[test]
fn tunnels_in_ip_are_taken_off() {
    let outer = |inner: Vec<u8>| [ethernet(false), inner].concat();
    let proto = |six| if six { 41 } else { 4 };
    found("ipip", ETHERNET, &|_, length| outer(ip(4, length)));
    // 4in6 and 6in4.
    let (v4, v6) = (Talk::new(1).heartbleed(), Talk::v6(1).heartbleed());
    for (talk, type_of_outer, six) in [(v4, true, false), (v6, false, true)] {
        let frame = |packet: &Vec<u8>| {
            let header = if type_of_outer {
                ip6(proto(six), packet.len())
            } else {
                ip(proto(six), packet.len())
            };
            [ethernet(type_of_outer), header, packet.clone()].concat()
        };
        let frames: Vec<_> = talk.packets.iter().map(frame).collect();
        let said = replay(&[], &pcap(ETHERNET, &frames));
        assert_eq!(said.verdict(), ("heartbleed", "4"));
    }
    found("gre", ETHERNET, &|six, length| {
        outer(gre(&[&[0, 0][..], &ether_type(six)].concat(), length))
    });
    // A checksum, a key and a sequence number, and a frame.
    found("gre", ETHERNET, &|six, length| {
        let header = [&[0xb0, 0, 0x65, 0x58][..], &[9; 12], &ethernet(six)].concat();
        outer(gre(&header, length))
    });
    // PPTP.
    found("gre", ETHERNET, &|six, length| {
        let protocol = if six { 0x57 } else { 0x21 };
        let header = [
            0x30, 0x81, 0x88, 0x0b, 0, 99, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0xff, 3, 0, protocol,
        ];
        outer(gre(&header, length))
    });
    found("etherip", ETHERNET, &|six, length| {
        let header = [&[0x30, 0][..], &ethernet(six)].concat();
        outer([ip(97, header.len() + length), header].concat())
    });
}

#[test]
fn mirrors_are_taken_off() {
    let outer = |inner: Vec<u8>| [ethernet(false), inner].concat();
    found("erspan", ETHERNET, &|six, length| {
        outer(gre(
            &[&[0, 0, 0x88, 0xbe][..], &ethernet(six)].concat(),
            length,
        ))
    });
    found("erspan", ETHERNET, &|six, length| {
        let header = [
            &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1][..],
            &[0x10, 1, 0, 1, 0, 0, 0, 0],
            &ethernet(six),
        ];
        outer(gre(&header.concat(), length))
    });
    // The third type, with and without the platform's header, and with an IP packet.
    for (flags, more, frame) in [([0, 0], 0, true), ([0, 1], 8, true), ([0x08, 0], 0, false)] {
        found("erspan", ETHERNET, &|six, length| {
            let mut header = vec![
                0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0,
            ];
            header.extend(flags);
            header.extend(vec![0; more]);
            header.extend(if frame { ethernet(six) } else { Vec::new() });
            outer(gre(&header, length))
        });
    }
    // A mirror of a VXLAN in a VLAN: the innermost tunnel counts.
    found("vxlan", ETHERNET, &|six, length| {
        let inner = [&[8, 0, 0, 0, 0, 0, 1, 0][..], &ethernet(six)].concat();
        let vxlan = udp(4789, &inner, length);
        let header = [&[0, 0, 0x88, 0xbe][..], &vlan(false, &[0x8100])].concat();
        outer([gre(&header, vxlan.len() + length), vxlan].concat())
    });
}

#[test]
fn tunnels_in_udp_are_taken_off() {
    let outer = |inner: Vec<u8>| [ethernet(false), inner].concat();
    for port in [4789, 8472, 4790] {
        found("vxlan", ETHERNET, &|six, length| {
            let header = [&[8, 0, 0, 0, 0, 0, 1, 0][..], &ethernet(six)].concat();
            outer(udp(port, &header, length))
        });
    }
    found("vxlan", ETHERNET, &|six, length| {
        let next = if six { 2 } else { 1 };
        outer(udp(4790, &[0x0c, 0, 0, next, 0, 0, 1, 0], length))
    });
    found("geneve", ETHERNET, &|six, length| {
        let header = [
            &[0x02, 0, 0x65, 0x58, 0, 0, 1, 0][..],
            &[7; 8],
            &ethernet(six),
        ]
        .concat();
        outer(udp(6081, &header, length))
    });
    found("geneve", ETHERNET, &|six, length| {
        let header = [&[0, 0][..], &ether_type(six), &[0, 0, 1, 0]].concat();
        outer(udp(6081, &header, length))
    });
    for header in [
        &[0x30, 0xff, 0, 0, 0, 0, 0, 1][..],
        &[0x32, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0],
        // Two extension headers, of 5G's session container.
        &[
            0x34, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0x85, 1, 0, 0, 0,
        ],
    ] {
        found("gtp", ETHERNET, &|_, length| {
            outer(udp(2152, header, length))
        });
    }
}

#[test]
fn link_types_lead_to_ip() {
    let ppp = |six: bool| vec![0, if six { 0x57 } else { 0x21 }];
    found("", 9, &|six, _| ppp(six));
    found("", 9, &|six, _| vec![if six { 0x57 } else { 0x21 }]);
    found("", 50, &|six, _| [vec![0xff, 3], ppp(six)].concat());
    found("", 204, &|six, _| [vec![1, 0xff, 3], ppp(six)].concat());
    found("", 51, &|six, length| {
        let [high, low] = (length as u16 + 2).to_be_bytes();
        [vec![0x11, 0, 0, 1, high, low], ppp(six)].concat()
    });
    found("", 104, &|six, _| {
        [&[0x0f, 0][..], &ether_type(six)].concat()
    });
    found("", 219, &|_, _| vec![0, 2, 1, 64]);
    found("", 117, &|_, _| vec![61; 64]);
    for big in [false, true] {
        found("", 239, &|six, length| {
            let word = |word: u16| {
                if big {
                    word.to_be_bytes()
                } else {
                    word.to_le_bytes()
                }
            };
            // An attribute of 5 bytes, which is padded, and the payload.
            let mut header = vec![if six { 10 } else { 2 }, 0, 0, 5];
            header.extend([word(5), word(10)].concat());
            header.extend([0; 4]);
            header.extend([word(4 + length as u16), word(9)].concat());
            header
        });
    }
}

#[test]
fn what_cannot_be_looked_into_is_counted_by_its_name() {
    let closed: [(&str, Vec<u8>); 9] = [
        ("macsec", [&MAC[..], &[0x88, 0xe5, 0, 0]].concat()),
        ("esp", [ethernet(false), ip(50, 8), vec![0; 8]].concat()),
        ("esp", [ethernet(false), udp(4500, &[9; 8], 0)].concat()),
        ("l2tp", [ethernet(false), udp(1701, &[9; 8], 0)].concat()),
        (
            "wireguard",
            [ethernet(false), udp(51820, &[4; 8], 0)].concat(),
        ),
        ("openvpn", [ethernet(false), udp(1194, &[9; 8], 0)].concat()),
        ("teredo", [ethernet(false), udp(3544, &[9; 8], 0)].concat()),
        ("quic", [ethernet(false), udp(443, &[0xc0; 8], 0)].concat()),
        ("gre", [ethernet(false), gre(&[0x40, 0, 8, 0], 0)].concat()),
    ];
    for (name, frame) in closed {
        let said = replay(&["--json"], &pcap(ETHERNET, &[frame]));
        let (_, summary) = said.json();
        assert_eq!(summary["not_unwrapped"][name], 1, "{said:?}");
        let lacking = summary["lacking"][0].as_str().unwrap();
        assert!(
            lacking.starts_with(&format!("1 packets of {name}: ")),
            "{lacking}"
        );
        assert_eq!(said.status, 1);
    }
    // What nests without end.
    let deep = [MAC.to_vec(), [0x81, 0, 0, 1].repeat(40)].concat();
    let said = replay(&[], &pcap(ETHERNET, &[deep]));
    assert!(
        said.out.contains("1 packets of too_many_headers"),
        "{said:?}"
    );
}

#[test]
fn headers_that_are_cut_off_are_counted() {
    let header = [&[8, 0, 0, 0, 0, 0, 1, 0][..], &ethernet(false)].concat();
    let frames = attack(
        &|_, length| [ethernet(false), udp(4789, &header, length)].concat(),
        false,
    );
    let whole = frames[3].len();
    for length in 14..whole {
        let said = replay(&["--json"], &pcap_cut(ETHERNET, &frames[3..], length));
        let (connections, summary) = said.json();
        let counted =
            summary["bad_headers"].as_u64().unwrap() + summary["not_tcp"].as_u64().unwrap();
        assert_eq!(counted + connections.len() as u64, 1, "{length}: {said:?}");
    }
}
