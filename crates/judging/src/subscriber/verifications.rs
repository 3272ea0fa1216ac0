//! Intent verifications: what a subscriber wishes, and whether its answer says so (STU1 and STU2, Intent Verification).

use super::findings::{Breach, Subscriber};
use super::ids;
use super::judge::Judge;
use super::record::Place;
use super::state::{Ended, Spot};
use crate::protocol::Version;
use crate::schema::Unmet;

const HTML: &str = "text/html";
const NOT_FOUND: u16 = 404;

/// What the subscriber wishes of that which is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Subscribe,
    Unsubscribe,
    /// It never asked for that.
    Nothing,
    Unknown,
}

impl Wish {
    /// What an answer that does not come breaks.
    pub(super) fn requirement(self) -> Option<&'static str> {
        match self {
            Self::Subscribe => Some(ids::VERIFICATION_2XX),
            Self::Unsubscribe => Some(ids::VERIFICATION_UNSUBSCRIBE),
            Self::Nothing => Some(ids::VERIFICATION_DISAGREEMENT),
            Self::Unknown => None,
        }
    }
}

/// An intent verification that waits for its answer.
#[derive(Debug)]
pub(super) struct Verification {
    pub(super) wish: Wish,
    pub(super) subscription: Option<usize>,
    pub(super) challenge: Option<String>,
    pub(super) granted: Vec<String>,
}

/// What a callback answered.
#[derive(Debug)]
pub(super) struct Answered<'a> {
    pub(super) status: u16,
    pub(super) content_type: Option<&'a str>,
    pub(super) body: &'a [u8],
}

impl Answered<'_> {
    fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn is_html(&self) -> bool {
        self.content_type.is_some_and(|value| {
            let essence = value.split(';').next().unwrap_or_default();
            essence.trim().eq_ignore_ascii_case(HTML)
        })
    }

    /// Whether it echoes the challenge; where there is none, the hub is at fault.
    fn echoes(&self, verification: &Verification) -> bool {
        let challenge = verification.challenge.as_deref();
        challenge.is_none_or(|challenge| self.body == challenge.as_bytes())
    }
}

impl Judge {
    /// What the subscriber wishes that is asked about its subscription of this topic.
    pub(super) fn wish(
        &self,
        unsubscribe: bool,
        subscription: Option<usize>,
        url: &str,
        topic: &str,
    ) -> Wish {
        let known = subscription.and_then(|at| self.subscriptions.get(&at));
        let Some(known) = known else {
            return match self.was_asked_for(url, topic) {
                Some(false) => Wish::Nothing,
                _ => Wish::Unknown,
            };
        };
        let refused = known.ended.is_some_and(|(ended, _)| ended == Ended::Refused);
        // A hub may refuse an unsubscribe and verify it all the same.
        let left = known.webhook.as_ref().is_some_and(|webhook| webhook.left);
        match (unsubscribe, left) {
            (true, true) => Wish::Unsubscribe,
            // It wants to stay, and nobody is known to have asked for anything else.
            (true, false) if known.ended.is_none() => Wish::Nothing,
            (false, false) if known.ended.is_none() || refused => Wish::Subscribe,
            // Two requests may have crossed.
            _ => Wish::Unknown,
        }
    }

    /// An intent verification was answered; the spots are those of the question and of the answer.
    pub(super) fn verified(
        &mut self,
        who: &Subscriber,
        verification: &Verification,
        answered: &Answered<'_>,
        spots: [Spot; 2],
    ) {
        match verification.wish {
            Wish::Subscribe => self.subscription_verified(who, verification, answered, spots),
            Wish::Unsubscribe => self.unsubscribe_verified(who, verification, answered, spots),
            // Without a challenge it is no verification, and nothing that could be confirmed.
            Wish::Nothing if verification.challenge.is_none() => {}
            Wish::Nothing => {
                let breach = (answered.status != NOT_FOUND).then(|| {
                    breach(
                        format!(
                            "the verification of what was never asked for was answered with {}; answer it with 404",
                            answered.status
                        ),
                        spots,
                    )
                    .expecting("404")
                    .observing(answered.status.to_string())
                });
                self.judge(who, ids::VERIFICATION_DISAGREEMENT, breach);
            }
            Wish::Unknown => {}
        }
    }

