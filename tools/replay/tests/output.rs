// SPDX-License-Identifier: GPL-2.0

//! What `tls-replay` prints and writes: the table, JSON by its schema, CSV, sums, filters,
//! evidence, the page.

mod capture;

use capture::*;
use serde_json::Value;
use std::{
    fs,
    path::Path,
    process::Command, //
};

/// 2026-11-27T16:00:00Z.
const AFTERNOON: u32 = 1_795_795_200;

/// Three connections: one condemned, one clean, one without payload.
fn three() -> Vec<u8> {
    let mut frames = Talk::new(1).heartbleed().packets;
    frames.extend(Talk::v6(2).shake().close().packets);
    frames.extend(
        Talk::between("192.0.2.9", 3, "198.51.100.7", 443)
            .open()
            .packets,
    );
    pcap_at(AFTERNOON, RAW, &frames)
}

// --- the table ---------------------------------------------------------------

#[test]
fn the_table_has_times_versions_and_verdicts() {
    let said = replay(&[], &three());
    let rows = said.rows();
    assert_eq!(
        rows[0][..4],
        ["heartbleed", "4", "2026-11-27T16:00:03.250000Z", "3.000s"]
    );
    assert_eq!(rows[1][..3], ["clean", "-", "2026-11-27T16:00:04.250000Z"]);
    assert_eq!(rows[1][6], "TLS 1.3");
    assert_eq!(rows[2][0], "empty");
    assert_eq!((said.count("empty"), said.count("clean")), (1, 1));
    let head = said.out.lines().next().unwrap();
    let titles: Vec<_> = head.split_whitespace().collect();
    assert_eq!(
        titles,
        [
            "VERDICT", "PACKET", "TIME", "LASTS", "CLIENT", "SERVER", "VERSION", "NAME", "BYTES",
            "LACKING"
        ]
    );
    // All columns stand under their titles.
    let at = |line: &str, what: &str| line.find(what).unwrap();
    let row = said.out.lines().nth(1).unwrap();
    assert_eq!(at(head, "CLIENT"), at(row, "192.0.2.1"));
    assert_eq!(at(head, "NAME"), at(row, "no-sni"));
}

#[test]
fn the_table_is_as_wide_as_it_may_be() {
    for width in [80, 100, 120, 160] {
        let said = replay(
            &["--width", &width.to_string()],
            &pcap(RAW, &Talk::new(1).heartbleed().packets),
        );
        let table = said.out.lines().take_while(|line| !line.is_empty());
        let longest = table.map(|line| line.chars().count()).max().unwrap();
        assert!(longest <= width, "{width}: {said:?}");
        let row = said.rows()[0].clone();
        assert_eq!(row[..2], ["heartbleed", "4"]);
        assert!(row.contains(&"192.0.2.1:1") && row.contains(&"198.51.100.2:443"));
    }
}

#[test]
fn there_is_colour_only_where_it_is_wanted() {
    for (options, wanted) in [
        (&[][..], false),
        (&["--color=always"], true),
        (&["--color=never"], false),
        (&["--no-color"], false),
    ] {
        let said = replay(options, &three());
        assert_eq!(
            said.out.contains("\x1b[1;31mheartbleed"),
            wanted,
            "{options:?}"
        );
        assert_eq!(said.out.contains("\x1b[32mclean"), wanted, "{options:?}");
    }
}

#[test]
fn only_condemned_connections_are_told_of_if_wanted_and_all_counted() {
    let said = replay(&["--only-condemned"], &three());
    assert_eq!(said.verdict(), ("heartbleed", "4"));
    assert_eq!((said.count("connections"), said.count("clean")), (3, 1));
}

#[test]
fn rules_and_servers_are_summed_up() {
    let said = replay(&["--top"], &three());
    assert!(said.out.contains("\ntop rule: heartbleed 1\n"), "{said:?}");
    assert!(
        said.out
            .contains("\ntop server: 198.51.100.2:443 no-sni 1 of 1 condemned\n"),
        "{said:?}"
    );
    let (_, summary) = replay(&["--top=1", "--json"], &three()).json();
    let servers = summary["top"]["servers"].as_array().unwrap();
    assert_eq!(servers.len(), 1);
    assert_eq!(
        (&servers[0]["dest_ip"], &servers[0]["condemned"]),
        (&"198.51.100.2".into(), &1.into())
    );
    assert_eq!(summary["top"]["rules"][0]["reason"], "heartbleed");
}

