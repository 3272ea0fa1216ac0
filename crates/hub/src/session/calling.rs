//! Calls to callbacks: intent verifications, notifications and denials go out, their answers come back or fail to.
//!
//! A callback has one notification under way at a time, so that they come in order; what a callback answers counts as an
//! acknowledgement would.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use super::distribution::Distributed;
use super::subscriber::{Channel, Subscriber};
use super::webhooks::Verification;
use super::{Output, Session, SubscriberId};
use crate::clock::Now;
use crate::protocol::{Denial, Mode, Status};

/// A call to a callback; never used again after its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(u64);

/// The purpose of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Intent verification: asks whether the subscriber meant its request.
    Verification,
    /// A notification.
    Notification,
    /// Tells that the subscription has ended.
    Denial,
}

/// The method of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallMethod {
    /// Intent verification and denial.
    Get,
    /// Notifications.
    Post,
    /// Known in no version; for defects.
    Put,
}

/// An HTTP request to a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its purpose.
    pub purpose: Purpose,
    /// Its method.
    pub method: CallMethod,
    /// The callback, with its own query string and what the hub appended.
    pub url: String,
    /// The value of `X-Hub-Signature`, where there is one.
    pub signature: Option<String>,
    /// The body, JSON.
    pub body: Option<ByteString>,
}

/// The outcome of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallAnswer {
    /// The callback answered.
    Answered {
        /// The HTTP status.
        status: u16,
        /// The body, as far as it is within the hub's limit; `None` where it is beyond it or no text.
        body: Option<String>,
    },
    /// It could not be reached, or did not answer in time: why.
    Failed(String),
}

/// A call that awaits its answer.
#[derive(Debug)]
pub(super) struct UnderWay {
    until: Duration,
    about: About,
}

#[derive(Debug)]
enum About {
    Verification(Box<Verification>),
    Notification(SubscriberId, Arc<Distributed>),
    Denial,
}

impl Session {
    /// A call has come to its end. Calls that the session has given up on are ignored.
    pub fn called_back(&mut self, call: CallId, answer: CallAnswer, now: Now) {
        let Some(ended) = self.calls.remove(&call) else {
            tracing::debug!(topic = %self.topic, "an answer to no open call");
            return;
        };
        match ended.about {
            About::Verification(verification) => self.verified(call, *verification, &answer, now),
            About::Notification(subscriber, event) => self.notified(subscriber, &event, answer, now),
            About::Denial => {}
        }
    }

    /// Calls whose time is over have failed.
    pub(super) fn give_up_on_calls(&mut self, now: Now) {
        let late: Vec<_> = self
            .calls
            .iter()
            .filter(|(_, call)| call.until <= now.elapsed)
            .map(|(id, _)| *id)
            .collect();
        for call in late {
            self.called_back(call, CallAnswer::Failed("no answer came in time".to_owned()), now);
        }
    }

    pub(super) fn next_call_deadline(&self) -> Option<Duration> {
        self.calls.values().map(|call| call.until).min()
    }

    fn call(&mut self, request: Call, about: About, timeout: Duration, now: Now) -> CallId {
        self.called += 1;
        let call = CallId(self.called);
        let until = now.elapsed.saturating_add(timeout);
        let subscriber = match &about {
            About::Notification(subscriber, _) => Some(*subscriber),
            About::Verification(_) | About::Denial => None,
        };
        self.calls.insert(call, UnderWay { until, about });
        self.wake_at(until);
        self.outputs.push_back(Output::Call {
            call,
            subscriber,
            request,
            timeout,
        });
        call
    }

    /// Asks the callback whether its subscriber meant the request.
    pub(super) fn verify(&mut self, verification: Verification, now: Now) {
        let pairs = self.behaviour.verification(verification.parameters(&self.topic));
        let query = self.behaviour.query_of_verification();
        let request = Call {
            purpose: Purpose::Verification,
            method: self.behaviour.verification_method(),
            url: append(&verification.callback, query, &pairs),
            signature: None,
            body: None,
        };
        let timeout = self.limits.callback_timeout;
        self.call(request, About::Verification(Box::new(verification)), timeout, now);
    }

    /// The verifications under way for a callback.
    fn verifications_of(&self, callback: &str) -> Vec<CallId> {
        let verifying = self.calls.iter().filter(
            |(_, call)| matches!(&call.about, About::Verification(verification) if &*verification.callback == callback),
        );
        verifying.map(|(id, _)| *id).collect()
    }

    /// Forgets the verifications of a callback that were asked for before this one: it overrides them.
    pub(super) fn override_verifications(&mut self, callback: &str, before: Option<CallId>) {
        for call in self.verifications_of(callback) {
            if before.is_none_or(|before| call < before) {
                self.calls.remove(&call);
            }
        }
    }

    /// Whether a subscription of this callback awaits its verification.
    pub(super) fn awaits_verification(&self, callback: &str) -> bool {
        self.calls.values().any(|call| {
            matches!(&call.about, About::Verification(verification) if verification.mode == Mode::Subscribe && &*verification.callback == callback)
        })
    }

    /// The number of verifications under way of requests with such a mode.
    pub(super) fn verifications(&self, counts: impl Fn(Mode) -> bool) -> usize {
        let counted = |call: &&UnderWay| matches!(&call.about, About::Verification(verification) if counts(verification.mode));
        self.calls.values().filter(counted).count()
    }

