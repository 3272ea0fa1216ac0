//! The judge of subscribers takes any sequence of exchanges: it does not panic, keeps to its bounds, and concludes what it told.

#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use arbitrary::Arbitrary;
use bytes::Bytes;
use castspec_fuzz::{Body, CATALOGUE, HUB, schemas, version};
use castspec_judging::capture::Side;
use castspec_judging::outcome::Verdict;
use castspec_judging::subscriber::{CallEnd, Exchange, Frame, Judge, Observed, Settings};
use libfuzzer_sys::fuzz_target;
use serde_json::json;

/// Exchanges of one conversation.
const EXCHANGES: usize = 256;
/// Subscribers that are told apart.
const SUBSCRIBERS: usize = 8;

#[derive(Debug, Arbitrary)]
struct Input {
    version: u8,
    complete: bool,
    authorization: bool,
    deployment: bool,
    memory: u16,
    steps: Vec<(Wait, Option<u8>, Step)>,
}

#[derive(Debug, Arbitrary)]
enum Wait {
    Not,
    Milliseconds(u16),
    Seconds(u32),
    Deadline,
}

#[derive(Debug, Arbitrary)]
enum Step {
    Http {
        method: u8,
        url: u8,
        kind: u8,
        launch: Option<u8>,
        body: Body,
        status: u8,
        answer: Body,
    },
    Request {
        id: u8,
        method: u8,
        url: u8,
        kind: u8,
        launch: Option<u8>,
        body: Body,
    },
    Answer {
        id: u8,
        status: u8,
        body: Body,
    },
    ScopesAsked(u8, Option<String>),
    Launched(u8, String, Body),
    Called {
        id: u8,
        url: u8,
        query: Body,
        body: Body,
    },
    CallAnswered {
        id: u8,
        status: u8,
        body: Body,
    },
    CallFailed(u8, u8),
    Opened(u8, u8),
    FromHub(u8, Body),
    FromSubscriber(u8, Body),
    Binary(u8, Vec<u8>),
    Closed(u8, Option<bool>, Option<u16>),
    Gap,
}

const STATUSES: [u16; 12] = [202, 200, 201, 204, 301, 400, 401, 404, 409, 429, 500, 101];

fn status(number: u8) -> u16 {
    STATUSES[usize::from(number) % STATUSES.len()]
}

fn headers(kind: u8) -> Vec<(String, String)> {
    let kinds = [
        "application/x-www-form-urlencoded",
        "application/json",
        "application/fhir+json",
        "text/html",
    ];
    let mut headers = vec![(
        "Content-Type".to_owned(),
        kinds[usize::from(kind) % kinds.len()].to_owned(),
    )];
    if kind & 0x80 != 0 {
        headers.push(("Authorization".to_owned(), "Bearer x".to_owned()));
    }
    if kind & 0x40 != 0 {
        headers.push(("Upgrade".to_owned(), "websocket".to_owned()));
    }
    headers
}

fn method(number: u8) -> String {
    ["POST", "GET", "DELETE", ""][usize::from(number / 32) % 4].to_owned()
}