// --- JSON and CSV ------------------------------------------------------------

/// Checks a value against a schema: as much of JSON Schema as `schema.json` uses.
fn check(value: &Value, schema: &Value, root: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/$defs/").unwrap();
        return check(value, &root["$defs"][name], root, at);
    }
    if let Some(constant) = schema.get("const") {
        assert_eq!(value, constant, "{at}");
    }
    if let Some(values) = schema["enum"].as_array() {
        assert!(values.contains(value), "{at}: {value}");
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    match &schema["type"] {
        Value::String(due) => assert_eq!(kind, due, "{at}"),
        Value::Array(due) => assert!(due.contains(&kind.into()), "{at}: {kind}"),
        _ => {}
    }
    if let Value::Array(items) = value {
        items
            .iter()
            .for_each(|item| check(item, &schema["items"], root, at));
    }
    if let Value::Object(object) = value {
        check_object(object, schema, root, at);
    }
}

fn check_object(object: &serde_json::Map<String, Value>, schema: &Value, root: &Value, at: &str) {
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            object.contains_key(name.as_str().unwrap()),
            "{at}: {name} is missing"
        );
    }
    for (name, value) in object {
        let at = format!("{at}.{name}");
        match (
            schema["properties"].get(name),
            schema.get("additionalProperties"),
        ) {
            (Some(schema), _) => check(value, schema, root, &at),
            (None, Some(Value::Object(_))) => {
                check(value, &schema["additionalProperties"], root, &at)
            }
            _ => panic!("{at} is in no schema"),
        }
    }
}

#[test]
fn json_is_as_its_schema_says() {
    let schema: Value = serde_json::from_str(include_str!("../schema.json")).unwrap();
    let folder = Folder::new("schema");
    let cut = folder.write("cut.pcap", &three()[..three().len() - 3]);
    let vlan = [&[2; 12][..], &[0x81, 0, 0, 7, 8, 0]].concat();
    let frames = framed(&vlan, &Talk::new(1).heartbleed().packets);
    let tunnel = folder.write("vlan.pcap", &pcap(ETHERNET, &frames));
    let said = run(&["--json", "--top", &cut, &tunnel]);
    let mut seen = Vec::new();
    for object in said.objects() {
        let kind = object["event_type"].as_str().unwrap().to_owned();
        check(&object, &schema["$defs"][&kind], &schema, &kind);
        seen.push(kind);
    }
    for kind in ["connection", "file", "summary"] {
        assert!(seen.iter().any(|it| it == kind), "{seen:?}");
    }
}

#[test]
fn csv_has_a_head_and_quotes_what_needs_it() {
    let folder = Folder::new("csv");
    let name = folder.write("a, \"b\".pcap", &three());
    let said = run(&["--csv", &name]);
    let lines: Vec<_> = said.out.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 4, "{said:?}");
    assert!(lines[0].starts_with("timestamp,verdict,reason,pcap_filename,pcap_cnt,"));
    let quoted = format!("\"{}\"", name.replace('"', "\"\""));
    let due = format!(
        "2026-11-27T16:00:03.250000Z,condemned,heartbleed,{quoted},4,to_server,\
        192.0.2.1,1,198.51.100.2,443,"
    );
    assert!(lines[1].starts_with(&due), "{said:?}");
    let columns = lines[0].split(',').count();
    assert!(lines[2].replace(&quoted, "").split(',').count() == columns);
}

// --- filters -----------------------------------------------------------------

