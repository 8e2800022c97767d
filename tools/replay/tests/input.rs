// SPDX-License-Identifier: GPL-2.0

//! `tls-replay` on compressed files, folders, parts of a capture, files that grow, pipes and
//! interfaces.

mod capture;

use capture::*;
use flate2::{
    write::GzEncoder,
    Compression, //
};
use lz4_flex::frame::FrameEncoder;
use lzma_rust2::{
    XzOptions,
    XzWriter, //
};
use ruzstd::encoding::{
    compress_to_vec,
    CompressionLevel, //
};
use serde_json::Value;
use std::{
    env,
    fs::{
        self,
        File,
        Permissions, //
    },
    io::{
        BufRead,
        BufReader,
        Write, //
    },
    os::unix::{
        fs::PermissionsExt,
        process::CommandExt, //
    },
    process::{
        Child,
        ChildStdout,
        Command,
        Stdio, //
    },
};

// --- compressed files --------------------------------------------------------

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = XzWriter::new(Vec::new(), XzOptions::with_preset(1)).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

type Compress = fn(&[u8]) -> Vec<u8>;

const ALL: [(&str, Compress); 4] = [("gzip", gzip), ("zstd", zstd), ("xz", xz), ("lz4", lz4)];

/// An attack among so much that compressed blocks end in the middle of packets.
fn long_capture() -> Vec<u8> {
    let mut frames = Vec::new();
    for port in 1..400 {
        frames.extend(Talk::new(port).shake().packets);
    }
    frames.extend(Talk::new(1000).heartbleed().packets);
    pcap(RAW, &frames)
}

#[test]
fn compressed_files_are_read_also_in_members() {
    let capture = long_capture();
    let due = replay(&[], &capture);
    assert_eq!((due.status, due.count("heartbleed")), (0, 1));
    for (name, compress) in ALL {
        let said = replay(&[], &compress(&capture));
        assert_eq!(
            (said.out, said.err),
            (due.out.clone(), due.err.clone()),
            "{name}"
        );
        let (first, second) = capture.split_at(capture.len() / 2);
        let members = [compress(first), compress(second)].concat();
        assert_eq!(replay(&[], &members).out, due.out, "{name}");
        // pcapng's first block is read before its length is known.
        let frames = Talk::new(1).heartbleed().packets;
        let said = replay(&[], &compress(&pcapng(147, 101, &frames, false)));
        assert_eq!(said.verdict(), ("heartbleed", "4"), "{name}");
    }
    // zstd's frames may have others between them, that are to be skipped.
    let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
    let said = replay(&[], &[&zstd(&capture)[..], &skipped].concat());
    assert_eq!(said.out, due.out);
}

#[test]
fn compressed_files_that_are_cut_short_are_an_error() {
    let mut frames = Vec::new();
    for port in 1..400 {
        frames.extend(Talk::new(port).shake().packets);
    }
    let capture = pcap(RAW, &frames);
    for (name, compress) in ALL {
        let compressed = compress(&capture);
        for length in [8, 20, compressed.len() / 2, compressed.len() - 20] {
            let said = replay(&[], &compressed[..length]);
            assert_eq!(said.status, 2, "{name} {length}: {said:?}");
            assert_eq!(said.err.lines().count(), 1, "{name} {length}: {said:?}");
            assert!(
                said.err.contains("is truncated"),
                "{name} {length}: {said:?}"
            );
        }
    }
}

#[test]
fn damaged_compressed_files_are_an_error_and_no_crash() {
    let capture = long_capture();
    for (name, compress) in ALL {
        let compressed = compress(&capture);
        for at in (4..compressed.len()).step_by(compressed.len() / 40 + 1) {
            let mut damaged = compressed.clone();
            damaged[at] ^= 0x55;
            let said = replay(&[], &damaged);
            assert!(!said.err.contains("panicked"), "{name} {at}: {said:?}");
            assert!(said.err.lines().count() <= 1, "{name} {at}: {said:?}");
        }
    }
}

#[test]
fn other_compression_is_named() {
    for (start, name) in [
        (&b"BZh91AY&SY"[..], "bzip2"),
        (b"PK\x03\x04", "zip"),
        (b"LZIP\x01", "lzip"),
    ] {
        let said = replay(&[], &[start, &[0; 100]].concat());
        assert_eq!(said.status, 2);
        assert!(
            said.err.contains(&format!(
                "is compressed by {name}: gzip, zstd, xz and lz4 are read"
            )),
            "{said:?}"
        );
    }
}

// --- many files --------------------------------------------------------------

