//! What the hub decides where the specification decides for it, and a defect decides otherwise.

use std::collections::BTreeSet;

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::Defect;
use crate::hub::identifiers::Identifiers;
use crate::protocol::{
    Action, Configuration, Confirmation, CurrentContext, Denial, EVENT_ID_SYSTEM, EVENT_NAME_SYSTEM,
    EventKind, EventName, Mode, Notification, Status, SubscriptionResponse, SyncErrorCause, Timestamp,
};

/// The hub's conduct: that of the specification but for its defects.
#[derive(Debug, Clone, Default)]
pub struct Behaviour {
    defects: BTreeSet<Defect>,
}

fn without(mut object: Value, member: &str) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.shift_remove(member);
    }
    object
}

fn with(mut object: Value, member: &str, value: impl Into<Value>) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(member.to_owned(), value.into());
    }
    object
}

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).unwrap_or_default()
}

impl Behaviour {
    /// The conduct of a hub with these defects.
    pub fn new(defects: &[Defect]) -> Self {
        Self {
            defects: defects.iter().copied().collect(),
        }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defects.contains(&defect)
    }

    fn is_clean(&self) -> bool {
        self.defects.is_empty()
    }
}

/// Answers over HTTP.
impl Behaviour {
    /// The status of an accepted subscription or unsubscribe request.
    pub fn accepted_status(&self, mode: Mode) -> u16 {
        let (plain, failed) = match mode {
            Mode::Subscribe => (Defect::SubscribeAnswered200, Defect::SubscribeAnswered500),
            Mode::Unsubscribe => (Defect::UnsubscribeAnswered200, Defect::UnsubscribeAnswered500),
        };
        if self.has(plain) {
            200
        } else if self.has(failed) {
            500
        } else {
            202
        }
    }

    /// The body of an accepted subscription or unsubscribe request.
    pub fn response(&self, mode: Mode, response: &SubscriptionResponse) -> Value {
        let body = serde_json::to_value(response).unwrap_or_default();
        let missing = match mode {
            Mode::Subscribe => self.has(Defect::EndpointMissing),
            Mode::Unsubscribe => self.has(Defect::UnsubscribeWithoutEndpoint),
        };
        if missing {
            without(body, "hub.channel.endpoint")
        } else if mode == Mode::Unsubscribe && self.has(Defect::UnsubscribeWrongEndpoint) {
            with(body, "hub.channel.endpoint", format!("{}-not", response.endpoint))
        } else {
            body
        }
    }

    /// Whether endpoints are given out as ws:// though the hub speaks TLS.
    pub fn names_plaintext_endpoints(&self) -> bool {
        self.has(Defect::EndpointPlaintext)
    }

    /// Whether endpoints are numbered.
    pub fn numbers_endpoints(&self) -> bool {
        self.has(Defect::EndpointGuessable)
    }

