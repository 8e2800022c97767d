// SPDX-License-Identifier: GPL-2.0

//! Makes captures, and runs `tls-replay` on them.

#![allow(dead_code, unreachable_pub)]

pub mod corpus;

use nf_conntrack_tls_tests::{
    tls_parser::Direction,
    vectors,
    wire, //
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    io::{
        self,
        Write, //
    },
    net::{
        IpAddr,
        SocketAddr, //
    },
    path::{
        Path,
        PathBuf, //
    },
    process::{
        Command,
        Output,
        Stdio, //
    },
    thread,
};

pub use Direction::{
    Original,
    Reply, //
};

pub const ETHERNET: u32 = 1;
pub const RAW: u32 = 101;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const ACK: u8 = 0x10;

/// A record of application data that looks like ciphertext.
pub fn ciphertext(length: u16) -> Vec<u8> {
    let mut record = vec![0x17, 3, 3];
    record.extend(length.to_be_bytes());
    record.extend((0..length).map(|at| at as u8 | 0x80));
    record
}

/// A heartbeat in the clear, as the attack tools send it.
pub const HEARTBLEED: [u8; 8] = [0x18, 3, 2, 0, 3, 1, 0x40, 0];

/// A TCP connection, as IP packets.
pub struct Talk {
    client: SocketAddr,
    server: SocketAddr,
    /// The next bytes of the client and the server.
    seq: [u32; 2],
    pub packets: Vec<Vec<u8>>,
}

impl Talk {
    /// A connection of that client's port to port 443, in mid-stream.
    pub fn new(port: u16) -> Self {
        Self::between("192.0.2.1", port, "198.51.100.2", 443)
    }

    pub fn v6(port: u16) -> Self {
        Self::between("2001:db8::1", port, "2001:db8::2", 443)
    }

    pub fn between(client: &str, client_port: u16, server: &str, server_port: u16) -> Self {
        Talk {
            client: SocketAddr::new(client.parse().unwrap(), client_port),
            server: SocketAddr::new(server.parse().unwrap(), server_port),
            // Both wrap around.
            seq: [u32::MAX - 9, u32::MAX - 2],
            packets: Vec::new(),
        }
    }

    /// SYN, SYN-ACK and ACK.
    pub fn open(mut self) -> Self {
        self.flags(Original, SYN);
        self.flags(Reply, SYN | ACK);
        self.flags(Original, ACK);
        self
    }

    /// The same, and a handshake of TLS 1.3, after which both sides send ciphertext.
    pub fn shake(self) -> Self {
        let lines = wire::lines("honest_full_handshake_13");
        let say = |talk: Talk, line: &vectors::Line| talk.say(line.direction, &line.bytes);
        lines.iter().fold(self.open(), say)
    }

    /// A heartbleed attempt, the fourth packet.
    pub fn heartbleed(self) -> Self {
        self.open().say(Original, &HEARTBLEED)
    }

    pub fn flags(&mut self, direction: Direction, flags: u8) {
        let packet = self.segment(direction, flags, &[]);
        self.packets.push(packet);
        self.advance(direction, u32::from(flags & (SYN | FIN) != 0));
    }

    /// Sends bytes in one segment.
    pub fn say(mut self, direction: Direction, bytes: &[u8]) -> Self {
        let packet = self.segment(direction, ACK, bytes);
        self.packets.push(packet);
        self.skip(direction, bytes.len())
    }

    /// Leaves bytes out.
    pub fn skip(mut self, direction: Direction, length: usize) -> Self {
        self.advance(direction, length as u32);
        self
    }

    pub fn close(mut self) -> Self {
        self.flags(Original, FIN | ACK);
        self.flags(Reply, FIN | ACK);
        self.flags(Original, ACK);
        self
    }

    fn advance(&mut self, direction: Direction, by: u32) {
        let seq = &mut self.seq[direction as usize];
        *seq = seq.wrapping_add(by);
    }

