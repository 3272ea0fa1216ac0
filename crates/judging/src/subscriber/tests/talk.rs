//! Conversations as tests make them up, and the verdicts that they come to.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{CATALOGUE, EARLIER_EVENTS, EVENTS, FORM, HUB, TOPIC, schemas};
use crate::capture::Side;
use crate::outcome::Verdict;
use crate::protocol::Version;
use crate::subscriber::{Exchange, Finding, Frame, Judge, Observed, Settings};

/// A conversation as it is made up.
pub(super) struct Talk {
    pub(super) version: Version,
    pub(super) judge: Judge,
    pub(super) at: Duration,
    pub(super) next: u64,
    /// The launch whose token requests bear from now on.
    pub(super) launch: Option<u64>,
    pub(super) found: Vec<Finding>,
}

impl Talk {
    pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::of_with(Version::Stu3, change)
    }

    pub(super) fn of(version: Version) -> Self {
        Self::of_with(version, |_| {})
    }

    pub(super) fn of_with(version: Version, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(version, HUB);
        settings.complete = true;
        change(&mut settings);
        Self {
            version,
            judge: Judge::new(CATALOGUE.clone(), schemas(version), settings),
            at: Duration::from_secs(1),
            next: 0,
            launch: None,
            found: Vec::new(),
        }
    }

    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn wait(&mut self, seconds: f64) {
        self.at += Duration::from_secs_f64(seconds);
        self.judge.pass_time(self.at);
        self.collect();
    }

    fn collect(&mut self) {
        while let Some(finding) = self.judge.poll_finding() {
            self.found.push(finding);
        }
    }

    pub(super) fn observe(&mut self, client: Option<&str>, observed: Observed) {
        self.at += Duration::from_millis(1);
        self.judge.observe(&Exchange {
            at: self.at,
            client: client.map(str::to_owned),
            observed,
        });
        self.collect();
    }

    /// A request that is answered at once.
    pub(super) fn http(
        &mut self,
        client: Option<&str>,
        (method, url): (&str, &str),
        headers: &[(&str, &str)],
        body: &str,
        (status, answer): (u16, &str),
    ) {
        self.next += 1;
        let id = self.next;
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.observe(
            client,
            Observed::Request {
                id,
                method: method.to_owned(),
                url: url.to_owned(),
                headers: headers.collect(),
                body: Bytes::from(body.to_owned()),
                launch: self.launch,
            },
        );
        self.observe(
            client,
            Observed::Answer {
                id,
                status,
                headers: Vec::new(),
                body: Bytes::from(answer.to_owned()),
            },
        );
    }

    pub(super) fn form(&mut self, client: &str, form: &str, answer: (u16, &str)) {
        self.http(
            Some(client),
            ("POST", HUB),
            &[("Content-Type", FORM)],
            form,
            answer,
        );
    }

    /// A subscriber that asks for these events, connects and is confirmed; its WebSocket.
    pub(super) fn subscribe_to(&mut self, name: &str, asked: &str, granted: &str) -> u64 {
        let form = format!(
            "hub.channel.type=websocket&hub.mode=subscribe&hub.topic={TOPIC}&hub.events={asked}&subscriber.name={name}"
        );
        let answer = json!({"hub.channel.endpoint": endpoint(name)}).to_string();
        self.form(name, &form, (202, &answer));
        self.next += 1;
        let connection = self.next;
        let url = endpoint(name);
        self.observe(None, Observed::Opened { connection, url });
        self.hub(
            connection,
            &json!({"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.events": granted, "hub.lease_seconds": 7200}),
        );
        connection
    }

    pub(super) fn subscribe(&mut self, name: &str) -> u64 {
        let events = self.events();
        self.subscribe_to(name, events, events)
    }

    fn events(&self) -> &'static str {
        match self.version {
            Version::Stu3 => EVENTS,
            Version::Stu1 | Version::Stu2 => EARLIER_EVENTS,
        }
    }

    pub(super) fn unsubscribe(&mut self, name: &str) {
        let endpoint = endpoint(name);
        let form = format!(
            "hub.channel.type=websocket&hub.mode=unsubscribe&hub.topic={TOPIC}&hub.channel.endpoint={endpoint}"
        );
        let answer = json!({"hub.channel.endpoint": endpoint}).to_string();
        self.form(name, &form, (202, &answer));
    }

    pub(super) fn deny(&mut self, connection: u64) {
        self.hub(
            connection,
            &json!({"hub.mode": "denied", "hub.topic": TOPIC, "hub.events": self.events()}),
        );
    }

    pub(super) fn hub(&mut self, connection: u64, message: &Value) {
        let frame = Frame::Text(message.to_string().into());
        self.observe(None, Observed::FromHub { connection, frame });
    }

    pub(super) fn say(&mut self, connection: u64, text: &str) {
        let frame = Frame::Text(text.into());
        self.observe(None, Observed::FromSubscriber { connection, frame });
    }

    pub(super) fn answer(&mut self, connection: u64, id: &str, status: u16) {
        self.say(connection, &json!({"id": id, "status": status}).to_string());
    }

    pub(super) fn close(&mut self, connection: u64, by: Option<Side>, code: Option<u16>) {
        self.observe(None, Observed::Closed { connection, by, code });
    }

    /// A request of a change by this client.
    pub(super) fn publish(&mut self, client: &str, message: &Value, status: u16) {
        let headers = [("Content-Type", "application/json")];
        let body = message.to_string();
        self.http(Some(client), ("POST", HUB), &headers, &body, (status, ""));
    }

    /// What was told: requirement and verdict.
    pub(super) fn told(&self) -> Vec<(&str, Verdict)> {
        self.found
            .iter()
            .map(|finding| (finding.check.requirement.as_str(), finding.check.verdict))
            .collect()
    }

    /// The verdict that the conclusion gives a requirement of any subscriber.
    pub(super) fn concluded(&self, requirement: &str) -> Option<Verdict> {
        let all_checks = self.judge.conclude();
        let checks = all_checks.iter().flat_map(|subscriber| &subscriber.checks);
        checks
            .filter(|check| check.requirement == requirement)
            .map(|check| check.verdict)
            .max()
    }

    /// The message of the conclusion on a requirement.
    pub(super) fn message(&self, requirement: &str) -> Option<String> {
        let all_checks = self.judge.conclude();
        let mut checks = all_checks.iter().flat_map(|subscriber| &subscriber.checks);
        let check = checks.find(|check| check.requirement == requirement)?;
        Some(check.message.clone())
    }
}