    fn subscription_verified(
        &mut self,
        who: &Subscriber,
        verification: &Verification,
        answered: &Answered<'_>,
        spots: [Spot; 2],
    ) {
        let asked = verification
            .subscription
            .and_then(|at| self.subscriptions.get(&at))
            .map(|subscription| subscription.asked.clone())
            .unwrap_or_default();
        let other_case = verification
            .granted
            .iter()
            .any(|name| !asked.contains(name) && asked.iter().any(|event| event.eq_ignore_ascii_case(name)));
        if !answered.is_success() {
            self.judge_refusal(who, other_case, answered.status, spots);
            return;
        }
        self.held(who, ids::VERIFICATION_2XX);
        if other_case {
            self.held(who, ids::SUBSCRIBE_EVENTS_CASE);
        }
        let wrong_type = (!answered.is_html()).then(|| wrong_type(answered, spots));
        self.judge(who, ids::VERIFICATION_CONTENT_TYPE, wrong_type);
        if verification.challenge.is_some() {
            let wrong =
                (!answered.echoes(verification)).then(|| wrong_challenge(verification, answered, spots));
            self.judge(who, ids::VERIFICATION_CHALLENGE, wrong);
        }
        if let Some(at) = verification
            .subscription
            .filter(|_| answered.echoes(verification))
        {
            self.confirm_webhook(at, verification.granted.clone(), other_case, spots[1]);
        }
    }

    /// A subscription that was asked for is not confirmed.
    fn judge_refusal(&mut self, who: &Subscriber, other_case: bool, status: u16, spots: [Spot; 2]) {
        let changed_its_mind = status == NOT_FOUND;
        if other_case {
            let told = breach(
                format!(
                    "the verification of a subscription that was asked for was answered with {status}, as it writes the \
                     events in another case; event names are compared without regard to case"
                ),
                spots,
            );
            self.broken(who, ids::SUBSCRIBE_EVENTS_CASE, told.softened(Unmet::Warn));
            if changed_its_mind {
                return;
            }
        }
        let told = breach(
            format!(
                "the verification of a subscription that was asked for was answered with {status}; answer with 200 and \
                 the challenge, or with 404 where it is wished no more"
            ),
            spots,
        )
        .expecting("2xx")
        .observing(status.to_string());
        // Another may have asked in its name, or it has changed its mind.
        let unmet = if changed_its_mind {
            Unmet::Note
        } else {
            Unmet::ByLevel
        };
        self.broken(who, ids::VERIFICATION_2XX, told.softened(unmet));
    }

    fn unsubscribe_verified(
        &mut self,
        who: &Subscriber,
        verification: &Verification,
        answered: &Answered<'_>,
        spots: [Spot; 2],
    ) {
        let told = if !answered.is_success() {
            let status = answered.status;
            let told = breach(
                format!(
                    "the verification of an unsubscribe that was asked for was answered with {status}; answer with 200 \
                     and the challenge"
                ),
                spots,
            )
            .expecting("2xx")
            .observing(status.to_string());
            // Another may have asked in its name.
            let unmet = if status == NOT_FOUND {
                Unmet::Note
            } else {
                Unmet::ByLevel
            };
            Some(told.softened(unmet))
        } else if !answered.echoes(verification) {
            Some(wrong_challenge(verification, answered, spots))
        } else if !answered.is_html() {
            Some(wrong_type(answered, spots))
        } else {
            None
        };
        self.judge(who, ids::VERIFICATION_UNSUBSCRIBE, told);
        let Some(at) = verification.subscription else {
            return;
        };
        if answered.is_success() && answered.echoes(verification) {
            self.end_webhook(at, Ended::Unsubscribed, spots[1]);
        } else if self.settings.version == Version::Stu1
            && let Some(subscription) = self.subscriptions.get_mut(&at)
        {
            // Without its confirmation, the subscription goes on.
            subscription.unsubscribe = None;
        }
    }
}

fn breach(message: String, [question, answer]: [Spot; 2]) -> Breach {
    Breach::new(
        message,
        vec![Place::at(question.sequence), Place::at(answer.sequence)],
    )
}

fn wrong_type(answered: &Answered<'_>, spots: [Spot; 2]) -> Breach {
    let came = answered.content_type.unwrap_or("missing");
    breach(
        format!("the Content-Type of the answer to a verification is {came}; expected {HTML}"),
        spots,
    )
    .expecting(HTML)
    .observing(came)
}

fn wrong_challenge(verification: &Verification, answered: &Answered<'_>, spots: [Spot; 2]) -> Breach {
    let came: String = String::from_utf8_lossy(answered.body).chars().take(60).collect();
    breach(
        "the answer to a verification is another text than its challenge; the body is hub.challenge and no more".to_owned(),
        spots,
    )
    .expecting(verification.challenge.clone().unwrap_or_default())
    .observing(came)
}
