//! Whether the hub demands access tokens, where nobody has said so: it refuses a subscription without one by 401 or 403, and takes
//! the same with one (ambiguities, 82 and 86).

use super::Contact;
use super::survey::SURVEYOR;
use crate::requirement::Capability;
use crate::run::tokens::Credential;

impl Contact<'_> {
    /// Subscribes without the target's token, and then with it.
    pub(super) async fn try_without_token(&mut self) {
        let target = &self.setting.target;
        // The operator's word goes before what the hub shows.
        if target.approach.token.is_none() || target.claims.contains_key(&Capability::Authorization) {
            return;
        }
        let event = self.event.clone();
        self.follow(SURVEYOR, std::slice::from_ref(&event));
        self.show(Some(Credential::default()));
        let without = self.ask(SURVEYOR).await;
        self.show(None);
        let Ok(without) = without else { return };
        if !matches!(without.status, 401 | 403) {
            return;
        }
        // A hub that refuses this subscriber anyhow has said nothing of tokens.
        let with = self.ask(SURVEYOR).await;
        self.demands_tokens = with.is_ok_and(|answer| answer.is_accepted());
    }

    /// The surveyor shows this in place of the target's own token from now on.
    fn show(&mut self, credential: Option<Credential>) {
        if let Ok(mock) = self.run.mock_mut(SURVEYOR) {
            mock.credential = credential;
        }
    }
}
