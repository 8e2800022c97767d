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

/// The page's sections after the options: a title after `#`, paragraphs, and terms, whose texts are
/// indented.
const SECTIONS: &str = include_str!("manual.txt");

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
        .date("2026-11-27")
        .manual("User Commands")
        .source("nf_conntrack_tls");
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    let mut roff = Roff::new();
    for paragraph in SECTIONS.split("\n\n") {
        put(&mut roff, paragraph.trim_end());
    }
    roff.to_writer(out)
}

/// Puts a paragraph, a term with its text, or a title on the page.
fn put(roff: &mut Roff, paragraph: &str) {
    if let Some(title) = paragraph.strip_prefix("# ") {
        roff.control("SH", [title]);
    } else if let Some((term, text)) = paragraph.split_once("\n\t") {
        roff.control("TP", []);
        roff.text([bold(term)]);
        roff.text([roman(text.replace("\n\t", " "))]);
    } else {
        roff.control("PP", []);
        roff.text([roman(paragraph.replace('\n', " "))]);
    }
}
