//! Content sharing: in which context updates and selections are requested, on which version they build, and what they leave
//! alone (2.10, 3.6.1).

use std::time::Duration;

use serde_json::Value;

use super::event::{Anchor, anchor_in, named, resources, text};
use super::findings::Breach;
use super::ids;
use super::judge::Judge;
use super::publishing::Requested;
use super::record::Place;
use super::state::{Connection, Given, OpenContext, Spot};

/// How long a message that nobody has acknowledged may be on its way.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

impl Judge {
    pub(super) fn judge_update(&mut self, change: &Requested<'_>) {
        let Requested {
            topic, client, event, ..
        } = *change;
        let Some(anchor) = event.anchor() else { return };
        let candidates = self.candidates(topic, client);
        self.judge_anchor_opened(change, &candidates, &anchor);
        self.judge_version(change, &candidates, &anchor);
        let opened = self
            .topics
            .get(topic)
            .and_then(|topic| topic.open_context(&anchor))
            .cloned();
        if let Some(opened) = opened {
            self.judge_kept(change, &opened);
        }
    }

    fn judge_anchor_opened(&mut self, change: &Requested<'_>, candidates: &[u64], anchor: &Anchor) {
        let Requested { who, topic, spot, .. } = *change;
        let known = self.topics.get(topic);
        let of_anchor = |context: &&OpenContext| context.anchor == *anchor;
        if known
            .is_some_and(|topic| topic.open_context(anchor).is_some() || topic.fetched.contains_key(anchor))
        {
            self.held(who, ids::CONTENT_ANCHOR_OPENED);
            return;
        }
        let last = known
            .and_then(|topic| topic.contexts.iter().rev().find(of_anchor))
            .cloned();
        let breach = match last.as_ref().and_then(|context| context.closed) {
            // The close may not have reached the requester yet.
            Some(closed) if !self.has_arrived(candidates, closed) => return,
            Some(closed) => Breach::new(
                format!("an update was requested for {anchor}, whose context is closed"),
                vec![
                    Place::at(closed.sequence),
                    Place::within(spot.sequence, "/event/context"),
                ],
            ),
            None if !self.settings.complete => return,
            None => Breach::new(
                format!(
                    "an update was requested for {anchor}, whose context was never opened; open it first"
                ),
                vec![Place::within(spot.sequence, "/event/context")],
            ),
        };
        self.broken(who, ids::CONTENT_ANCHOR_OPENED, breach);
    }

    /// Whether everybody knows by now what was sent, or happened, then.
    fn has_arrived(&self, candidates: &[u64], spot: Spot) -> bool {
        if self.now.saturating_sub(spot.at) >= ON_ITS_WAY {
            return true;
        }
        let since = |connection: &Connection| {
            connection
                .notified
                .values()
                .filter(|notification| notification.spot.sequence >= spot.sequence)
                .any(|notification| notification.acknowledged.is_some())
        };
        !candidates.is_empty()
            && candidates
                .iter()
                .all(|connection| self.connections.get(connection).is_some_and(since))
    }

    fn judge_version(&mut self, change: &Requested<'_>, candidates: &[u64], anchor: &Anchor) {
        let Requested {
            who,
            topic,
            event,
            spot,
            ..
        } = *change;
        if event.versions.is_empty() {
            return;
        }
        let mut acceptable: Vec<String> = Vec::new();
        let mut latest: Option<Given> = None;
        for connection in candidates {
            let Some(connection) = self.connections.get(connection) else {
                continue;
            };
            for (age, given) in connection
                .versions
                .get(anchor)
                .into_iter()
                .flatten()
                .rev()
                .enumerate()
            {
                if latest
                    .as_ref()
                    .is_none_or(|known| known.spot.sequence < given.spot.sequence)
                {
                    latest = Some(given.clone());
                }
                acceptable.push(given.version().to_owned());
                let id = given.message.id.as_deref().unwrap_or_default();
                let arrived = connection
                    .notified
                    .get(id)
                    .is_none_or(|notification| notification.acknowledged.is_some());
                // What is superseded may be used until the newer one has arrived.
                if age == 0 && !arrived && self.now.saturating_sub(given.spot.at) < ON_ITS_WAY {
                    continue;
                }
                if arrived || age > 0 {
                    break;
                }
            }
        }
        let fetched = self
            .topics
            .get(topic)
            .and_then(|topic| topic.fetched.get(anchor))
            .cloned();
        acceptable.extend(fetched);
        let Some(latest) = latest else {
            // The version came from where nobody looked.
            return;
        };
        let held = event.versions.iter().any(|version| acceptable.contains(version));
        let mut stated = event.versions.clone();
        stated.dedup();
        let breach = || {
            Breach::new(
                format!("the update of {anchor} does not carry the version that the hub gave last; take over that of \
                         every event and of Get Current Context"),
                vec![
                    Place::within(latest.spot.sequence, "/event"),
                    Place::within(spot.sequence, "/event"),
                ],
            )
            .expecting(latest.version())
            .observing(stated.join(", "))
        };
        self.judge(who, ids::CONTENT_VERSION, (!held).then(breach));
        if anchor.resource_type == "DiagnosticReport" && latest.by_open() {
            self.judge(who, ids::REPORT_VERSION, (!held).then(breach));
        }
    }

