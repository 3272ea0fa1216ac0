//! A recorded conversation as the judge of subscribers takes it in.

use std::collections::HashSet;
use std::time::Duration;

use super::conversation::Conversation;
use crate::capture::{Message, Side};
use castspec_judging::subscriber::{Closer, Exchange, Frame, Observed};

/// What was observed, in order. Webhooks are left out: their subscribers are not judged.
pub(super) fn exchanges(conversation: &Conversation) -> Vec<Exchange> {
    let mut ended = HashSet::new();
    let lines = conversation.lines.iter();
    let exchanges = lines.filter_map(|line| {
        let observed = observed(&line.message, &mut ended)?;
        Some(Exchange {
            at: Duration::try_from_secs_f64(line.at_ms / 1_000.0).unwrap_or_default(),
            client: conversation.client.clone(),
            observed,
        })
    });
    exchanges.collect()
}

fn observed(message: &Message, ended: &mut HashSet<u64>) -> Option<Observed> {
    Some(match message {
        Message::Request {
            exchange,
            method,
            url,
            headers,
            body,
            ..
        } => Observed::Request {
            id: *exchange,
            method: method.clone(),
            url: url.clone(),
            headers: headers.to_vec(),
            body: body.bytes(),
        },
        Message::Response {
            exchange,
            status,
            headers,
            body,
            ..
        } => Observed::Answer {
            id: *exchange,
            status: *status,
            headers: headers.to_vec(),
            body: body.bytes(),
        },
        Message::Opened { connection, url, .. } => Observed::Opened {
            connection: *connection,
            url: url.clone(),
        },
        Message::Text(own) => passed(own.connection, own.from, Frame::Text(own.body.text())),
        Message::Binary(own) => passed(own.connection, own.from, Frame::Binary(own.body.bytes())),
        // The first end of a connection is the one that counts.
        Message::Closed {
            connection,
            from,
            code,
            ..
        } if ended.insert(*connection) => Observed::Closed {
            connection: *connection,
            by: match from {
                Side::Hub => Closer::Hub,
                Side::Subscriber => Closer::Subscriber,
            },
            code: *code,
        },
        Message::Broken { connection, .. } if ended.insert(*connection) => Observed::Closed {
            connection: *connection,
            by: Closer::Nobody,
            code: None,
        },
        Message::Gap => Observed::Gap,
        _ => return None,
    })
}

fn passed(connection: u64, from: Side, frame: Frame) -> Observed {
    match from {
        Side::Hub => Observed::FromHub { connection, frame },
        Side::Subscriber => Observed::FromSubscriber { connection, frame },
    }
}
