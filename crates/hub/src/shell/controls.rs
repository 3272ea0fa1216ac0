//! Control of a running hub: a look at its sessions, events and texts of its own, faults and defects.

use std::sync::{Arc, Weak};

use serde_json::value::RawValue;

use super::fault_injection::FaultInjection;
use super::registry::Registry;
use super::topic::Topic;
use crate::browsers::Browsers;
use crate::defect::Defect;
use crate::faults::{FaultRules, RuleId};
use crate::identifiers::{Identifiers, RandomIdentifiers};
use crate::protocol::{EventName, Notification, Timestamp, Version};
use crate::refusal::Refusal;
use crate::session::{SessionOverview, SubscriberId};

/// The thing that was named does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotThere {
    /// The hub does not speak this version.
    #[error("this hub does not speak {0}")]
    Version(Version),
    /// Nobody has subscribed to this topic or published to it.
    #[error("there is no topic '{0}'; GET /topics lists them")]
    Topic(String),
    /// There is no such subscription, or none with a WebSocket that is open where one is needed.
    #[error("the topic has no subscriber {0} with an open WebSocket")]
    Socket(u64),
    /// There is no such subscription.
    #[error("the topic has no subscriber {0}; GET /topics lists them")]
    Subscriber(u64),
}

/// An event that the hub itself published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The id of the event.
    pub id: String,
}

/// A look into a running hub, and the means to make it do things. It keeps nothing alive: a stopped hub has nothing.
#[derive(Debug, Clone)]
pub struct Controls {
    registries: Vec<Weak<Registry>>,
    faults: FaultInjection,
    browsers: Browsers,
}

impl Controls {
    pub(super) fn new(registries: &[Arc<Registry>], faults: &FaultInjection, browsers: &Browsers) -> Self {
        Self {
            registries: registries.iter().map(Arc::downgrade).collect(),
            faults: faults.clone(),
            browsers: browsers.clone(),
        }
    }

    /// The rules for requests of browsers that the hub has.
    pub(crate) fn browsers(&self) -> &Browsers {
        &self.browsers
    }

    /// The versions that the hub speaks, the first one first.
    pub fn versions(&self) -> Vec<Version> {
        let registries = self.registries.iter().filter_map(Weak::upgrade);
        registries.map(|registry| registry.settings.version).collect()
    }

    fn registry(&self, version: Version) -> Result<Arc<Registry>, NotThere> {
        let mut registries = self.registries.iter().filter_map(Weak::upgrade);
        registries
            .find(|registry| registry.settings.version == version)
            .ok_or(NotThere::Version(version))
    }

    fn topic(&self, version: Version, name: &str) -> Result<Arc<Topic>, NotThere> {
        let topic = self.registry(version)?.find(name);
        topic.ok_or_else(|| NotThere::Topic(name.to_owned()))
    }

    /// The sessions of a version, in the order of their topics.
    ///
    /// # Errors
    /// When the hub does not speak it.
    pub fn sessions(&self, version: Version) -> Result<Vec<SessionOverview>, NotThere> {
        let topics = self.registry(version)?.topics();
        let overview = |(_, topic): (String, Arc<Topic>)| topic.with(|session, now| session.overview(now));
        Ok(topics.into_iter().map(overview).collect())
    }

    /// One session.
    ///
    /// # Errors
    /// When it is not there.
    pub fn session(&self, version: Version, topic: &str) -> Result<SessionOverview, NotThere> {
        Ok(self
            .topic(version, topic)?
            .with(|session, now| session.overview(now)))
    }

    /// Publishes an event as the hub itself; the topic begins if there is none.
    ///
    /// # Errors
    /// When the hub does not speak the version; inside, when the event breaks a rule.
    pub fn publish(
        &self,
        version: Version,
        notification: Notification,
    ) -> Result<Result<Published, Refusal>, NotThere> {
        let registry = self.registry(version)?;
        let id = notification.id.clone();
        let publish = || {
            let topic = registry.topic(&notification.topic)?;
            topic.with(|session, now| session.publish(notification, now))
        };
        Ok(publish().map(|()| Published { id }))
    }