#[test]
fn of_a_folder_the_captures_are_read() {
    let folder = Folder::new("folder");
    fs::create_dir_all(folder.path("sub/deep")).unwrap();
    folder.write("b.pcap", &pcap(RAW, &Talk::new(2).shake().packets));
    folder.write(
        "sub/deep/a.pcap.zst",
        &zstd(&pcap(RAW, &Talk::new(1).heartbleed().packets)),
    );
    folder.write("notes.txt", b"no capture");
    folder.write("empty", b"");
    folder.write(
        "cut.pcap",
        &pcap(RAW, &Talk::new(1).heartbleed().packets)[..100],
    );
    std::os::unix::fs::symlink(folder.path(""), folder.path("sub/loop")).unwrap();
    let path = folder.path("");
    let said = run(&["--json", &path]);
    let (connections, summary) = said.json();
    assert_eq!(said.status, 0, "{said:?}");
    let files: Vec<_> = connections
        .iter()
        .map(|it| it["pcap_filename"].as_str().unwrap())
        .collect();
    assert_eq!(files.len(), 3, "{files:?}");
    assert!(files[2].ends_with("sub/deep/a.pcap.zst"), "{files:?}");
    assert_eq!(summary["bad_files"], 1);
    let err: Vec<_> = said.err.lines().collect();
    assert!(err[0].ends_with("2 files in it are no captures"), "{err:?}");
    assert!(err[1].contains("cut.pcap: is truncated"), "{err:?}");
    // Also for files there is an object each, with what is wrong with it.
    let objects = said.objects();
    let ended: Vec<_> = objects
        .iter()
        .filter(|it| it["event_type"] == "file")
        .collect();
    assert_eq!(ended.len(), 3);
    assert!(ended[0]["error"].is_null());
    assert!(ended[1]["error"].as_str().unwrap().contains("is truncated"));
    assert_eq!(ended[2]["condemned"], 1);
}

#[test]
fn parts_are_judged_as_one_capture_in_the_order_of_their_times() {
    let folder = Folder::new("parts");
    let talk = Talk::new(1)
        .open()
        .say(Original, &HEARTBLEED[..6])
        .say(Original, &HEARTBLEED[6..]);
    let (first, second) = talk.packets.split_at(4);
    // Sorted by name, the parts are in the wrong order.
    let second = folder.write("trace.pcap10", &pcap_at(2000, RAW, second));
    let first = folder.write("trace.pcap9", &pcap_at(1000, RAW, first));
    let said = run(&["--join", "--json", &second, &first]);
    let (connections, summary) = said.json();
    assert_eq!((said.status, connections.len()), (0, 1), "{said:?}");
    assert_eq!(connections[0]["pcap_filename"], second);
    assert_eq!(connections[0]["pcap_cnt"], 1);
    assert_eq!(connections[0]["flow"]["first_packet"], 1);
    assert_eq!(
        (&summary["packets"], &summary["condemned"]),
        (&5.into(), &1.into())
    );
    // Evidence has the packets of all parts.
    let evidence = folder.path("evidence.pcapng");
    run(&["--join", "--write", &evidence, &second, &first]);
    assert_eq!(run(&[&evidence]).verdict(), ("heartbleed", "5"));
    // By itself, none of them shows an attack.
    assert_eq!(run(&[&first, &second]).status, 1);
}

// --- live --------------------------------------------------------------------