    /// The content type of that body.
    pub fn response_type(&self) -> &'static str {
        if self.has(Defect::ResponseNotJson) {
            "text/plain"
        } else {
            "application/json"
        }
    }

    /// Whether refusals say why.
    pub fn explains_refusals(&self) -> bool {
        !self.has(Defect::RefusalWithoutReason)
    }

    /// Whether subscription requests that break a rule get a 202.
    pub fn accepts_malformed_subscriptions(&self) -> bool {
        self.has(Defect::MalformedSubscriptionAccepted)
    }

    /// The answer to every event, whatever it is.
    pub fn answers_events_with(&self) -> Option<(u16, &'static str)> {
        if self.has(Defect::PublishElsewhere) {
            Some((404, "events are not taken here"))
        } else if self.has(Defect::PublishRedirected) {
            Some((302, "see elsewhere"))
        } else {
            None
        }
    }

    /// Whether events reach the subscribers of other topics.
    pub fn leaks_across_topics(&self) -> bool {
        self.has(Defect::LeaksAcrossTopics)
    }

    /// The configuration document; `None` where there is none.
    pub fn configuration(&self, configuration: &Configuration) -> Option<Value> {
        if self.has(Defect::NoConfiguration) {
            return None;
        }
        let mut document = serde_json::to_value(configuration).ok()?;
        if self.has(Defect::ConfigurationWithoutEvents) {
            document = without(document, "eventsSupported");
        }
        if self.has(Defect::ConfigurationWithoutWebsocket) {
            document = with(document, "websocketSupport", false);
        }
        if self.has(Defect::ConfigurationWithoutVersion) {
            document = without(document, "fhircastVersion");
        }
        for (defect, member, value) in [
            (Defect::ConfigurationVersionAsNumber, "fhircastVersion", json!(3)),
            (
                Defect::ConfigurationFlagAsText,
                "getCurrentSupport",
                json!("true"),
            ),
            (
                Defect::ConfigurationCapabilitiesAsArray,
                "capabilities",
                json!(["supportsGetCurrentContext"]),
            ),
            (Defect::ConfigurationUnknownFhir, "fhirVersion", json!("R9")),
        ] {
            if self.has(defect) {
                document = with(document, member, value);
            }
        }
        Some(document)
    }

    /// The content type of the configuration document.
    pub fn configuration_type(&self) -> &'static str {
        if self.has(Defect::ConfigurationNotJson) {
            "text/plain"
        } else {
            "application/json"
        }
    }

    /// The answer to Get Current Context, as JSON.
    pub fn current_context(&self, context: &CurrentContext) -> String {
        let text = serde_json::to_string(context).unwrap_or_default();
        if self.is_clean() {
            return text;
        }
        // Values that serde_json would write otherwise are not looked at in a defective hub.
        let mut document: Value = serde_json::from_str(&text).unwrap_or_default();
        if context.context_type.is_empty() {
            if self.has(Defect::CurrentEmptyNamed) {
                document = with(document, "context.type", "None");
            }
            if self.has(Defect::CurrentEmptyFilled) {
                document = with(document, "context", json!([{"key": "none"}]));
            }
        }
        if self.has(Defect::CurrentTypeMissing) {
            document = without(document, "context.type");
        }
        if self.has(Defect::CurrentVersionMissing) {
            document = without(document, "context.versionId");
        }
        if self.has(Defect::CurrentVersionConstant) && context.version_id.is_some() {
            document = with(document, "context.versionId", "1");
        }
        if self.has(Defect::CurrentContextAsObject) {
            document = with(document, "context", json!({}));
        }
        document.to_string()
    }
}

/// Subscriptions.
impl Behaviour {
    pub(in crate::hub) fn ignores_channel_type(&self) -> bool {
        self.has(Defect::ChannelTypeIgnored)
    }

    pub(in crate::hub) fn repeats_endpoints(&self) -> bool {
        self.has(Defect::EndpointRepeated)
    }

    pub(in crate::hub) fn refuses_resubscriptions(&self) -> bool {
        self.has(Defect::ResubscribeRefused)
    }

    /// What is granted of the events that were asked for.
    pub(in crate::hub) fn grant(&self, asked: &[EventName]) -> Vec<EventName> {
        let mut granted = asked.to_vec();
        if self.has(Defect::RepeatedEventsKept) {
            granted.extend_from_slice(asked);
        }
        granted
    }

    pub(in crate::hub) fn resubscribes_everyone(&self) -> bool {
        self.has(Defect::ResubscribeTouchesOthers)
    }

