// SPDX-License-Identifier: GPL-2.0

//! rustls as a client or server; the words are those of peer.c, and `early=1` allows 0-RTT.

use std::{
    collections::HashMap,
    error::Error,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use rustls::{
    crypto::{aws_lc_rs, CryptoProvider},
    pki_types::{pem::PemObject, CertificateDer, PrivateKeyDer, ServerName},
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
    ClientConfig, ClientConnection, ConnectionCommon, RootCertStore, ServerConfig,
    ServerConnection, SideData, SupportedProtocolVersion,
};

type Words = HashMap<String, String>;
type Outcome<T> = Result<T, Box<dyn Error>>;

fn is(words: &Words, name: &str, value: &str) -> bool {
    words.get(name).is_some_and(|given| given == value)
}

fn versions(words: &Words) -> Vec<&'static SupportedProtocolVersion> {
    let mut versions = Vec::new();
    if !is(words, "min", "1.3") {
        versions.push(&TLS12);
    }
    if !is(words, "max", "1.2") {
        versions.push(&TLS13);
    }
    versions
}

fn provider(words: &Words) -> Arc<CryptoProvider> {
    let mut provider = aws_lc_rs::default_provider();
    if let Some(names) = words.get("groups") {
        provider.kx_groups = names
            .split(',')
            .map(|name| match name {
                "p256" => aws_lc_rs::kx_group::SECP256R1,
                "p384" => aws_lc_rs::kx_group::SECP384R1,
                "x25519mlkem768" => aws_lc_rs::kx_group::X25519MLKEM768,
                _ => aws_lc_rs::kx_group::X25519,
            })
            .collect();
    }
    Arc::new(provider)
}

fn certificates(path: &str) -> Outcome<Vec<CertificateDer<'static>>> {
    Ok(CertificateDer::pem_file_iter(path)?.collect::<Result<_, _>>()?)
}

fn roots(words: &Words) -> Outcome<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&words["ca"])? {
        roots.add(certificate)?;
    }
    Ok(roots)
}

fn client_config(words: &Words) -> Outcome<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider(words))
        .with_protocol_versions(&versions(words))?
        .with_root_certificates(roots(words)?);
    let mut config = match words.get("cert") {
        Some(path) => {
            let key = PrivateKeyDer::from_pem_file(&words["key"])?;
            builder.with_client_auth_cert(certificates(path)?, key)?
        }
        None => builder.with_no_client_auth(),
    };
    config.enable_early_data = is(words, "early", "1");
    if is(words, "tickets", "0") {
        config.resumption = config
            .resumption
            .tls12_resumption(rustls::client::Tls12Resumption::SessionIdOnly);
    }
    config.max_fragment_size = words.get("mfl").map(|size| size.parse()).transpose()?;
    Ok(config)
}

fn server_config(words: &Words) -> Outcome<ServerConfig> {
    let provider = provider(words);
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions(words))?;
    let builder = if is(words, "auth", "1") {
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots(words)?), provider);
        builder.with_client_cert_verifier(verifier.build()?)
    } else {
        builder.with_no_client_auth()
    };
    let key = PrivateKeyDer::from_pem_file(&words["key"])?;
    let mut config = builder.with_single_cert(certificates(&words["cert"])?, key)?;
    if is(words, "early", "1") {
        config.max_early_data_size = 1 << 16;
    } else if !is(words, "tickets", "0") {
        // 0-RTT needs sessions that are kept here, against replays.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
    }
    Ok(config)
}