fn observed(step: &Step, next: &mut u64) -> Vec<Observed> {
    let id = |id: u8| u64::from(id % 8);
    let bytes = |body: &Body| Bytes::from(body.text());
    let one = match step {
        Step::Http {
            method: name,
            url,
            kind,
            launch,
            body,
            status: code,
            answer,
        } => {
            *next += 1;
            let request = Observed::Request {
                id: *next,
                method: method(*name),
                url: Body::url(*url, ""),
                headers: headers(*kind),
                body: bytes(body),
                launch: launch.map(|launch| id(launch)),
            };
            let answer = Observed::Answer {
                id: *next,
                status: status(*code),
                headers: Vec::new(),
                body: bytes(answer),
            };
            return vec![request, answer];
        }
        Step::Request {
            id: number,
            method: name,
            url,
            kind,
            launch,
            body,
        } => Observed::Request {
            id: id(*number),
            method: method(*name),
            url: Body::url(*url, ""),
            headers: headers(*kind),
            body: bytes(body),
            launch: launch.map(|launch| id(launch)),
        },
        Step::Answer {
            id: number,
            status: code,
            body,
        } => Observed::Answer {
            id: id(*number),
            status: status(*code),
            headers: Vec::new(),
            body: bytes(body),
        },
        Step::ScopesAsked(application, scope) => Observed::ScopesAsked {
            application: format!("app-{}", application % 4),
            scope: scope.clone(),
        },
        Step::Launched(launch, asked, answer) => Observed::Launched {
            launch: id(*launch),
            application: format!("app-{}", launch % 4),
            asked: asked.clone(),
            answer: answer
                .text()
                .parse()
                .unwrap_or(json!({"hub.topic": "t", "hub.url": HUB, "scope": asked})),
        },
        Step::Called {
            id: number,
            url,
            query,
            body,
        } => Observed::Called {
            id: 100 + id(*number),
            method: method(*url),
            url: Body::url(6 + (*url / 8) * 8, &query.query()),
            headers: headers(1),
            body: bytes(body),
        },
        Step::CallAnswered {
            id: number,
            status: code,
            body,
        } => Observed::CallAnswered {
            id: 100 + id(*number),
            status: status(*code),
            headers: headers(*code),
            body: bytes(body),
        },
        Step::CallFailed(number, end) => Observed::CallFailed {
            id: 100 + id(*number),
            end: [CallEnd::Unreachable, CallEnd::Cut, CallEnd::GivenUp][usize::from(*end) % 3],
            problem: "it is away".to_owned(),
        },
        Step::Opened(connection, url) => Observed::Opened {
            connection: id(*connection),
            url: Body::url(4 + (*url % 8) * 8, ""),
        },
        Step::FromHub(connection, body) => Observed::FromHub {
            connection: id(*connection),
            frame: Frame::Text(body.text().into()),
        },
        Step::FromSubscriber(connection, body) => Observed::FromSubscriber {
            connection: id(*connection),
            frame: Frame::Text(body.text().into()),
        },
        Step::Binary(connection, content) => Observed::FromSubscriber {
            connection: id(*connection),
            frame: Frame::Binary(content.clone().into()),
        },
        Step::Closed(connection, by, code) => Observed::Closed {
            connection: id(*connection),
            by: by.map(|hub| if hub { Side::Hub } else { Side::Subscriber }),
            code: *code,
        },
        Step::Gap => Observed::Gap,
    };
    vec![one]
}

fuzz_target!(|input: Input| {
    let version = version(input.version);
    let mut settings = Settings::new(version, HUB);
    settings.complete = input.complete;
    settings.authorization = input.authorization;
    settings.deployment = input.deployment;
    settings.memory = usize::from(input.memory) * 4;
    settings.subscribers = SUBSCRIBERS;
    let mut judge = Judge::new(CATALOGUE.clone(), schemas(version), settings);
    let mut told: BTreeMap<_, Verdict> = BTreeMap::new();
    let (mut at, mut next) = (Duration::ZERO, 1_000);
    let mut poll = |judge: &mut Judge| {
        while let Some(finding) = judge.poll_finding() {
            let check = finding.check;
            assert!(CATALOGUE.get(version, &check.requirement).is_some(), "{check:?}");
            assert!(
                matches!(check.verdict, Verdict::Fail | Verdict::Warn),
                "{check:?}"
            );
            assert!(!check.message.is_empty(), "{check:?}");
            let worst = told
                .entry((finding.subscriber, check.requirement))
                .or_insert(check.verdict);
            *worst = (*worst).max(check.verdict);
        }
    };
    for (wait, client, step) in input.steps.iter().take(EXCHANGES) {
        at += match wait {
            Wait::Not => Duration::ZERO,
            Wait::Milliseconds(passed) => Duration::from_millis((*passed).into()),
            Wait::Seconds(passed) => Duration::from_secs((*passed).into()),
            Wait::Deadline => judge.next_deadline().unwrap_or_default().saturating_sub(at),
        };
        judge.pass_time(at);
        poll(&mut judge);
        assert!(
            judge.next_deadline().is_none_or(|deadline| deadline > at),
            "a question is left behind"
        );
        for observed in observed(step, &mut next) {
            let client = client.map(|client| format!("client-{}", client % 4));
            judge.observe(&Exchange { at, client, observed });
            poll(&mut judge);
        }
    }
    judge.pass_time(at + Duration::from_secs(86_400));
    poll(&mut judge);
    let concluded = judge.conclude();
    assert!(
        concluded.len() <= SUBSCRIBERS,
        "{} are told apart",
        concluded.len()
    );
    for of_one in &concluded {
        for check in &of_one.checks {
            assert!(CATALOGUE.get(version, &check.requirement).is_some(), "{check:?}");
            let worst = told.get(&(of_one.subscriber.clone(), check.requirement.clone()));
            assert_eq!(
                worst.copied().unwrap_or(Verdict::Pass),
                check.verdict,
                "{check:?}"
            );
        }
    }
    assert_eq!(format!("{:?}", judge.conclude()), format!("{concluded:?}"));
});