/// A run that is being read from.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Running { child, out }
    }

    /// The next object that it tells.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|err| panic!("{err}: {line:?}"))
    }

    /// Sends a signal, and returns what is told until the end, and the status.
    fn end(self, signal: &str) -> (Vec<Value>, i32) {
        let id = self.child.id().to_string();
        self.end_by(&[signal, &id])
    }

    /// Sends a signal to its process group, as a terminal does.
    fn end_group(self, signal: &str) -> (Vec<Value>, i32) {
        let group = format!("-{}", self.child.id());
        self.end_by(&[signal, "--", &group])
    }

    fn end_by(mut self, arguments: &[&str]) -> (Vec<Value>, i32) {
        let kill = Command::new("kill").args(arguments).status();
        assert!(kill.unwrap().success());
        let lines = (&mut self.out).lines();
        let objects = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        let objects = objects.collect();
        let status = self.child.wait().unwrap();
        (objects, status.code().expect("no signal"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A test that failed must leave no process running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_pipe_is_told_of_at_once_and_a_signal_sums_up() {
    for signal in ["-INT", "-TERM"] {
        let mut command = command(&["--json", "-"]);
        let mut running = Running::start({
            command.stdin(Stdio::piped());
            command
        });
        let mut stdin = running.child.stdin.take().unwrap();
        stdin
            .write_all(&pcap(RAW, &Talk::new(7).shake().close().packets))
            .unwrap();
        // It has ended, although the pipe has not.
        let told = running.next();
        assert_eq!(
            (&told["verdict"], &told["src_port"]),
            (&"clean".into(), &7.into())
        );
        stdin
            .write_all(&pcap(RAW, &Talk::new(8).heartbleed().packets)[24..])
            .unwrap();
        let told = running.next();
        assert_eq!(
            (&told["reason"], &told["src_port"]),
            (&"heartbleed".into(), &8.into())
        );
        // A part of a packet is no damage then.
        stdin.write_all(&[0; 7]).unwrap();
        let (objects, status) = running.end(signal);
        let summary = objects.last().unwrap();
        assert_eq!(summary["event_type"], "summary");
        assert_eq!(
            (&summary["connections"], &summary["bad_files"]),
            (&2.into(), &0.into())
        );
        assert_eq!(status, 0);
    }
}

#[test]
fn a_file_is_followed_as_it_grows_and_is_rotated() {
    let folder = Folder::new("follow");
    let path = folder.write("live.pcap", b"");
    let mut running = Running::start(command(&["--json", "--follow", &path]));
    let mut file = File::options().append(true).open(&path).unwrap();
    let capture = pcap(RAW, &Talk::new(1).heartbleed().packets);
    // In pieces that end in the middle of packets.
    for piece in capture.chunks(50) {
        file.write_all(piece).unwrap();
    }
    assert_eq!(running.next()["src_port"], 1);
    // A connection goes on in the next file.
    let talk = Talk::new(2)
        .open()
        .say(Original, &HEARTBLEED[..6])
        .say(Original, &HEARTBLEED[6..]);
    let (first, second) = talk.packets.split_at(4);
    file.write_all(&pcap(RAW, first)[24..]).unwrap();
    fs::rename(&path, folder.path("live.pcap.1")).unwrap();
    folder.write("live.pcap", &pcap(RAW, second));
    let told = loop {
        let told = running.next();
        if told["event_type"] == "connection" {
            break told;
        }
    };
    assert_eq!(
        (&told["src_port"], &told["pcap_cnt"]),
        (&2.into(), &1.into())
    );
    let (objects, status) = running.end("-INT");
    assert_eq!(objects.last().unwrap()["condemned"], 2);
    assert_eq!(status, 0);
}

#[test]
fn an_interface_is_read_through_tcpdump() {
    let folder = Folder::new("interface");
    let capture = folder.write("capture", &pcap(RAW, &Talk::new(1).heartbleed().packets));
    let script = format!(
        "#!/bin/sh\necho \"$@\" >{}\ncat {capture}\nexec sleep 600\n",
        folder.path("arguments")
    );
    let tcpdump = folder.write("tcpdump", script.as_bytes());
    fs::set_permissions(&tcpdump, Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path(""), env::var("PATH").unwrap());
    let mut command = command(&["--json", "-i", "eth7", "--capture-filter", "tcp port 443"]);
    command.env("PATH", path);
    let mut running = Running::start(command);
    let told = running.next();
    assert_eq!(
        (&told["reason"], &told["pcap_filename"]),
        (&"heartbleed".into(), &"eth7".into())
    );
    let arguments = fs::read_to_string(folder.path("arguments")).unwrap();
    assert_eq!(arguments, "-i eth7 -s 0 -U -w - -- tcp port 443\n");
    assert_eq!(running.end("-INT").1, 0);
}

/// Reads from lo in a network of its own, where an attack is sent again and again.
const ATTACKED: &str = r#"
    ip link set lo up
    ncat --listen --keep-open 127.0.0.1 443 </dev/null >/dev/null 2>&1 &
    server=$!
    {
        while kill -0 $$; do
            ncat --send-only 127.0.0.1 443 <"$1"
            sleep 0.1
        done
        kill $server
    } >/dev/null 2>&1 &
    exec "$0" --json -i lo
"#;

#[test]
fn a_real_tcpdump_is_read_and_ended_by_a_signal() {
    if env::var_os("NF_CT_TLS_TCPDUMP").is_none() {
        tell("SKIP: no interface is captured from: NF_CT_TLS_TCPDUMP does not say that one can be");
        return;
    }
    let folder = Folder::new("tcpdump");
    let attack = folder.write("attack", &HEARTBLEED);
    type End = fn(Running, &str) -> (Vec<Value>, i32);
    for (signal, end) in [
        ("-TERM", Running::end as End),
        ("-INT", Running::end),
        ("-INT", Running::end_group),
    ] {
        let mut command = Command::new("unshare");
        command
            .args(["--net", "sh", "-euc", ATTACKED])
            .args([env!("CARGO_BIN_EXE_tls-replay"), &attack])
            .process_group(0);
        let mut running = Running::start(command);
        // Those before the server listens are empty.
        while running.next()["reason"] != "heartbleed" {}
        let (objects, status) = end(running, signal);
        let summary = objects.last().unwrap();
        assert_eq!(summary["event_type"], "summary");
        assert_eq!(summary["bad_files"], 0);
        assert_eq!(status, 0);
    }
}

#[test]
fn an_interface_that_cannot_be_captured_from_is_an_error() {
    let folder = Folder::new("no_interface");
    let said = |path: &str| -> Said {
        let output = command(&["-i", "eth7"]).env("PATH", path).output();
        output.unwrap().into()
    };
    let missing = said(&folder.path(""));
    assert_eq!(missing.status, 2);
    assert!(missing.err.contains("tcpdump is needed"), "{missing:?}");
    let tcpdump = folder.write("tcpdump", b"#!/bin/sh\nexit 1\n");
    fs::set_permissions(&tcpdump, Permissions::from_mode(0o755)).unwrap();
    let failed = said(&format!(
        "{}:{}",
        folder.path(""),
        env::var("PATH").unwrap()
    ));
    assert_eq!(failed.status, 2);
    assert!(failed.err.contains("tcpdump failed"), "{failed:?}");
}
