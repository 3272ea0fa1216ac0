//! Notifications on their way, what follows from the answers to them, and SyncErrors.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Behaviour, raw, set_timestamp, without};
use crate::defect::Defect;
use crate::identifiers::Identifiers;
use crate::protocol::{
    Action, EVENT_ID_SYSTEM, EVENT_NAME_SYSTEM, EventKind, EventName, Notification, Status, SyncErrorCause,
};
use crate::version_profile::VersionProfile;

/// Notifications.
/// What becomes of a malformed event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// It is refused.
    Refused,
    /// It is accepted, and nobody receives it.
    Swallowed,
    /// It is accepted, and broadcast as it is.
    PassedOn,
}

impl Behaviour {
    /// Whether a subscriber with these events gets this one.
    pub(crate) fn delivers(&self, granted: &[EventName], event: &EventName) -> bool {
        if self.has(Defect::DeliversUnsubscribed) {
            return true;
        }
        if self.has(Defect::DeliversCloses) && event.is(Action::Close) {
            let opens = |subscribed: &EventName| {
                subscribed.is(Action::Open)
                    && subscribed.resource().map(|(of, _)| of) == event.resource().map(|(of, _)| of)
            };
            return granted.iter().any(opens) || granted.contains(event);
        }
        if self.has(Defect::CaseSensitiveEventNames) {
            return granted
                .iter()
                .any(|subscribed| subscribed.as_str() == event.as_str());
        }
        granted.contains(event)
    }

    /// The number of times that each event is delivered.
    pub(crate) fn copies(&self) -> usize {
        if self.has(Defect::DuplicateDelivery) { 2 } else { 1 }
    }

    /// The number of times that each event is delivered to a subscriber with these events, after so many re-subscriptions.
    pub(crate) fn copies_for(
        &self,
        resubscriptions: usize,
        granted: &[EventName],
        event: &EventName,
    ) -> usize {
        let named = granted.iter().filter(|subscribed| *subscribed == event).count();
        if self.has(Defect::ResubscriptionsAddUp) {
            1 + resubscriptions.saturating_sub(2)
        } else if self.has(Defect::RepeatedEventsKept) {
            named.max(1)
        } else {
            self.copies()
        }
    }

    pub(crate) fn broadcasts_to_one(&self) -> bool {
        self.has(Defect::BroadcastToOne)
    }

    pub(crate) fn leaves_requester_out(&self) -> bool {
        self.has(Defect::RequesterLeftOut)
    }

    pub(crate) fn reorders(&self) -> bool {
        self.has(Defect::Reorders)
    }

    /// Whether an event is distributed at all; `first` is that of the session.
    pub(crate) fn distributes(&self, event: &EventName, first: bool) -> bool {
        let lost = self.has(Defect::NotificationsLost) && !first;
        let kept = self.has(Defect::SyncErrorNotDistributed) && event.kind() == EventKind::SyncError;
        let unshared = self.has(Defect::UpdateNotDistributed) && event.is(Action::Update);
        !lost && !kept && !unshared
    }

    /// Whether an event of so many bytes reaches nobody.
    pub(crate) fn swallows(&self, bytes: usize) -> bool {
        self.has(Defect::LargeEventsSwallowed) && bytes > 100_000
    }

    /// Whether refused events are distributed all the same.
    pub fn broadcasts_what_it_refuses(&self) -> bool {
        self.has(Defect::RefusedEventBroadcast)
    }

    /// Whether events are distributed all the same that are refused for want of a token or a scope.
    pub(crate) fn broadcasts_what_is_unauthorized(&self) -> bool {
        self.has(Defect::UnauthorizedEventBroadcast)
    }

    /// Whether events of this kind are refused though they are listed; `current` where they are about the current context.
    pub(crate) fn refuses_what_it_lists(&self, action: Action, current: bool) -> bool {
        match action {
            Action::Select => self.has(Defect::SelectRefused),
            Action::Update => {
                self.has(Defect::UpdateRefused) || (!current && self.has(Defect::NonCurrentUpdateRefused))
            }
            _ => false,
        }
    }

    /// What becomes of an event that is malformed: it is refused but for a defect.
    pub fn malformed_events(&self) -> Malformed {
        if self.has(Defect::MalformedEventsSwallowed) {
            Malformed::Swallowed
        } else if self.has(Defect::MalformedEventsPassedOn) {
            Malformed::PassedOn
        } else {
            Malformed::Refused
        }
    }

    /// Whether an event that breaks a rule is answered as if it were taken, and everybody told by a SyncError that it was not.
    pub(crate) fn refuses_late(&self, notification: &Notification) -> bool {
        let is_empty = notification
            .raw_context()
            .is_some_and(|context| context.get() == "[]");
        self.has(Defect::LateRefusalToAll) && notification.event.is(Action::Open) && is_empty
    }

    pub(crate) fn derives_opens(&self) -> bool {
        !self.has(Defect::NoDerivedOpens)
    }

    pub(crate) fn derives_for_all(&self) -> bool {
        self.has(Defect::DerivedDuplicates)
    }

