//! The answers of subscribers to notifications, missing answers, ends of sockets, and the SyncErrors that follow (2.5, 3.2.1).

use std::sync::Arc;

use super::distribution::Distributed;
use super::{Closing, Session, SubscriberId};
use crate::clock::Now;
use crate::protocol::{Acknowledgement, Notification, Status, SyncErrorCause, Timestamp};

/// The subscriber sent what the hub cannot take.
const POLICY_VIOLATION: u16 = 1008;

impl Session {
    /// A subscriber sent this text: an answer to a notification. Anything else ends its subscription, with the reason.
    pub fn receive(&mut self, subscriber: SubscriberId, text: &str, now: Now) {
        match Acknowledgement::parse(text) {
            Ok(answer) => self.acknowledge(subscriber, &answer, now),
            Err(error) => {
                let said = format!(
                    "over a WebSocket a subscriber only sends answers to notifications, \
                     {{\"id\": \"...\", \"status\": 200}}, and this was none: {error} (FHIRcast STU3, 2.5 Event \
                     Notification Response; events are published by POST, 2.6)"
                );
                self.violation(subscriber, POLICY_VIOLATION, &said, now);
            }
        }
    }

    /// A subscriber broke the rules of the channel: its subscription ends with this close code, and the others hear of it.
    pub fn violation(&mut self, subscriber: SubscriberId, code: u16, reason: &str, now: Now) {
        if !self.subscribers.contains_key(&subscriber) {
            return;
        }
        self.report_lost(
            subscriber,
            "sent what no subscriber may send, and was dropped",
            now,
        );
        self.deny(subscriber, reason, now);
        self.close(subscriber, code, reason);
    }

    fn acknowledge(&mut self, id: SubscriberId, answer: &Acknowledgement, now: Now) {
        let Some(subscriber) = self.subscribers.get_mut(&id) else {
            return;
        };
        let Some(at) = subscriber
            .unanswered
            .iter()
            .position(|unanswered| unanswered.event.id == answer.id)
        else {
            tracing::debug!(topic = %self.topic, id = %answer.id, "an answer to no open notification");
            return;
        };
        let Some(answered) = subscriber.unanswered.remove(at) else {
            return;
        };
        if answered.event.owes_sync_error && self.behaviour.reports(answer.status) {
            let said = verdict(answer.status);
            self.sync_error(id, &answered.event, &said, now);
        }
    }

    /// The subscriber's socket has come to its end.
    pub fn disconnected(&mut self, subscriber: SubscriberId, closing: Closing, now: Now) {
        if !self.subscribers.contains_key(&subscriber) {
            return;
        }
        let said = match closing {
            Closing::Code(code) if !self.behaviour.reports_close(code) => None,
            Closing::Code(code) => Some(format!("closed its WebSocket with code {code}")),
            Closing::NoCode => Some("closed its WebSocket without a code".to_owned()),
            Closing::Broken => Some("lost its connection".to_owned()),
        };
        if let Some(said) = said {
            self.report_lost(subscriber, &said, now);
        }
        self.forget(subscriber);
    }

    /// More waits for the subscriber's socket than may: it is dropped, so that it slows nobody else.
    pub fn overflowed(&mut self, subscriber: SubscriberId, now: Now) {
        if !self.subscribers.contains_key(&subscriber) {
            return;
        }
        self.report_lost(subscriber, "reads too slowly, and was dropped", now);
        self.close(subscriber, POLICY_VIOLATION, "too many messages wait to be read");
    }

    /// Subscribers that left an event unanswered for too long are told of and unsubscribed (2.5 Hub Generated SyncError
    /// Events).
    pub(super) fn give_up_on_the_unresponsive(&mut self, now: Now) {
        let mut unresponsive = Vec::new();
        for (id, subscriber) in &mut self.subscribers {
            let mut event = None;
            while let Some(late) = subscriber
                .unanswered
                .pop_front_if(|late| late.until <= now.elapsed)
            {
                if late.event.owes_sync_error && event.is_none() {
                    event = Some(late.event);
                }
            }
            unresponsive.extend(event.map(|event| (*id, event)));
        }
        let timeout = self.limits.ack_timeout.as_secs_f64();
        for (id, event) in unresponsive {
            if !self.subscribers.contains_key(&id) {
                continue;
            }
            let said = format!("did not answer within {timeout} seconds");
            if self.behaviour.tells_of_the_unresponsive() {
                self.sync_error(id, &event, &said, now);
            }
            if self.profile.drops_the_unresponsive && self.behaviour.unsubscribes_the_unresponsive() {
                let reason = format!(
                    "the notification {} was not answered within {timeout} seconds (FHIRcast STU3, 2.5 Hub Generated \
                     SyncError Events)",
                    event.id
                );
                self.deny(id, &reason, now);
                self.close(id, POLICY_VIOLATION, "a notification was not answered in time");
            }
        }
    }

