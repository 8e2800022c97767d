// SPDX-License-Identifier: GPL-2.0

//! Times all contenders on all inputs, in turn, in several rounds, so that changes of the machine's
//! speed affect all alike.

#![allow(missing_docs)]

use criterion::{
    BenchmarkId,
    Criterion,
    SamplingMode,
    Throughput, //
};
use nf_conntrack_tls_bench::{
    input,
    pass,
    report::ROUNDS,
    Contender, //
};
use std::time::Duration;

fn main() -> Result<(), String> {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .nresamples(1000)
        .warm_up_time(Duration::from_millis(20))
        .measurement_time(Duration::from_millis(100));
    for row in input::rows() {
        let input = row.input()?;
        let mut copy = vec![0; input.length()];
        let mut group = criterion.benchmark_group(row.key());
        group.throughput(Throughput::Bytes(input.length() as u64));
        group.sampling_mode(SamplingMode::Flat);
        for round in 0..ROUNDS {
            for contender in Contender::ALL {
                if contender.is_timed_on(&input) {
                    let id = BenchmarkId::new(contender.name(), round);
                    group.bench_function(id, |b| b.iter(|| pass(contender, &input, &mut copy)));
                }
            }
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