pub(super) fn endpoint(name: &str) -> String {
    format!("wss://hub.example.com/socket/{name}-0123456789")
}

/// A conversation that comes to this verdict on a requirement, and to nothing worse on any other.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) requirement: &'static str,
    /// `None` where it must stay unjudged.
    pub(super) verdict: Option<Verdict>,
    pub(super) talk: fn(&mut Talk),
}

/// A conversation and what it comes to.
pub(super) fn case(
    name: &'static str,
    requirement: &'static str,
    verdict: Option<Verdict>,
    talk: fn(&mut Talk),
) -> Case {
    Case {
        name,
        requirement,
        verdict,
        talk,
    }
}

impl Case {
    /// Holds the conversation in this version; `beside` is what may be told of as well.
    pub(super) fn hold(&self, version: Version, verdict: Option<Verdict>, beside: &[&str]) {
        let mut talk = Talk::of(version);
        (self.talk)(&mut talk);
        let told: Vec<_> = talk.told();
        let name = format!("{version}, {}: {}", self.name, self.requirement);
        assert_eq!(talk.concluded(self.requirement), verdict, "{name} {told:?}");
        let others: Vec<_> = told
            .iter()
            .filter(|(requirement, _)| *requirement != self.requirement && !beside.contains(requirement))
            .collect();
        assert!(others.is_empty(), "{name}: {others:?}");
        let own = told
            .iter()
            .any(|(requirement, _)| *requirement == self.requirement);
        let expected = matches!(verdict, Some(Verdict::Fail | Verdict::Warn));
        assert_eq!(own, expected, "{name}: {told:?}");
        for finding in &talk.found {
            assert!(!finding.check.message.is_empty(), "{name}");
            assert!(!finding.check.evidence.is_empty(), "{name}");
        }
    }
}
