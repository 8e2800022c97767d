// SPDX-License-Identifier: GPL-2.0

//! `tls-replay` on captures that the tests make: formats, connections, what a capture lacks, bad
//! input.

mod capture;

use capture::*;
use flate2::{
    write::GzEncoder,
    Compression, //
};
use nf_conntrack_tls_tests::{
    tls_parser::{
        Opening,
        Policy, //
    },
    vectors::{
        self,
        Case, //
    },
};
use std::{
    collections::BTreeMap,
    io::Write, //
};

// --- verdicts ----------------------------------------------------------------

fn options(policy: &Policy) -> Vec<String> {
    let mut options = vec![
        format!("--seq-len={}", policy.seq_len),
        format!("--heartbeat={}", u8::from(policy.heartbeat)),
        format!("--min-version=0x{:04x}", policy.min_version),
    ];
    options.extend(match policy.opening {
        Opening::Tls => None,
        Opening::Starttls => Some("--starttls".to_owned()),
        Opening::StarttlsRequired => Some("--starttls=require".to_owned()),
        Opening::Proxy => Some("--proxy-protocol".to_owned()),
    });
    options
}

/// The cases by their policies: each policy is a run.
fn by_options(cases: Vec<Case>) -> BTreeMap<Vec<String>, Vec<Case>> {
    let mut map = BTreeMap::<_, Vec<_>>::new();
    for case in cases {
        map.entry(options(&case.policy)).or_default().push(case);
    }
    map
}

/// A case as a connection, after which the client's port is closed.
fn talk_of(case: &Case, port: u16) -> Talk {
    let talk = Talk::new(port).open();
    case.lines
        .iter()
        .fold(talk, |talk, line| talk.say(line.direction, &line.bytes))
}

#[test]
fn every_vector_has_its_verdict_at_its_packet() {
    let cases = vectors::load_all().unwrap();
    assert!(cases.len() > 100);
    for (options, cases) in by_options(cases) {
        let mut frames = Vec::new();
        let mut last = Vec::new();
        for (number, case) in cases.iter().enumerate() {
            frames.extend(talk_of(case, 1000 + number as u16).packets);
            last.push(frames.len());
        }
        let options: Vec<_> = options.iter().map(String::as_str).collect();
        let said = replay(&[&options[..], &["--json"]].concat(), &pcap(RAW, &frames));
        let (connections, _) = said.json();
        assert_eq!(connections.len(), cases.len());
        for connection in connections {
            let number = connection["src_port"].as_u64().unwrap() as usize - 1000;
            let case = &cases[number];
            let reason = case.expect.map(|reason| reason.name());
            assert_eq!(connection["reason"].as_str(), reason, "{}", case.name);
            if reason.is_some() {
                assert_eq!(connection["pcap_cnt"], last[number], "{}", case.name);
            }
        }
    }
}

#[test]
fn a_verdict_says_reason_packet_and_addresses() {
    let said = replay_talk(&[], &Talk::new(40000).heartbleed());
    assert_eq!(
        said.rows(),
        [[
            "heartbleed",
            "4",
            "-",
            "-",
            "192.0.2.1:40000",
            "198.51.100.2:443",
            "-",
            "no-sni",
            "8",
            "-"
        ]]
    );
    assert_eq!((said.status, said.err.as_str()), (0, ""));
    assert_eq!(said.count("heartbleed"), 1);

    let said = replay_talk(&[], &Talk::v6(40000).open().say(Reply, &HEARTBLEED));
    assert_eq!(said.verdict(), ("heartbleed", "4"));
    assert_eq!(
        said.rows()[0][4..6],
        ["[2001:db8::1]:40000", "[2001:db8::2]:443"]
    );
}