    fn segment(&self, direction: Direction, flags: u8, payload: &[u8]) -> Vec<u8> {
        let (from, to, seq, ack) = match direction {
            Original => (self.client, self.server, self.seq[0], self.seq[1]),
            Reply => (self.server, self.client, self.seq[1], self.seq[0]),
        };
        let mut tcp = Vec::new();
        tcp.extend(from.port().to_be_bytes());
        tcp.extend(to.port().to_be_bytes());
        tcp.extend(seq.to_be_bytes());
        tcp.extend(ack.to_be_bytes());
        tcp.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(payload);
        ip(from.ip(), to.ip(), &tcp)
    }
}

fn ip(from: IpAddr, to: IpAddr, tcp: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            packet.extend([0x45, 0]);
            packet.extend((20 + tcp.len() as u16).to_be_bytes());
            packet.extend([0, 0, 0, 0, 64, 6, 0, 0]);
            packet.extend(from.octets());
            packet.extend(to.octets());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            packet.extend([0x60, 0, 0, 0]);
            packet.extend((tcp.len() as u16).to_be_bytes());
            packet.extend([6, 64]);
            packet.extend(from.octets());
            packet.extend(to.octets());
        }
        _ => panic!("two families"),
    }
    packet.extend(tcp);
    packet
}

/// Puts a header in front of IP packets; EtherTypes are filled in where `header` ends with two
/// zeros.
pub fn framed(header: &[u8], packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let frame = |packet: &Vec<u8>| {
        let mut frame = header.to_vec();
        if let Some(ether_type) = frame.last_chunk_mut::<2>().filter(|last| *last == &[0, 0]) {
            *ether_type = if packet[0] >> 4 == 4 {
                [0x08, 0x00]
            } else {
                [0x86, 0xdd]
            };
        }
        frame.extend(packet);
        frame
    };
    packets.iter().map(frame).collect()
}

/// A pcap file of frames, each with its length on the wire.
pub fn pcap_of<'a>(link: u32, frames: impl Iterator<Item = (&'a [u8], u32)>) -> Vec<u8> {
    let mut file = Vec::new();
    let words = |file: &mut Vec<u8>, words: &[u32]| {
        words
            .iter()
            .for_each(|word| file.extend(word.to_le_bytes()));
    };
    words(&mut file, &[0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, link]);
    for (frame, length) in frames {
        words(&mut file, &[0, 0, frame.len() as u32, length]);
        file.extend(frame);
    }
    file
}

/// A pcap file of frames, of which `snaplen` bytes are kept.
pub fn pcap_cut(link: u32, frames: &[Vec<u8>], snaplen: usize) -> Vec<u8> {
    let cut = |frame: &'_ Vec<u8>| frame.len().min(snaplen);
    let frames = frames
        .iter()
        .map(|frame| (&frame[..cut(frame)], frame.len() as u32));
    pcap_of(link, frames)
}

pub fn pcap(link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    pcap_cut(link, frames, usize::MAX)
}

