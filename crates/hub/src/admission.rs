//! The permissions of a request: its token's scopes and life, where the hub demands tokens (2.2, 2.3, 2.4).

use std::time::Duration;

use super::clock::Now;
use super::refusal::Refusal;
use crate::authorization::Grant;
use crate::protocol::{Access, EventName, FhircastScope};

/// The permissions of a request; everything, for ever, where the hub demands no tokens.
#[derive(Debug, Clone, Default)]
pub struct Admission {
    grant: Option<Grant>,
    /// Whether the token's scopes count.
    scoped: bool,
}

impl Admission {
    /// The permissions that a token gives; everything while it lasts, where its scopes do not count.
    pub fn by(grant: Grant, scoped: bool) -> Self {
        Self {
            grant: Some(grant),
            scoped,
        }
    }

    /// Whether it allows this.
    pub fn allows(&self, event: &EventName, access: Access) -> bool {
        let grant = self.grant.as_ref().filter(|_| self.scoped);
        grant.is_none_or(|grant| grant.scopes.allow(event, access))
    }

    /// Refuses another topic than the one that the token is for: whose session it is, the launch has told (2.1).
    ///
    /// # Errors
    /// When the token is for another topic.
    pub fn admit_to(&self, topic: &str) -> Result<(), Refusal> {
        let own = self.grant.as_ref().and_then(|grant| grant.topic.as_deref());
        match own {
            Some(own) if own != topic => {
                let reason = format!(
                    "hub.topic: the access token is for the topic '{own}', which its launch gave, and for no other; the \
                     topic of the request needs a token of its own (FHIRcast STU3, 2.1 Session Discovery)"
                );
                let challenge = "error=\"insufficient_scope\", error_description=\"it is for another topic\"";
                Err(Refusal::new(403, reason).with_challenge(challenge))
            }
            _ => Ok(()),
        }
    }

    /// The end of the permissions, in time since the hub's start; `None` where they have none.
    pub fn until(&self, now: Now) -> Option<Duration> {
        let grant = self.grant.as_ref()?;
        let left = Duration::try_from(grant.expires.duration_since(now.wall)).unwrap_or_default();
        Some(now.elapsed.saturating_add(left))
    }

    /// The refusal of what it does not allow (RFC 6750, 3.1).
    pub fn refuse(place: &str, event: &EventName, access: Access) -> Refusal {
        let scope = FhircastScope::new(event.clone(), access).to_string();
        let purpose = match access {
            Access::Read => "to receive it",
            Access::Write => "to request it",
        };
        let reason = format!(
            "{place}: the access token does not have the scope {scope}, which '{event}' needs for a subscriber {purpose} \
             (FHIRcast STU3, 2.2 FHIRcast Scopes)"
        );
        Refusal::new(403, reason).with_challenge(format!("error=\"insufficient_scope\", scope=\"{scope}\""))
    }
}

/// The whole seconds that are left of a token, at least one: the longest lease there can be.
pub(super) fn seconds_left(until: Option<Duration>, now: Now) -> u64 {
    until.map_or(u64::MAX, |until| {
        until.saturating_sub(now.elapsed).as_secs().max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Scopes;

    #[test]
    fn a_token_is_for_its_own_topic_or_for_all() {
        let grant = |topic: Option<&str>| Grant {
            client: "viewer".to_owned(),
            scopes: Scopes::parse("fhircast/*.*").unwrap(),
            expires: jiff::Timestamp::MAX,
            launch: None,
            topic: topic.map(str::to_owned),
        };
        for scoped in [true, false] {
            let own = Admission::by(grant(Some("t")), scoped);
            assert_eq!(own.admit_to("t"), Ok(()));
            for other in ["T", "t ", ""] {
                let refusal = own.admit_to(other).unwrap_err();
                assert_eq!(refusal.status, 403);
                assert!(refusal.challenge.unwrap().contains("insufficient_scope"));
            }
            assert_eq!(Admission::by(grant(None), scoped).admit_to("any"), Ok(()));
        }
        assert_eq!(Admission::default().admit_to("any"), Ok(()));
    }
}