#[test]
fn rules_can_be_off_and_versions_be_named() {
    let talk = Talk::new(1).heartbleed();
    let off = "--off=heartbleed,heartbeat_in_handshake,heartbeat_not_negotiated,\
        heartbeat_refused,heartbeat_malformed";
    assert_eq!(replay_talk(&[off], &talk).verdict(), ("clean", "-"));
    assert_eq!(
        replay_talk(&["--off=record_type"], &talk).verdict(),
        ("heartbleed", "4")
    );
    let talk = Talk::new(1).shake();
    assert_eq!(replay_talk(&["--min-version=1.3"], &talk).status, 1);
}

#[test]
fn clean_is_one_and_quiet_is_silent() {
    let clean = Talk::new(1).shake().say(Original, &ciphertext(64)).close();
    let said = replay_talk(&[], &clean);
    assert_eq!((said.status, said.verdict()), (1, ("clean", "-")));
    let said = replay_talk(&["--quiet"], &clean);
    assert_eq!((said.status, said.out.as_str()), (1, ""));
    let said = replay_talk(&["-q"], &Talk::new(1).heartbleed());
    assert_eq!((said.status, said.out.as_str()), (0, ""));
}

// --- formats -----------------------------------------------------------------

#[test]
fn every_link_type_leads_to_the_segment() {
    let mac = [2; 12];
    let links: [(&str, u32, Vec<u8>); 11] = [
        ("Ethernet", 1, [&mac[..], &[0, 0]].concat()),
        ("VLAN", 1, [&mac[..], &[0x81, 0, 0, 7, 0, 0]].concat()),
        (
            "QinQ",
            1,
            [&mac[..], &[0x88, 0xa8, 0, 7, 0x81, 0, 0, 8, 0, 0]].concat(),
        ),
        ("raw", 101, vec![]),
        ("BSD's raw", 12, vec![]),
        ("SLL", 113, [&[0; 14][..], &[0, 0]].concat()),
        (
            "SLL, VLAN",
            113,
            [&[0; 14][..], &[0x81, 0, 0, 7, 0, 0]].concat(),
        ),
        ("SLL2", 276, sll2()),
        ("null", 0, vec![2, 0, 0, 1]),
        ("loop", 108, vec![1, 0, 0, 2]),
        ("with FCS", 1 | 0x5400_0000, [&mac[..], &[0, 0]].concat()),
    ];
    for (name, link, header) in links {
        for talk in [Talk::new(1).heartbleed(), Talk::v6(1).heartbleed()] {
            let mut frames = framed(&header, &talk.packets);
            if link == 276 {
                for (frame, packet) in frames.iter_mut().zip(&talk.packets) {
                    let v4 = packet[0] >> 4 == 4;
                    frame[..2].copy_from_slice(if v4 { &[8, 0] } else { &[0x86, 0xdd] });
                }
            }
            let said = replay(&[], &pcap(link, &frames));
            assert_eq!(said.verdict(), ("heartbleed", "4"), "{name}");
        }
    }
}

/// Its EtherType comes first; a last byte that is not zero keeps `framed` away from it.
fn sll2() -> Vec<u8> {
    [&[0; 19][..], &[1]].concat()
}

#[test]
fn padding_of_ethernet_and_pppoe_is_not_payload() {
    let shaken = Talk::new(1).shake();
    let before = replay_talk(&[], &shaken);
    let mut talk = shaken.say(Original, &ciphertext(64));
    // A middlebox counted Ethernet's padding into IP's length, as in a real capture; PPPoE's length
    // tells.
    let padded = talk.packets.len();
    talk = talk
        .say(Original, &[0; 6])
        .skip(Original, usize::MAX - 5)
        .say(Original, &ciphertext(9));
    let mut frames = Vec::new();
    for (number, packet) in talk.packets.iter().enumerate() {
        let length = packet.len() as u16 + 2 - if number == padded { 6 } else { 0 };
        let mut frame = [&[2; 12][..], &[0x88, 0x64, 0x11, 0, 0, 1]].concat();
        frame.extend(length.to_be_bytes());
        frame.extend([0, 0x21]);
        frame.extend(packet);
        frame.extend([0; 4]);
        frames.push(frame);
    }
    let said = replay(&[], &pcap(ETHERNET, &frames));
    assert_eq!((said.status, said.count("clean")), (1, 1), "{said:?}");
    assert_eq!(said.count("bytes"), before.count("bytes") + 69 + 14);
    assert_eq!(said.count("records"), before.count("records") + 2);
}