    /// An event of the hub's own, with an id and a timestamp of its own.
    pub fn event(&self, topic: &str, event: &EventName, context: Box<RawValue>) -> Notification {
        let timestamp = Timestamp::from_instant(jiff::Timestamp::now());
        Notification::new(&timestamp, &RandomIdentifiers.identifier(), topic, event, context)
    }

    /// Sends a text to everybody in the topic who is subscribed to this event, whatever the text says. The contexts
    /// stay, and no SyncError follows from how it is answered.
    ///
    /// # Errors
    /// When the topic is not there.
    pub fn broadcast_text(
        &self,
        version: Version,
        topic: &str,
        event: &EventName,
        text: String,
    ) -> Result<(), NotThere> {
        let id = RandomIdentifiers.identifier();
        self.topic(version, topic)?
            .with(|session, now| session.leak(&id, event, text, now));
        Ok(())
    }

    fn with_socket(
        &self,
        version: Version,
        topic: &str,
        subscriber: u64,
        act: impl FnOnce(&Topic, SubscriberId) -> bool,
    ) -> Result<(), NotThere> {
        let topic = self.topic(version, topic)?;
        match act(&topic, SubscriberId::from_number(subscriber)) {
            true => Ok(()),
            false => Err(NotThere::Socket(subscriber)),
        }
    }

    /// Sends a text over one subscriber's WebSocket, whatever it says.
    ///
    /// # Errors
    /// When there is no such socket.
    pub fn send_text(
        &self,
        version: Version,
        topic: &str,
        subscriber: u64,
        text: String,
    ) -> Result<(), NotThere> {
        self.with_socket(version, topic, subscriber, |topic, id| {
            topic.with(|session, _| session.send_text(id, text))
        })
    }

    /// Closes a subscriber's WebSocket, and so ends its subscription. Code and reason have to fit into a close frame; see
    /// [`check_close`](crate::faults::check_close).
    ///
    /// # Errors
    /// When there is no such socket.
    pub fn close(
        &self,
        version: Version,
        topic: &str,
        subscriber: u64,
        code: u16,
        reason: &str,
    ) -> Result<(), NotThere> {
        self.with_socket(version, topic, subscriber, |topic, id| {
            topic.with(|session, _| session.close_socket(id, code, reason))
        })
    }

    /// Cuts a subscriber's connection, without a close frame.
    ///
    /// # Errors
    /// When there is no such socket.
    pub fn cut(&self, version: Version, topic: &str, subscriber: u64) -> Result<(), NotThere> {
        self.with_socket(version, topic, subscriber, Topic::cut)
    }

    /// Denies a subscription that was granted (2.4 Subscription Denial).
    ///
    /// # Errors
    /// When there is none.
    pub fn deny(&self, version: Version, topic: &str, subscriber: u64, reason: &str) -> Result<(), NotThere> {
        let topic = self.topic(version, topic)?;
        let id = SubscriberId::from_number(subscriber);
        match topic.with(|session, now| session.deny_subscription(id, reason, now)) {
            true => Ok(()),
            false => Err(NotThere::Subscriber(subscriber)),
        }
    }

    /// Lets the lease of a subscription end now.
    ///
    /// # Errors
    /// When there is none.
    pub fn expire(&self, version: Version, topic: &str, subscriber: u64) -> Result<(), NotThere> {
        let topic = self.topic(version, topic)?;
        let id = SubscriberId::from_number(subscriber);
        match topic.with(|session, now| session.expire(id, now)) {
            true => Ok(()),
            false => Err(NotThere::Subscriber(subscriber)),
        }
    }

    /// The rules by which faults are injected into deliveries.
    pub fn fault_rules(&self) -> &FaultRules {
        &self.faults.rules
    }

    /// Sends what a rule holds back, in all topics, and says how many deliveries that were.
    pub fn release(&self, rule: RuleId) -> usize {
        let registries = self.registries.iter().filter_map(Weak::upgrade);
        let topics = registries.flat_map(|registry| registry.topics());
        topics.map(|(_, topic)| topic.release(rule)).sum()
    }

    /// The defects that are on.
    pub fn defects(&self) -> Vec<Defect> {
        self.faults.behaviour.defects()
    }

    /// Switches a defect on or off, in all versions at once. What was decided before stays: an endpoint that was granted, a
    /// lease that runs.
    pub fn switch(&self, defect: Defect, on: bool) {
        self.faults.behaviour.switch(defect, on);
    }
}
