//! What reached a hub through its front, and what the hub answered.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use serde_json::Value;

use super::message::Message;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(120);

/// All that passed.
#[derive(Default)]
pub struct Record {
    seen: Mutex<Seen>,
    changed: Condvar,
}

/// What has been seen so far.
#[derive(Default)]
pub struct Seen {
    pub exchanges: Vec<(Message, Message)>,
    /// The WebSockets that are open, by the path of their endpoints.
    pub open: BTreeMap<String, usize>,
    /// Those that the client closed by a close frame.
    pub closed_by_client: BTreeSet<String>,
    /// Those that the hub closed by a close frame, as an answer or by itself.
    pub closed_by_hub: BTreeSet<String>,
}

impl Record {
    pub fn exchange(&self, request: Message, answer: Message) {
        self.change(|seen| seen.exchanges.push((request, answer)));
    }

    pub fn opened(&self, path: &str) {
        self.change(|seen| *seen.open.entry(path.to_owned()).or_default() += 1);
    }

    pub fn ended(&self, path: &str) {
        self.change(|seen| {
            let open = seen.open.entry(path.to_owned()).or_default();
            *open -= 1;
            seen.open.retain(|_, open| *open > 0);
        });
    }

    pub fn closed_by_client(&self, path: &str) {
        self.change(|seen| {
            if !seen.closed_by_hub.contains(path) {
                seen.closed_by_client.insert(path.to_owned());
            }
        });
    }

    pub fn closed_by_hub(&self, path: &str) {
        self.change(|seen| {
            if !seen.closed_by_client.contains(path) {
                seen.closed_by_hub.insert(path.to_owned());
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap());
        self.changed.notify_all();
    }

    /// What has been seen, once this holds of it.
    #[track_caller]
    pub fn once(&self, holds: impl Fn(&Seen) -> bool) -> MutexGuard<'_, Seen> {
        let seen = self.seen.lock().unwrap();
        let waited = self
            .changed
            .wait_timeout_while(seen, PATIENCE, |seen| !holds(seen))
            .unwrap();
        assert!(!waited.1.timed_out(), "it never came");
        waited.0
    }

    /// What has been seen, once no WebSocket is open any more.
    #[track_caller]
    pub fn at_the_end(&self) -> MutexGuard<'_, Seen> {
        self.once(|seen| seen.open.is_empty())
    }
}

impl Seen {
    /// The requests of this mode that were accepted, with their answers.
    fn accepted(&self, mode: &str) -> impl Iterator<Item = &(Message, Message)> {
        self.exchanges.iter().filter(move |(request, answer)| {
            request.member("hub.mode").as_deref() == Some(mode) && answer.first_line.contains(" 202 ")
        })
    }

    /// The endpoints that the hub gave, each with the subscription request that it was given for.
    pub fn given(&self) -> BTreeMap<String, &Message> {
        let given = self.accepted("subscribe").filter_map(|(request, answer)| {
            let body: Value = serde_json::from_slice(&answer.body).ok()?;
            Some((body.get("hub.channel.endpoint")?.as_str()?.to_owned(), request))
        });
        given.collect()
    }

    /// All unsubscribe requests that name an endpoint, by that.
    pub fn unsubscribes(&self) -> Vec<(String, &Message)> {
        let requests = self.exchanges.iter().map(|(request, _)| request);
        requests
            .filter(|request| request.member("hub.mode").as_deref() == Some("unsubscribe"))
            .filter_map(|request| Some((request.member("hub.channel.endpoint")?, request)))
            .collect()
    }

    /// The endpoints whose subscriptions nobody has ended: neither by an unsubscribe that was accepted, nor the hub by a close.
    pub fn left(&self) -> BTreeSet<String> {
        let ended: BTreeSet<String> = self
            .accepted("unsubscribe")
            .filter_map(|(request, _)| request.member("hub.channel.endpoint"))
            .collect();
        let by_hub = |endpoint: &str| {
            let path = url::Url::parse(endpoint).unwrap().path().to_owned();
            self.closed_by_hub.contains(&path)
        };
        let given = self.given().into_keys();
        given
            .filter(|endpoint| !ended.contains(endpoint) && !by_hub(endpoint))
            .collect()
    }

    /// Accepted events: topic, name and the id of what they are about.
    pub fn events(&self) -> Vec<(String, String, String)> {
        let accepted = self
            .exchanges
            .iter()
            .filter(|(request, answer)| request.is_publication() && answer.first_line.contains(" 202 "));
        let read = accepted.filter_map(|(request, _)| {
            let body: Value = serde_json::from_slice(&request.body).ok()?;
            let text = |pointer: &str| Some(body.pointer(pointer)?.as_str()?.to_owned());
            let subject = text("/event/context/0/resource/id").unwrap_or_default();
            Some((text("/event/hub.topic")?, text("/event/hub.event")?, subject))
        });
        read.collect()
    }

    /// The contexts that were opened and not closed.
    pub fn open_contexts(&self) -> BTreeSet<(String, String, String)> {
        let mut open = BTreeSet::new();
        for (topic, event, subject) in self.events() {
            let Some((kind, action)) = event.rsplit_once('-') else {
                continue;
            };
            let context = (topic, kind.to_owned(), subject);
            match action {
                "open" => _ = open.insert(context),
                "close" => _ = open.remove(&context),
                _ => {}
            }
        }
        open
    }

    /// The methods of all requests.
    pub fn methods(&self) -> BTreeSet<&str> {
        self.exchanges
            .iter()
            .map(|(request, _)| request.method())
            .collect()
    }
}
