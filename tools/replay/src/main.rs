// SPDX-License-Identifier: GPL-2.0

//! `tls-replay`, which judges the TLS connections of captures as the module `nf_conntrack_tls`
//! would.

mod counts;
mod decompress;
mod driver;
mod evidence;
mod filter;
mod flow;
mod flows;
mod hello;
mod judge;
mod manual;
mod options;
mod output;
mod packet;
mod page;
mod pcapng;
mod ports;
mod progress;
mod reader;
mod session;
mod source;
mod stop;
#[path = "../../../tls_parser.rs"]
#[allow(dead_code, unreachable_pub, unused_imports)]
mod tls_parser;
mod top;
mod totals;
mod tunnels;
mod waiting;

use clap::Parser;
use evidence::Evidence;
use judge::Judge;
use options::Options;
use page::Page;
use session::Session;
use std::{
    io,
    process::ExitCode, //
};
use top::Counter;
use totals::Totals;

/// Exit statuses as grep's. A bad file among many does not hide that something was found.
fn status(totals: &Totals) -> ExitCode {
    match (totals.condemned, totals.bad_files) {
        (1.., _) => ExitCode::SUCCESS,
        (0, 0) => ExitCode::from(1),
        (0, _) => ExitCode::from(2),
    }
}

fn run(options: &Options) -> io::Result<ExitCode> {
    if let Some(what) = options.generate {
        manual::generate(what, &mut io::stdout())?;
        return Ok(ExitCode::SUCCESS);
    }
    stop::catch()?;
    let (sources, notes) = options.sources();
    let form = options.form(sources.len() > 1);
    let mut session = Session::new(form, options.only_condemned());
    session.top = options.top().map(|length| (Counter::default(), length));
    session.page = options.report.as_deref().map(Page::new);
    session.evidence = options.write.as_deref().map(Evidence::new);
    for (file, what) in notes {
        session.complain(&file, &what)?;
    }
    let (settings, filter) = (options.settings(), options.filter());
    let judge = Judge::new(&settings, &filter, session, options.is_joined());
    judge.all(&sources).map(|totals| status(&totals))
}

fn main() -> ExitCode {
    run(&Options::parse()).unwrap_or_else(|err| {
        // Nobody reads on after `head`.
        if err.kind() != io::ErrorKind::BrokenPipe {
            eprintln!("tls-replay: cannot write: {err}");
        }
        ExitCode::from(2)
    })
}