    /// What is granted after a re-subscription.
    pub(in crate::hub) fn regrant(&self, before: &[EventName], asked: &[EventName]) -> Vec<EventName> {
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
    pub(in crate::hub) fn confirmation(&self, confirmation: &Confirmation) -> Option<String> {
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
        Some(message.to_string())
    }

    pub(in crate::hub) fn keeps_leases(&self) -> bool {
        !self.has(Defect::LeaseIgnored)
    }

    /// How many seconds a granted lease lasts.
    pub(in crate::hub) fn lease(&self, granted: u64) -> f64 {
        // Precise for every lease below millions of years.
        let granted = granted as f64;
        if self.has(Defect::LeaseCutShort) {
            granted / 2.0
        } else {
            granted
        }
    }

    pub(in crate::hub) fn closes_at_expiry(&self) -> bool {
        !self.has(Defect::ExpiryKeepsSocket)
    }

    /// The denial as JSON.
    pub(in crate::hub) fn denial(&self, denial: &Denial) -> String {
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
        if self.has(Defect::DenialWithoutEvents) {
            message = without(message, "hub.events");
        }
        message.to_string()
    }

    pub(in crate::hub) fn accepts_unknown_unsubscribes(&self) -> bool {
        self.has(Defect::UnknownUnsubscribeAccepted)
    }

    pub(in crate::hub) fn ignores_unsubscribes(&self) -> bool {
        self.has(Defect::UnsubscribeIgnored)
    }

    pub(in crate::hub) fn denies_on_unsubscribe(&self) -> bool {
        !self.has(Defect::UnsubscribeWithoutDenial)
    }

    pub(in crate::hub) fn closes_on_unsubscribe(&self) -> bool {
        !self.has(Defect::UnsubscribeKeepsSocket) && !self.has(Defect::UnsubscribeKeepsDelivering)
    }

    pub(in crate::hub) fn delivers_after_unsubscribe(&self) -> bool {
        self.has(Defect::UnsubscribeKeepsDelivering)
    }

    /// Whether the endpoint of an ended subscription can be connected to.
    pub(in crate::hub) fn revives_endpoints(&self) -> bool {
        self.has(Defect::EndpointSurvivesUnsubscribe)
    }
}

/// The replay to new subscribers.
impl Behaviour {
    pub(in crate::hub) fn replays(&self) -> bool {
        !self.has(Defect::NoReplay)
    }

    pub(in crate::hub) fn remembers_closed_contexts(&self) -> bool {
        self.has(Defect::ReplaysClosedContext)
    }

    pub(in crate::hub) fn replays_only_the_current(&self) -> bool {
        self.has(Defect::ReplayOnlyCurrent)
    }

    pub(in crate::hub) fn replays_the_oldest(&self) -> bool {
        self.has(Defect::ReplayOldest)
    }

    pub(in crate::hub) fn replays_to(&self, granted: &[EventName], event: &EventName) -> bool {
        self.has(Defect::ReplayUnsubscribed) || self.delivers(granted, event)
    }

    /// The replayed notification where it is not as it was.
    pub(in crate::hub) fn reworded_replay(
        &self,
        notification: &Notification,
        wall: jiff::Timestamp,
    ) -> Option<Notification> {
        self.has(Defect::ReplayNewTimestamp).then(|| {
            let mut notification = notification.clone();
            set_timestamp(&mut notification, &Timestamp::from_instant(wall));
            notification
        })
    }
}

fn set_timestamp(notification: &mut Notification, timestamp: &Timestamp) {
    notification.timestamp = timestamp.clone();
    notification.members().set_text("timestamp", timestamp.as_str());
}

/// Notifications.
impl Behaviour {
    /// Whether a subscriber with these events gets this one.
    pub(in crate::hub) fn delivers(&self, granted: &[EventName], event: &EventName) -> bool {
        if self.has(Defect::DeliversUnsubscribed) {
            return true;
        }
        if self.has(Defect::CaseSensitiveEventNames) {
            return granted.iter().any(|own| own.as_str() == event.as_str());
        }
        granted.contains(event)
    }

    /// How often each event is delivered.
    pub(in crate::hub) fn copies(&self) -> usize {
        if self.has(Defect::DuplicateDelivery) { 2 } else { 1 }
    }

