//! Subscriptions, and what a new one begins with.

use std::time::Duration;

use super::{Behaviour, set_timestamp, with, without};
use crate::defect::Defect;
use crate::protocol::{Confirmation, Denial, EventName, Notification, Timestamp};

/// The event that a defect denies though nobody asked for it.
pub(super) const UNASKED: &str = "Medication-open";

impl Behaviour {
    pub(crate) fn ignores_channel_type(&self) -> bool {
        self.has(Defect::ChannelTypeIgnored)
    }

    pub(crate) fn repeats_endpoints(&self) -> bool {
        self.has(Defect::EndpointRepeated)
    }

    pub(crate) fn refuses_resubscriptions(&self) -> bool {
        self.has(Defect::ResubscribeRefused)
    }

    /// Whether an event that a request names twice is granted twice.
    pub fn keeps_repeated_events(&self) -> bool {
        self.has(Defect::RepeatedEventsKept)
    }

    pub(crate) fn resubscribes_everyone(&self) -> bool {
        self.has(Defect::ResubscribeTouchesOthers)
    }

    pub(crate) fn renews_leases(&self) -> bool {
        !self.has(Defect::RenewalIgnored)
    }

    /// Whether the end of a lease is told.
    pub(crate) fn denies_at_expiry(&self) -> bool {
        !self.has(Defect::RenewalIgnored) && !self.has(Defect::LeaseCutShort)
    }

    pub(crate) fn unsubscribes_everyone(&self) -> bool {
        self.has(Defect::UnsubscribeEndsEverybody)
    }

    /// The events that are granted after a re-subscription.
    pub(crate) fn regrant(&self, before: &[EventName], asked: &[EventName]) -> Vec<EventName> {
        if self.has(Defect::ResubscribeIgnored) {
            return before.to_vec();
        }
        let mut granted = if self.has(Defect::ResubscribeMerges) {
            before.to_vec()
        } else {
            Vec::new()
        };
        for event in asked {
            if !granted.contains(event) {
                granted.push(event.clone());
            }
        }
        granted
    }

    /// The confirmation as JSON; `None` where none is sent.
    pub(crate) fn confirmation(&self, confirmation: &Confirmation) -> Option<String> {
        if self.has(Defect::NoConfirmation) {
            return None;
        }
        if self.is_clean() {
            return serde_json::to_string(confirmation).ok();
        }
        if self.has(Defect::ConfirmationNotJson) {
            return Some(format!(
                "hub.mode=subscribe&hub.topic={}&hub.events={}&hub.lease_seconds={}",
                confirmation.topic, confirmation.events, confirmation.lease_seconds
            ));
        }
        let mut message = serde_json::to_value(confirmation).ok()?;
        if self.has(Defect::ConfirmationOtherEvents) {
            message = with(message, "hub.events", "org.example.other");
        }
        if self.has(Defect::ConfirmationWrongMode) {
            message = with(message, "hub.mode", "subscribed");
        }
        if self.has(Defect::ConfirmationWrongTopic) {
            message = with(message, "hub.topic", format!("not-{}", confirmation.topic));
        }
        if self.has(Defect::ConfirmationEventsAsArray) {
            message = with(
                message,
                "hub.events",
                confirmation.events.split(',').collect::<Vec<_>>(),
            );
        }
        for (defect, member) in [
            (Defect::ConfirmationWithoutMode, "hub.mode"),
            (Defect::ConfirmationWithoutTopic, "hub.topic"),
            (Defect::ConfirmationWithoutEvents, "hub.events"),
            (Defect::ConfirmationWithoutLease, "hub.lease_seconds"),
        ] {
            if self.has(defect) {
                message = without(message, member);
            }
        }
        Some(self.listed(Defect::ConfirmationAsArray, message.to_string()))
    }

    /// The message, in an array of its own where the defect says so.
    fn listed(&self, defect: Defect, message: String) -> String {
        if self.has(defect) {
            format!("[{message}]")
        } else {
            message
        }
    }

    pub(crate) fn keeps_leases(&self) -> bool {
        !self.has(Defect::LeaseIgnored)
    }

    /// The seconds that a granted lease lasts.
    pub(crate) fn lease(&self, granted: u64) -> f64 {
        // Precise for every lease below millions of years.
        let granted = granted as f64;
        if self.has(Defect::LeaseCutShort) {
            granted / 2.0
        } else {
            granted
        }
    }

    /// The silence after which a WebSocket is cut.
    pub(crate) fn cuts_quiet_sockets_after(&self) -> Option<Duration> {
        self.has(Defect::QuietSocketCut)
            .then_some(Duration::from_millis(1_500))
    }