#[test]
fn what_is_not_tcp_is_counted() {
    let arp = [&[2; 12][..], &[8, 6], &[0; 28]].concat();
    let mut udp = Talk::new(1).open().packets[0].clone();
    udp[9] = 17;
    // DNS.
    udp[22..24].copy_from_slice(&[0, 53]);
    let udp = framed(&[&[2; 12][..], &[0, 0]].concat(), &[udp]);
    let said = replay(&[], &pcap(ETHERNET, &[arp, udp[0].clone()]));
    assert_eq!((said.status, said.count("not_tcp")), (1, 2), "{said:?}");
}

#[test]
fn ipv6_extension_headers_are_skipped() {
    let mut talk = Talk::v6(1).heartbleed();
    for packet in &mut talk.packets {
        // Hop-by-hop options, and a fragment header of a packet that is whole.
        packet.splice(40..40, [44, 0, 1, 4, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 1]);
        packet[6] = 0;
        packet[5] += 16;
    }
    let said = replay_talk(&[], &talk);
    assert_eq!((said.status, said.count("heartbleed")), (0, 1), "{said:?}");
}

#[test]
fn a_packet_without_a_length_is_as_long_as_its_frame() {
    // As captured before the hardware cut it up; 70000 bytes do not fit the length either.
    let mut talk = Talk::new(1).shake();
    for at in 0..5 {
        talk = talk.say(Original, &ciphertext(14_000 + at));
    }
    let payload: Vec<u8> = (0..5).flat_map(|at| ciphertext(14_000 + at)).collect();
    let mut big = Talk::new(1).shake();
    let last = Talk::new(1).shake().say(Original, &[]);
    let mut packet = last.packets.last().unwrap().clone();
    packet[2..4].copy_from_slice(&[0, 0]);
    packet.extend(payload);
    big.packets.push(packet);
    let [apart, whole] = [talk, big].map(|talk| replay_talk(&[], &talk));
    assert_eq!(apart.count("bytes"), whole.count("bytes"));
    assert_eq!((whole.status, whole.count("clean")), (1, 1));
}

#[test]
fn pcapng_and_both_byte_orders_are_read() {
    let frames = Talk::new(1).heartbleed().packets;
    for capture in [
        pcapng(147, 101, &frames, false),
        pcapng(147, 101, &frames, true),
        // Another section follows, of the other byte order: its interfaces are its own.
        [
            pcapng(101, 147, &[], false),
            pcapng(147, 101, &frames, true),
        ]
        .concat(),
        pcap_big_endian(RAW, &frames),
    ] {
        let said = replay(&[], &capture);
        assert_eq!(said.verdict(), ("heartbleed", "4"));
        assert_eq!(said.status, 0);
    }
}

#[test]
fn gzip_is_read_also_in_members() {
    let capture = pcap(RAW, &Talk::new(1).heartbleed().packets);
    let mut zipped = Vec::new();
    for part in [&capture[..30], &capture[30..]] {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(part).unwrap();
        zipped.extend(encoder.finish().unwrap());
    }
    let said = replay(&[], &zipped);
    assert_eq!((said.status, said.count("heartbleed")), (0, 1), "{said:?}");
    let said = replay(&[], &zipped[..zipped.len() - 12]);
    assert!(said.err.contains("is truncated"), "{said:?}");
    assert_eq!(said.status, 2);
}