    /// How often each event is delivered to a subscriber with these events.
    pub(in crate::hub) fn copies_for(&self, granted: &[EventName], event: &EventName) -> usize {
        let named = granted.iter().filter(|own| *own == event).count();
        if self.has(Defect::RepeatedEventsKept) {
            named.max(1)
        } else {
            self.copies()
        }
    }

    pub(in crate::hub) fn broadcasts_to_one(&self) -> bool {
        self.has(Defect::BroadcastToOne)
    }

    pub(in crate::hub) fn leaves_requester_out(&self) -> bool {
        self.has(Defect::RequesterLeftOut)
    }

    pub(in crate::hub) fn reorders(&self) -> bool {
        self.has(Defect::Reorders)
    }

    /// Whether an event is distributed at all; `first` is that of the session.
    pub(in crate::hub) fn distributes(&self, event: &EventName, first: bool) -> bool {
        let lost = self.has(Defect::NotificationsLost) && !first;
        let kept = self.has(Defect::SyncErrorNotDistributed) && event.kind() == EventKind::SyncError;
        let unshared = self.has(Defect::UpdateNotDistributed) && event.is(Action::Update);
        !lost && !kept && !unshared
    }

    pub(in crate::hub) fn broadcasts_what_it_refuses(&self) -> bool {
        self.has(Defect::RefusedEventBroadcast)
    }

    pub(in crate::hub) fn derives_opens(&self) -> bool {
        !self.has(Defect::NoDerivedOpens)
    }

    pub(in crate::hub) fn derives_for_all(&self) -> bool {
        self.has(Defect::DerivedDuplicates)
    }

