//! The requirements that the runner itself judges, in every scenario: the ambient checks.
//!
//! A scenario states what is particular to it; what must hold of every message is named here. A test holds this list against
//! the catalogue.

/// An accepted subscription is answered with 202 (2.4).
pub const SUBSCRIBE_202: &str = "subscribe.accepted-202";
/// An accepted unsubscribe is answered with 202 (2.4).
pub const UNSUBSCRIBE_202: &str = "unsubscribe.accepted-202";
/// What is returned from subscription requests is `application/json` (2.4).
pub const SUBSCRIBE_CONTENT_TYPE: &str = "subscribe.content-type";
/// Every subscription has an endpoint of its own (2.4).
pub const ENDPOINT_UNIQUE: &str = "subscribe.response.endpoint-unique";
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
/// The id of a notification is unique for the hub (2.5).
pub const ID_UNIQUE: &str = "notification.id-unique";
/// The timestamp is that of the event (2.4, 2.5).
pub const TIMESTAMP: &str = "notification.timestamp-of-event";
/// The broadcast carries what was published (2.6).
pub const CONTEXT_UNALTERED: &str = "notification.context-unaltered";
/// The broadcast has the id of the request (2.6).
pub const ID_REUSED: &str = "publish.id-reused";
/// The requester is sent the broadcast too (2.6).
pub const BROADCAST_TO_REQUESTER: &str = "publish.broadcast-to-requester";
/// A SyncError has a cause (2.5).
pub const SYNC_ERROR_CAUSE: &str = "syncerror.only-on-error";

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
    ID_REUSED,
    BROADCAST_TO_REQUESTER,
    SYNC_ERROR_CAUSE,
    SYNC_ERROR_EVENT_ID,
];
