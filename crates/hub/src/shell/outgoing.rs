//! One message on its way out of the hub, to a socket or to a callback.

use std::time::Duration;

use bytestring::ByteString;

use crate::faults::DeliveryKind;
use crate::session::{Call, CallId, Purpose, SubscriberId};

/// A message that is about to leave.
#[derive(Debug, Clone)]
pub(super) enum Outgoing {
    Text {
        subscriber: SubscriberId,
        text: ByteString,
    },
    Call {
        call: CallId,
        request: Call,
        timeout: Duration,
    },
}

impl Outgoing {
    pub(super) fn kind(&self) -> DeliveryKind {
        match self {
            Self::Text { .. } => DeliveryKind::Notification,
            Self::Call { request, .. } => match request.purpose {
                Purpose::Verification => DeliveryKind::Verification,
                Purpose::Notification => DeliveryKind::Notification,
                Purpose::Denial => DeliveryKind::Denial,
            },
        }
    }

    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text { text, .. } => text,
            Self::Call { request, .. } => request.body.as_deref().unwrap_or_default(),
        }
    }

    /// The same message with another text, where it has one.
    pub(super) fn with_text(mut self, new: String) -> Self {
        match &mut self {
            Self::Text { text, .. } => *text = new.into(),
            Self::Call { request, .. } => {
                if let Some(body) = &mut request.body {
                    *body = new.into();
                }
            }
        }
        self
    }
}
