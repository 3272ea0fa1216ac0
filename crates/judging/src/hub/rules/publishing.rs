//! Where the hub takes published events (2.6).

use crate::Answer;
use crate::hub::{Breach, Judge, Place, ids};
use crate::schema::Unmet;

/// The hub takes published events nowhere; this is its answer at `hub.url`.
pub fn taken_nowhere(answer: &Answer, judge: &mut Judge) {
    let message = "the hub takes published events neither at hub.url nor at hub.url/{topic}";
    let breach = Breach::new(message, Place::exchange(answer))
        .expecting("hub.url takes published events")
        .observing(format!("status {}", answer.status));
    judge.broken(ids::PUBLISH_AT_HUB_URL, breach);
}

/// The hub takes published events with the topic appended to `hub.url` only.
pub fn taken_with_topic_in_url(answer: &Answer, judge: &mut Judge) {
    let message = "the hub takes published events at hub.url/{topic} and not at hub.url itself";
    let breach = Breach::new(message, Place::exchange(answer))
        .expecting("hub.url takes published events")
        .observing("404 or 405 there, and acceptance with the topic appended")
        .softened(Unmet::Warn);
    judge.broken(ids::PUBLISH_AT_HUB_URL, breach);
}
