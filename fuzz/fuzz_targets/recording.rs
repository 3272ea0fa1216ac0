//! Any recording, made of lines that a recorder can write, is judged in every version, for the hub and for its subscribers.

#![no_main]

use arbitrary::Arbitrary;
use castspec_fuzz::{Body, CATALOGUE, HUB, schemas, version};
use castspec_judging::capture::conversation::RecordedConversation;
use castspec_judging::capture::{Frame, Header, Headers, Line, Message, Payload, Side};
use castspec_judging::outcome::RunEvent;
use castspec_judging::subscriber::BaseFhir;
use castspec_runner::recorded::{Judged, Recording, judge_recording};
use libfuzzer_sys::fuzz_target;

/// Lines of one recording.
const LINES: usize = 256;

#[derive(Debug, Arbitrary)]
struct Input {
    version: u8,
    browser: bool,
    lines: Vec<(u16, Passed)>,
}

#[derive(Debug, Arbitrary)]
enum Passed {
    Http {
        method: u8,
        url: u8,
        kind: u8,
        body: Body,
        status: u8,
        answer: Body,
    },
    Request {
        id: u8,
        method: u8,
        url: u8,
        kind: u8,
        body: Body,
    },
    Response {
        id: u8,
        status: u8,
        body: Body,
    },
    Call {
        id: u8,
        method: u8,
        url: u8,
        query: Body,
        body: Body,
    },
    CallAnswer {
        id: u8,
        status: u8,
        body: Body,
    },
    Unanswered(u8, bool),
    Subscribed {
        number: u8,
        request: Body,
        confirmation: Body,
    },
    Opened {
        connection: u8,
        id: u8,
        url: u8,
    },
    Text(u8, bool, Body),
    Binary(u8, bool, Body),
    Ping(u8, bool),
    Closed(u8, bool, Option<u16>),
    Broken(u8, bool),
    Note(String),
    Gap,
    Stopped,
}

fn side(hub: bool) -> Side {
    if hub { Side::Hub } else { Side::Subscriber }
}

fn headers(kind: u8) -> Headers {
    let kinds = [
        "application/x-www-form-urlencoded",
        "application/json",
        "application/fhir+json",
        "text/html",
    ];
    let mut headers = vec![(
        "content-type".to_owned(),
        kinds[usize::from(kind) % kinds.len()].to_owned(),
    )];
    if kind & 0x80 != 0 {
        headers.push(("authorization".to_owned(), "Bearer x".to_owned()));
    }
    if kind & 0x40 != 0 {
        headers.push(("x-hub-signature".to_owned(), format!("sha256={kind:064x}")));
    }
    headers.into()
}

fn payload(body: &Body) -> Payload {
    Payload::Text(body.text())
}