#[test]
fn filters_choose_packets() {
    for (filter, connections) in [
        ("host 192.0.2.1", 1),
        ("src host 192.0.2.1 or dst host 192.0.2.1", 1),
        ("net 192.0.2.0/24", 2),
        ("net 198.51.100.0/30", 1),
        ("ip6", 1),
        ("not ip6 and port 443", 2),
        ("!(ip6)", 2),
        ("net 2001:db8::/32", 1),
        ("port 1 or 3", 2),
        ("portrange 1-2", 2),
        ("port https && (port 1 || port 2)", 2),
        ("tcp", 3),
        ("host 192.0.2.77", 0),
    ] {
        let said = replay(&["--filter", filter], &three());
        assert_eq!(said.count("connections"), connections, "{filter}: {said:?}");
        let all = replay(&[], &three()).count("packets");
        assert_eq!(said.count("packets"), all);
        assert_eq!(said.count("filtered") == 0, connections == 3, "{filter}");
    }
    for (filter, what) in [
        ("", "ends too early"),
        ("host", "needs a value"),
        ("host example.org", "no IP address"),
        ("net 10", "no network"),
        ("net 10.0.0.0/33", "no network"),
        ("port 0", "no port"),
        ("(port 1", "missing"),
        ("port 1 port 2", "not expected"),
        ("udp", "not known"),
        ("udp", "allowed are [src|dst] host, net, port"),
        (
            "port 1 portrange 2-3",
            "allowed are [src|dst] host, net, port",
        ),
        ("port 1 or vlan", "\"vlan\" is no port"),
        ("port 1 or vlan", "allowed are [src|dst] host, net, port"),
    ] {
        let said = run(&["--filter", filter, "-"]);
        assert_eq!(said.status, 2);
        assert!(said.err.contains(what), "{filter}: {said:?}");
    }
    let deep = "(".repeat(10_000);
    assert!(run(&["--filter", &deep, "-"]).err.contains("too deep"));
}

#[test]
fn times_choose_packets() {
    let all = replay(&[], &three()).count("packets");
    for (options, packets) in [
        (&["--since", "2026-11-27T16:00:04Z"][..], all - 4),
        (&["--since", "2026-11-27T17:00:04+01:00"], all - 4),
        (&["--since", "2026-11-27 16:00:04"], all - 4),
        (&["--until", "2026-11-27T16:00:03.5Z"], 4),
        (
            &[
                "--since",
                "2026-11-27T16:00:01Z",
                "--until",
                "2026-11-27T16:00:02Z",
            ],
            1,
        ),
        (&["--until", "2025-01-01T00:00:00Z"], 0),
    ] {
        let said = replay(options, &three());
        assert_eq!(said.count("filtered"), all - packets, "{options:?}");
    }
    assert!(run(&["--since", "yesterday", "-"])
        .err
        .contains("allowed are times"));
}

#[test]
fn ports_have_ranges_and_names() {
    let talk = Talk::between("192.0.2.1", 40000, "192.0.2.2", 8445).heartbleed();
    for (ports, status) in [
        ("8443-8450", 0),
        ("https,8445", 0),
        ("https", 1),
        ("imaps", 1),
        ("1-65535", 0),
    ] {
        assert_eq!(
            replay_talk(&["--ports", ports], &talk).status,
            status,
            "{ports}"
        );
    }
    for ports in ["8450-8443", "0-5", "nonsense", "https,"] {
        assert_eq!(run(&["--ports", ports, "-"]).status, 2, "{ports}");
    }
}

// --- files that are written --------------------------------------------------

/// A capture's packets with their comments, by pcap-parser.
fn comments(path: &str) -> Vec<Option<String>> {
    use pcap_parser::{
        create_reader,
        Block,
        OptionCode,
        PcapBlockOwned,
        PcapError, //
    };
    let file = fs::File::open(path).unwrap();
    let mut reader = create_reader(1 << 16, file).unwrap();
    let mut packets = Vec::new();
    loop {
        match reader.next() {
            Ok((length, block)) => {
                if let PcapBlockOwned::NG(Block::EnhancedPacket(packet)) = block {
                    let comment = packet
                        .options
                        .iter()
                        .find(|it| it.code == OptionCode::Comment);
                    packets.push(comment.map(|it| it.as_str().unwrap().to_owned()));
                }
                reader.consume(length);
            }
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(PcapError::Eof) => return packets,
            Err(err) => panic!("{err:?}"),
        }
    }
}