    /// Alters a published event on its way.
    pub(crate) fn alter(&self, notification: &mut Notification, identifiers: &mut dyn Identifiers) {
        if self.is_clean() {
            return;
        }
        if self.has(Defect::IdReplaced) {
            notification.id = identifiers.identifier();
            let id = notification.id.clone();
            notification.members().set_text("id", &id);
        }
        if self.has(Defect::TimestampReplaced)
            && let Ok(timestamp) = "2001-01-01T00:00:00.000Z".parse()
        {
            set_timestamp(notification, &timestamp);
        }
        if self.has(Defect::NotificationWithoutTimestamp) {
            notification.members().remove("timestamp");
        }
        if self.has(Defect::NotificationWithoutId) {
            notification.members().remove("id");
        }
        if self.has(Defect::IdsRepeated) {
            notification.id = "castspec".to_owned();
            notification.members().set_text("id", "castspec");
        }
        if self.has(Defect::TimestampWithoutFraction)
            && let Ok(whole) = jiff::Timestamp::from_second(notification.timestamp.instant().as_second())
            && let Ok(timestamp) = whole.to_string().parse()
        {
            set_timestamp(notification, &timestamp);
        }
        if self.has(Defect::ResourcesReplaced) {
            alter_resources(notification, |resource| resource["id"] = Value::from("castspec"));
        }
        if self.has(Defect::ExtensionAsText) {
            notification.members().set_text("extension", "castspec");
        }
        if self.has(Defect::ExtensionDropped) {
            alter_entries(notification, |entries| {
                entries.retain(|entry| entry["key"] != "extension")
            });
        }
        if self.has(Defect::EventWithoutKeys) {
            alter_entries(notification, |entries| {
                for entry in entries {
                    *entry = without(entry.take(), "key");
                }
            });
        }
        self.rename(notification);
        self.alter_what_is_told(notification);
        self.alter_context(notification);
        if self.has(Defect::TimestampWithOffset) {
            let zone = jiff::tz::Offset::constant(2);
            let local = notification.timestamp.instant().display_with_offset(zone);
            if let Ok(timestamp) = local.to_string().parse() {
                set_timestamp(notification, &timestamp);
            }
        }
        if self.has(Defect::UpdateWithoutVersion) && notification.event.is(Action::Update) {
            for member in ["context.versionId", "versionId"] {
                notification.event_members().remove(member);
            }
        }
        for (defect, member) in [
            (Defect::EventWithoutTopic, "hub.topic"),
            (Defect::EventWithoutName, "hub.event"),
            (Defect::EventWithoutContext, "context"),
        ] {
            if self.has(defect) {
                notification.event_members().remove(member);
            }
        }
        for (defect, member) in [
            (Defect::VersionAsNumber, "context.versionId"),
            (Defect::PriorVersionAsNumber, "context.priorVersionId"),
        ] {
            if self.has(defect) && notification.event_members().get(member).is_some() {
                notification.event_members().set(member, raw(&json!(7)));
            }
        }
        if self.has(Defect::ContextAltered) {
            alter_resources(notification, |resource| {
                let (resource_type, id) = (resource["resourceType"].take(), resource["id"].take());
                *resource = json!({"resourceType": resource_type, "id": id});
            });
        }
        if self.has(Defect::BundleIdReplaced) {
            let id = identifiers.identifier();
            alter_resources(notification, |resource| {
                if resource["resourceType"] == "Bundle" {
                    resource["id"] = Value::from(id.clone());
                }
            });
        }
    }
}

/// Names and contexts.
impl Behaviour {
    fn rename(&self, notification: &mut Notification) {
        let name = notification.event.as_str().to_owned();
        let hibernates = name.eq_ignore_ascii_case("UserHibernate");
        let renamed = if self.has(Defect::EventNameLowerCase) {
            name.to_ascii_lowercase()
        } else if self.has(Defect::EventMisnamed) && hibernates {
            "user hibernates".to_owned()
        } else if self.has(Defect::EventNameWildcard) && hibernates {
            "User*".to_owned()
        } else if self.has(Defect::ProprietaryEventDashed)
            && notification.event.kind() == EventKind::Proprietary
        {
            name.replace('_', "-")
        } else {
            return;
        };
        notification.event_members().set_text("hub.event", &renamed);
    }

    fn alter_context(&self, notification: &mut Notification) {
        if self.has(Defect::ContextKeysUpperCase) {
            alter_entries(notification, |entries| {
                for entry in entries {
                    let key = entry["key"].as_str().unwrap_or_default().to_uppercase();
                    entry["key"] = Value::from(key);
                }
            });
        }
        if self.has(Defect::ResourcesAsText) {
            alter_resources(notification, |resource| {
                *resource = Value::from(resource.to_string())
            });
        }
        if self.has(Defect::ContextWithoutValues) {
            alter_entries(notification, |entries| {
                for entry in entries {
                    *entry = json!({"key": entry["key"]});
                }
            });
        }
    }
}