fn messages(passed: &Passed, next: &mut u64) -> Vec<Message> {
    let id = |id: u8| u64::from(id % 8);
    let method = |number: u8| ["POST", "GET", "DELETE", ""][usize::from(number / 32) % 4].to_owned();
    let status =
        |number: u8| [202, 200, 201, 204, 301, 400, 401, 404, 409, 429, 500, 101][usize::from(number) % 12];
    let frame = |connection: u8, hub: bool, body: Payload| Frame {
        connection: id(connection),
        from: side(hub),
        body,
    };
    let exchange =
        |number: u64, url: String, kind: u8, method: String, body: Payload, code: u16, answer: Payload| {
            let request = Message::Request {
                exchange: number,
                method,
                url,
                headers: headers(kind),
                body,
                replaced: Vec::new(),
            };
            let response = Message::Response {
                exchange: number,
                status: code,
                headers: headers(1),
                body: answer,
                replaced: Vec::new(),
            };
            [request, response]
        };
    let one = match passed {
        Passed::Http {
            method: name,
            url,
            kind,
            body,
            status: code,
            answer,
        } => {
            *next += 1;
            let (url, name) = (Body::url(*url, ""), method(*name));
            return exchange(
                *next,
                url,
                *kind,
                name,
                payload(body),
                status(*code),
                payload(answer),
            )
            .into();
        }
        Passed::Subscribed {
            number,
            request,
            confirmation,
        } => {
            let answer = payload(&Body::Endpoint(*number));
            let url = Body::url(4 + (*number % 4) * 8, "");
            let mut all = Vec::new();
            *next += 2;
            all.extend(exchange(
                *next - 1,
                HUB.to_owned(),
                0,
                "POST".to_owned(),
                payload(request),
                202,
                answer,
            ));
            let nothing = || payload(&Body::Nothing);
            all.extend(exchange(
                *next,
                url.clone(),
                0,
                "GET".to_owned(),
                nothing(),
                101,
                nothing(),
            ));
            all.push(Message::Opened {
                connection: id(*number),
                exchange: *next,
                url,
            });
            all.push(Message::Text(frame(*number, true, payload(confirmation))));
            return all;
        }
        Passed::Request {
            id: number,
            method: name,
            url,
            kind,
            body,
        } => Message::Request {
            exchange: id(*number),
            method: method(*name),
            url: Body::url(*url, ""),
            headers: headers(*kind),
            body: payload(body),
            replaced: Vec::new(),
        },
        Passed::Response {
            id: number,
            status: code,
            body,
        } => Message::Response {
            exchange: id(*number),
            status: status(*code),
            headers: headers(*code),
            body: payload(body),
            replaced: Vec::new(),
        },
        Passed::Call {
            id: number,
            method: name,
            url,
            query,
            body,
        } => Message::CallbackRequest {
            exchange: 100 + id(*number),
            method: method(*name),
            url: Body::url(6 + (*url % 4) * 8, &query.query()),
            headers: headers(*url),
            body: payload(body),
        },
        Passed::CallAnswer {
            id: number,
            status: code,
            body,
        } => Message::CallbackResponse {
            exchange: 100 + id(*number),
            status: status(*code),
            headers: headers(*code),
            body: payload(body),
        },
        Passed::Unanswered(number, hub) => Message::NoResponse {
            exchange: u64::from(*number % 8) + if *number & 0x80 == 0 { 0 } else { 100 },
            from: side(*hub),
            problem: "reset".to_owned(),
        },
        Passed::Opened {
            connection,
            id: number,
            url,
        } => Message::Opened {
            connection: id(*connection),
            exchange: id(*number),
            url: Body::url(4 + (*url % 4) * 8, ""),
        },
        Passed::Text(connection, hub, body) => Message::Text(frame(*connection, *hub, payload(body))),
        Passed::Binary(connection, hub, body) => Message::Binary(frame(*connection, *hub, payload(body))),
        Passed::Ping(connection, hub) => Message::Ping(frame(*connection, *hub, payload(&Body::Nothing))),
        Passed::Closed(connection, hub, code) => Message::Closed {
            connection: id(*connection),
            from: side(*hub),
            code: *code,
            reason: String::new(),
        },
        Passed::Broken(connection, hub) => Message::Broken {
            connection: id(*connection),
            from: side(*hub),
            problem: "reset".to_owned(),
        },
        Passed::Note(text) => Message::Note { text: text.clone() },
        Passed::Gap => Message::Gap,
        Passed::Stopped => Message::Stopped,
    };
    vec![one]
}

fuzz_target!(|input: Input| {
    let version = version(input.version);
    let (mut at_ms, mut next) = (0.0, 1_000);
    let mut lines = Vec::new();
    for (wait, passed) in input.lines.iter().take(LINES) {
        // Most follow at once; some come after minutes.
        at_ms += if *wait < 0xf000 {
            f64::from(*wait % 64)
        } else {
            f64::from(*wait)
        };
        let passed = messages(passed, &mut next);
        lines.extend(passed.into_iter().map(|message| Line { at_ms, message }));
    }
    let recording = Recording {
        header: Header::now(HUB, vec![version]),
        conversation: RecordedConversation::decode(HUB, lines),
        cut: None,
        client: input.browser.then(|| "the browser".to_owned()),
    };
    let judged = Judged {
        hub: true,
        subscribers: true,
        base_fhir: BaseFhir::default(),
    };
    let judge = || {
        let events = judge_recording(&recording, version, judged, &CATALOGUE, &schemas(version));
        events.expect("the hub has a URL")
    };
    let events = judge();
    for event in &events {
        if let RunEvent::CheckJudged(check) = event {
            assert!(CATALOGUE.get(version, &check.requirement).is_some(), "{check:?}");
            assert!(!check.message.is_empty(), "{check:?}");
        }
    }
    // What is kept in a map without an order must not show. Texts may differ: secrets in them have other marks.
    let verdicts = |events: &[RunEvent]| {
        let checks = events.iter().filter_map(|event| match event {
            RunEvent::CheckJudged(check) => Some((check.id.clone(), check.verdict)),
            _ => None,
        });
        checks.collect::<Vec<_>>()
    };
    assert_eq!(verdicts(&events), verdicts(&judge()));
});
