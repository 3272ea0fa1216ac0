//! The requirements that are judged in every conversation with a hub: the ambient rules.
//!
//! A scenario states what is particular to it; what must hold of every message is named here. A test holds this list against
//! the catalogue.

/// An accepted subscription is answered with 202 (2.4).
pub const SUBSCRIBE_202: &str = "subscribe.accepted-202";
/// A published event is accepted or refused by an HTTP answer (2.6).
pub const PUBLISH_ANSWERED: &str = "publish.accept-or-reject";
/// An accepted unsubscribe is answered with 202 (2.4).
pub const UNSUBSCRIBE_202: &str = "unsubscribe.accepted-202";
/// What is returned from subscription requests is `application/json` (2.4).
pub const SUBSCRIBE_CONTENT_TYPE: &str = "subscribe.content-type";
/// Every subscription has an endpoint of its own (2.4).
pub const ENDPOINT_UNIQUE: &str = "subscribe.response.endpoint-unique";
/// The HTTP interfaces of the hub are secured by TLS (2).
pub const HTTPS: &str = "transport.https";
/// WebSockets are secured by TLS (2).
pub const WSS: &str = "transport.wss";
/// A confirmation is sent once the WebSocket is open (2.4).
pub const CONFIRMATION_SENT: &str = "confirmation.sent";
/// The answer to an unsubscribe names the endpoint that it ends (2.4).
pub const UNSUBSCRIBE_ENDPOINT: &str = "unsubscribe.response.endpoint-of-subscription";
/// Events are published by POST to `hub.url` (2.6).
pub const PUBLISH_AT_HUB_URL: &str = "publish.at-hub-url";
/// Everything over a WebSocket is JSON (2).
pub const WEBSOCKET_JSON: &str = "transport.websocket-json";
/// The confirmation is about the topic that was asked for (2.4).
pub const CONFIRMATION_TOPIC: &str = "confirmation.topic-of-request";
/// A hub that denies a subscription closes its WebSocket (2.4).
pub const DENIAL_CLOSES: &str = "denial.socket-closed";
/// The denial is about the topic that was asked for (2.4).
pub const DENIAL_TOPIC: &str = "denial.topic-of-request";
/// Subscribers are notified of what they are subscribed to (2.5).
pub const DELIVERED: &str = "notification.delivered";
/// Subscribers are not sent what they are not subscribed to (2.4).
pub const ONLY_SUBSCRIBED: &str = "notification.only-subscribed";
/// What happens in a topic stays in it (2.5).
pub const TOPIC_ISOLATED: &str = "notification.topic-isolated";
/// Events come in the order in which the hub took them.
pub const ORDER: &str = "notification.order-kept";
/// An event comes once.
pub const ONCE: &str = "notification.delivered-once";
/// A subscriber is unresponsive only after SyncErrors of the hub about it (2.5).
pub const UNRESPONSIVE_TOLD: &str = "syncerror.before-unresponsive";
/// The diagnostics of a SyncError of the hub say what happened (2.5, profile of the OperationOutcome).
pub const DIAGNOSTICS: &str = "operationoutcome.diagnostics.hub";
/// The id of a notification is unique for the hub (2.5).
pub const ID_UNIQUE: &str = "notification.id-unique";
/// The timestamp is that of the event (2.4, 2.5).
pub const TIMESTAMP: &str = "notification.timestamp-of-event";
/// The broadcast carries what was published (2.6).
pub const CONTEXT_UNALTERED: &str = "notification.context-unaltered";
/// The broadcast carries of each resource what the event's definition requires (STU1 and STU2).
pub const REQUIRED_ELEMENTS: &str = "notification.required-elements";
/// An open or close event is whole, and has nothing of an earlier one.
pub const COMPLETE_REPLACEMENT: &str = "event.complete-replacement.hub";
/// The broadcast has the name and the other members of what was published.
pub const MEMBERS_UNALTERED: &str = "notification.members-unaltered";
/// All subscribers are told the same of one event.
pub const SAME_FOR_ALL: &str = "notification.same-for-all";
/// A `Patient-open` has one patient (STU1 and STU2).
pub const SINGLE_PATIENT: &str = "patient-open.single-patient";
/// The current context is that of the latest open event (2.9).
pub const CURRENT_LATEST: &str = "current.context-of-latest-open";
/// The current context is as the open event supplied it (2.9).
pub const CURRENT_AS_SUPPLIED: &str = "current.context-as-supplied";
/// The content is what the updates made of it (2.10).
pub const CONTENT_MAINTAINED: &str = "content.maintained";
/// The broadcast has the id of the request (2.6).
pub const ID_REUSED: &str = "publish.id-reused";
/// A late refusal is told to the requester alone (2.6).
pub const LATE_REJECTION: &str = "publish.late-rejection-to-requester";
/// What a hub adds as an extension is an object (2.8).
pub const EXTENSION_OBJECT: &str = "extension.object.hub";
/// The requester is sent the broadcast too (2.6).
pub const BROADCAST_TO_REQUESTER: &str = "publish.broadcast-to-requester";
/// A SyncError has a cause (2.5).
pub const SYNC_ERROR_CAUSE: &str = "syncerror.only-on-error";