#[test]
fn evidence_is_what_was_condemned_with_a_comment() {
    let folder = Folder::new("evidence");
    let capture = folder.write("three.pcap", &three());
    let piped = folder.path("piped.pcapng");
    let read = folder.path("read.pcapng");
    assert_eq!(run(&["--write", &read, &capture]).status, 0);
    assert_eq!(run_with(&["--write", &piped, "-"], &three()).status, 0);
    for (path, name) in [(&read, capture.as_str()), (&piped, "-")] {
        let comments = comments(path);
        assert_eq!(comments.len(), 4);
        assert_eq!(comments.iter().flatten().count(), 1);
        let due = format!(
            "nf_conntrack_tls: heartbleed (192.0.2.1:1 -> 198.51.100.2:443, packet 4 of {name})"
        );
        assert_eq!(comments[3].as_ref(), Some(&due));
        // It is judged as the whole was, at the same time.
        let said = run(&[path]);
        assert_eq!(
            said.rows()[0][..3],
            ["heartbleed", "4", "2026-11-27T16:00:03.250000Z"]
        );
        assert_eq!(said.count("connections"), 1);
    }
    // Without a condemned connection it has no packets.
    let clean = folder.write("clean.pcap", &pcap(RAW, &Talk::new(1).shake().packets));
    assert_eq!(run(&["--write", &read, &clean]).status, 1);
    assert_eq!(comments(&read), []);
    let said = run(&["--write", &folder.path("no/such/folder"), &capture]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("cannot write"), "{said:?}");
}

/// What a browser makes of the page; the tests' ground has one where `NF_CT_TLS_BROWSER` names it.
fn drawn(page: &str) -> Option<String> {
    let browser = std::env::var_os("NF_CT_TLS_BROWSER")?;
    let arguments = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--virtual-time-budget=5000",
        "--dump-dom",
    ];
    let output = Command::new(browser)
        .args(arguments)
        .arg(format!("file://{page}"))
        .output()
        .unwrap();
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_page_stands_alone_and_is_drawn() {
    let folder = Folder::new("page");
    fs::create_dir_all(folder.path("<")).unwrap();
    let hostile = folder.write("</script><b>&.pcap", &three());
    let page = folder.path("page.html");
    assert_eq!(run(&["--report", &page, &hostile]).status, 0);
    let text = fs::read_to_string(&page).unwrap();
    assert_eq!(text.matches("</script>").count(), 1);
    for outside in ["http://", "https://", "src=", "href=", "@import", "url("] {
        let xmlns = text.matches("http://www.w3.org/2000/svg").count();
        let found = text.matches(outside).count();
        assert_eq!(
            found,
            if outside == "http://" { xmlns } else { 0 },
            "{outside}"
        );
    }
    let Some(dom) = drawn(&page) else {
        tell("SKIP: no browser looks at the page: NF_CT_TLS_BROWSER names none");
        return;
    };
    assert!(dom.contains("data-drawn=\"yes\""), "{dom}");
    assert!(dom.contains("<td class=\"bad\">heartbleed</td>"), "{dom}");
    assert!(dom.contains("&lt;/script&gt;&lt;b&gt;&amp;.pcap"), "{dom}");
    assert!(dom.contains("<rect"), "{dom}");
}

#[test]
fn the_manual_and_completions_know_all_options() {
    let help = run(&["--help"]).out;
    let options = help
        .split_whitespace()
        .filter(|word| word.starts_with("--"));
    let mut options: Vec<_> = options
        .map(|it| it.trim_end_matches(|c: char| !c.is_ascii_lowercase()))
        .collect();
    options.retain(|it| it.len() > 2 && !it.contains('['));
    assert!(options.len() > 20, "{options:?}");
    for what in ["man", "bash", "zsh", "fish"] {
        let said = run(&["--generate", what]);
        let text = said.out.replace("\\-", "-");
        for option in &options {
            let name = option.trim_start_matches('-');
            assert!(text.contains(name), "{what}: {option}");
        }
        assert_eq!((said.status, said.err.as_str()), (0, ""));
    }
    let page = run(&["--generate", "man"]).out;
    for title in [
        "NAME",
        "SYNOPSIS",
        "OUTPUT",
        "FILTERS",
        "\"EXIT STATUS\"",
        "EXAMPLES",
    ] {
        assert!(page.contains(&format!(".SH {title}")), "{title}");
    }
    let version = run(&["--version"]).out;
    assert_eq!(
        version,
        format!("tls-replay {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert!(Path::new(env!("CARGO_BIN_EXE_tls-replay")).is_file());
}
