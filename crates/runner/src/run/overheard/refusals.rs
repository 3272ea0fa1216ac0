//! Whether the others were told of subscribers that did not take an event (2.5 Event Notification Response and Errors).

use std::collections::BTreeMap;

use super::conclusion::is_granted;
use super::listener::Listener;
use crate::outcome::{Entry, Traffic};
use crate::protocol::{Action, EventName};
use crate::run::acknowledgements::acknowledgements;
use crate::run::judge::{Breach, Place};
use crate::run::stage::{Mock, Publication, causes};
use crate::scenario::Unmet;

/// A subscriber did not take an event.
struct Refusal {
    by: String,
    /// Where its answer stands in the log.
    sequence: usize,
    at_ms: f64,
    code: u16,
    /// How the status was written; the status of an HTTP answer leaves no choice.
    spelling: Option<Spelling>,
}

/// The specification writes statuses in two ways, and a hub may understand one of them only (ambiguities).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spelling {
    Number,
    Text,
}

/// Somebody was owed a SyncError about a publication.
struct Owed {
    to: String,
    publication: usize,
    told: bool,
}

impl Listener<'_> {
    /// Judges what came of every refusal that somebody had to be told of.
    pub(super) fn judge_refusals(&mut self) {
        let entries = self.play.stage.log.entries();
        let refusals = self.refusals(&entries);
        let owed = self.owed_for(&refusals, &entries);
        let spellings = |told: bool| {
            let of = |own: &&Owed| own.told == told;
            let refused = owed.iter().filter(of).flat_map(|own| &refusals[&own.publication]);
            refused.filter_map(|own| own.spelling).collect::<Vec<_>>()
        };
        let (understood, missed) = (spellings(true), spellings(false));
        let both = [Spelling::Number, Spelling::Text]
            .iter()
            .all(|own| missed.contains(own));
        for own in &owed {
            let publication = self.play.stage.publications[own.publication].clone();
            for refusal in refusals[&own.publication]
                .iter()
                .filter(|refusal| refusal.by != own.to)
            {
                let requirement = requirement(refusal.code);
                if own.told {
                    self.play.judge.held(requirement);
                    continue;
                }
                let may_be_unread = refusal
                    .spelling
                    .is_some_and(|spelling| !understood.contains(&spelling) && !both);
                let doubt = match refusal.spelling.filter(|_| may_be_unread) {
                    Some(Spelling::Number) => {
                        "; nothing here shows that the hub reads a status that is a number"
                    }
                    Some(Spelling::Text) => {
                        "; nothing here shows that the hub reads a status that is a string"
                    }
                    None => "",
                };
                let breach = Breach {
                    message: format!(
                        "{} answered {} '{}' with {}, and {} was not told of it{doubt}",
                        refusal.by, publication.event, publication.id, refusal.code, own.to
                    ),
                    expected: Some(format!("a SyncError about '{}' at {}", publication.id, own.to)),
                    observed: Some("none".to_owned()),
                    places: vec![
                        Place::at(publication.requested.sequence),
                        Place::at(refusal.sequence),
                    ],
                    unmet: may_be_unread.then_some(Unmet::Warn),
                    ..Breach::default()
                };
                self.play.judge.broken(requirement, breach);
            }
        }
    }

    /// The refusals of each publication that was to be broadcast.
    fn refusals(&self, entries: &[Entry]) -> BTreeMap<usize, Vec<Refusal>> {
        let stage = &self.play.stage;
        let patience = self.play.setting.target.timing.ack_timeout.as_secs_f64() * 500.0;
        let mut refusals: BTreeMap<usize, Vec<Refusal>> = BTreeMap::new();
        for (entry, answer) in acknowledgements(entries) {
            if answer.status.code < 400 {
                continue;
            }
            let Some(mock) = stage.mocks.get(&entry.actor) else {
                continue;
            };
            let is_it = |own: &Publication| {
                own.accepted && own.id == answer.id && own.topic == mock.topic && owes_sync_error(&own.event)
            };
            let Some(publication) = stage.publications.iter().position(|own| is_it(own)) else {
                continue;
            };
            // An answer that comes too late is none, and one to what never came means nothing.
            let in_time = mock.inbox.received().iter().any(|own| {
                let id = own.message().and_then(|message| message.get("id")?.as_str());
                let sent = entries
                    .get(own.spot.sequence)
                    .map_or(f64::MAX, |entry| entry.at_ms);
                id == Some(answer.id.as_str()) && (0.0..=patience).contains(&(entry.at_ms - sent))
            });
            if in_time {
                refusals.entry(publication).or_default().push(Refusal {
                    by: entry.actor.clone(),
                    sequence: entry.sequence,
                    at_ms: entry.at_ms,
                    code: answer.status.code,
                    spelling: match (&entry.traffic, answer.status.as_text) {
                        (Traffic::CallbackResponse { .. }, _) => None,
                        (_, true) => Some(Spelling::Text),
                        (_, false) => Some(Spelling::Number),
                    },
                });
            }
        }
        refusals
    }

    /// Who had to be told: other subscribers to SyncErrors, whose subscriptions were there before the event and went on for as
    /// long as a hub may take.
    fn owed_for(&self, refusals: &BTreeMap<usize, Vec<Refusal>>, entries: &[Entry]) -> Vec<Owed> {
        let stage = &self.play.stage;
        let Ok(sync_error) = "SyncError".parse::<EventName>() else {
            return Vec::new();
        };
        let began = stage.log.began();
        let last = self.last.saturating_duration_since(began).as_secs_f64() * 1_000.0;
        let patience = self.play.setting.target.timing.response.as_secs_f64() * 1_000.0;
        let mut owed = Vec::new();
        for (position, refused) in refusals {
            let publication = &stage.publications[*position];
            for mock in stage.mocks.values() {
                let others = || refused.iter().filter(|own| own.by != mock.name);
                let Some(latest) = others().map(|own| own.at_ms).reduce(f64::max) else {
                    continue;
                };
                let Some(membership) = mock.membership().filter(|_| mock.topic == publication.topic) else {
                    continue;
                };
                let closed = mock.inbox.closed();
                let ended = membership
                    .ended
                    .into_iter()
                    .chain(closed.iter().map(|own| own.spot));
                let ended = ended.filter_map(|spot| Some(entries.get(spot.sequence)?.at_ms));
                let leased = membership
                    .confirmed
                    .and_then(|spot| Some(entries.get(spot.sequence)?.at_ms + membership.lease? * 1_000.0));
                let end = ended.chain(leased).fold(last, f64::min);
                let told = is_told(mock, publication);
                if is_granted(membership, publication, &sync_error) && (told || end >= latest + patience) {
                    owed.push(Owed {
                        to: mock.name.clone(),
                        publication: *position,
                        told,
                    });
                }
            }
        }
        owed
    }
}

/// Updates and selections are exempt (3.2.1), and a SyncError about a SyncError would go in circles.
fn owes_sync_error(event: &EventName) -> bool {
    matches!(event.resource(), Some((_, Action::Open | Action::Close)))
}

/// A SyncError about it came, or one of which nobody can tell what it is about.
fn is_told(mock: &Mock, publication: &Publication) -> bool {
    mock.inbox.received().iter().any(|own| {
        let Some(message) = own.message() else {
            return false;
        };
        let event = message
            .pointer("/event/hub.event")
            .and_then(|event| event.as_str());
        if !event.is_some_and(|event| event.eq_ignore_ascii_case("SyncError")) {
            return false;
        }
        let causes = causes(message);
        causes.is_empty() || causes.iter().any(|cause| cause.event_id == publication.id)
    })
}

fn requirement(code: u16) -> &'static str {
    match code {
        409 => "syncerror.on-conflict",
        500 => "syncerror.on-server-error",
        501.. => "syncerror.on-other-server-error",
        _ => "syncerror.on-client-error",
    }
}
