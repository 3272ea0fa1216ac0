//! The acknowledgements in a record: over WebSockets they are frames, from callbacks they are answers to the calls.

use std::sync::Arc;

use serde_json::Value;

use crate::outcome::{Entry, Traffic};
use crate::protocol::{Acknowledgement, Status};
use crate::sole;

/// The acknowledgement that this entry of the record is, if it is one.
pub fn acknowledgement_in(entry: &Entry, record: &[Arc<Entry>]) -> Option<Acknowledgement> {
    match &entry.traffic {
        Traffic::FrameSent { text, .. } => Acknowledgement::parse(text).ok(),
        Traffic::CallbackResponse { to, status, .. } => {
            let Traffic::CallbackRequest { body, .. } = &record.get(*to)?.traffic else {
                return None;
            };
            let message: Value = serde_json::from_str(body).ok()?;
            let status = Status {
                code: *status,
                as_text: false,
            };
            Some(Acknowledgement::with_status(
                sole(&message).get("id")?.as_str()?,
                status,
            ))
        }
        _ => None,
    }
}

/// All acknowledgements of a record, each with where it stands.
pub fn acknowledgements(record: &[Arc<Entry>]) -> impl Iterator<Item = (&Entry, Acknowledgement)> {
    record
        .iter()
        .filter_map(|entry| Some((&**entry, acknowledgement_in(entry, record)?)))
}
