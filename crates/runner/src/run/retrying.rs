//! Scenarios in which time has a say, played again where only that may have been why they failed.
//!
//! A hub under load may be late once. What is judged by a time-out, a lease or a silence may be tried again, nothing else:
//! where anything beside it is broken, the first result stands.

use std::collections::BTreeSet;
use std::future::Future;

use crate::outcome::{Check, RunEvent, Verdict};
use crate::requirement::RequirementId;

/// Plays a scenario up to `retries` times more, as long as that may help; the events of the last time, in which what holds only
/// now is marked. `timed` are the requirements that time has a say in; `may_go_on` turns false when the run is to end.
pub(super) async fn retried<F>(
    retries: u32,
    timed: &BTreeSet<RequirementId>,
    may_go_on: impl Fn() -> bool,
    mut attempt: impl FnMut() -> F,
) -> Vec<RunEvent>
where
    F: Future<Output = Vec<RunEvent>>,
{
    let mut failed = BTreeSet::new();
    let mut times = 1;
    loop {
        let mut events = attempt().await;
        if times > retries || !may_go_on() || !may_help(&events, timed) {
            mark(&mut events, &failed, times);
            return events;
        }
        failed.extend(
            checks(&events)
                .filter(|check| is_wanting(check))
                .map(|check| check.requirement.clone()),
        );
        times += 1;
    }
}

fn checks(events: &[RunEvent]) -> impl Iterator<Item = &Check> {
    events.iter().filter_map(|event| match event {
        RunEvent::CheckJudged(check) => Some(&**check),
        _ => None,
    })
}

fn is_broken(check: &Check) -> bool {
    matches!(check.verdict, Verdict::Fail | Verdict::Warn)
}

fn is_wanting(check: &Check) -> bool {
    is_broken(check) || check.verdict == Verdict::Inconclusive
}

fn may_help(events: &[RunEvent], timed: &BTreeSet<RequirementId>) -> bool {
    let is_timed = |check: &Check| timed.contains(&check.requirement);
    let lost = events.iter().any(|event| matches!(event, RunEvent::HubLost(_)));
    !lost
        && checks(events).any(|check| is_wanting(check) && is_timed(check))
        && !checks(events).any(|check| is_broken(check) && !is_timed(check))
}

fn mark(events: &mut [RunEvent], failed: &BTreeSet<RequirementId>, times: u32) {
    for event in events {
        if let RunEvent::CheckJudged(check) = event
            && check.verdict == Verdict::Pass
            && failed.contains(&check.requirement)
        {
            check.flaky = true;
            check.message = format!("{}, the {} time it was tried", check.message, ordinal(times));
        }
    }
}

fn ordinal(number: u32) -> String {
    match number {
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        other => format!("{other}th"),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;
    use crate::outcome::HubLost;
    use crate::protocol::Version;
    use crate::requirement::Level;

    fn check(requirement: &'static str, verdict: Verdict) -> RunEvent {
        RunEvent::CheckJudged(Box::new(Check {
            id: format!("s/{requirement}@STU3"),
            scenario: "s".to_owned(),
            requirement: requirement.into(),
            fhircast_version: Version::Stu3,
            level: Level::Shall,
            section: String::new(),
            url: String::new(),
            statement: String::new(),
            verdict,
            message: "held".to_owned(),
            expected: None,
            observed: None,
            evidence: Vec::new(),
            repeat: None,
            accepted: None,
            flaky: false,
            left_out: false,
            cause: None,
        }))
    }

    /// Plays these, one after the other; what came of it, and how many were left.
    fn after(
        retries: u32,
        go_on: bool,
        plays: Vec<Vec<RunEvent>>,
    ) -> (Vec<(RequirementId, Verdict, bool)>, usize) {
        let plays = RefCell::new(VecDeque::from(plays));
        let timed = BTreeSet::from(["timed".into(), "timed.too".into()]);
        let attempt = || std::future::ready(plays.borrow_mut().pop_front().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let events = runtime.block_on(retried(retries, &timed, || go_on, attempt));
        let told = checks(&events).map(|check| (check.requirement.clone(), check.verdict, check.flaky));
        (told.collect(), plays.borrow().len())
    }

    fn of(requirement: &'static str, verdict: Verdict, flaky: bool) -> (RequirementId, Verdict, bool) {
        (requirement.into(), verdict, flaky)
    }

    #[test]
    fn what_holds_at_last_is_flaky() {
        use Verdict::{Fail, Inconclusive, Pass};
        let plays = vec![
            vec![check("timed", Fail), check("other", Pass)],
            vec![check("timed", Inconclusive), check("other", Inconclusive)],
            vec![check("timed", Pass), check("other", Pass), check("more", Pass)],
            Vec::new(),
        ];
        let expected = vec![
            of("timed", Pass, true),
            of("other", Pass, true),
            of("more", Pass, false),
        ];
        assert_eq!(after(5, true, plays), (expected, 1));
    }

    #[test]
    fn what_never_holds_has_failed() {
        let plays = || (0..4).map(|_| vec![check("timed", Verdict::Fail)]).collect();
        assert_eq!(
            after(2, true, plays()),
            (vec![of("timed", Verdict::Fail, false)], 1)
        );
        assert_eq!(after(0, true, plays()).1, 3, "no retries");
        assert_eq!(after(2, false, plays()).1, 3, "the run is to end");
    }

    #[test]
    fn nothing_else_is_tried_again() {
        use Verdict::{Fail, Inconclusive, Pass, Skip, Warn};
        let lost = RunEvent::HubLost(HubLost {
            scenario: "s".to_owned(),
            request: String::new(),
            problem: String::new(),
        });
        for first in [
            vec![check("other", Fail)],
            vec![check("timed", Fail), check("other", Fail)],
            vec![check("timed", Fail), check("other", Warn)],
            vec![check("timed", Pass), check("other", Inconclusive)],
            vec![check("timed", Pass), check("timed.too", Skip)],
            vec![check("timed", Fail), lost],
            Vec::new(),
        ] {
            let told = first.clone();
            assert_eq!(after(3, true, vec![first, Vec::new()]).1, 1, "{told:?}");
        }
    }
}
