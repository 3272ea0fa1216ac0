//! Calls to callbacks: intent verification, signatures, denials.

use std::borrow::Cow;

use super::{Behaviour, with};
use crate::defect::Defect;
use crate::protocol::Denial;
use crate::protocol::signature::{digest, sign};
use crate::session::{CallAnswer, CallMethod, Query};

type Parameters = Vec<(&'static str, String)>;

fn set(parameters: &mut Parameters, name: &str, value: &str) {
    for (parameter, old) in parameters {
        if *parameter == name {
            value.clone_into(old);
        }
    }
}

/// Intent verification.
impl Behaviour {
    /// Whether webhook subscriptions are refused though the hub says that it takes them.
    pub(crate) fn refuses_webhooks(&self) -> bool {
        self.has(Defect::WebhookRefused)
    }

    /// Whether a subscription begins before its verification.
    pub(crate) fn activates_at_once(&self) -> bool {
        self.has(Defect::VerificationSkipped) || self.has(Defect::DeliversBeforeVerification)
    }

    /// Whether subscriptions are verified at all.
    pub(crate) fn verifies_subscriptions(&self) -> bool {
        !self.has(Defect::VerificationSkipped)
    }

    /// Whether unsubscribes are verified, where the version wants it.
    pub(crate) fn verifies_unsubscribes(&self) -> bool {
        !self.has(Defect::UnsubscribeUnverified)
    }

    /// The challenge of a verification.
    pub(crate) fn challenge(&self, random: String) -> String {
        if self.has(Defect::ChallengeConstant) {
            "castspec".to_owned()
        } else {
            random
        }
    }

    /// The parameters of the question to the callback.
    pub(crate) fn verification(&self, mut parameters: Parameters) -> Parameters {
        if self.is_clean() {
            return parameters;
        }
        if self.has(Defect::VerificationOtherMode) {
            let subscribes = parameters.iter().any(|(_, value)| value == "subscribe");
            let other = if subscribes { "unsubscribe" } else { "subscribe" };
            set(&mut parameters, "hub.mode", other);
        }
        for (defect, name, value) in [
            (Defect::VerificationWrongMode, "hub.mode", "verify"),
            (Defect::VerificationWrongTopic, "hub.topic", "another topic"),
            (Defect::VerificationOtherEvents, "hub.events", "org.example.other"),
        ] {
            if self.has(defect) {
                set(&mut parameters, name, value);
            }
        }
        for (defect, name) in [
            (Defect::VerificationWithoutMode, "hub.mode"),
            (Defect::VerificationWithoutTopic, "hub.topic"),
            (Defect::VerificationWithoutEvents, "hub.events"),
            (Defect::VerificationWithoutLease, "hub.lease_seconds"),
            (Defect::ChallengeMissing, "hub.challenge"),
        ] {
            if self.has(defect) {
                parameters.retain(|(parameter, _)| *parameter != name);
            }
        }
        parameters
    }

    /// The method of an intent verification.
    pub(crate) fn verification_method(&self) -> CallMethod {
        if self.has(Defect::VerificationAsPost) {
            CallMethod::Post
        } else {
            CallMethod::Get
        }
    }

    /// The place of the callback's own query string in a verification.
    pub(crate) fn query_of_verification(&self) -> Query {
        if self.has(Defect::VerificationQueryDropped) {
            Query::Dropped
        } else if self.has(Defect::VerificationQueryPrepended) {
            Query::Behind
        } else {
            Query::Kept
        }
    }

    /// Whether the answer confirms the request: any 2xx with the challenge as its body.
    pub(crate) fn confirms(&self, challenge: &str, answer: &CallAnswer) -> bool {
        match answer {
            CallAnswer::Answered { status, .. } if !(200..300).contains(status) => match status {
                300..400 => self.has(Defect::VerificationRedirectTaken),
                400..500 => self.has(Defect::VerificationClientErrorTaken),
                500..600 => self.has(Defect::VerificationServerErrorTaken),
                _ => false,
            },
            CallAnswer::Answered { body, .. } => {
                body.as_deref() == Some(challenge)
                    || self.has(Defect::ChallengeNotCompared)
                    || self.has(Defect::ChallengeMissing)
            }
            CallAnswer::Failed(_) => false,
        }
    }

    /// Whether a request whose verification fails ends what the callback was subscribed to before.
    pub(crate) fn unsubscribes_on_failure(&self) -> bool {
        self.has(Defect::FailedVerificationUnsubscribes)
    }

    /// Whether an unsubscribe is carried out that the callback does not confirm.
    pub(crate) fn unsubscribes_despite_refusal(&self) -> bool {
        self.has(Defect::UnsubscribeDespiteRefusal)
    }

    /// Whether the others are told of a callback that cannot be reached or does not answer.
    pub(crate) fn reports_unreachable(&self) -> bool {
        !self.has(Defect::UnreachableUntold)
    }

    /// Whether requests for webhooks are accepted and nothing follows.
    pub(crate) fn forgets_webhooks(&self) -> bool {
        self.has(Defect::WebhookForgotten) || self.has(Defect::WebhookUnsupportedTaken)
    }

    /// Whether a secret's length is checked.
    pub fn checks_secret_length(&self) -> bool {
        !self.has(Defect::SecretTooLongTaken)
    }
}

/// Notifications and denials.
impl Behaviour {
    /// The method of a notification.
    pub(crate) fn notification_method(&self) -> CallMethod {
        if self.has(Defect::NotificationAsPut) {
            CallMethod::Put
        } else {
            CallMethod::Post
        }
    }

    /// The place of the callback's own query string in a notification.
    pub(crate) fn query_of_notifications(&self) -> Query {
        if self.has(Defect::NotificationQueryDropped) {
            Query::Dropped
        } else {
            Query::Kept
        }
    }

    /// The body of a notification to a callback, where it is not the notification itself.
    pub(crate) fn callback_body(&self, callback: &str, text: &str) -> Option<String> {
        if self.has(Defect::NotificationNotJson) {
            return Some(format!("<html><body><pre>{text}</pre></body></html>"));
        }
        let (_, query) = callback.split_once('?')?;
        if !self.has(Defect::NotificationQueryInBody) {
            return None;
        }
        let mut message = serde_json::from_str(text).ok()?;
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            message = with(message, &name, value.as_ref());
        }
        Some(message.to_string())
    }

    /// Whether the other callbacks receive nothing while one has not taken its last notification.
    pub(crate) fn stops_at_failing_callbacks(&self) -> bool {
        self.has(Defect::FailingCallbackStopsOthers)
    }

    /// Whether a later request's secret is not taken over.
    pub(crate) fn keeps_earlier_secrets(&self) -> bool {
        self.has(Defect::SignatureOfEarlierSecret)
    }

    /// The key that is made of a subscriber's secret.
    fn key<'a>(&self, secret: &'a str) -> Cow<'a, str> {
        let cut_to = |bytes| Cow::Borrowed(secret.get(..secret.floor_char_boundary(bytes)).unwrap_or(secret));
        if self.has(Defect::SecretCutTo64Bytes) {
            cut_to(64)
        } else if self.has(Defect::SecretCutTo16Bytes) {
            cut_to(16)
        } else if self.has(Defect::SecretDecodedTwice) {
            // What would part a form is kept from parting the secret.
            let encoded = secret.replace('&', "%26").replace('=', "%3D");
            let decoded = url::form_urlencoded::parse(encoded.as_bytes()).next();
            decoded.map_or(Cow::Borrowed(secret), |(name, _)| Cow::Owned(name.into_owned()))
        } else {
            Cow::Borrowed(secret)
        }
    }

    /// The signature of a notification; `None` where it has none.
    pub(crate) fn signature(&self, secret: Option<&str>, text: &str) -> Option<String> {
        let secret = &self.key(secret?);
        if self.has(Defect::SignatureMissing) {
            return None;
        }
        let digest_of = |text: &str| digest(secret.as_bytes(), text.as_bytes());
        Some(if self.has(Defect::SignatureWrongKey) {
            sign("castspec", text.as_bytes())
        } else if self.has(Defect::SignatureOtherBytes) {
            sign(secret, format!("{text}\n").as_bytes())
        } else if self.has(Defect::SignatureWithoutMethod) {
            hex::encode(digest_of(text))
        } else if self.has(Defect::SignatureUnknownMethod) {
            format!("castspec={}", hex::encode(digest_of(text)))
        } else if self.has(Defect::SignatureNotHexadecimal) {
            let numbers: Vec<_> = digest_of(text).iter().map(u8::to_string).collect();
            format!("sha256={}", numbers.join(","))
        } else {
            sign(secret, text.as_bytes())
        })
    }

    /// The parameters that tell a callback of the end of its subscription.
    pub(crate) fn callback_denial(&self, denial: &Denial) -> Parameters {
        let mut parameters = vec![
            ("hub.mode", denial.mode.clone()),
            ("hub.topic", denial.topic.clone()),
            ("hub.events", denial.events.clone()),
        ];
        if let Some(reason) = &denial.reason {
            parameters.push(("hub.reason", reason.clone()));
            if self.has(Defect::DenialReasonTwice) {
                parameters.push(("hub.reason", reason.clone()));
            }
        }
        if self.has(Defect::DenialWrongMode) {
            set(&mut parameters, "hub.mode", "unsubscribe");
        }
        if self.has(Defect::DenialWrongTopic) {
            set(&mut parameters, "hub.topic", &format!("not-{}", denial.topic));
        }
        if self.has(Defect::DenialOtherEvents) {
            set(&mut parameters, "hub.events", super::subscriptions::UNASKED);
        }
        for (defect, name) in [
            (Defect::DenialWithoutTopic, "hub.topic"),
            (Defect::DenialWithoutEvents, "hub.events"),
        ] {
            if self.has(defect) {
                parameters.retain(|(parameter, _)| *parameter != name);
            }
        }
        parameters
    }

    /// The method of a denial.
    pub(crate) fn denial_method(&self) -> CallMethod {
        if self.has(Defect::DenialAsPost) {
            CallMethod::Post
        } else {
            CallMethod::Get
        }
    }

    /// The place of the callback's own query string in a denial.
    pub(crate) fn query_of_denials(&self) -> Query {
        if self.has(Defect::DenialQueryDropped) {
            Query::Dropped
        } else {
            Query::Kept
        }
    }
}
