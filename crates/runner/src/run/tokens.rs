//! Which access token each subscriber shows, and what the hub owes to its life.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::scenario_run::ScenarioRun;
use super::target::Target;
use crate::client::{Answer, NoAnswer, OutgoingRequest, Spot};
use crate::judging::hub::rules;
use crate::protocol::{Access, EventName, FhircastScope, Scopes};
use crate::scenario::{Restriction, Scenario, Token, TokenWord};

/// The token that a subscriber shows in place of the target's own.
#[derive(Clone, Default)]
pub struct Credential {
    /// The token; none at all where `None`. Secret.
    token: Option<String>,
    /// What it may do; nothing where `None`.
    scopes: Option<Scopes>,
    /// When it expires, where that is known.
    expires: Option<Instant>,
}

impl Credential {
    /// A token that no server issued, and that says so to whoever finds it in a log.
    fn made_up() -> Self {
        Self {
            token: Some(format!("castspec-made-up-{}", Uuid::new_v4())),
            ..Self::default()
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// The token of the target that is like this; `began` is when the lives of tokens began to be counted.
pub fn credential(target: &Target, wanted: &Token, began: Instant) -> Option<Credential> {
    let rejected = |position: usize| {
        target.rejected.get(position).map(|rejected| Credential {
            token: Some(rejected.token.clone()),
            ..Credential::default()
        })
    };
    match wanted {
        Token::Word(TokenWord::None) => target.has_tokens().then(Credential::default),
        Token::Word(TokenWord::Rejected) => rejected(0),
        Token::Word(TokenWord::SecondRejected) => rejected(1),
        Token::Word(TokenWord::MadeUp) => target.has_tokens().then(Credential::made_up),
        Token::Restricted(wanted) => {
            let found = target
                .restricted
                .iter()
                .find(|restricted| fits(wanted, &restricted.scopes, restricted.expires_in))?;
            Some(Credential {
                token: Some(found.token.clone()),
                scopes: Some(found.scopes.clone()),
                expires: found.expires_in.and_then(|life| began.checked_add(life)),
            })
        }
    }
}

fn fits(wanted: &Restriction, scopes: &Scopes, expires_in: Option<Duration>) -> bool {
    // What is no access was found when the scenario was read.
    let allows = |word: &String| {
        FhircastScope::access_of(word).is_some_and(|(event, access)| scopes.allow(&event, access))
    };
    let in_time = wanted
        .expires_within
        .is_none_or(|most| expires_in.is_some_and(|life| life <= Duration::from_secs(most)));
    wanted.may.iter().all(allows) && !wanted.may_not.iter().any(allows) && in_time
}

/// Whether a subscriber may receive an event, whatever a confirmation says: the hub does not owe it the others (2.3 Context).
pub fn may_receive(credential: Option<&Credential>, event: &EventName) -> bool {
    credential.is_none_or(|credential| {
        let scopes = credential.scopes.as_ref();
        scopes.is_some_and(|scopes| scopes.allow(event, Access::Read))
    })
}

/// Which of a scenario's tokens the target does not name.
pub fn lacking(target: &Target, scenario: &Scenario, began: Instant) -> Option<String> {
    let mut wanted = scenario
        .document
        .subscribers
        .values()
        .filter_map(|subscriber| subscriber.token.as_ref());
    wanted
        .find(|wanted| credential(target, wanted, began).is_none())
        .map(|wanted| format!("the target names no token {}", wanted.describe()))
}

impl ScenarioRun<'_> {
    /// Sends a request with the token of who sends it; a hub that asks for patience is waited for.
    pub async fn transmit(&self, by: &str, request: &OutgoingRequest) -> Result<Answer, NoAnswer> {
        let _waiting = self.under_way.begin().await;
        let sent = self.send_with_token(by, request).await;
        if let Ok(answer) = &sent {
            self.state.begun.note(by, request, answer);
        }
        sent
    }

    async fn send_with_token(&self, by: &str, request: &OutgoingRequest) -> Result<Answer, NoAnswer> {
        let http = &self.setting.http;
        let mock = self.state.mocks.get(by);
        let Some(credential) = mock.and_then(|mock| mock.credential.as_ref()) else {
            return http.send_patiently(&self.state.log, by, request).await;
        };
        let mut request = request.clone();
        match &credential.token {
            Some(token) => request
                .headers
                .push(("Authorization".to_owned(), format!("Bearer {token}"))),
            None => request.without_token = true,
        }
        http.send_patiently(&self.state.log, by, &request).await
    }

    /// Has the lease of a subscription judged that was asked for with a token which expires.
    pub fn judge_lease(&mut self, name: &str, lease: Option<f64>, granted: Spot) {
        let mock = self.state.mocks.get(name);
        let credential = mock.and_then(|mock| mock.credential.as_ref());
        let (Some(expires), Some(lease)) = (credential.and_then(|credential| credential.expires), lease)
        else {
            return;
        };
        let left = expires.saturating_duration_since(self.state.log.instant(granted.at));
        rules::within_token(name, lease, left, granted, &mut self.judge);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Version;

    #[test]
    fn a_made_up_token_is_shown_where_tokens_are_used_and_never_twice() {
        let mut target = Target::new("https://hub.example.com/fhircast", Version::Stu3).unwrap();
        let wanted = Token::Word(TokenWord::MadeUp);
        let made_up = |target: &Target| credential(target, &wanted, Instant::now());
        assert!(made_up(&target).is_none(), "nobody uses tokens");
        target.approach.token = Some("everything".to_owned());
        let shown = || made_up(&target).unwrap();
        let (one, other) = (shown(), shown());
        assert!(one.token.as_ref().unwrap().starts_with("castspec-made-up-"));
        assert_ne!(one.token, other.token);
        let patient = "Patient-open".parse().unwrap();
        assert!(!may_receive(Some(&one), &patient), "it gives no access");
    }
}