/// A pcap file of frames that come a second apart, the first one at that second.
pub fn pcap_at(second: u32, link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = pcap(link, &[]);
    for (frame, second) in frames.iter().zip(second..) {
        let length = frame.len() as u32;
        for word in [second, 250_000, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(frame);
    }
    file
}

/// A pcap file of big-endian words, with nanoseconds.
pub fn pcap_big_endian(link: u32, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut file = Vec::new();
    let words = |file: &mut Vec<u8>, words: &[u32]| {
        words
            .iter()
            .for_each(|word| file.extend(word.to_be_bytes()));
    };
    words(&mut file, &[0xa1b2_3c4d, 0x0002_0004, 0, 0, 262_144, link]);
    for frame in frames {
        words(&mut file, &[0, 0, frame.len() as u32, frame.len() as u32]);
        file.extend(frame);
    }
    file
}

/// A pcapng block.
fn block(kind: u32, body: &[u8], big: bool) -> Vec<u8> {
    let word = |word: u32| {
        if big {
            word.to_be_bytes()
        } else {
            word.to_le_bytes()
        }
    };
    let padding = body.len().next_multiple_of(4) - body.len();
    let length = (12 + body.len() + padding) as u32;
    let mut block = Vec::new();
    block.extend(word(kind));
    block.extend(word(length));
    block.extend(body);
    block.extend(vec![0; padding]);
    block.extend(word(length));
    block
}

/// A pcapng file whose frames take turns on two interfaces; the first one's link type is `other`,
/// which has none.
pub fn pcapng(other: u16, link: u16, frames: &[Vec<u8>], big: bool) -> Vec<u8> {
    let word = |word: u32| {
        if big {
            word.to_be_bytes()
        } else {
            word.to_le_bytes()
        }
    };
    let half = |half: u16| {
        if big {
            half.to_be_bytes()
        } else {
            half.to_le_bytes()
        }
    };
    let mut section = word(0x1a2b_3c4d).to_vec();
    section.extend(half(1));
    section.extend(half(0));
    section.extend([0xff; 8]);
    let mut file = block(0x0a0d_0d0a, &section, big);
    for link in [other, link, link] {
        let mut interface = half(link).to_vec();
        interface.extend([0; 6]);
        file.extend(block(1, &interface, big));
    }
    // A block of an unknown type.
    file.extend(block(0x0bad, &[1, 2, 3], big));
    for (number, frame) in frames.iter().enumerate() {
        let mut packet = word(1 + number as u32 % 2).to_vec();
        packet.extend([0; 8]);
        packet.extend(word(frame.len() as u32));
        packet.extend(word(frame.len() as u32));
        packet.extend(frame);
        file.extend(block(6, &packet, big));
    }
    file
}

/// A folder of files that goes when it is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub fn write(&self, name: &str, contents: &[u8]) -> String {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What `tls-replay` said.
#[derive(Debug)]
pub struct Said {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let said = Said {
            status: output.status.code().expect("no signal"),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(matches!(said.status, 0..=2), "{said:?}");
        said
    }
}

impl Said {
    /// The value of a line `name value`.
    pub fn count(&self, name: &str) -> u64 {
        let value = |line: &str| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok();
        self.out.lines().find_map(value).unwrap_or(0)
    }

    /// The objects of JSON: connections, and the summary.
    pub fn json(&self) -> (Vec<Value>, Value) {
        let mut objects = self.objects();
        let summary = objects.pop().expect("a summary");
        assert_eq!(summary["event_type"], "summary");
        objects.retain(|object| object["event_type"] == "connection");
        (objects, summary)
    }

    /// The objects of JSON.
    pub fn objects(&self) -> Vec<Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|err| panic!("{err}: {line}"));
        self.out.lines().map(parse).collect()
    }

    /// The rows of the table, without its head, by their columns.
    pub fn rows(&self) -> Vec<Vec<&str>> {
        let rows = self.out.lines().skip(1).take_while(|line| !line.is_empty());
        rows.map(|row| {
            row.split("  ")
                .map(str::trim)
                .filter(|it| !it.is_empty())
                .collect()
        })
        .collect()
    }

    /// The verdict of the only connection that is told of, and the packet that it fell at.
    pub fn verdict(&self) -> (&str, &str) {
        match &self.rows()[..] {
            [row] => (row[0], row[1]),
            _ => panic!("{self:?}"),
        }
    }
}

pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tls-replay"));
    command.args(arguments);
    command
}

pub fn run(arguments: &[&str]) -> Said {
    command(arguments).output().unwrap().into()
}

/// Runs it with that input.
pub fn run_with(arguments: &[&str], input: &[u8]) -> Said {
    let mut child = command(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        // It may have seen enough before the end.
        scope.spawn(move || drop(stdin.write_all(input)));
        child.wait_with_output().unwrap().into()
    })
}

/// Runs it on a capture.
pub fn replay(options: &[&str], capture: &[u8]) -> Said {
    run_with(&[options, &["-"]].concat(), capture)
}

/// Runs it on a connection.
pub fn replay_talk(options: &[&str], talk: &Talk) -> Said {
    replay(options, &pcap(RAW, &talk.packets))
}

/// The two ends of a connection.
pub fn ends(connection: &Value) -> BTreeSet<String> {
    ["src", "dest"]
        .map(|end| {
            let port = &connection[format!("{end}_port")];
            let ip = &connection[format!("{end}_ip")];
            format!("{} {port}", ip.as_str().unwrap())
        })
        .into()
}

/// Prints what must be visible although the test passes: `eprintln!` is hidden then.
pub fn tell(line: &str) {
    let line = format!("{line}\n");
    io::stderr().write_all(line.as_bytes()).unwrap();
}