#[test]
fn a_packet_longer_than_the_buffer_is_read() {
    let mut frames = vec![vec![0; 1 << 20]];
    frames.extend(Talk::new(1).heartbleed().packets);
    let said = replay(&[], &pcap(RAW, &frames));
    assert_eq!(said.verdict(), ("heartbleed", "5"));
}

// --- connections -------------------------------------------------------------

#[test]
fn retransmissions_and_holes_change_no_verdict() {
    let mut again = Talk::new(1).shake().say(Original, &ciphertext(64));
    again.packets.push(again.packets.last().unwrap().clone());
    let record = ciphertext(3000);
    let talk = again
        .say(Original, &record[..1000])
        .skip(Original, 1000)
        .say(Original, &record[2000..])
        .say(Original, &HEARTBLEED);
    let last = talk.packets.len().to_string();
    let said = replay_talk(&[], &talk);
    assert_eq!(said.count("retransmissions"), 1, "{said:?}");
    assert_eq!(said.count("gaps_skipped"), 1);
    assert_eq!(said.verdict(), ("heartbleed", last.as_str()));
}

/// The module drops the second half, and sees it again after the first; here it waits.
#[test]
fn halves_that_came_in_the_wrong_order_are_put_in_order() {
    let mut talk = Talk::new(1)
        .open()
        .say(Original, &HEARTBLEED[..6])
        .say(Original, &HEARTBLEED[6..]);
    talk.packets.swap(3, 4);
    let said = replay_talk(&[], &talk);
    assert_eq!((said.status, said.count("heartbleed")), (0, 1), "{said:?}");
    assert_eq!(said.count("ooo_dropped"), 0);
    assert_eq!(said.rows()[0].last(), Some(&"-"));
    // Nothing comes after it but the end of the capture.
    talk.packets.remove(4);
    let said = replay_talk(&[], &talk);
    assert_eq!(said.verdict(), ("unread", "-"));
    assert_eq!(said.rows()[0].last(), Some(&"lossy"));
}

#[test]
fn out_of_order_is_told_and_the_stream_taken_up_again() {
    let talk = Talk::new(1)
        .shake()
        .say(Original, &ciphertext(64))
        .skip(Original, 50_000)
        .say(Original, &ciphertext(64)[20..])
        .say(Original, &ciphertext(64))
        .say(Original, &ciphertext(64));
    let said = replay_talk(&[], &talk);
    assert_eq!(said.verdict(), ("clean", "-"));
    assert_eq!(said.rows()[0].last(), Some(&"lossy"));
    assert_eq!(said.count("ooo_dropped"), 1);
    assert_eq!(said.count("resynced"), 1);
    assert!(said.out.contains("lacking: 1 connections with gaps"));
}

#[test]
fn without_a_syn_it_is_picked_up_at_a_record_or_unread() {
    let talk = Talk::new(5000)
        .say(Reply, &ciphertext(64)[9..])
        .say(Reply, &ciphertext(64));
    let said = replay_talk(&[], &talk);
    assert_eq!(said.verdict(), ("clean", "-"));
    assert_eq!(said.rows()[0].last(), Some(&"no_syn,one_sided"));
    assert_eq!(said.count("unsynced"), 1);
    assert!(said.out.contains("lacking: 1 connections without a SYN"));

    let said = replay_talk(&[], &Talk::new(5000).say(Reply, &ciphertext(64)[9..]));
    assert_eq!(said.verdict(), ("unread", "-"));
    assert_eq!((said.count("unread"), said.count("clean")), (1, 0));
}

#[test]
fn the_client_is_found_without_a_syn() {
    // By the SYN-ACK, although the lower port is the client's; by the ports asked for; by the lower
    // port.
    let mut answered = Talk::between("192.0.2.1", 99, "192.0.2.2", 8443);
    answered.flags(Reply, SYN | ACK);
    let said = replay_talk(&["--ports=all"], &answered);
    assert!(said.out.contains("192.0.2.1:99           192.0.2.2:8443"));
    for ports in ["--ports=8443", "--ports=all"] {
        let talk = Talk::between("192.0.2.1", 9000, "192.0.2.2", 8443).say(Reply, &ciphertext(9));
        let said = replay_talk(&[ports], &talk);
        assert!(said.out.contains("192.0.2.1:9000         192.0.2.2:8443"));
    }
}