/// Reads to the end of the stream and sends what there is to send, until `until` is content.
fn pump<S: SideData>(
    connection: &mut ConnectionCommon<S>,
    socket: &mut TcpStream,
    read: &mut Vec<u8>,
    until: impl Fn(&[u8]) -> bool,
) -> Outcome<bool> {
    loop {
        while connection.wants_write() {
            connection.write_tls(socket)?;
        }
        if until(read) {
            return Ok(true);
        }
        let ended = connection.read_tls(socket)? == 0;
        let state = match connection.process_new_packets() {
            Ok(state) => state,
            Err(error) => {
                // The alert that says why.
                connection.write_tls(socket)?;
                return Err(error.into());
            }
        };
        let start = read.len();
        read.resize(start + state.plaintext_bytes_to_read(), 0);
        connection.reader().read_exact(&mut read[start..])?;
        if ended || state.peer_has_closed() {
            return Ok(until(read));
        }
    }
}

fn send<S: SideData>(
    connection: &mut ConnectionCommon<S>,
    socket: &mut TcpStream,
    data: &[u8],
) -> Outcome<()> {
    // The writer keeps no more than its limit, so a part at a time.
    for part in data.chunks(1 << 14) {
        connection.writer().write_all(part)?;
        while connection.wants_write() {
            connection.write_tls(socket)?;
        }
    }
    Ok(())
}

fn say_goodbye<S: SideData>(
    connection: &mut ConnectionCommon<S>,
    socket: &mut TcpStream,
) -> Outcome<()> {
    connection.send_close_notify();
    while connection.wants_write() {
        connection.write_tls(socket)?;
    }
    Ok(())
}

fn ask(address: &str, config: &Arc<ClientConfig>, request: &[u8]) -> Outcome<()> {
    let mut socket = TcpStream::connect(address)?;
    let name = ServerName::try_from("server.example")?;
    let mut connection = ClientConnection::new(config.clone(), name)?;
    let mut early = 0;
    if let Some(mut writer) = connection.early_data() {
        early = writer.write(request)?;
        eprintln!("{early} bytes of early data");
    }
    let mut answer = Vec::new();
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    if !connection.is_early_data_accepted() {
        early = 0;
    }
    send(&mut connection, &mut socket, &request[early..])?;
    pump(&mut connection, &mut socket, &mut answer, |_| false)?;
    io::stdout().write_all(&answer)?;
    say_goodbye(&mut connection, &mut socket)
}

fn answer(socket: &mut TcpStream, config: &Arc<ServerConfig>, data: &[u8]) -> Outcome<()> {
    let mut connection = ServerConnection::new(config.clone())?;
    let mut request = Vec::new();
    let whole = |read: &[u8]| read.windows(4).any(|four| four == b"\r\n\r\n");
    while connection.is_handshaking() {
        connection.complete_io(socket)?;
        if let Some(mut early) = connection.early_data() {
            early.read_to_end(&mut request)?;
        }
    }
    if let Some(mut early) = connection.early_data() {
        early.read_to_end(&mut request)?;
    }
    // What came with the last of the handshake.
    let ready = connection.process_new_packets()?.plaintext_bytes_to_read();
    let start = request.len();
    request.resize(start + ready, 0);
    connection.reader().read_exact(&mut request[start..])?;
    if pump(&mut connection, socket, &mut request, whole)? {
        send(&mut connection, socket, data)?;
        send(&mut connection, socket, &request)?;
    }
    say_goodbye(&mut connection, socket)
}

fn serve(address: &str, words: &Words) -> Outcome<()> {
    let config = Arc::new(server_config(words)?);
    let data = std::fs::read(&words["data"])?;
    for socket in TcpListener::bind(address)?.incoming() {
        if let Err(error) = answer(&mut socket?, &config, &data) {
            eprintln!("{error}");
        }
    }
    Ok(())
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let words: Words = arguments[4..]
        .iter()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let address = format!("{}:{}", arguments[2], arguments[3]);
    if arguments[1] == "server" {
        return serve(&address, &words);
    }
    let config = Arc::new(client_config(&words)?);
    let mut request = Vec::new();
    io::stdin().read_to_end(&mut request)?;
    let connections = words.get("connections").map_or(Ok(1), |n| n.parse())?;
    for _ in 0..connections {
        ask(&address, &config, &request)?;
    }
    Ok(())
}