pub(super) fn alter_resources(notification: &mut Notification, alter: impl Fn(&mut Value)) {
    alter_entries(notification, |entries| {
        for entry in entries {
            if let Some(resource) = entry.get_mut("resource").filter(|resource| resource.is_object()) {
                alter(resource);
            }
        }
    });
}

pub(super) fn alter_entries(notification: &mut Notification, alter: impl Fn(&mut Vec<Value>)) {
    let context = notification
        .raw_context()
        .and_then(|context| serde_json::from_str::<Value>(context.get()).ok());
    if let Some(mut context) = context
        && let Some(entries) = context.as_array_mut()
    {
        alter(entries);
        notification.event_members().set("context", raw(&context));
    }
}

/// Answers of subscribers, and SyncErrors.
impl Behaviour {
    /// The text of a notification.
    pub(crate) fn notification_text(&self, notification: &Notification) -> String {
        let text = notification.to_text();
        if self.has(Defect::NotificationAsArray) {
            return format!("[{text}]");
        }
        if self.has(Defect::MemberRepeated) {
            let id = serde_json::Value::from(notification.id.as_str());
            return text.replacen('{', &format!("{{\"id\":{id},"), 1);
        }
        if !self.has(Defect::NotificationWithoutEvent) {
            return text;
        }
        let message = serde_json::from_str(&text).unwrap_or_default();
        without(message, "event").to_string()
    }

    /// Whether the others are told of an answer with this status.
    pub(crate) fn reports(&self, status: Status) -> bool {
        match status.code {
            200 => self.has(Defect::SyncErrorUnfounded),
            201..300 => self.has(Defect::SyncErrorOnSuccess),
            409 => !self.has(Defect::NoSyncErrorOnConflict),
            400..500 => !self.has(Defect::NoSyncErrorOnClientError),
            500 => !self.has(Defect::NoSyncErrorOnServerError),
            501..600 => !self.has(Defect::NoSyncErrorOnOtherServerError),
            _ => true,
        }
    }

    /// Whether the others are told of a socket that was closed with this code.
    pub(crate) fn reports_close(&self, code: u16) -> bool {
        match code {
            1000 => self.has(Defect::SyncErrorOnNormalClose),
            1001 => self.has(Defect::SyncErrorOnGoingAway),
            _ => true,
        }
    }

    /// Whether one alone of those who must hear of a SyncError does.
    pub(crate) fn tells_one_alone(&self) -> bool {
        self.has(Defect::SyncErrorToOne)
    }

    pub(crate) fn tells_culprits_alone(&self) -> bool {
        self.has(Defect::SyncErrorToCulprit)
    }

    pub(crate) fn reuses_ids_for_sync_errors(&self) -> bool {
        self.has(Defect::SyncErrorReusesId)
    }

    pub(crate) fn sends_sync_error(&self, granted: &[EventName], name: &EventName) -> bool {
        self.has(Defect::SyncErrorToUnsubscribed) || granted.contains(name)
    }

    pub(crate) fn tells_of_the_unresponsive(&self) -> bool {
        !self.has(Defect::UnresponsiveUntold)
    }

    pub(crate) fn unsubscribes_the_unresponsive(&self) -> bool {
        !self.has(Defect::UnresponsiveKept)
    }

    /// The context of a SyncError.
    pub(crate) fn sync_error_context(
        &self,
        cause: &SyncErrorCause,
        profile: &VersionProfile,
    ) -> Box<RawValue> {
        if self.has(Defect::SyncErrorEmpty) {
            return raw(&json!([]));
        }
        let mut cause = cause.clone();
        if self.has(Defect::SyncErrorWrongEventId) {
            cause.event_id = format!("not-{}", cause.event_id);
        }
        if !profile.sync_error_subscriber || self.has(Defect::SyncErrorWithoutSubscriber) {
            cause.subscriber_name = None;
        }
        if self.has(Defect::SyncErrorTellsOtherwise) {
            cause.diagnostics = "The notification timed out".to_owned();
        }
        let mut context = cause.to_context();
        let issue = &mut context[0]["resource"]["issue"][0];
        if self.has(Defect::SyncErrorSeverity) {
            issue["severity"] = Value::from("error");
        }
        if self.has(Defect::SyncErrorWithoutDiagnostics) {
            *issue = without(issue.take(), "diagnostics");
        }
        if self.has(Defect::SyncErrorWrongCode) {
            issue["code"] = Value::from("exception");
        }
        for (defect, system) in [
            (Defect::SyncErrorWithoutEventId, EVENT_ID_SYSTEM),
            (Defect::SyncErrorWithoutEventName, EVENT_NAME_SYSTEM),
        ] {
            if self.has(defect)
                && let Some(codings) = issue["details"]["coding"].as_array_mut()
            {
                codings.retain(|coding| coding["system"] != system);
            }
        }
        if !profile.sync_error_event || self.has(Defect::SyncErrorWithoutDetails) {
            *issue = without(issue.take(), "details");
        }
        if self.has(Defect::SyncErrorWithMore)
            && let Some(entries) = context.as_array_mut()
        {
            entries.push(json!({"key": "reason", "string": "a subscriber failed"}));
        }
        raw(&context)
    }
}
