// SPDX-License-Identifier: GPL-2.0

//! The plot: how fast the parser and the baseline are compared with memcpy, one line per input, on
//! a logarithmic scale.

use crate::report::Measured;
use std::fmt::Write;

const LEFT: f64 = 290.0;
const WIDTH: f64 = 520.0;
const TOP: f64 = 64.0;
const LINE: f64 = 24.0;

/// The decades shown, as powers of ten.
const DECADES: std::ops::RangeInclusive<i32> = -4..=1;

/// The plot as SVG.
pub fn plot(measured: &[Measured]) -> String {
    let bottom = TOP + LINE * measured.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"840\" height=\"{}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n\
         <!-- SPDX-License-Identifier: GPL-2.0; made by make bench -->\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        bottom + 40.0
    );
    text(
        &mut svg,
        10.0,
        20.0,
        "start",
        "Speed, as a multiple of memcpy's of the same bytes",
    );
    dot(&mut svg, LEFT, 36.0, "#1f6fb4");
    text(&mut svg, LEFT + 10.0, 40.0, "start", "the module's parser");
    dot(&mut svg, LEFT + 180.0, 36.0, "#d95f02");
    text(
        &mut svg,
        LEFT + 190.0,
        40.0,
        "start",
        "a loop over each byte (2014)",
    );
    for power in DECADES {
        let ratio = 10_f64.powi(power);
        let color = if power == 0 { "#444" } else { "#ddd" };
        let at = x(ratio);
        line(&mut svg, [at, TOP - 8.0, at, bottom], color);
        text(&mut svg, at, bottom + 18.0, "middle", &format!("{ratio}"));
    }
    for (at, one) in measured.iter().enumerate() {
        row(&mut svg, TOP + LINE * at as f64 + 6.0, one);
    }
    svg.push_str("</svg>\n");
    svg
}

fn row(svg: &mut String, y: f64, one: &Measured) {
    let set = match one.set >> 20 {
        0 => format!("{} KiB", one.set >> 10),
        mib => format!("{mib} MiB"),
    };
    text(svg, LEFT - 70.0, y + 4.0, "end", one.name);
    text(svg, LEFT - 10.0, y + 4.0, "end", &set);
    line(svg, [LEFT, y, LEFT + WIDTH, y], "#eee");
    if let Some(of_baseline) = one.of_baseline {
        dot(svg, x(one.of_copy / of_baseline), y, "#d95f02");
    }
    dot(svg, x(one.of_copy), y, "#1f6fb4");
}

/// Where a ratio lies.
fn x(ratio: f64) -> f64 {
    let (least, most) = (f64::from(*DECADES.start()), f64::from(*DECADES.end()));
    LEFT + WIDTH * ((ratio.log10() - least) / (most - least)).clamp(0.0, 1.0)
}

fn dot(svg: &mut String, x: f64, y: f64, color: &str) {
    let _ = writeln!(
        svg,
        "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{color}\"/>"
    );
}

fn line(svg: &mut String, [x1, y1, x2, y2]: [f64; 4], color: &str) {
    let _ = writeln!(
        svg,
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{color}\"/>"
    );
}

fn text(svg: &mut String, x: f64, y: f64, anchor: &str, text: &str) {
    let _ = writeln!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
    );
}
