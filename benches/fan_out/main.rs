//! Fan-out of the hub simulator, measured from outside: the hub in a process of its own, its subscribers and publishers in
//! this one, beside a bare axum broadcaster (in a process of its own too) that does nothing but pass texts on.
//!
//! `cargo bench --bench fan_out` prints deliveries per second, and the 50th and 99th percentile of the time from the
//! request to the last delivery, for 10, 100 and 1,000 subscribers, with 1 and with 16 publications in flight, with TLS
//! and without; then the memory of an idle subscriber. A list of numbers of subscribers may follow after `--`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a measurement that cannot go on has nothing to tell"
)]

mod bare;
mod load;
mod target;

use std::time::Duration;

use load::{Load, Outcome};
use target::{Kind, Target};

const IN_FLIGHT: [usize; 2] = [1, 16];
const SUBSCRIBERS: [usize; 3] = [10, 100, 1_000];
/// The two are measured in turns, so that what else the machine does hits both.
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_millis(1_000);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .first()
        .is_some_and(|argument| argument == bare::ARGUMENT)
    {
        return bare::main(arguments.iter().any(|argument| argument == "--plaintext"));
    }
    // `cargo test --benches` builds and starts this too, to see that it starts.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let chosen: Vec<usize> = arguments
        .iter()
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let subscribers = if chosen.is_empty() {
        SUBSCRIBERS.to_vec()
    } else {
        chosen
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(measure(&subscribers));
}

async fn measure(subscribers: &[usize]) {
    println!("1 KB notifications, each answered with 200; deliveries/s, ms until the last delivery");
    println!(
        "{:<6}{:>12}{:>10} | {:>12}{:>9}{:>9} | {:>12}{:>9}{:>9} | {:>6}",
        "", "subscribers", "in flight", "hub", "p50", "p99", "bare axum", "p50", "p99", "ratio"
    );
    for plaintext in [true, false] {
        for count in subscribers {
            let hub = Target::start(Kind::Hub, plaintext).await;
            let bare = Target::start(Kind::Bare, plaintext).await;
            let mut hub_load = Load::connect(&hub, *count).await;
            let mut bare_load = Load::connect(&bare, *count).await;
            for in_flight in IN_FLIGHT {
                let mut of_hub = Outcome::default();
                let mut of_bare = Outcome::default();
                for round in 0..=ROUNDS {
                    let (one, other) = (
                        hub_load.run(in_flight, ROUND).await,
                        bare_load.run(in_flight, ROUND).await,
                    );
                    // The first round warms up.
                    if round > 0 {
                        of_hub.add(&one);
                        of_bare.add(&other);
                    }
                }
                println!(
                    "{:<6}{:>12}{:>10} | {:>12.0}{:>9.2}{:>9.2} | {:>12.0}{:>9.2}{:>9.2} | {:>5.0}%",
                    if plaintext { "plain" } else { "TLS" },
                    count,
                    in_flight,
                    of_hub.rate(),
                    of_hub.milliseconds(0.50),
                    of_hub.milliseconds(0.99),
                    of_bare.rate(),
                    of_bare.milliseconds(0.50),
                    of_bare.milliseconds(0.99),
                    100.0 * of_hub.rate() / of_bare.rate(),
                );
            }
        }
    }
    for plaintext in [true, false] {
        let hub = Target::start(Kind::Hub, plaintext).await;
        let warm = Load::connect(&hub, 10).await;
        let before = hub.resident_bytes();
        let idle = Load::connect(&hub, 1_000).await;
        let after = hub.resident_bytes();
        println!(
            "{}: {:.1} kB of resident memory for each of 1,000 idle subscribers",
            if plaintext { "plain" } else { "TLS" },
            (after.saturating_sub(before)) as f64 / 1_000.0 / 1_000.0,
        );
        drop((warm, idle));
    }
}
