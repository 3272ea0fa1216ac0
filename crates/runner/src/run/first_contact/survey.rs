//! The events that the hub grants: learnt from what it lists, confirms, denies and refuses (ambiguities, 82).
//!
//! An event counts as withheld only where a subscription to it alone is not granted, while one to another event, asked for in
//! the same way on the same topic, is.

use std::collections::BTreeSet;

use super::{Contact, End};
use crate::client::OutgoingRequest;
use crate::protocol::{EventKind, EventName};
use crate::run::dialect::spelled;
use crate::run::mock_subscriber::MockSubscriber;
use crate::scenario::Anchor;

/// Who asks for one event at a time, on a topic where nobody else is subscribed.
pub(super) const SURVEYOR: &str = "surveyor";

impl Contact<'_> {
    /// Subscribes and connects, and where the hub does not grant the event that is tried first, with another anchor's.
    pub(super) async fn arrive(&mut self) -> Result<(), End> {
        let first = self.event.clone();
        let arrived = self.join("probe", true).await;
        let may_be_the_event = match &arrived {
            Ok(()) => self.setting.dialect.confirms(),
            Err(End::Enough) => self.answered_well,
            Err(_) => false,
        };
        if !may_be_the_event || self.has_been_granted("probe", &self.event) {
            return arrived;
        }
        for other in self.other_openings() {
            self.follow("probe", std::slice::from_ref(&other));
            if self.join("probe", false).await.is_ok() && self.has_been_granted("probe", &other) {
                self.event = other;
                return Ok(());
            }
            if self.lost.is_some() {
                return Err(End::Judged);
            }
        }
        self.follow("probe", &[first]);
        arrived
    }

    /// The second subscriber, which asks for all that the scenarios need; where that is not granted, for what the first has.
    pub(super) async fn accompany(&mut self, events: &[EventName]) {
        let mut all = events.to_vec();
        if !all.contains(&self.event) {
            all.push(self.event.clone());
        }
        self.follow("listener", &all);
        // A hub may take one subscriber only: what comes of the second stops nothing, unless the hub is gone.
        let joined = self.join("listener", false).await;
        let is_granted = joined.is_ok() && self.granted.contains_key("listener");
        if !is_granted && self.lost.is_none() && self.setting.dialect.confirms() {
            let first = self.event.clone();
            self.follow("listener", &[first]);
            let _ = self.join("listener", false).await;
        }
    }

    /// Subscribes and, over a WebSocket, connects.
    async fn join(&mut self, name: &'static str, is_first: bool) -> Result<(), End> {
        self.granted.remove(name);
        self.subscribe(name, is_first).await?;
        match self.is_webhook() {
            true => Ok(()),
            false => self.connect(name, is_first).await,
        }
    }

    /// Finds out which of these the hub grants nobody, where it has not granted all of them already.
    pub(super) async fn survey(&mut self, events: &[EventName]) {
        let mut granted: BTreeSet<EventName> = self.granted.values().flatten().cloned().collect();
        if !self.setting.dialect.confirms() || !granted.contains(&self.event) {
            return;
        }
        if events.iter().all(|event| granted.contains(event)) {
            return;
        }
        // What may take the place of what the hub does not grant must be known, too.
        let openings = Anchor::ALL.into_iter().filter_map(Anchor::open);
        let closes = Anchor::ALL.into_iter().filter_map(Anchor::close);
        let others = openings
            .chain(closes)
            .filter(|event| self.setting.claims.lists(event));
        let all: BTreeSet<EventName> = events.iter().cloned().chain(others).collect();
        let mut rest: Vec<&EventName> = all.iter().filter(|event| !granted.contains(event)).collect();
        // Where what is granted alone is not granted here, this says nothing of the others.
        let control = self.event.clone();
        rest.insert(0, &control);
        let mut withheld = BTreeSet::new();
        for event in rest {
            match self.grants_alone(event).await {
                Some(true) => {
                    granted.insert(event.clone());
                }
                Some(false) if *event == control => return,
                Some(false) => {
                    withheld.insert(event.clone());
                }
                None => return,
            }
        }
        self.setting.dialect.learn_withheld(withheld);
    }

    /// Whether the hub grants a subscription to this event alone; `None` where nobody can tell.
    async fn grants_alone(&mut self, event: &EventName) -> Option<bool> {
        self.follow(SURVEYOR, std::slice::from_ref(event));
        self.granted.remove(SURVEYOR);
        let answer = self.ask(SURVEYOR).await.ok()?;
        if !answer.is_accepted() {
            return answer.is_refused().then_some(false);
        }
        self.accepted(SURVEYOR, answer).await.ok()?;
        if !self.is_webhook() {
            let connected = self.connect(SURVEYOR, false).await;
            if self.lost.is_some() {
                return None;
            }
            if connected.is_ok() {
                self.part(SURVEYOR).await;
            }
        }
        Some(self.has_been_granted(SURVEYOR, event))
    }

    /// Ends the subscription over a WebSocket, and closes it.
    async fn part(&mut self, name: &str) {
        let Ok(mock) = self.run.mock(name) else { return };
        if let (Some(endpoint), false) = (mock.endpoint(), self.setting.dialect.goes_down_on_unsubscribes()) {
            let request = self.run.unsubscribe_request(mock, endpoint);
            let outgoing = OutgoingRequest::form(self.setting.dialect.hub_url(), &request.to_pairs());
            // That the hub takes no unsubscribe is told elsewhere.
            let _ = self.run.transmit(name, &outgoing).await;
        }
        let mock = self.run.mock_mut(name).ok();
        let web_socket = mock.and_then(MockSubscriber::web_socket_mut);
        if let Some(socket) = web_socket.and_then(|web_socket| web_socket.socket.take()) {
            socket.close(1000).await;
        }
    }

    /// The subscriber asks for these events from now on.
    pub(super) fn follow(&mut self, name: &str, events: &[EventName]) {
        let version = self.setting.target.version;
        if let Ok(mock) = self.run.mock_mut(name) {
            mock.events = events.iter().map(|event| spelled(version, event)).collect();
        }
    }

    fn has_been_granted(&self, name: &str, event: &EventName) -> bool {
        self.granted
            .get(name)
            .is_some_and(|granted| granted.contains(event))
    }

    /// The open events of anchors, but for the one that is tried first.
    pub(super) fn other_openings(&self) -> Vec<EventName> {
        let openings = Anchor::ALL.into_iter().filter_map(Anchor::open);
        let listed = openings.filter(|event| self.setting.claims.lists(event));
        listed.filter(|event| *event != self.event).collect()
    }
}

/// Whether a hub can be asked for this event alone, and its answer says something of all scenarios.
pub(super) fn is_of_the_specification(event: &EventName) -> bool {
    !matches!(event.kind(), EventKind::Proprietary | EventKind::Unknown)
}
