//! Calls to callbacks: intent verification, signatures, denials.

use super::Behaviour;
use crate::hub::session::{CallAnswer, CallMethod};
use crate::hub::signature::sign;
use crate::protocol::Denial;

type Parameters = Vec<(&'static str, String)>;

/// Intent verification.
impl Behaviour {
    /// Whether webhook subscriptions are refused though the hub says that it takes them.
    pub(in crate::hub) fn refuses_webhooks(&self) -> bool {
        false
    }

    /// Whether a subscription begins before its verification.
    pub(in crate::hub) fn activates_at_once(&self) -> bool {
        false
    }

    /// Whether subscriptions are verified at all.
    pub(in crate::hub) fn verifies_subscriptions(&self) -> bool {
        true
    }

    /// Whether unsubscribes are verified, where the version wants it.
    pub(in crate::hub) fn verifies_unsubscribes(&self) -> bool {
        true
    }

    /// What the callback is asked.
    pub(in crate::hub) fn verification(&self, parameters: Parameters, _challenge: &str) -> Parameters {
        parameters
    }

    /// The method of an intent verification.
    pub(in crate::hub) fn verification_method(&self) -> CallMethod {
        CallMethod::Get
    }

    /// Whether the callback's own query string is kept when it is asked.
    pub(in crate::hub) fn keeps_query_in_verification(&self) -> bool {
        true
    }

    /// Whether the answer confirms the request: any 2xx with the challenge as its body.
    pub(in crate::hub) fn confirms(&self, challenge: &str, answer: &CallAnswer) -> bool {
        match answer {
            CallAnswer::Answered { status, body } => {
                (200..300).contains(status) && body.as_deref() == Some(challenge)
            }
            CallAnswer::Failed(_) => false,
        }
    }

    /// Whether a request is carried out though its verification failed.
    pub(in crate::hub) fn ignores_failed_verifications(&self) -> bool {
        false
    }
}

/// Notifications and denials.
impl Behaviour {
    /// The method of a notification.
    pub(in crate::hub) fn notification_method(&self) -> CallMethod {
        CallMethod::Post
    }

    /// Whether the callback's own query string is kept when it is sent a notification.
    pub(in crate::hub) fn keeps_query_in_notifications(&self) -> bool {
        true
    }

    /// The signature of a notification; `None` where it has none.
    pub(in crate::hub) fn signature(&self, secret: Option<&str>, text: &str) -> Option<String> {
        secret.map(|secret| sign(secret, text.as_bytes()))
    }

    /// What a callback is told of the end of its subscription; `None` where it is told nothing.
    pub(in crate::hub) fn callback_denial(&self, denial: &Denial) -> Option<Parameters> {
        let mut parameters = vec![
            ("hub.mode", denial.mode.clone()),
            ("hub.topic", denial.topic.clone()),
            ("hub.events", denial.events.clone()),
        ];
        if let Some(reason) = &denial.reason {
            parameters.push(("hub.reason", reason.clone()));
        }
        Some(parameters)
    }

    /// The method of a denial.
    pub(in crate::hub) fn denial_method(&self) -> CallMethod {
        CallMethod::Get
    }

    /// Whether a secret's length is checked.
    pub fn checks_secret_length(&self) -> bool {
        true
    }
}
