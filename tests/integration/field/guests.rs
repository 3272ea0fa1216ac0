//! castspec is a guest at a hub: it ends what it began and nothing else, and does not try what could disturb others.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::Duration;

use crate::command_support::{Ended, castspec, process};
use crate::field_support::{Behaviour, Front, Played, Seen, target_file};

/// Scenarios that subscribe, in every way there is.
const SUBSCRIBING: [&str; 6] = [
    "subscribing",
    "unsubscribing",
    "resubscribing",
    "malformed",
    "syncerror",
    "synchronization",
];

/// Every endpoint that the hub gave was ended, and no other was spoken of but those that scenarios make up.
#[track_caller]
fn nothing_is_left(seen: &Seen) {
    let given = seen.given();
    assert!(given.len() > 1, "there was something to end");
    let spoken_of: BTreeSet<String> = seen
        .unsubscribes()
        .into_iter()
        .map(|(endpoint, _)| endpoint)
        .filter(|endpoint| !endpoint.ends_with("-castspec-unknown"))
        .collect();
    let others: Vec<_> = spoken_of
        .iter()
        .filter(|endpoint| !given.contains_key(*endpoint))
        .collect();
    assert!(others.is_empty(), "not ours: {others:?}");
    // A connection that a scenario lets break ends its subscription at this hub; it is unsubscribed all the same.
    let left: Vec<_> = seen
        .left()
        .into_iter()
        .filter(|endpoint| !spoken_of.contains(endpoint))
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
}

#[test]
fn what_scenarios_began_they_end_and_nothing_else() {
    let front = Front::start(Behaviour::Clean);
    let played = Played::behind(&front, "", &SUBSCRIBING, &[]);
    played.is_conformant();
    let seen = front.record.at_the_end();
    nothing_is_left(&seen);
    // Topics of castspec's own are nobody else's: what is open there stays open.
    assert!(!seen.open_contexts().is_empty());
}

#[test]
fn whoever_gave_a_name_leaves_by_it() {
    for (behaviour, selection) in [
        (Behaviour::Clean, "isolation/sync-error-across"),
        (Behaviour::WantsName, "subscribing/accepted"),
    ] {
        let front = Front::start(behaviour);
        Played::behind(&front, "", &[selection], &[]).is_conformant();
        let seen = front.record.at_the_end();
        nothing_is_left(&seen);
        let given = seen.given();
        let named: Vec<_> = seen
            .unsubscribes()
            .into_iter()
            .filter_map(|(endpoint, request)| {
                let name = given[&endpoint].member("subscriber.name")?;
                Some((name, request.member("subscriber.name")))
            })
            .collect();
        assert!(!named.is_empty(), "{behaviour:?}");
        for (name, left_as) in named {
            assert_eq!(left_as, Some(name), "{behaviour:?}");
        }
    }
}

#[test]
fn a_hub_that_wants_events_in_an_unsubscribe_is_left_with_them() {
    let front = Front::start(Behaviour::UnsubscribesByEvents);
    Played::behind(&front, "", &["subscribing", "malformed"], &[]).is_conformant();
    nothing_is_left(&front.record.at_the_end());
}

#[test]
fn a_lent_topic_is_given_back_with_nothing_open_in_it() {
    let front = Front::start(Behaviour::Clean);
    let topics = r#"topics = ["ward-1", "ward-2", "ward-3", "ward-4"]"#;
    let played = Played::behind(&front, topics, &["subscribing", "notification", "malformed"], &[]);
    assert_eq!(played.checks("fail"), [], "{}", played.told());
    let seen = front.record.at_the_end();
    nothing_is_left(&seen);
    let topics: BTreeSet<String> = seen.events().into_iter().map(|(topic, _, _)| topic).collect();
    assert!(
        topics.iter().all(|topic| topic.starts_with("ward-")),
        "{topics:?}"
    );
    let open = seen.open_contexts();
    assert!(open.is_empty(), "{open:?}");
}

/// A run that is stopped by a signal once the hub has answered so many requests.
fn stopped_after(requests: usize, further: &str) -> (Front, Option<i32>) {
    let front = Front::start(Behaviour::Slow(Duration::from_millis(150)));
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target.toml");
    std::fs::write(&target, target_file(&front, further)).unwrap();
    let mut child = process()
        .args(["run", "subscribing", "syncerror", "--target"])
        .arg(&target)
        .arg("--reports")
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(front.record.once(|seen| seen.exchanges.len() >= requests));
    let id = child.id().to_string();
    let asked = std::process::Command::new("kill").args(["-INT", &id]).status();
    assert!(asked.unwrap().success());
    let code = child.wait().unwrap().code();
    (front, code)
}