    /// Alters a published event on its way.
    pub(in crate::hub) fn alter(&self, notification: &mut Notification, identifiers: &mut dyn Identifiers) {
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

fn alter_resources(notification: &mut Notification, alter: impl Fn(&mut Value)) {
    alter_entries(notification, |entries| {
        for entry in entries {
            if let Some(resource) = entry.get_mut("resource").filter(|resource| resource.is_object()) {
                alter(resource);
            }
        }
    });
}

fn alter_entries(notification: &mut Notification, alter: impl Fn(&mut Vec<Value>)) {
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
    pub(in crate::hub) fn notification_text(&self, notification: &Notification) -> String {
        let text = notification.to_text();
        if !self.has(Defect::NotificationWithoutEvent) {
            return text;
        }
        let message = serde_json::from_str(&text).unwrap_or_default();
        without(message, "event").to_string()
    }

    /// Whether the others are told of an answer with this status.
    pub(in crate::hub) fn reports(&self, status: Status) -> bool {
        match status.code {
            200 => false,
            201..300 => self.has(Defect::SyncErrorOnSuccess),
            409 => !self.has(Defect::NoSyncErrorOnConflict),
            400..500 => !self.has(Defect::NoSyncErrorOnClientError),
            500 => !self.has(Defect::NoSyncErrorOnServerError),
            501..600 => !self.has(Defect::NoSyncErrorOnOtherServerError),
            _ => true,
        }
    }

    /// Whether the others are told of a socket that was closed with this code.
    pub(in crate::hub) fn reports_close(&self, code: u16) -> bool {
        match code {
            1000 => self.has(Defect::SyncErrorOnNormalClose),
            1001 => self.has(Defect::SyncErrorOnGoingAway),
            _ => true,
        }
    }

    pub(in crate::hub) fn tells_culprits_alone(&self) -> bool {
        self.has(Defect::SyncErrorToCulprit)
    }

    pub(in crate::hub) fn reuses_ids_for_sync_errors(&self) -> bool {
        self.has(Defect::SyncErrorReusesId)
    }

    pub(in crate::hub) fn sends_sync_error(&self, granted: &[EventName], name: &EventName) -> bool {
        self.has(Defect::SyncErrorToUnsubscribed) || granted.contains(name)
    }

    pub(in crate::hub) fn unsubscribes_the_unresponsive(&self) -> bool {
        !self.has(Defect::UnresponsiveKept)
    }

    /// The context of a SyncError.
    pub(in crate::hub) fn sync_error_context(&self, cause: &SyncErrorCause) -> Box<RawValue> {
        if self.has(Defect::SyncErrorEmpty) {
            return raw(&json!([]));
        }
        let mut cause = cause.clone();
        if self.has(Defect::SyncErrorWrongEventId) {
            cause.event_id = format!("not-{}", cause.event_id);
        }
        if self.has(Defect::SyncErrorWithoutSubscriber) {
            cause.subscriber_name = None;
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
        if self.has(Defect::SyncErrorWithoutDetails) {
            *issue = without(issue.take(), "details");
        }
        raw(&context)
    }
}

/// The current context and its content.
impl Behaviour {
    pub(in crate::hub) fn keeps_current_after_close(&self) -> bool {
        self.has(Defect::CloseKeepsCurrent)
    }

    pub(in crate::hub) fn returns_the_oldest(&self) -> bool {
        self.has(Defect::CurrentOldest)
    }

    pub(in crate::hub) fn updates_contexts(&self) -> bool {
        self.has(Defect::ContextUpdated)
    }

    pub(in crate::hub) fn hides_changed_resources(&self) -> bool {
        self.has(Defect::ChangedResourcesMissing)
    }

    pub(in crate::hub) fn shares_content_among_contexts(&self) -> bool {
        self.has(Defect::ContentShared)
    }

    pub(in crate::hub) fn keeps_content_after_close(&self) -> bool {
        self.has(Defect::ContentKeptAfterClose)
    }

    pub(in crate::hub) fn drops_content_on_open(&self) -> bool {
        self.has(Defect::ContentDroppedOnOpen)
    }

    /// The version that a context gets.
    pub(in crate::hub) fn version(&self, next: String) -> String {
        if self.has(Defect::VersionRepeated) {
            "1".to_owned()
        } else {
            next
        }
    }

    /// How often the content is returned.
    pub(in crate::hub) fn content_copies(&self) -> usize {
        if self.has(Defect::CurrentContentMissing) {
            0
        } else if self.has(Defect::CurrentContentTwice) {
            2
        } else {
            1
        }
    }

    pub(in crate::hub) fn content_link(&self) -> Option<Value> {
        self.has(Defect::CurrentContentWithLink)
            .then(|| json!([{"relation": "self", "url": "https://hub.example.com"}]))
    }

    pub(in crate::hub) fn versions_opens(&self) -> bool {
        !self.has(Defect::OpenWithoutVersion)
    }

    /// The version and the version before that a distributed update states.
    pub(in crate::hub) fn update_versions<'a>(
        &self,
        next: &'a str,
        prior: &'a str,
    ) -> (&'a str, Option<&'a str>) {
        let next = if self.has(Defect::UpdateKeepsVersion) {
            prior
        } else {
            next
        };
        (next, (!self.has(Defect::PriorVersionMissing)).then_some(prior))
    }

    pub(in crate::hub) fn accepts_stale_updates(&self) -> bool {
        self.has(Defect::StaleUpdateAccepted)
    }

    pub(in crate::hub) fn applies_refused_updates(&self) -> bool {
        self.has(Defect::PartialUpdate)
    }

    pub(in crate::hub) fn keeps_content(&self) -> bool {
        !self.has(Defect::ContentNotKept)
    }

    pub(in crate::hub) fn content_bundle_type(&self) -> &'static str {
        if self.has(Defect::CurrentContentWrongType) {
            "transaction"
        } else {
            "collection"
        }
    }

    pub(in crate::hub) fn content_request(&self, url: &str) -> Option<Value> {
        self.has(Defect::CurrentContentWithRequest)
            .then(|| json!({"method": "PUT", "url": url}))
    }
}