    pub(crate) fn closes_at_expiry(&self) -> bool {
        !self.has(Defect::ExpiryKeepsSocket)
    }

    /// The denial as JSON.
    pub(crate) fn denial(&self, denial: &Denial) -> String {
        let mut message = serde_json::to_value(denial).unwrap_or_default();
        if self.has(Defect::DenialWrongMode) {
            message = with(message, "hub.mode", "unsubscribe");
        }
        if self.has(Defect::DenialWrongTopic) {
            message = with(message, "hub.topic", format!("not-{}", denial.topic));
        }
        if self.has(Defect::DenialReasonNotText) {
            message = with(message, "hub.reason", 7);
        }
        if self.has(Defect::DenialWithoutTopic) {
            message = without(message, "hub.topic");
        }
        if self.has(Defect::DenialOtherEvents) {
            message = with(message, "hub.events", UNASKED);
        }
        if self.has(Defect::DenialWithoutEvents) {
            message = without(message, "hub.events");
        }
        self.listed(Defect::DenialAsArray, message.to_string())
    }

    /// Whether everybody in the topic is sent the denial of one.
    pub(crate) fn denies_everyone(&self) -> bool {
        self.has(Defect::DenialToAll)
    }

    /// Whether an unsubscribe that names events ends these alone.
    pub(crate) fn unsubscribes_in_part(&self) -> bool {
        self.has(Defect::UnsubscribeInPart)
    }

    /// Whether an unsubscribe needs no channel type.
    pub(crate) fn unsubscribes_any_channel(&self) -> bool {
        self.has(Defect::UnsubscribeChannelTypeIgnored)
    }

    pub(crate) fn accepts_unknown_unsubscribes(&self) -> bool {
        self.has(Defect::UnknownUnsubscribeAccepted)
    }

    pub(crate) fn ignores_unsubscribes(&self) -> bool {
        self.has(Defect::UnsubscribeIgnored)
    }

    /// Whether the lease that an unsubscribe request asks for is granted.
    pub(crate) fn honours_leases_of_unsubscribes(&self) -> bool {
        self.has(Defect::UnsubscribeLeaseHonoured)
    }

    /// Whether WebSocket subscriptions are refused.
    pub(crate) fn refuses_websockets(&self) -> bool {
        self.has(Defect::WebsocketRefused)
    }

    pub(crate) fn denies_on_unsubscribe(&self) -> bool {
        !self.has(Defect::UnsubscribeWithoutDenial)
    }

    pub(crate) fn closes_on_unsubscribe(&self) -> bool {
        !self.has(Defect::UnsubscribeKeepsSocket) && !self.has(Defect::UnsubscribeKeepsDelivering)
    }

    pub(crate) fn delivers_after_unsubscribe(&self) -> bool {
        self.has(Defect::UnsubscribeKeepsDelivering)
    }

    /// Whether the endpoint of an ended subscription can be connected to.
    pub(crate) fn revives_endpoints(&self) -> bool {
        self.has(Defect::EndpointSurvivesUnsubscribe)
    }
}

/// The replay to new subscribers.
impl Behaviour {
    pub(crate) fn replays(&self) -> bool {
        !self.has(Defect::NoReplay)
    }

    pub(crate) fn remembers_closed_contexts(&self) -> bool {
        self.has(Defect::ReplaysClosedContext) || self.has(Defect::ReplaysCloses)
    }

    pub(crate) fn replays_only_the_current(&self) -> bool {
        self.has(Defect::ReplayOnlyCurrent)
    }

    pub(crate) fn replays_the_oldest(&self) -> bool {
        self.has(Defect::ReplayOldest)
    }

    pub(crate) fn replays_to(&self, granted: &[EventName], event: &EventName) -> bool {
        self.has(Defect::ReplayUnsubscribed) || self.delivers(granted, event)
    }

    /// The replayed notification where it is not as it was.
    pub(crate) fn reworded_replay(
        &self,
        notification: &Notification,
        is_open: bool,
        wall: jiff::Timestamp,
    ) -> Option<Notification> {
        if self.has(Defect::ReplaysCloses) && !is_open {
            let mut notification = notification.clone();
            let name = notification.event.as_str().replace("-open", "-close");
            notification.event_members().set_text("hub.event", &name);
            return Some(notification);
        }
        self.has(Defect::ReplayNewTimestamp).then(|| {
            let mut notification = notification.clone();
            set_timestamp(&mut notification, &Timestamp::from_instant(wall));
            notification
        })
    }
}
