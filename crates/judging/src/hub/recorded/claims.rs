//! The claims of a recorded hub.

use crate::capture::conversation::{RecordedConversation, Request};
use crate::hub::Claims;
use crate::hub::claims::CAPABILITIES;
use crate::protocol::{Version, WELL_KNOWN_PATH};

/// The claims of the hub's configuration document; without one, every capability is claimed.
pub(super) fn claims(version: Version, recorded: &RecordedConversation) -> Claims {
    let document = recorded.exchanges().iter().rev().find_map(|exchange| {
        let is_configuration = exchange.request == Request::Configuration;
        let is_hubs = is_configuration && exchange.path.as_deref() == Some(WELL_KNOWN_PATH);
        let answer = exchange
            .answer()
            .filter(|answer| is_hubs && answer.status == 200)?;
        answer.json()
    });
    let mut claims = Claims::from_configuration(version, document.as_ref());
    if document.is_none() {
        for capability in CAPABILITIES {
            claims.set(capability, true, "the conversation");
        }
    }
    claims
}
