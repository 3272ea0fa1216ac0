//! Subscribers by webhooks: their requests, and what their callbacks answer. Every conversation is held in STU2 and in STU1.

mod denials;
mod notifications;
mod publications;
mod requests;
mod unsubscribes;
mod verifications;

use bytes::Bytes;
use serde_json::Value;

use super::{Case, FORM, HUB, TOPIC, Talk};
use crate::outcome::Verdict;
use crate::protocol::Version;
use crate::subscriber::{CallEnd, Observed};

/// What comes of a call to a callback.
#[derive(Clone, Copy)]
enum Reply<'r> {
    Status(u16),
    /// Status, content type and body.
    Answer(u16, Option<&'r str>, &'r str),
    /// No answer, at once.
    Nothing(CallEnd),
    /// No answer, after so many seconds.
    NothingAfter(f64, CallEnd),
}

/// The challenge, as it is to be answered.
const CONFIRMED: Reply<'static> = Reply::Answer(200, Some(HTML), "ch-1");

pub(super) const ASKED: &str = "patient-open,patient-close";
const HTML: &str = "text/html";

pub(super) fn callback(name: &str) -> String {
    format!("https://app.example.com/callback/{name}?room=1")
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl Talk {
    /// A request for a webhook, with these values in place of what the subscriber of this name sends.
    pub(super) fn webhook(&mut self, mode: &str, name: &str, other: &[(&str, &str)], status: u16) {
        let (callback, secret) = (callback(name), format!("secret of {name}"));
        let mut values = vec![
            ("hub.callback", callback.as_str()),
            ("hub.mode", mode),
            ("hub.topic", TOPIC),
        ];
        // An unsubscribe of STU1 says what the subscription said.
        if mode == "subscribe" || self.version == Version::Stu1 {
            values.extend([("hub.secret", secret.as_str()), ("hub.events", ASKED)]);
        }
        if self.version == Version::Stu2 {
            values.push(("hub.channel.type", "webhook"));
        }
        values.retain(|(known, _)| other.iter().all(|(name, _)| name != known));
        values.extend(other);
        let pairs: Vec<String> = values
            .iter()
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .collect();
        let headers = [("Content-Type", FORM)];
        self.http(
            Some(name),
            ("POST", HUB),
            &headers,
            &pairs.join("&"),
            (status, ""),
        );
    }

    /// A call to a callback; the id of the call.
    pub(super) fn call(&mut self, method: &str, url: &str, body: &str) -> u64 {
        self.next += 1;
        let id = self.next;
        self.observe(
            None,
            Observed::Called {
                id,
                method: method.to_owned(),
                url: url.to_owned(),
                headers: Vec::new(),
                body: Bytes::from(body.to_owned()),
            },
        );
        id
    }

    pub(super) fn call_answered(&mut self, id: u64, status: u16, content_type: Option<&str>, body: &str) {
        let headers = content_type.map(|value| ("Content-Type".to_owned(), value.to_owned()));
        self.observe(
            None,
            Observed::CallAnswered {
                id,
                status,
                headers: headers.into_iter().collect(),
                body: Bytes::from(body.to_owned()),
            },
        );
    }

    pub(super) fn call_failed(&mut self, id: u64, end: CallEnd) {
        let problem = "as it is made up".to_owned();
        self.observe(None, Observed::CallFailed { id, end, problem });
    }

    fn reply(&mut self, id: u64, reply: Reply<'_>) {
        match reply {
            Reply::Status(status) => self.call_answered(id, status, None, ""),
            Reply::Answer(status, content_type, body) => self.call_answered(id, status, content_type, body),
            Reply::Nothing(end) => self.call_failed(id, end),
            Reply::NothingAfter(seconds, end) => {
                self.wait(seconds);
                self.call_failed(id, end);
            }
        }
    }

    /// An intent verification, and what comes of it.
    fn ask_back(&mut self, mode: &str, name: &str, topic: &str, events: &str, reply: Reply<'_>) {
        let url = format!(
            "{}&hub.mode={mode}&hub.topic={topic}&hub.events={events}&hub.challenge=ch-1&hub.lease_seconds=7200",
            callback(name)
        );
        let id = self.call("GET", &url, "");
        self.reply(id, reply);
    }

    /// A subscriber that has subscribed as it should.
    pub(super) fn join(&mut self, name: &str) {
        self.webhook("subscribe", name, &[], 202);
        self.ask_back("subscribe", name, TOPIC, ASKED, CONFIRMED);
    }

    /// A notification; the id of the call.
    fn called_with(&mut self, name: &str, message: &Value) -> u64 {
        self.call("POST", &callback(name), &message.to_string())
    }

    /// A notification, and what comes of it.
    fn notify(&mut self, name: &str, message: &Value, reply: Reply<'_>) {
        let id = self.called_with(name, message);
        self.reply(id, reply);
    }

    /// A denial, and what comes of it.
    fn denied(&mut self, name: &str, reply: Reply<'_>) {
        let url = format!(
            "{}&hub.mode=denied&hub.topic={TOPIC}&hub.events={ASKED}&hub.reason=no",
            callback(name)
        );
        let id = self.call("GET", &url, "");
        self.reply(id, reply);
    }
}

pub(super) fn cases() -> Vec<Case> {
    [
        requests::requests(),
        verifications::verifications(),
        denials::denials(),
        unsubscribes::unsubscribes(),
        notifications::notifications(),
        publications::publications(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn in_a_deployment_a_callback_without_tls_fails_wherever_it_is() {
    for (callback, verdict) in [
        ("http://127.0.0.1:4000/callback", Verdict::Fail),
        ("http://app.example.com/callback", Verdict::Fail),
        ("https://app.example.com/callback", Verdict::Pass),
    ] {
        let mut talk = Talk::of_with(Version::Stu2, |settings| settings.deployment = true);
        talk.webhook("subscribe", "viewer", &[("hub.callback", callback)], 202);
        assert_eq!(
            talk.concluded("transport.https.subscriber"),
            Some(verdict),
            "{callback}"
        );
    }
}
