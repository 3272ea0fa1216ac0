//! What a recorded hub supports.

use serde_json::Value;
use url::Url;

use crate::capture::{Line, Message};
use crate::hub::Claims;
use crate::hub::claims::CAPABILITIES;
use crate::protocol::{Version, WELL_KNOWN_PATH};

/// What the hub says that it supports; where it was not asked, whatever it was seen to do.
pub(super) fn claims(version: Version, hub_url: &Url, lines: &[Line]) -> Claims {
    let path = format!("{}{WELL_KNOWN_PATH}", hub_url.as_str().trim_end_matches('/'));
    let asked: Vec<u64> = lines
        .iter()
        .filter_map(|line| match &line.message {
            Message::Request { exchange, url, .. } if *url == path => Some(*exchange),
            _ => None,
        })
        .collect();
    let document = lines.iter().rev().find_map(|line| match &line.message {
        Message::Response {
            exchange,
            status: 200,
            body,
            ..
        } if asked.contains(exchange) => serde_json::from_str::<Value>(&body.text()).ok(),
        _ => None,
    });
    let mut claims = Claims::from_configuration(version, document.as_ref());
    if document.is_none() {
        for capability in CAPABILITIES {
            claims.set(capability, true, "the conversation");
        }
    }
    claims
}