#[test]
fn packets_cut_by_the_capture_are_holes() {
    let record = ciphertext(3000);
    let talk = Talk::new(1)
        .shake()
        .say(Original, &record[..1000])
        .say(Original, &record[1000..2000])
        .say(Original, &record[2000..]);
    let frames = framed(&[&[2; 12][..], &[0, 0]].concat(), &talk.packets);
    let said = replay(&[], &pcap_cut(ETHERNET, &frames, 96));
    assert_eq!((said.status, said.count("cut_short")), (1, 7), "{said:?}");
    assert_eq!(said.count("unreadable"), 4);
    assert_eq!(said.rows()[0].last(), Some(&"cut"));
    assert!(said.out.contains("lacking: 7 packets shorter"));
    // Headers only, and less.
    let said = replay(&[], &pcap_cut(ETHERNET, &frames, 54));
    assert_eq!(said.verdict(), ("unread", "-"));
    let said = replay(&[], &pcap_cut(ETHERNET, &frames, 53));
    assert_eq!(said.count("bad_headers"), 11, "{said:?}");
    assert!(said.out.contains("lacking: 11 packets with headers"));
}

#[test]
fn fragments_are_counted() {
    let mut talk = Talk::new(1).heartbleed();
    // More fragments follow.
    talk.packets[3][6] = 0x20;
    let said = replay_talk(&[], &talk);
    assert_eq!((said.status, said.count("fragments")), (1, 1), "{said:?}");
    assert!(said.out.contains("lacking: 1 IP fragments"));
}

#[test]
fn ports_used_again_are_another_connection() {
    let mut first = Talk::new(1).shake().say(Original, &ciphertext(64)).close();
    let at = (first.packets.len() + 4).to_string();
    let second = Talk::new(1).heartbleed();
    first.packets.extend(second.packets);
    let said = replay_talk(&[], &first);
    assert_eq!((said.count("connections"), said.count("clean")), (2, 1));
    assert_eq!(said.rows()[1][..2], ["heartbleed", at.as_str()]);
}

#[test]
fn a_syn_sent_twice_or_behind_its_answer_is_one_connection() {
    let mut talk = Talk::new(1).heartbleed();
    talk.packets.insert(1, talk.packets[0].clone());
    let said = replay_talk(&[], &talk);
    assert_eq!((said.status, said.count("connections")), (0, 1));
    let mut talk = Talk::new(1).heartbleed();
    talk.packets.swap(0, 1);
    let said = replay_talk(&[], &talk);
    assert_eq!((said.status, said.count("connections")), (0, 1));
    assert_eq!(said.count("no_syn"), 0);
}

#[test]
fn a_full_table_gives_up_what_ended_and_then_what_is_silent() {
    let mut frames = Vec::new();
    for port in 1..=100 {
        frames.extend(Talk::new(port).open().packets);
    }
    for port in 101..=200 {
        frames.extend(Talk::new(port).open().close().packets);
    }
    frames.extend(Talk::new(201).heartbleed().packets);
    let said = replay(&["--max-connections=16"], &pcap(RAW, &frames));
    assert_eq!((said.status, said.count("connections")), (0, 201));
    assert!(said.count("forgotten") >= 84, "{said:?}");
    assert!(said.out.contains("connections given up"));
    let said = replay(&["--max-connections=1"], &pcap(RAW, &frames));
    assert_eq!((said.status, said.count("connections")), (0, 201));
}

