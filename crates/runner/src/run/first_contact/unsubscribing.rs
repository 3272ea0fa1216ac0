//! Unsubscribing at first contact.

use super::{Contact, End, said};
use crate::client::{NoAnswer, OutgoingRequest};
use crate::judging::hub::{Breach, Place, ids};
use crate::protocol::Version;

impl Contact<'_> {
    /// Unsubscribes as the specification has it; where the hub refuses that, with `hub.events`.
    pub(super) async fn unsubscribe(&mut self) -> Result<(), End> {
        if self.setting.target.dialect.unsubscribe_with_events.is_some() {
            return Ok(());
        }
        let Some((name, plain)) = ["listener", "probe"].into_iter().find_map(|name| {
            let mock = self.run.mock(name).ok()?;
            let endpoint = mock.endpoint().filter(|_| mock.has_open_socket())?;
            Some((name, self.run.unsubscribe_request(mock, endpoint)))
        }) else {
            return Ok(());
        };
        let hub_url = self.setting.dialect.hub_url();
        let refused = match self
            .run
            .transmit(name, &OutgoingRequest::form(hub_url, &plain.to_pairs()))
            .await
        {
            Ok(answer) if answer.is_accepted() => return Ok(()),
            Ok(answer) => answer,
            Err(error) => return self.unsubscribe_unanswered(&error).await,
        };
        let mut with_events = plain;
        with_events.events = self.run.mock(name).ok().map(|mock| mock.events.clone());
        let request = OutgoingRequest::form(hub_url, &with_events.to_pairs());
        let Ok(accepted) = self.run.transmit(name, &request).await else {
            return Ok(());
        };
        if !accepted.is_accepted() {
            return Ok(());
        }
        self.setting.dialect.learn_events_of_unsubscribes();
        self.judge.reading(
            "events-of-an-unsubscribe",
            "the hub takes an unsubscribe only with hub.events",
        );
        let breaks = self.setting.target.version == Version::Stu2;
        if breaks {
            let breach = Breach::new(
                "the hub refuses a proper unsubscribe, and takes it with hub.events, which STU2 forbids there",
                Place::exchange(&refused),
            )
            .expecting("202 Accepted")
            .observing(format!("status {}: {}", refused.status, said(&refused)));
            self.judge.broken(ids::UNSUBSCRIBE_202, breach);
        }
        self.accommodate(
            "every unsubscribe names hub.events".to_owned(),
            breaks.then_some(ids::UNSUBSCRIBE_202),
        );
        Ok(())
    }

    /// A proper unsubscribe got no answer. A hub that goes down on it is left by closing WebSockets from now on.
    async fn unsubscribe_unanswered(&mut self, error: &NoAnswer) -> Result<(), End> {
        let told = format!("POST {} hub.mode=unsubscribe", self.setting.dialect.hub_url());
        if !self.run.is_lost(&told, &error.problem).await {
            // That it gives no answer is judged by the scenarios.
            return Ok(());
        }
        let message = format!("the hub went down on a proper unsubscribe: {}", error.problem);
        let breach = Breach::new(message, vec![Place::at(error.spot.sequence)])
            .expecting("202 Accepted")
            .observing(error.problem.clone());
        self.judge.broken(ids::UNSUBSCRIBE_202, breach);
        self.setting.dialect.learn_that_it_goes_down_on_unsubscribes();
        self.accommodate(
            "a scenario ends by closing its WebSockets, without unsubscribing".to_owned(),
            Some(ids::UNSUBSCRIBE_202),
        );
        match self.wait_for_the_hub().await {
            true => Ok(()),
            false => Err(End::Judged),
        }
    }
}
