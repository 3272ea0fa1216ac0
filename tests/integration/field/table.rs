//! The whole suite at hubs of every kind, twice each: which causes are told, and whether both runs say the same.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::field_support::{Behaviour, Played};

const VERDICTS: [&str; 5] = ["pass", "warn", "fail", "inconclusive", "skip"];

/// A hub of the table: its name, what its front does, and the arguments of the simulator behind it.
struct Hub {
    name: &'static str,
    behaviour: Behaviour,
    simulator: &'static [&'static str],
    run: &'static [&'static str],
}

impl Hub {
    const fn new(name: &'static str, behaviour: Behaviour) -> Self {
        Self {
            name,
            behaviour,
            simulator: &[],
            run: &[],
        }
    }

    /// Plays these scenarios, or all where none are named.
    fn played(&self, selection: &[&str]) -> Played {
        Played::before("STU3", self.simulator, self.behaviour, selection, self.run)
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn hubs() -> Vec<Hub> {
    let mut hubs = vec![
        Hub::new("does nothing otherwise", Behaviour::Clean),
        Hub::new("dies of a publish at hub.url", Behaviour::EndsOfPublications),
        Hub::new("dies of an empty form", Behaviour::EndsOfEmptyForms),
        Hub::new("dies of the first publish and stays dead", Behaviour::EndsForGood),
        Hub::new("stays dead after 400 requests", Behaviour::EndsAfter(400)),
        Hub::new("takes fhir+json and forgets it", Behaviour::Forgets),
        Hub::new("publishes only under the topic", Behaviour::PublishesByTopic),
        Hub::new(
            "wants hub.events in an unsubscribe",
            Behaviour::UnsubscribesByEvents,
        ),
        Hub::new(
            "the same, and ends everybody's subscription",
            Behaviour::UnsubscribesEverybody,
        ),
        Hub::new("heartbeat of 2 s", Behaviour::Beats(seconds(2))),
        Hub::new("heartbeat of 10 s", Behaviour::Beats(seconds(10))),
        Hub::new("wants a token", Behaviour::WantsToken),
        Hub::new("is at another path", Behaviour::Elsewhere),
        Hub::new("refuses all with 400", Behaviour::Refuses(400)),
        Hub::new("refuses all with 500", Behaviour::Refuses(500)),
        Hub::new("sends a first frame of its own", Behaviour::Greets),
        Hub::new("confirms nothing", Behaviour::ConfirmsNothing),
        Hub::new(
            "slow, 1.2 s an answer",
            Behaviour::Slow(Duration::from_millis(1_200)),
        ),
        Hub::new("429 at every third request", Behaviour::Throttles),
        Hub::new("two WebSockets at most", Behaviour::LimitsSockets(2)),
        Hub::new("two connections at most", Behaviour::LimitsConnections(2)),
        Hub::new("names a WebSocket that nobody serves", Behaviour::NoWebSocket),
        Hub::new("hangs on a publish", Behaviour::Hangs),
        Hub::new("wants subscriber.name", Behaviour::WantsName),
    ];
    let mut silent = Hub::new("cuts sockets silent for 3 s", Behaviour::CutsQuiet(seconds(3)));
    silent.run = &["--idle", "5"];
    let mut deaf = Hub::new("ignores acknowledgements", Behaviour::Clean);
    deaf.simulator = &[
        "--defect",
        "no-syncerror-on-conflict",
        "--defect",
        "no-syncerror-on-client-error",
        "--defect",
        "no-syncerror-on-server-error",
        "--defect",
        "no-syncerror-on-other-server-error",
        "--defect",
        "unreachable-untold",
    ];
    let mut few = Hub::new("knows no patients", Behaviour::Clean);
    few.simulator = &[
        "--events",
        "ImagingStudy-open,ImagingStudy-close,SyncError",
        "--other-events",
        "deny",
    ];
    let mut five = Hub::new("five defects", Behaviour::Clean);
    five.simulator = &[
        "--defect",
        "confirmation-without-lease",
        "--defect",
        "notification-without-timestamp",
        "--defect",
        "duplicate-delivery",
        "--defect",
        "unsubscribe-keeps-socket",
        "--defect",
        "syncerror-without-details",
    ];
    hubs.extend([silent, deaf, few, five]);
    hubs
}

fn verdicts(played: &Played) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for verdict in VERDICTS {
        let checks = played.checks(verdict).into_iter();
        all.extend(checks.map(|(scenario, requirement)| format!("{scenario} {requirement} {verdict}")));
    }
    all
}

/// Requirements of all checks of this verdict, each once.
fn requirements(played: &Played, verdict: &str) -> String {
    let names: BTreeSet<&str> = played.checks(verdict).iter().map(|(_, name)| *name).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// One hub or all (`CASTSPEC_FIELD="heartbeat of 2 s"`), all scenarios or some (`CASTSPEC_FIELD_SELECTION=lease`), with
/// `--ignored --nocapture`; `CASTSPEC_FIELD_TOLD=1` shows the console of the first run too.
#[test]
#[ignore = "takes an hour; for whoever changes how castspec finds its way"]
fn table_of_hubs() {
    let wanted = std::env::var("CASTSPEC_FIELD").unwrap_or_default();
    let selection = std::env::var("CASTSPEC_FIELD_SELECTION").unwrap_or_default();
    let selection: Vec<&str> = selection.split_whitespace().collect();
    let is_told = std::env::var("CASTSPEC_FIELD_TOLD").is_ok();
    let mut differing = String::new();
    println!(
        "| hub | exit | fails | warns | inconclusive | skipped | judged | console lines | seconds | both runs |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for hub in hubs().into_iter().filter(|hub| hub.name.starts_with(&wanted)) {
        let mut runs = Vec::new();
        let mut took = Vec::new();
        for _ in 0..2 {
            let began = Instant::now();
            runs.push(hub.played(&selection));
            took.push(format!("{:.1}", began.elapsed().as_secs_f64()));
        }
        let [first, second] = [&runs[0], &runs[1]];
        let [of_first, of_second] = [verdicts(first), verdicts(second)];
        let changed: Vec<&String> = of_first.symmetric_difference(&of_second).collect();
        let equal = match changed.len() {
            0 => "equal".to_owned(),
            number => format!("{number} differ"),
        };
        if !changed.is_empty() {
            writeln!(differing, "{}: {changed:#?}", hub.name).unwrap();
        }
        let (judged, skipped) = first.counts();
        println!(
            "| {} | {:?} | {} | {} | {} | {skipped} | {judged} | {} | {} | {equal} |",
            hub.name,
            first.ended.code,
            requirements(first, "fail"),
            requirements(first, "warn"),
            first.checks("inconclusive").len(),
            first.ended.out.lines().count() + first.ended.error.lines().count(),
            took.join(", "),
        );
        if is_told {
            println!("{}", first.told());
        }
    }
    assert!(differing.is_empty(), "{differing}");
}