#[test]
fn ports_choose_the_servers() {
    let talk = || Talk::between("192.0.2.1", 40000, "192.0.2.2", 8443).heartbleed();
    let said = replay_talk(&[], &talk());
    assert_eq!((said.status, said.count("other_ports")), (1, 4), "{said:?}");
    assert!(said
        .out
        .contains("lacking: 4 packets, all of connections to other ports"));
    for ports in ["--ports=8443", "--ports=1,8443", "--ports=all"] {
        assert_eq!(replay_talk(&[ports], &talk()).status, 0);
    }
}

// --- JSON --------------------------------------------------------------------

#[test]
fn json_has_an_object_a_connection_and_a_summary() {
    let folder = Folder::new("json");
    let mut frames = Talk::new(1).heartbleed().packets;
    frames.extend(Talk::v6(2).shake().say(Reply, &ciphertext(9)).packets);
    let name = folder.write("a \"quoted\"\n name.pcap", &pcap(RAW, &frames));
    let (connections, summary) = run(&["--json", &name]).json();
    assert_eq!(connections.len(), 2);
    let [condemned, clean] = &connections[..] else {
        panic!()
    };
    assert_eq!(condemned["pcap_filename"], name);
    assert_eq!(condemned["verdict"], "condemned");
    assert_eq!(condemned["reason"], "heartbleed");
    assert_eq!(condemned["pcap_cnt"], 4);
    assert_eq!(condemned["direction"], "to_server");
    assert_eq!(condemned["src_ip"], "192.0.2.1");
    assert_eq!(condemned["dest_port"], 443);
    assert_eq!(clean["verdict"], "clean");
    assert!(clean["reason"].is_null() && clean["pcap_cnt"].is_null());
    assert_eq!(clean["src_ip"], "2001:db8::1");
    let bytes = |side: &str| clean["flow"][side].as_u64().unwrap();
    assert_eq!(
        clean["counters"]["bytes"],
        bytes("bytes_toclient") + bytes("bytes_toserver")
    );
    assert_eq!(clean["tls"]["version"], "TLS 1.3");
    assert_eq!(summary["connections"], 2);
    assert_eq!(summary["condemned"], 1);
    assert_eq!(summary["reasons"]["heartbleed"], 1);
    assert_eq!(summary["packets"], frames.len());
}

// --- bad input ---------------------------------------------------------------

#[test]
fn what_is_no_capture_is_an_error_and_the_others_are_read() {
    let folder = Folder::new("foreign");
    let good = folder.write("good.pcap", &pcap(RAW, &Talk::new(1).heartbleed().packets));
    let bad = [
        (folder.write("empty", b""), "is empty"),
        (folder.write("elf", b"\x7fELF and more"), "is no pcap"),
        (folder.write("text", &[b'a'; 5000]), "is no pcap"),
        (
            folder.write("short", b"\xd4\xc3\xb2\xa1\x02"),
            "is truncated",
        ),
        (folder.write("ng", b"\x0a\x0d\x0d\x0a\x1c"), "is truncated"),
        (folder.write("zip", b"\x1f\x8b\x08"), "is truncated"),
        (folder.path("missing"), "No such file"),
    ];
    for (path, what) in &bad {
        let said = run(&[path, &good]);
        assert_eq!(said.status, 0, "{said:?}");
        assert_eq!(said.err.lines().count(), 1, "{said:?}");
        assert!(said.err.starts_with(&format!("tls-replay: {path}: ")));
        assert!(said.err.contains(what), "{said:?}");
        assert_eq!(said.verdict(), ("heartbleed", "4"));
        assert_eq!(said.rows()[0].last(), Some(&good.as_str()));
        assert_eq!(said.count("bad_files"), 1);
        assert_eq!(run(&[path]).status, 2);
    }
}