/// The intent of a request for a callback is verified (STU1 and STU2, Intent Verification).
pub const VERIFICATION_SENT: &str = "intent-verification.sent";
/// An intent verification is about the topic that was asked for.
pub const VERIFICATION_TOPIC: &str = "intent-verification.topic-of-request";
/// The intent of an unsubscribe is verified (STU1).
pub const VERIFICATION_ON_UNSUBSCRIBE: &str = "intent-verification.on-unsubscribe";
/// Challenges are random.
pub const CHALLENGE_RANDOM: &str = "intent-verification.challenge-random";
/// Nothing comes to a callback whose intent has not been verified.
pub const NOTHING_BEFORE: &str = "intent-verification.nothing-before";
/// Denials come to callbacks by GET.
pub const DENIAL_GET: &str = "denial.webhook-get";
/// Notifications come to callbacks by POST.
pub const NOTIFICATION_POST: &str = "webhook.notification-post";
/// What comes to callbacks is declared as JSON.
pub const HTTP_JSON: &str = "transport.http-json";
/// The parameters of a callback's own stay in intent verifications.
pub const QUERY_IN_VERIFICATION: &str = "callback.query-kept-in-verification";
/// The hub's parameters come behind those of the callback's own.
pub const QUERY_APPENDED: &str = "callback.query-appended";
/// The parameters of a callback's own stay in notifications.
pub const QUERY_IN_NOTIFICATION: &str = "callback.query-kept-in-notification";
/// Notifications to a callback are signed.
pub const SIGNATURE_SENT: &str = "signature.sent";
/// A signature is written as method and hexadecimal digits.
pub const SIGNATURE_FORM: &str = "signature.form";
/// The method of a signature is a recognized one.
pub const SIGNATURE_METHOD: &str = "signature.method";
/// A signature is that of the body with the subscription's secret.
pub const SIGNATURE_MATCHES: &str = "signature.matches";

/// A lease ends no later than the access token (2.4).
pub const LEASE_WITHIN_TOKEN: &str = "subscribe.lease-within-token";
/// The events of a denial are among those of the subscription.
pub const DENIAL_EVENTS: &str = "denial.events-correspond";
/// A subscription lasts as long as its confirmation states (2.4).
pub const LEASE_HONOURED: &str = "confirmation.lease-honoured";
/// A SyncError names the event that it is about (3.2.1).
pub const SYNC_ERROR_EVENT_ID: &str = "operationoutcome.eventid.hub";

/// The requirements that are about an event being delivered at all; of others, an event that reached nobody says nothing.
pub const DELIVERY: &[&str] = &[
    DELIVERED,
    BROADCAST_TO_REQUESTER,
    "publish.broadcast-to-all",
    "content.update-distributed",
    "syncerror.subscriber-distributed",
];

/// All of them.
pub const AMBIENT: &[&str] = &[
    HTTPS,
    DENIAL_CLOSES,
    UNRESPONSIVE_TOLD,
    SUBSCRIBE_202,
    UNSUBSCRIBE_202,
    SUBSCRIBE_CONTENT_TYPE,
    ENDPOINT_UNIQUE,
    WSS,
    CONFIRMATION_SENT,
    UNSUBSCRIBE_ENDPOINT,
    PUBLISH_AT_HUB_URL,
    WEBSOCKET_JSON,
    CONFIRMATION_TOPIC,
    DENIAL_TOPIC,
    DELIVERED,
    ONLY_SUBSCRIBED,
    TOPIC_ISOLATED,
    ORDER,
    ONCE,
    ID_UNIQUE,
    TIMESTAMP,
    CONTEXT_UNALTERED,
    REQUIRED_ELEMENTS,
    COMPLETE_REPLACEMENT,
    MEMBERS_UNALTERED,
    SAME_FOR_ALL,
    SINGLE_PATIENT,
    CURRENT_LATEST,
    CURRENT_AS_SUPPLIED,
    CONTENT_MAINTAINED,
    ID_REUSED,
    BROADCAST_TO_REQUESTER,
    LATE_REJECTION,
    EXTENSION_OBJECT,
    SYNC_ERROR_CAUSE,
    SYNC_ERROR_EVENT_ID,
    LEASE_WITHIN_TOKEN,
    LEASE_HONOURED,
    DENIAL_EVENTS,
    VERIFICATION_SENT,
    VERIFICATION_TOPIC,
    VERIFICATION_ON_UNSUBSCRIBE,
    CHALLENGE_RANDOM,
    NOTHING_BEFORE,
    DENIAL_GET,
    NOTIFICATION_POST,
    HTTP_JSON,
    QUERY_IN_VERIFICATION,
    QUERY_APPENDED,
    QUERY_IN_NOTIFICATION,
    SIGNATURE_SENT,
    SIGNATURE_FORM,
    SIGNATURE_METHOD,
    SIGNATURE_MATCHES,
];