    /// Sends the callback the next notification that waits for it, if none is under way.
    pub(super) fn post_next(&mut self, id: SubscriberId, now: Now) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else {
            return;
        };
        let Channel::Webhook(webhook) = &mut subscriber.channel else {
            return;
        };
        if webhook.busy {
            return;
        }
        let Some(event) = webhook.waiting.pop_front() else {
            return;
        };
        webhook.busy = true;
        let body = self.behaviour.callback_body(&webhook.callback, &event.text);
        let body = body.map_or_else(|| event.text.clone(), ByteString::from);
        let request = Call {
            purpose: Purpose::Notification,
            method: self.behaviour.notification_method(),
            url: append(&webhook.callback, self.behaviour.query_of_notifications(), &[]),
            signature: self.behaviour.signature(webhook.secret.as_deref(), &body),
            body: Some(body),
        };
        let timeout = self.limits.ack_timeout;
        self.call(request, About::Notification(id, event), timeout, now);
    }

    fn notified(&mut self, id: SubscriberId, event: &Arc<Distributed>, answer: CallAnswer, now: Now) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else {
            return;
        };
        if let Channel::Webhook(webhook) = &mut subscriber.channel {
            webhook.busy = false;
            webhook.failed = !matches!(answer, CallAnswer::Answered { status, .. } if status < 400);
        }
        let said = match answer {
            CallAnswer::Answered { status, .. } => {
                let status = Status {
                    code: status,
                    as_text: false,
                };
                self.behaviour
                    .reports(status)
                    .then(|| super::acknowledging::verdict(status))
            }
            CallAnswer::Failed(why) => self
                .behaviour
                .reports_unreachable()
                .then(|| format!("could not be given the event: {why}")),
        };
        if let Some(said) = said
            && event.owes_sync_error
        {
            self.sync_error(id, event, &said, now);
        }
        self.post_next(id, now);
    }

    /// Tells a callback that its subscription has ended.
    pub(super) fn deny_callback(&mut self, callback: &str, denial: &Denial, now: Now) {
        let pairs = self.behaviour.callback_denial(denial);
        let request = Call {
            purpose: Purpose::Denial,
            method: self.behaviour.denial_method(),
            url: append(callback, self.behaviour.query_of_denials(), &pairs),
            signature: None,
            body: None,
        };
        let timeout = self.limits.callback_timeout;
        self.call(request, About::Denial, timeout, now);
    }

    /// Callbacks for which more waits than may: they are dropped, as sockets that are read too slowly.
    pub(super) fn drop_overflowing_callbacks(&mut self, now: Now) {
        let limit = self.limits.queue_limit;
        let overflowing: Vec<_> = self
            .subscribers
            .iter()
            .filter(|(_, subscriber)| subscriber.waiting() > limit)
            .map(|(id, _)| *id)
            .collect();
        for id in overflowing {
            self.report_lost(id, "answers too slowly, and was dropped", now);
            self.deny(id, "too many notifications wait for their answers", now);
            self.forget(id);
        }
    }
}

impl Subscriber {
    /// The number of notifications that wait for their turn.
    fn waiting(&self) -> usize {
        match &self.channel {
            Channel::Webhook(webhook) => webhook.waiting.len(),
            Channel::WebSocket { .. } => 0,
        }
    }
}

/// The place of a callback's own query string in the URL of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Query {
    /// It stays as it is written, and the hub's parameters come behind it.
    Kept,
    /// The hub's parameters come before it, for defective hubs.
    Behind,
    /// It is dropped, for defective hubs.
    Dropped,
}

/// The callback with these parameters in its query string.
fn append(callback: &str, query: Query, pairs: &[(&'static str, String)]) -> String {
    if pairs.is_empty() && query == Query::Kept {
        return callback.to_owned();
    }
    let (path, kept) = match callback.split_once('?') {
        Some((path, kept)) if query != Query::Dropped => (path, kept),
        Some((path, _)) => (path, ""),
        None => (callback, ""),
    };
    let appended = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let parts = match query {
        Query::Behind => [appended.as_str(), kept],
        Query::Kept | Query::Dropped => [kept, appended.as_str()],
    };
    let mut url = path.to_owned();
    let mut joint = '?';
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        url.push(joint);
        url.push_str(part);
        joint = '&';
    }
    url
}

#[cfg(test)]
mod tests {
    use super::{Query, append};

    #[test]
    fn the_query_string_of_a_callback_stays_as_it_is_written() {
        let pairs = [("hub.mode", "denied".to_owned()), ("hub.topic", "a&b".to_owned())];
        for (callback, appended) in [
            ("http://h/c", "http://h/c?hub.mode=denied&hub.topic=a%26b"),
            ("http://h/c?", "http://h/c?hub.mode=denied&hub.topic=a%26b"),
            (
                "http://h/c?a=%20b&c",
                "http://h/c?a=%20b&c&hub.mode=denied&hub.topic=a%26b",
            ),
        ] {
            assert_eq!(append(callback, Query::Kept, &pairs), appended);
        }
        for callback in ["http://h/c?a=%20b", "http://h/c?", "http://h/c"] {
            assert_eq!(append(callback, Query::Kept, &[]), callback);
        }
        assert_eq!(append("http://h/c?a=b", Query::Dropped, &[]), "http://h/c");
        assert_eq!(
            append("http://h/c?a=b", Query::Behind, &pairs[..1]),
            "http://h/c?hub.mode=denied&a=b"
        );
    }
}