    /// Tells the others that a subscriber is gone: about the event that it owes an answer to, else the last it was sent.
    pub(super) fn report_lost(&mut self, id: SubscriberId, said: &str, now: Now) {
        let Some(subscriber) = self.subscribers.get(&id) else {
            return;
        };
        let owed = subscriber
            .unanswered
            .iter()
            .map(|unanswered| &unanswered.event)
            .find(|event| event.owes_sync_error);
        let about = owed
            .or(subscriber.last.as_ref())
            .or(self.last.as_ref())
            .map(Arc::clone);
        match about {
            Some(about) => self.sync_error(id, &about, said, now),
            None => self.sync_error_about_nothing(id, said, now),
        }
    }

    pub(super) fn sync_error(&mut self, culprit: SubscriberId, about: &Distributed, said: &str, now: Now) {
        let (event_id, event_name) = about.reported_as();
        let id = if self.behaviour.reuses_ids_for_sync_errors() {
            event_id.to_owned()
        } else {
            self.identifiers.identifier()
        };
        let cause = SyncErrorCause {
            event_id: event_id.to_owned(),
            event_name: event_name.as_str().to_owned(),
            subscriber_name: self
                .subscribers
                .get(&culprit)
                .map(|subscriber| subscriber.display_name()),
            diagnostics: String::new(),
        };
        self.publish_sync_error(culprit, &id, cause, said, now);
    }

    /// A SyncError must name an event; where the lost subscriber never saw one, it names itself.
    fn sync_error_about_nothing(&mut self, culprit: SubscriberId, said: &str, now: Now) {
        let id = self.identifiers.identifier();
        let cause = SyncErrorCause {
            event_id: id.clone(),
            event_name: self.profile.own_name("SyncError"),
            subscriber_name: self
                .subscribers
                .get(&culprit)
                .map(|subscriber| subscriber.display_name()),
            diagnostics: String::new(),
        };
        self.publish_sync_error(culprit, &id, cause, said, now);
    }

    fn publish_sync_error(
        &mut self,
        culprit: SubscriberId,
        id: &str,
        mut cause: SyncErrorCause,
        said: &str,
        now: Now,
    ) {
        let Ok(name) = self.profile.own_name("SyncError").parse() else {
            return;
        };
        let subscriber = cause.subscriber_name.as_deref().unwrap_or("a subscriber");
        cause.diagnostics = format!(
            "{subscriber} {said} (event {} {})",
            cause.event_name, cause.event_id
        );
        let context = self.behaviour.sync_error_context(&cause, self.profile);
        let timestamp = Timestamp::from_instant(now.wall);
        let notification = Notification::new(&timestamp, id, &self.topic, &name, context);
        let event = Arc::new(Distributed::sync_error(&notification));
        let name_of_culprit = self
            .subscribers
            .get(&culprit)
            .and_then(|known| known.name.as_ref());
        let left_out = name_of_culprit.filter(|_| self.behaviour.leaves_namesakes_out());
        let receivers: Vec<_> = self
            .subscribers
            .iter()
            .filter(|(_, subscriber)| left_out.is_none() || subscriber.name.as_ref() != left_out)
            .filter(|(other, subscriber)| {
                (**other != culprit) != self.behaviour.tells_culprits_alone()
                    && subscriber.connected
                    && self.behaviour.sends_sync_error(&subscriber.granted, &name)
            })
            .map(|(other, _)| *other)
            .collect();
        let most = if self.behaviour.tells_one_alone() {
            1
        } else {
            usize::MAX
        };
        for receiver in receivers.into_iter().take(most) {
            self.deliver(receiver, &event, now);
        }
    }
}

pub(super) fn verdict(status: Status) -> String {
    let code = status.code;
    if status.is_refusal() {
        format!("refused the event with status {code}")
    } else {
        format!("could not be given the event: it answered with status {code}")
    }
}
