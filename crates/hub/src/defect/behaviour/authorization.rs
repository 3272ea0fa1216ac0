//! Whose requests are taken, and for how long.

use std::time::Duration;

use super::Behaviour;
use crate::authorization::TokenProblem;
use crate::defect::Defect;

impl Behaviour {
    /// Whether a request with this problem is taken all the same.
    pub(crate) fn takes_despite(&self, problem: &TokenProblem) -> bool {
        self.has(match problem {
            TokenProblem::Missing | TokenProblem::OtherScheme => Defect::TokenNotDemanded,
            TokenProblem::Foreign => Defect::ForeignTokenTaken,
            TokenProblem::Expired(_) => Defect::ExpiredTokenTaken,
            TokenProblem::Revoked => return false,
        })
    }

    pub(crate) fn looks_at_scopes(&self) -> bool {
        !self.has(Defect::ScopesIgnored)
    }

    /// The end of the token that bounds a lease; `None` where none does.
    pub(crate) fn bound_of_lease(&self, token_until: Option<Duration>) -> Option<Duration> {
        token_until.filter(|_| !self.has(Defect::LeaseBeyondToken))
    }
}
