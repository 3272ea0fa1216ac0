//! Publishing at first contact: where, and in which media type, until an event is delivered.

use std::time::Instant;

use super::{Contact, End};
use crate::client::{Answer, NoAnswer, OutgoingRequest};
use crate::judging::hub::{Breach, Place, ids, rules};
use crate::run::dialect::PublishingManner;
use crate::run::publishing::Tried;

impl Contact<'_> {
    /// Publishes in one manner after the other until an event is delivered.
    pub(super) async fn publish(&mut self) -> Result<(), End> {
        let mut answered: Vec<(PublishingManner, Answer)> = Vec::new();
        let mut unanswered = 0;
        for manner in self.setting.dialect.manners() {
            let event = self.event.clone();
            let Ok(tried) = self.run.try_to_publish("probe", &event, manner).await else {
                return Err(End::Enough);
            };
            let Tried {
                request,
                sent,
                position,
            } = tried;
            let answer = match sent {
                Ok(answer) => answer,
                Err(error) => {
                    unanswered += 1;
                    self.publication_unanswered(&request, &error).await?;
                    continue;
                }
            };
            let delivered = answer.is_accepted() && self.is_delivered(position).await;
            answered.push((manner, answer));
            if delivered {
                self.learn_manner(manner, &answered);
                return Ok(());
            }
        }
        if answered.is_empty() && unanswered > 0 {
            let why = "the hub answers no published event, wherever and however it is published (seen at first contact)";
            self.setting.dialect.learn_that_publications_hang(why);
            self.accommodate(
                "nothing is published any more: what needs a published event is not judged".to_owned(),
                Some(ids::PUBLISH_ANSWERED),
            );
            return Ok(());
        }
        let accepted = answered.iter().find(|(_, answer)| answer.is_accepted());
        match (accepted, answered.first()) {
            // That it is not delivered is judged by the scenarios.
            (Some((manner, _)), _) => self.setting.dialect.learn(*manner),
            (None, Some((_, first))) if first.status >= 400 && !matches!(first.status, 401 | 403) => {
                let told = answered
                    .iter()
                    .map(|(manner, answer)| {
                        let dialect = &self.setting.dialect;
                        let place = match manner.has_topic_in_url() {
                            true => "at hub.url/{topic}",
                            false => "at hub.url",
                        };
                        format!("{} {place} as {}", answer.status, dialect.media_type(*manner))
                    })
                    .collect::<Vec<_>>()
                    .join(", ");
                let breach = Breach::new(
                    "the hub takes no proper event, wherever and however it is published",
                    Place::exchange(first),
                )
                .expecting("hub.url takes published events")
                .observing(told);
                self.judge.broken(ids::PUBLISH_AT_HUB_URL, breach);
            }
            _ => {}
        }
        Ok(())
    }

    /// The hub delivered an event that was published in the last of these manners, and in none before.
    fn learn_manner(&mut self, manner: PublishingManner, answered: &[(PublishingManner, Answer)]) {
        let dialect = &self.setting.dialect;
        dialect.learn(manner);
        let media_type = dialect.media_type(manner).to_owned();
        let Some(((_, delivered), before)) = answered.split_last() else {
            return;
        };
        let same_place = |other: &PublishingManner| other.has_topic_in_url() == manner.has_topic_in_url();
        if before.iter().any(|(other, _)| same_place(other)) {
            let reading = format!("the hub takes published events as {media_type}");
            self.judge.reading("media-type-of-published-events", &reading);
        }
        let forgotten = before
            .iter()
            .find(|(other, answer)| answer.is_accepted() && same_place(other));
        if let Some((other, answer)) = forgotten {
            let other_type = self.setting.dialect.media_type(*other);
            let message = format!(
                "the hub accepted an event published as {other_type} and delivered it to nobody; published as {media_type} \
                 it was delivered"
            );
            let breach = Breach::new(&message, Place::exchange(answer))
                .expecting("the event is delivered, or refused")
                .observing(format!("status {}, and no notification", answer.status));
            self.judge.broken(ids::DELIVERED, breach);
            self.accommodate(
                format!("events are published as {media_type}"),
                Some(ids::DELIVERED),
            );
        }
        if manner.has_topic_in_url() {
            let refused = before.iter().any(|(other, _)| !other.has_topic_in_url());
            if refused {
                rules::taken_with_topic_in_url(delivered, &mut self.judge);
            }
            let cause = match refused {
                true => ids::PUBLISH_AT_HUB_URL,
                // At hub.url there was no answer, and that is told.
                false => ids::PUBLISH_ANSWERED,
            };
            self.accommodate("events are published at hub.url/{topic}".to_owned(), Some(cause));
        }
    }

    /// Whether a copy of the publication comes to one of the two in time.
    async fn is_delivered(&self, position: usize) -> bool {
        let deadline = Instant::now() + self.setting.target.timing.response;
        let came = |name: &'static str| {
            let inbox = self.run.mock(name).ok().map(|mock| mock.inbox.clone());
            async move {
                let inbox = inbox?;
                inbox
                    .wait(deadline, |received, _| {
                        received
                            .iter()
                            .any(|message| self.run.state.origin(message) == Some(position))
                            .then_some(())
                    })
                    .await
            }
        };
        let (probe, listener) = (came("probe"), came("listener"));
        tokio::pin!(probe, listener);
        tokio::select! {
            Some(()) = &mut probe => true,
            Some(()) = &mut listener => true,
            else => false,
        }
    }

    /// A published event got no answer: told, and where the hub comes back, the next manner is tried there.
    async fn publication_unanswered(
        &mut self,
        request: &OutgoingRequest,
        error: &NoAnswer,
    ) -> Result<(), End> {
        let told = format!(
            "{} {} as {}",
            request.method,
            request.url,
            request.headers.first().map_or("", |(_, value)| value)
        );
        let gone = self.run.is_lost(&told, &error.problem).await;
        let message = match gone {
            true => format!(
                "the hub went down on a published event ({told}): {}",
                error.problem
            ),
            false => format!(
                "the hub gave no answer to a published event ({told}): {}",
                error.problem
            ),
        };
        let breach = Breach::new(
            &message,
            vec![
                Place::at(error.spot.sequence.saturating_sub(1)),
                Place::at(error.spot.sequence),
            ],
        )
        .expecting("an HTTP answer: the event is accepted or refused")
        .observing(error.problem.clone());
        self.judge.broken(ids::PUBLISH_ANSWERED, breach);
        if !gone {
            return Ok(());
        }
        if !self.wait_for_the_hub().await {
            return Err(End::Judged);
        }
        // What the hub knew of subscriptions is gone with it.
        self.subscribe("probe", false).await?;
        if !self.is_webhook() {
            self.connect("probe", false).await?;
        }
        Ok(())
    }
}