    fn judge_kept(&mut self, change: &Requested<'_>, opened: &OpenContext) {
        let Requested { who, event, spot, .. } = *change;
        let present: Vec<(&str, &str)> = resources(&opened.context)
            .into_iter()
            .map(|(_, resource)| (text(resource, "resourceType"), text(resource, "id")))
            .collect();
        for (pointer, bundle) in resources(&event.context) {
            let entries = bundle
                .get("entry")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            for (index, entry) in entries.enumerate() {
                let method = entry.pointer("/request/method").and_then(Value::as_str);
                if !method.is_some_and(|method| method.eq_ignore_ascii_case("DELETE")) {
                    continue;
                }
                let names = [
                    entry.get("fullUrl").and_then(Value::as_str),
                    entry.pointer("/request/url").and_then(Value::as_str),
                ];
                let removed = names
                    .into_iter()
                    .flatten()
                    .filter_map(named)
                    .find(|(kind, id)| present.iter().any(|listed| listed == &(*kind, *id)));
                let breach = removed.map(|(kind, id)| {
                    Breach::new(
                        format!(
                            "the update removes {kind}/{id}, which stood in the context of the open event"
                        ),
                        vec![
                            Place::at(opened.opened.sequence),
                            Place::within(spot.sequence, &format!("{pointer}/entry/{index}")),
                        ],
                    )
                });
                self.judge(who, ids::CONTENT_KEPT, breach);
            }
        }
    }

    pub(super) fn judge_select(&mut self, change: &Requested<'_>) {
        let Requested {
            who,
            topic,
            client,
            event,
            spot,
            ..
        } = *change;
        let Some(anchor) = event.anchor() else { return };
        let candidates = self.candidates(topic, client);
        let notified = candidates
            .iter()
            .filter_map(|connection| self.connections.get(connection)?.last_open.clone());
        let Some(topic) = self.topics.get(topic) else {
            return;
        };
        let is_open = topic.open_context(&anchor).is_some();
        let mut current = notified
            .filter_map(|message| message.anchor.as_deref().cloned())
            .chain(topic.current.clone())
            .peekable();
        let known = current.peek().is_some();
        let is_current = current.any(|open| open == anchor);
        let former = topic
            .former
            .as_ref()
            .is_some_and(|(open, until)| *open == anchor && self.now.saturating_sub(*until) < ON_ITS_WAY);
        if !known || former || (is_open && topic.closed_since) || topic.fetched.contains_key(&anchor) {
            // What is current can be read in two ways, or was told elsewhere.
            return;
        }
        let closed = topic
            .contexts
            .iter()
            .rev()
            .find(|context| context.anchor == anchor)
            .and_then(|context| context.closed);
        if is_current && (is_open || closed.is_none()) {
            self.held(who, ids::SELECT_CURRENT);
            return;
        }
        if closed.is_some_and(|closed| !self.has_arrived(&candidates, closed)) {
            return;
        }
        let told = if closed.is_some() {
            "is closed"
        } else {
            "is not the current one"
        };
        let last = topic.contexts.back().map(|context| context.opened);
        let breach = Breach::new(
            format!("something was selected in the context of {anchor}, which {told}"),
            closed
                .or(last)
                .iter()
                .map(|spot| Place::at(spot.sequence))
                .chain([Place::within(spot.sequence, "/event/context")])
                .collect(),
        );
        self.broken(who, ids::SELECT_CURRENT, breach);
    }

    /// An update is outside of the current context, as far as there is no doubt.
    pub(super) fn is_non_current(&self, topic: &str, anchor: Option<&Anchor>) -> bool {
        let Some(topic) = self.topics.get(topic) else {
            return false;
        };
        !topic.closed_since
            && anchor.is_some_and(|anchor| topic.current.as_ref().is_some_and(|current| current != anchor))
    }

    /// The answer to Get Current Context.
    pub(super) fn fetched(&mut self, topic: &str, message: &Value) {
        let Some(resource_type) = message.get("context.type").and_then(Value::as_str) else {
            return;
        };
        let context = message.get("context").unwrap_or(&Value::Null);
        let Some(anchor) = anchor_in(context, resource_type) else {
            return;
        };
        let version = message.get("context.versionId").and_then(Value::as_str);
        let topic = self.topic(topic);
        if topic.fetched.len() > 100 {
            topic.fetched.clear();
        }
        topic
            .fetched
            .insert(anchor, version.unwrap_or_default().to_owned());
    }
}