#[test]
fn truncated_anywhere_it_tells_what_was_read() {
    let frames = Talk::new(1).heartbleed().packets;
    for capture in [pcap(RAW, &frames), pcapng(147, 101, &frames, false)] {
        let whole = replay(&[], &capture);
        let mut truncated = 0;
        for length in 1..capture.len() {
            let said = replay(&[], &capture[..length]);
            assert_eq!(said.count("heartbleed"), 0);
            // A cut between two blocks cannot be noticed.
            if said.status == 2 {
                truncated += 1;
                assert_eq!(said.err.lines().count(), 1, "{length}: {said:?}");
                assert!(
                    said.err.contains("is truncated") || length < 5,
                    "{length}: {said:?}"
                );
            }
        }
        assert!(truncated >= capture.len() - 12, "{truncated}");
        assert_eq!((whole.status, whole.count("heartbleed")), (0, 1));
    }
    // Results from before it are printed first.
    let mut capture = pcap(RAW, &frames);
    capture.extend([0; 10]);
    let said = replay(&[], &capture);
    assert_eq!((said.status, said.count("heartbleed")), (0, 1));
    assert!(said.err.contains("(after packet 4)"), "{said:?}");
}

/// Found by fuzzing: pcap-parser takes 12 bytes off a length of 4, of Darwin's block of a process.
#[test]
fn a_block_shorter_than_its_frame_is_damage() {
    for big in [false, true] {
        let word = |word: u32| {
            if big {
                word.to_be_bytes()
            } else {
                word.to_le_bytes()
            }
        };
        for length in 0..12 {
            let mut capture = pcapng(147, 101, &[], big);
            capture.extend(word(0x8000_0001));
            capture.extend(word(length));
            capture.extend([0; 40]);
            let said = replay(&["--ports=all"], &capture);
            assert_eq!(said.status, 2, "{length}: {said:?}");
            assert!(said.err.contains("is damaged"), "{length}: {said:?}");
        }
    }
}

#[test]
fn damage_is_an_error_and_no_crash() {
    let frames = Talk::new(1).heartbleed().packets;
    for capture in [pcap(RAW, &frames), pcapng(147, 101, &frames, false)] {
        for at in 0..capture.len() {
            for with in [0x00, 0x7f, 0xff] {
                let mut damaged = capture.clone();
                damaged[at] = with;
                let said = replay(&["--ports=all"], &damaged);
                assert!(!said.err.contains("panicked"), "{at}: {said:?}");
                assert_eq!(
                    said.status == 1,
                    said.err.is_empty() && said.count("condemned") == 0,
                    "{at}: {said:?}"
                );
            }
        }
    }
}

#[test]
fn a_link_type_that_is_not_known_is_named() {
    let said = replay(&[], &pcap(105, &Talk::new(1).heartbleed().packets));
    assert_eq!((said.status, said.count("unknown_link")), (2, 4));
    assert!(said.err.contains("link type 105"), "{said:?}");
    assert!(said.err.contains("Ethernet"), "{said:?}");
}

#[test]
fn values_out_of_range_are_refused_and_say_what_is_allowed() {
    for (option, allowed) in [
        ("--seq-len=65536", "1 to 65535"),
        ("--seq-len=x", "1 to 65535"),
        ("--heartbeat=2", "0 and 1"),
        ("--min-version=0x02ff", "0x0300"),
        ("--min-version=0x0305", "0x0300"),
        ("--min-version=tls2", "0x0300"),
        ("--off=heartbleed,nonsense", "record_type, record_version"),
        ("--ports=0", "1 to 65535"),
        ("--ports=443,", "1 to 65535"),
        ("--ports=65536", "1 to 65535"),
        ("--max-connections=0", "zero"),
    ] {
        let said = run(&[option, "-"]);
        assert_eq!(said.status, 2, "{said:?}");
        assert!(said.err.contains(allowed), "{said:?}");
    }
    assert_eq!(run(&[]).status, 2);
    assert_eq!(run(&["--json", "--quiet", "-"]).status, 2);
    assert_eq!(run(&["--help"]).status, 0);
}