#[test]
fn a_run_that_is_stopped_half_way_ends_what_it_began() {
    for (requests, further) in [
        // At first contact, in the first scenarios, and amid them.
        (2, ""),
        (3, ""),
        (5, ""),
        (20, ""),
        (33, r#"topics = ["ward-1", "ward-2", "ward-3"]"#),
        (50, ""),
    ] {
        let (front, code) = stopped_after(requests, further);
        assert!(matches!(code, Some(1 | 2)), "{requests}: {code:?}");
        let seen = front.record.at_the_end();
        if !seen.given().is_empty() {
            let left = seen.left();
            let spoken_of: BTreeSet<String> = seen.unsubscribes().into_iter().map(|(name, _)| name).collect();
            assert!(
                left.iter().all(|endpoint| spoken_of.contains(endpoint)),
                "{requests}: left behind: {left:?}"
            );
        }
        if !further.is_empty() {
            let open = seen.open_contexts();
            assert!(open.is_empty(), "{requests}: {open:?}");
        }
    }
}

#[test]
fn what_could_disturb_others_is_tried_only_where_that_is_allowed() {
    let selection = ["malformed/wrong-method", "malformed/reading-method"];
    let front = Front::start(Behaviour::Clean);
    let played = Played::behind(&front, "", &selection, &[]);
    played.is_conformant();
    assert!(
        played
            .checks("skip")
            .contains(&("malformed/wrong-method", "publish.broadcast-to-requester"))
    );
    let check = played.report["checks"].as_array().unwrap().iter();
    let skipped: Vec<_> = check.filter(|check| check["verdict"] == "skip").collect();
    for check in &skipped {
        let why = check["message"].as_str().unwrap();
        assert!(
            why.contains("PUT or DELETE") && why.contains("--intrusive"),
            "{why}"
        );
    }
    let told = format!("{} skip", skipped.len());
    assert!(played.ended.out.contains(&told), "{}", played.told());
    assert_eq!(played.report["summary"]["skip"], skipped.len());
    {
        let seen = front.record.at_the_end();
        assert_eq!(seen.methods(), BTreeSet::from(["GET", "OPTIONS", "POST"]));
    }
    for (further, arguments) in [("intrusive = true", &[][..]), ("", &["--intrusive"][..])] {
        let played = Played::behind(&front, further, &selection, arguments);
        played.is_conformant();
        assert_eq!(played.checks("skip"), [], "{}", played.told());
        let seen = front.record.at_the_end();
        assert!(seen.methods().is_superset(&BTreeSet::from(["DELETE", "PUT"])));
    }
}

#[test]
fn the_whole_suite_says_beforehand_what_it_would_leave_out_at_a_hub_of_others() {
    let front = Front::start(Behaviour::Clean);
    let dry_run = |arguments: &[&str]| {
        let mut command = castspec();
        command
            .args(["run", "--dry-run", "--hub", &front.url])
            .args(arguments);
        let ended = Ended::of(&mut command);
        assert_eq!(ended.code, Some(0), "{}", ended.error);
        let left_out = |why: &str| {
            let lines = ended.out.lines().filter(|line| line.contains(why));
            let names = lines.map(|line| line.split([' ', ':']).nth(2).unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        (
            left_out("disturb others"),
            left_out("--idle"),
            left_out("--quick"),
        )
    };
    let (intrusive, idle, quick) = dry_run(&[]);
    assert_eq!(
        intrusive,
        ["malformed/no-topic-in-event", "malformed/wrong-method"]
    );
    assert_eq!(idle, ["lease/quiet-socket"]);
    assert!(quick.is_empty());
    let (intrusive, idle, quick) = dry_run(&["--intrusive", "--idle", "75", "--quick"]);
    assert!(intrusive.is_empty() && idle.is_empty());
    assert_eq!(quick, ["lease/quiet-socket"]);
    let (_, idle, quick) = dry_run(&["--idle", "75"]);
    assert!(idle.is_empty() && quick.is_empty());
}

const QUIET: [&str; 1] = ["lease/quiet-socket"];

#[test]
fn a_hub_that_cuts_quiet_websockets_breaks_the_lease_and_nothing_else() {
    let broken = [("lease/quiet-socket", "confirmation.lease-honoured")];
    let second = Duration::from_secs(1);
    for (behaviour, selection) in [
        (
            Behaviour::CutsQuiet(second),
            &["lease", "subscribing", "notification"][..],
        ),
        (Behaviour::ForgetsQuiet(second), &QUIET[..]),
    ] {
        let played = Played::with(behaviour, selection, &["--idle", "2"]);
        assert_eq!(played.ended.code, Some(1), "{}", played.told());
        assert_eq!(played.checks("fail"), broken, "{behaviour:?} {}", played.told());
        let causes = played.report["causes"].as_array().unwrap();
        assert_eq!(causes.len(), 1, "{behaviour:?} {causes:?}");
    }
}

#[test]
fn a_hub_that_keeps_pings_or_denies_a_quiet_websocket_is_not_blamed() {
    let second = Duration::from_secs(1);
    for (behaviour, held) in [
        (Behaviour::Clean, 1),
        (Behaviour::Pings(second / 4), 1),
        (Behaviour::Beats(second * 2), 1),
        // Denied, there is no lease to honour.
        (Behaviour::DeniesQuiet(second), 0),
        // Quiet for longer than it was watched.
        (Behaviour::CutsQuiet(second * 4), 1),
    ] {
        let played = Played::with(behaviour, &QUIET, &["--idle", "2"]);
        let of_lease = |verdict: &str| {
            let checks = played.checks(verdict).into_iter();
            checks
                .filter(|(_, requirement)| *requirement == "confirmation.lease-honoured")
                .count()
        };
        assert_eq!(of_lease("fail"), 0, "{behaviour:?} {}", played.told());
        assert_eq!(of_lease("inconclusive"), 0, "{behaviour:?} {}", played.told());
        assert_eq!(of_lease("pass"), held, "{behaviour:?} {}", played.told());
    }
}

#[test]
fn quiet_websockets_are_not_tried_where_nothing_is_said_of_them() {
    for (arguments, why) in [
        (&[][..], "--idle SECONDS"),
        (&["--idle", "2", "--quick"][..], "--quick"),
    ] {
        let played = Played::with(Behaviour::CutsQuiet(Duration::from_secs(1)), &QUIET, arguments);
        assert_eq!(played.checks("fail"), [], "{}", played.told());
        assert_eq!(played.checks("skip").len(), 1, "{}", played.told());
        let told = played.report["checks"][0]["message"].as_str().unwrap();
        assert!(told.contains(why), "{told}");
    }
}
