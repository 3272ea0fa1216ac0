//! The defects: name, description, the requirements that each breaks, those that can then not be kept either (`so`), and the
//! versions that it is meant for (`in`), which are STU3 alone where none are named. The ids hold in each of these versions,
//! but where a version brings its own list: `in [Stu2, Stu1 breaks ["..."]]`. What stands behind `so` may be
//! unknown to some of them.
//!
//! A requirement stands behind `so` only where the specification leads from the deviation to it; that a check happens to
//! fail is no reason.

use crate::protocol::Version;

macro_rules! defects {
    ($($variant:ident, $name:literal, $description:literal, [$($breaks:literal),+]
        $(, so [$($consequence:literal),+])?
        $(, in [$($version:ident $(breaks [$($own:literal),+])? $(so [$($so:literal),+])?),+])?;)+) => {
        /// A named, deliberate deviation of the hub.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Defect {
            $(#[doc = $description] $variant,)+
        }

        impl Defect {
            /// Every defect of every version, in the order of STU3's pages and, after them, of webhooks.
            pub fn all() -> &'static [Self] {
                &[$(Self::$variant),+]
            }

            /// Its name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What the hub does, in one line.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => $description),+ }
            }

            /// The versions that it is meant for: in others it shows in nothing, or in what they leave free.
            pub fn versions(self) -> &'static [Version] {
                match self { $(Self::$variant => versions!($($($version)+)?)),+ }
            }

            /// The ids of the requirements that it breaks, in the versions that have no list of their own.
            pub(super) fn common_breaks(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($breaks),+]),+ }
            }

            pub(super) fn own_breaks(self) -> &'static [(Version, &'static [&'static str])] {
                match self { $(Self::$variant => &[$($($((Version::$version, &[$($own),+]),)?)+)?]),+ }
            }

            pub(super) fn common_consequences(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($($consequence),+)?]),+ }
            }

            pub(super) fn own_consequences(self) -> &'static [(Version, &'static [&'static str])] {
                match self { $(Self::$variant => &[$($($((Version::$version, &[$($so),+]),)?)+)?]),+ }
            }
        }
    };
}

macro_rules! versions {
    () => { &[Version::Stu3] };
    ($($version:ident)+) => { &[$(Version::$version),+] };
}

defects! {
    // 2 Transport
    EndpointPlaintext, "endpoint-plaintext", "gives out ws:// endpoints though it is reached over HTTPS",
        ["transport.wss"],
        so ["confirmation.sent"],
        in [Stu3, Stu2];
    ConfirmationNotJson, "confirmation-not-json", "writes the confirmation as a form in place of JSON",
        ["transport.websocket-json", "confirmation.sent"],
        in [Stu3, Stu2];
    // 2.3 Event Definition Format
    CaseSensitiveEventNames, "case-sensitive-event-names", "tells event names apart by case",
        ["subscribe.events-case-insensitive.hub", "publish.events-case-insensitive.hub"],
        so ["notification.delivered", "publish.broadcast-to-requester"],
        in [Stu3, Stu2, Stu1];
    EventWithoutTopic, "event-without-topic", "leaves hub.topic out of notifications",
        ["event.topic.hub"],
        in [Stu3, Stu2, Stu1];
    EventWithoutName, "event-without-name", "leaves hub.event out of notifications",
        ["event.name.hub"],
        in [Stu3, Stu2, Stu1];
    EventWithoutContext, "event-without-context", "leaves the context out of notifications",
        ["event.context.hub"],
        so ["derived.open-sent"],
        in [Stu3, Stu2, Stu1];
    EventWithoutKeys, "event-without-keys", "leaves the keys out of the context of notifications",
        ["event.context-key.hub"],
        so ["content.bundle-id-kept", "derived.open-sent"],
        in [Stu3, Stu2, Stu1];
    ContextKeysUpperCase, "context-keys-upper-case", "writes the keys of the context in upper case",
        ["event.context-key-case.hub"],
        so ["content.bundle-id-kept", "derived.open-sent"];
    ResourcesAsText, "resources-as-text", "writes the resources of the context as strings of JSON",
        ["event.context-resource.hub"],
        so ["notification.context-unaltered"],
        in [Stu3, Stu2, Stu1];
    ContextWithoutValues, "context-without-values", "passes on the keys of the context and not their values",
        ["event.context-value.hub"],
        so ["notification.context-unaltered"],
        in [Stu3, Stu2 breaks ["event.context-named-resource.hub"], Stu1 breaks ["event.context-named-resource.hub"]];
    EventNameLowerCase, "event-name-lower-case", "writes event names in lower case",
        ["event.name-case.hub"];
    EventMisnamed, "event-misnamed", "calls UserHibernate 'user hibernates'",
        ["event.name-form.hub"],
        in [Stu3, Stu2 breaks ["event.name-syntax.hub"], Stu1 breaks ["event.name-syntax.hub"]];
    EventNameWildcard, "event-name-wildcard", "calls UserHibernate 'User*'",
        ["event.name-no-wildcard.hub"];
    ProprietaryEventDashed, "proprietary-event-dashed", "writes a dash into the names of proprietary events",
        ["event.proprietary-no-dash.hub"],
        so ["notification.only-subscribed", "publish.broadcast-to-requester"],
        in [Stu3, Stu2, Stu1];
    VersionAsNumber, "version-as-number", "writes context.versionId as a number",
        ["event.version-id-string.hub"];
    UpdateWithoutVersion, "update-without-version", "leaves the version out of distributed updates",
        ["event.version-id.hub"],
        so ["content.update-new-version"];
    PriorVersionAsNumber, "prior-version-as-number", "writes context.priorVersionId as a number",
        ["event.prior-version-id-string.hub"];
    // 2.4 Subscription Request and Response
    SubscribeAnswered200, "subscribe-answered-200", "answers subscription requests with 200 in place of 202",
        ["subscribe.accepted-202"],
        in [Stu3, Stu2, Stu1];
    SubscribeAnswered500, "subscribe-answered-500", "answers subscription requests with 500",
        ["subscribe.accepted-202"],
        in [Stu3, Stu2, Stu1];
    SubscribeRedirected, "subscribe-redirected", "carries subscription requests out and answers them with 302",
        ["subscribe.answered"],
        so ["subscribe.accepted-202"],
        in [Stu3, Stu2 breaks ["subscribe.accepted-202"], Stu1 breaks ["subscribe.accepted-202"]];
    EndpointMissing, "endpoint-missing", "leaves hub.channel.endpoint out of the answer to a subscription request",
        ["subscribe.response.endpoint"],
        in [Stu3, Stu2];
    ResponseAsArray, "response-as-array", "answers subscription requests with an array around the object",
        ["subscribe.response.object"],
        in [Stu3, Stu2];
    EndpointRepeated, "endpoint-repeated", "gives every subscription of a topic the same endpoint",
        ["subscribe.response.endpoint-unique"],
        so ["notification.delivered", "publish.broadcast-to-requester", "subscribe.resubscribe-replaces-events", "unsubscribe.nothing-delivered", "unsubscribe.socket-closed", "unsubscribe.never-in-part"],
        in [Stu3, Stu2];
    EndpointGuessable, "endpoint-guessable", "numbers its endpoints",
        ["subscribe.response.endpoint-unguessable"],
        in [Stu3, Stu2];
    ResponseNotJson, "response-not-json", "answers subscription requests with JSON as text/plain",
        ["subscribe.content-type"];
    ChannelTypeIgnored, "channel-type-ignored", "takes subscription requests without a channel type or with an unknown one",
        ["subscribe.channel-type-missing-rejected", "subscribe.channel-type-unknown-rejected"],
        so ["unsubscribe.channel-type-missing-rejected"],
        in [Stu3, Stu2];
    MalformedSubscriptionAccepted, "malformed-subscription-accepted", "answers malformed subscription requests with 202",
        ["subscribe.refusal-status", "unsubscribe.refusal-status"],
        so ["subscribe.channel-type-missing-rejected", "subscribe.channel-type-unknown-rejected", "unsubscribe.channel-type-missing-rejected"],
        in [Stu3, Stu2, Stu1];
    RefusalWithoutReason, "refusal-without-reason", "refuses with an empty body",
        ["subscribe.refusal-description", "unsubscribe.refusal-description"],
        in [Stu3, Stu2, Stu1];
    RefusalAsHtml, "refusal-as-html", "explains refusals as an HTML page",
        ["subscribe.refusal-plain-text", "unsubscribe.refusal-plain-text"],
        in [Stu3, Stu2, Stu1];
    RepeatedEventsKept, "repeated-events-kept", "grants an event as often as it is named, and delivers it so",
        ["subscribe.events-repeated-once"],
        so ["notification.delivered-once"];
    ResubscribeMerges, "resubscribe-merges", "adds the events of a re-subscription to the earlier ones",
        ["subscribe.resubscribe-replaces-events"],
        in [Stu3, Stu2 breaks ["subscribe.resubscribe-replaces-events", "callback.override"], Stu1 breaks ["callback.override"]];
    ResubscribeIgnored, "resubscribe-ignored", "accepts re-subscriptions and keeps the earlier events",
        ["subscribe.resubscribe-replaces-events"],
        in [Stu3, Stu2 breaks ["subscribe.resubscribe-replaces-events", "callback.override"], Stu1 breaks ["callback.override"]];
    ResubscribeRefused, "resubscribe-refused", "refuses to re-subscribe over an existing endpoint",
        ["subscribe.resubscribe-allowed"],
        so ["subscribe.resubscribe-replaces-events"],
        in [Stu3, Stu2, Stu1];
    RefusedResubscriptionApplied, "refused-resubscription-applied", "refuses a re-subscription and takes its events over all the same",
        ["subscribe.refused-changes-nothing"],
        so ["notification.delivered"],
        in [Stu3, Stu2];
    ResubscribeTouchesOthers, "resubscribe-touches-others", "replaces the events of every subscriber of the topic",
        ["subscribe.override-per-endpoint"],
        so ["notification.delivered", "publish.broadcast-to-requester"],
        in [Stu3, Stu2 breaks ["subscribe.override-per-endpoint", "callback.override"], Stu1 breaks ["callback.override"]];
    // 2.4 Subscription Confirmation
    NoConfirmation, "no-confirmation", "sends no confirmation when a WebSocket connects",
        ["confirmation.sent"],
        in [Stu3, Stu2];
    ConfirmationAsArray, "confirmation-as-array", "sends the confirmation as an array around the object",
        ["confirmation.object"],
        in [Stu3, Stu2];
    ConfirmationWithoutMode, "confirmation-without-mode", "leaves hub.mode out of the confirmation",
        ["confirmation.mode"],
        in [Stu3, Stu2];
    ConfirmationWrongMode, "confirmation-wrong-mode", "confirms with hub.mode 'subscribed'",
        ["confirmation.mode"],
        in [Stu3, Stu2];
    ConfirmationWithoutTopic, "confirmation-without-topic", "leaves hub.topic out of the confirmation",
        ["confirmation.topic"],
        in [Stu3, Stu2];
    ConfirmationWrongTopic, "confirmation-wrong-topic", "confirms another topic than the requested one",
        ["confirmation.topic-of-request"],
        in [Stu3, Stu2];
    ConfirmationWithoutEvents, "confirmation-without-events", "leaves hub.events out of the confirmation",
        ["confirmation.events"],
        in [Stu3, Stu2];
    ConfirmationEventsAsArray, "confirmation-events-as-array", "writes hub.events of the confirmation as a JSON array",
        ["confirmation.events"],
        in [Stu3, Stu2];
    ConfirmationOtherEvents, "confirmation-other-events", "confirms an event that nobody asked for, and that alone",
        ["confirmation.events-correspond", "notification.only-subscribed", "notification.delivered"],
        so ["publish.broadcast-to-requester"],
        in [Stu3, Stu2];
    ConfirmationWithoutLease, "confirmation-without-lease", "leaves hub.lease_seconds out of the confirmation",
        ["confirmation.lease-seconds"],
        in [Stu3, Stu2];
    LeaseIgnored, "lease-ignored", "keeps subscriptions beyond the end of their lease",
        ["confirmation.lease-expiry-closes", "confirmation.lease-expiry-unsubscribes"],
        so ["notification.delivered-once"],
        in [Stu3, Stu2 breaks ["confirmation.lease-expiry-closes", "confirmation.lease-expiry-unsubscribes", "intent-verification.lease-expiry-unsubscribes"], Stu1 breaks ["intent-verification.lease-expiry-unsubscribes"]];
    LeaseCutShort, "lease-cut-short", "ends subscriptions after half of the lease that it granted",
        ["confirmation.lease-honoured"],
        in [Stu3, Stu2 breaks ["confirmation.lease-honoured", "intent-verification.lease-honoured"], Stu1 breaks ["intent-verification.lease-honoured"]];
    ExpiryKeepsSocket, "expiry-keeps-socket", "ends the subscription with its lease and leaves the WebSocket open",
        ["confirmation.lease-expiry-closes"],
        in [Stu3, Stu2];
    // 2.4 Current context notification
    NoReplay, "no-replay", "sends a new subscriber nothing of what is open",
        ["replay.latest-open", "replay.per-anchor-type"];
    ReplaysClosedContext, "replays-closed-context", "sends a new subscriber the open events of closed contexts too",
        ["replay.not-closed"];
    ReplayOnlyCurrent, "replay-only-current", "sends a new subscriber the last open event only, not one for each anchor type",
        ["replay.per-anchor-type"];
    ReplayOldest, "replay-oldest", "sends a new subscriber the oldest open event of an anchor type",
        ["replay.latest-open"];
    ReplayNewTimestamp, "replay-new-timestamp", "replays open events with the time of the replay",
        ["replay.original-timestamp"],
        so ["notification.timestamp-of-event"];
    ReplayUnsubscribed, "replay-unsubscribed", "replays open events that the subscriber did not subscribe to",
        ["replay.only-subscribed", "notification.only-subscribed"];
    ReplaysCloses, "replays-closes", "sends a new subscriber the close events of closed contexts",
        ["replay.only-open-events"],
        so ["notification.timestamp-of-event"];
    // 2.4 Denial and Unsubscribe
    DenialWithoutTopic, "denial-without-topic", "leaves hub.topic out of denials",
        ["denial.topic"],
        in [Stu3, Stu2, Stu1];
    DenialAsArray, "denial-as-array", "sends denials as an array around the object",
        ["denial.object"],
        in [Stu3, Stu2];
    DenialToAll, "denial-to-all", "sends the denial of one subscriber to everybody in the topic",
        ["denial.only-to-the-denied"],
        in [Stu3, Stu2];
    DenialWrongTopic, "denial-wrong-topic", "denies another topic than the subscribed one",
        ["denial.topic-of-request"],
        in [Stu3, Stu2, Stu1];
    DenialWithoutEvents, "denial-without-events", "leaves hub.events out of denials",
        ["denial.events"],
        in [Stu3, Stu2, Stu1];
    DenialWrongMode, "denial-wrong-mode", "denies with hub.mode 'unsubscribe'",
        ["denial.mode"],
        in [Stu3, Stu2, Stu1];
    DenialReasonNotText, "denial-reason-not-text", "writes hub.reason of denials as a number",
        ["denial.reason"],
        in [Stu3, Stu2];
    UnsubscribeAnswered200, "unsubscribe-answered-200", "answers unsubscribe requests with 200 in place of 202",
        ["unsubscribe.accepted-202"],
        in [Stu3, Stu2, Stu1];
    UnsubscribeAnswered500, "unsubscribe-answered-500", "carries unsubscribe requests out and answers them with 500",
        ["unsubscribe.accepted-202"],
        in [Stu3, Stu2, Stu1];
    UnsubscribeRedirected, "unsubscribe-redirected", "carries unsubscribe requests out and answers them with 302",
        ["unsubscribe.answered", "unsubscribe.accepted-202"],
        in [Stu3, Stu2 breaks ["unsubscribe.accepted-202"], Stu1 breaks ["unsubscribe.accepted-202"]];
    UnsubscribeChannelTypeIgnored, "unsubscribe-channel-type-ignored", "takes unsubscribe requests without a channel type",
        ["unsubscribe.channel-type-missing-rejected"],
        in [Stu3, Stu2];
    UnsubscribeInPart, "unsubscribe-in-part", "ends only the events that an unsubscribe names",
        ["unsubscribe.never-in-part"],
        in [Stu3, Stu2];
    UnsubscribeWithoutEndpoint, "unsubscribe-without-endpoint", "leaves hub.channel.endpoint out of the answer to an unsubscribe request",
        ["unsubscribe.response.endpoint"];
    UnsubscribeResponseAsArray, "unsubscribe-response-as-array", "answers unsubscribe requests with an array around the object",
        ["unsubscribe.response.object"];
    UnsubscribeWrongEndpoint, "unsubscribe-wrong-endpoint", "answers unsubscribe requests with another endpoint",
        ["unsubscribe.response.endpoint-of-subscription"];
    UnsubscribeWithoutDenial, "unsubscribe-without-denial", "sends no denial after an unsubscribe",
        ["unsubscribe.denial-sent"];
    UnsubscribeKeepsSocket, "unsubscribe-keeps-socket", "leaves the WebSocket open after an unsubscribe",
        ["unsubscribe.socket-closed"],
        so ["unsubscribe.endpoint-not-reusable"],
        in [Stu3, Stu2];
    UnsubscribeKeepsDelivering, "unsubscribe-keeps-delivering", "denies after an unsubscribe, and goes on delivering",
        ["unsubscribe.nothing-delivered", "unsubscribe.socket-closed"],
        so ["unsubscribe.endpoint-not-reusable", "unsubscribe.never-in-part"],
        in [Stu3, Stu2 breaks ["unsubscribe.nothing-delivered", "unsubscribe.socket-closed"], Stu1 breaks ["unsubscribe.nothing-delivered"]];
    UnsubscribeIgnored, "unsubscribe-ignored", "accepts unsubscribe requests and goes on as before",
        ["unsubscribe.denial-sent", "unsubscribe.socket-closed", "unsubscribe.nothing-delivered"],
        so ["unsubscribe.endpoint-not-reusable", "unsubscribe.never-in-part"],
        in [Stu3, Stu2 breaks ["unsubscribe.socket-closed", "unsubscribe.nothing-delivered"], Stu1 breaks ["unsubscribe.nothing-delivered"]];
    EndpointSurvivesUnsubscribe, "endpoint-survives-unsubscribe", "lets clients connect again to the endpoint of an ended subscription",
        ["unsubscribe.endpoint-not-reusable"],
        so ["confirmation.lease-expiry-unsubscribes"],
        in [Stu3, Stu2];
    UnknownUnsubscribeAccepted, "unknown-unsubscribe-accepted", "answers 202 to the unsubscribe of a subscription that is not there",
        ["unsubscribe.refusal-status"],
        in [Stu3, Stu2, Stu1];
    // 2.5 Event Notification
    NotificationsLost, "notifications-lost", "distributes no event but the first of a session",
        ["notification.delivered"],
        so ["content.update-distributed", "publish.broadcast-to-all", "publish.broadcast-to-requester", "syncerror.subscriber-distributed", "subscribe.resubscribe-replaces-events", "publish.events-case-insensitive.hub", "subscribe.override-per-endpoint"],
        in [Stu3, Stu2, Stu1];
    BroadcastToOne, "broadcast-to-one", "sends each event to one of its subscribers",
        ["publish.broadcast-to-all"],
        so ["notification.delivered", "publish.broadcast-to-requester", "content.update-distributed", "content.open-version", "publish.events-case-insensitive.hub", "subscribe.events-case-insensitive.hub", "subscribe.events-repeated-once", "subscribe.override-per-endpoint", "subscribe.refused-changes-nothing", "subscribe.resubscribe-replaces-events", "syncerror.subscriber-distributed", "syncerror.on-conflict", "syncerror.on-client-error", "syncerror.on-server-error", "syncerror.on-other-server-error"],
        in [Stu3, Stu2, Stu1];
    DeliversUnsubscribed, "delivers-unsubscribed", "sends subscribers events that they did not subscribe to",
        ["notification.only-subscribed"],
        so ["replay.only-subscribed", "subscribe.resubscribe-replaces-events", "derived.open-sent"],
        in [Stu3, Stu2, Stu1];
    LeaksAcrossTopics, "leaks-across-topics", "sends events to the subscribers of other topics too",
        ["notification.topic-isolated"],
        so ["content.prior-version-id"],
        in [Stu3, Stu2, Stu1];
    DuplicateDelivery, "duplicate-delivery", "delivers every event twice",
        ["notification.delivered-once"],
        so ["derived.no-duplicates"];
    Reorders, "reorders", "delivers every second event before the one that it followed",
        ["notification.order-kept"];
    NotificationWithoutTimestamp, "notification-without-timestamp", "leaves the timestamp out of notifications",
        ["notification.timestamp"],
        in [Stu3, Stu2, Stu1];
    NotificationAsArray, "notification-as-array", "sends notifications as an array around the object",
        ["notification.object"],
        so ["notification.delivered", "publish.broadcast-to-requester"],
        in [Stu3, Stu2, Stu1];
    NotificationWithoutId, "notification-without-id", "leaves the id out of notifications",
        ["notification.id"],
        in [Stu3, Stu2, Stu1];
    NotificationWithoutEvent, "notification-without-event", "leaves the event out of notifications",
        ["notification.event"],
        in [Stu3, Stu2, Stu1];
    TimestampReplaced, "timestamp-replaced", "replaces the timestamp of published events",
        ["notification.timestamp-of-event"],
        so ["replay.original-timestamp"],
        in [Stu3, Stu2, Stu1];
    TimestampWithOffset, "timestamp-with-offset", "writes timestamps in the time of a zone two hours east",
        ["notification.timestamp-utc"],
        in [Stu3, Stu2, Stu1];
    ContextAltered, "context-altered", "passes resources on with nothing but type and id",
        ["notification.context-unaltered"],
        in [Stu3, Stu2 breaks ["notification.required-elements"], Stu1 breaks ["notification.required-elements"]];
    ExtensionDropped, "extension-dropped", "drops the extension entry from the context of published events",
        ["notification.context-unaltered"];
    // 2.5 Errors, 3.2.1 SyncError
    NoSyncErrorOnConflict, "no-syncerror-on-conflict", "tells nobody when a subscriber answers 409",
        ["syncerror.on-conflict"],
        in [Stu3, Stu2, Stu1];
    NoSyncErrorOnClientError, "no-syncerror-on-client-error", "tells nobody when a subscriber answers with a 4xx other than 409",
        ["syncerror.on-client-error"],
        in [Stu3, Stu2, Stu1];
    NoSyncErrorOnServerError, "no-syncerror-on-server-error", "tells nobody when a subscriber answers 500",
        ["syncerror.on-server-error"],
        in [Stu3, Stu2, Stu1];
    NoSyncErrorOnOtherServerError, "no-syncerror-on-other-server-error", "tells nobody when a subscriber answers with a 5xx other than 500",
        ["syncerror.on-other-server-error"],
        in [Stu3, Stu2, Stu1];
    SyncErrorOnSuccess, "syncerror-on-success", "sends a SyncError when a subscriber answers with a 2xx other than 200",
        ["acknowledgement.success-2xx"],
        in [Stu3, Stu2, Stu1];
    SyncErrorUnfounded, "syncerror-unfounded", "sends a SyncError when a subscriber answers 200",
        ["syncerror.only-on-error"],
        so ["syncerror.not-on-normal-close"],
        in [Stu3, Stu2, Stu1];
    SyncErrorOnNormalClose, "syncerror-on-normal-close", "sends a SyncError when a subscriber closes with 1000",
        ["syncerror.not-on-normal-close"];
    SyncErrorOnGoingAway, "syncerror-on-going-away", "sends a SyncError when a subscriber closes with 1001",
        ["syncerror.not-on-going-away"];
    SyncErrorToCulprit, "syncerror-to-culprit", "sends the SyncError about a subscriber to that subscriber alone",
        ["syncerror.on-conflict", "syncerror.on-client-error", "syncerror.on-server-error", "syncerror.on-other-server-error"],
        in [Stu3, Stu2];
    SyncErrorToOne, "syncerror-to-one", "tells one alone of the other subscribers of a failure",
        ["syncerror.to-other-subscribers"],
        in [Stu3, Stu2, Stu1];
    SyncErrorToUnsubscribed, "syncerror-to-unsubscribed", "sends SyncErrors to those who did not subscribe to them",
        ["syncerror.only-subscribed", "notification.only-subscribed"],
        in [Stu3, Stu2, Stu1];
    SyncErrorReusesId, "syncerror-reuses-id", "gives SyncErrors the id of the event that failed",
        ["notification.id-unique"],
        in [Stu3, Stu2];
    SyncErrorWrongEventId, "syncerror-wrong-event-id", "names another event in SyncErrors than the one that failed",
        ["operationoutcome.eventid.hub"],
        in [Stu3, Stu2];
    SyncErrorWithoutEventId, "syncerror-without-event-id", "leaves the event's id out of SyncErrors",
        ["operationoutcome.eventid.hub"],
        in [Stu3, Stu2];
    SyncErrorWithoutEventName, "syncerror-without-event-name", "leaves the event's name out of SyncErrors",
        ["operationoutcome.eventname.hub"],
        in [Stu3, Stu2];
    SyncErrorWithoutSubscriber, "syncerror-without-subscriber", "leaves the subscriber's name out of SyncErrors",
        ["operationoutcome.subscribername.hub"];
    SyncErrorWithoutDetails, "syncerror-without-details", "leaves the details out of SyncErrors",
        ["operationoutcome.details.hub"],
        so ["operationoutcome.eventid.hub", "operationoutcome.eventname.hub", "operationoutcome.subscribername.hub"],
        in [Stu3, Stu2];
    SyncErrorWrongCode, "syncerror-wrong-code", "sends SyncErrors with the issue code 'exception'",
        ["operationoutcome.issue.hub"],
        in [Stu3, Stu2, Stu1];
    SyncErrorSeverity, "syncerror-severity", "sends SyncErrors with severity 'error'",
        ["operationoutcome.severity.hub"];
    SyncErrorWithoutDiagnostics, "syncerror-without-diagnostics", "leaves the diagnostics out of SyncErrors",
        ["operationoutcome.diagnostics.hub"],
        in [Stu3, Stu2];
    SyncErrorEmpty, "syncerror-empty", "sends SyncErrors with an empty context",
        ["syncerror.operationoutcome.hub"],
        so ["operationoutcome.eventid.hub"],
        in [Stu3, Stu2];
    SyncErrorWithMore, "syncerror-with-more", "adds an entry of its own to the context of SyncErrors",
        ["event.context-additional.hub"],
        in [Stu3, Stu2];
    SyncErrorNotDistributed, "syncerror-not-distributed", "keeps SyncErrors that subscribers publish to itself",
        ["syncerror.subscriber-distributed"],
        so ["notification.delivered"],
        in [Stu3, Stu2, Stu1];
    UnresponsiveKept, "unresponsive-kept", "keeps subscribers that it told of as unresponsive",
        ["syncerror.unresponsive-unsubscribed"];
    // 2.5 Derived open events
    NoDerivedOpens, "no-derived-opens", "derives no open events for subscribers of other events",
        ["derived.open-sent"];
    DerivedDuplicates, "derived-duplicates", "sends derived open events to those who got the original too",
        ["derived.no-duplicates"];
    // 2.6 Publishing
    RequesterLeftOut, "requester-left-out", "leaves out the earliest subscriber of a topic, who usually publishes",
        ["publish.broadcast-to-requester"],
        so ["notification.delivered", "publish.broadcast-to-all", "content.update-distributed", "content.open-version", "publish.events-case-insensitive.hub", "subscribe.events-case-insensitive.hub", "subscribe.events-repeated-once", "subscribe.override-per-endpoint", "subscribe.refused-changes-nothing", "subscribe.resubscribe-replaces-events", "syncerror.subscriber-distributed"],
        in [Stu3, Stu2, Stu1];
    IdReplaced, "id-replaced", "gives published events an id of its own",
        ["publish.id-reused"],
        so ["operationoutcome.eventid.hub", "notification.delivered", "publish.broadcast-to-requester"];
    PublishElsewhere, "publish-elsewhere", "takes events at no URL",
        ["publish.at-hub-url"],
        in [Stu3, Stu2, Stu1];
    PublishRedirected, "publish-redirected", "answers events with 302 in place of accepting or rejecting them",
        ["publish.accept-or-reject"],
        so ["subscribe.refusal-status"],
        in [Stu3, Stu2, Stu1];
    RefusedEventBroadcast, "refused-event-broadcast", "broadcasts events that it refuses",
        ["publish.rejected-not-broadcast", "content.stale-update-rejected"],
        so ["content.prior-version-id", "content.rejected-as-a-whole", "notification.id"],
        in [Stu3, Stu2 breaks ["publish.rejected-not-broadcast"], Stu1 breaks ["publish.rejected-not-broadcast"]];
    // 2.7 Configuration
    NoConfiguration, "no-configuration", "has no configuration document",
        ["wellknown.served"],
        in [Stu3, Stu2];
    ConfigurationAsArray, "configuration-as-array", "serves the configuration document as an array around the object",
        ["wellknown.object"],
        in [Stu3, Stu2];
    ConfigurationNotJson, "configuration-not-json", "serves the configuration document as text/plain",
        ["wellknown.content-type"],
        in [Stu3, Stu2];
    ConfigurationWithoutEvents, "configuration-without-events", "leaves eventsSupported out of the configuration document",
        ["wellknown.events-supported"],
        in [Stu3, Stu2];
    ConfigurationStrangeEvents, "configuration-strange-events", "lists 'patient opened' among the supported events",
        ["wellknown.events-supported-names"],
        in [Stu3, Stu2];
    ConfigurationWithoutWebsocket, "configuration-without-websocket", "says in the configuration document that it has no WebSockets",
        ["wellknown.websocket-support"],
        in [Stu3, Stu2];
    ConfigurationWithoutVersion, "configuration-without-version", "leaves fhircastVersion out of the configuration document",
        ["wellknown.fhircast-version-present"],
        in [Stu3, Stu2];
    ConfigurationVersionAsNumber, "configuration-version-as-number", "writes fhircastVersion as a number",
        ["wellknown.fhircast-version"],
        in [Stu3, Stu2];
    ConfigurationFlagAsText, "configuration-flag-as-text", "writes getCurrentSupport as a string",
        ["wellknown.get-current-support"];
    ConfigurationFlagsContradict, "configuration-flags-contradict", "says in one member that it has Get Current Context and in another that it has not",
        ["wellknown.support-flags-agree"];
    ConfigurationCapabilitiesAsArray, "configuration-capabilities-as-array", "writes capabilities as an array",
        ["wellknown.capabilities"];
    ConfigurationCurrentAsText, "configuration-current-as-text", "writes supportsGetCurrentContext as a string",
        ["wellknown.supports-get-current-context"],
        so ["wellknown.support-flags-agree"];
    ConfigurationUpdatesAsText, "configuration-updates-as-text", "writes supportsNonCurrentContextUpdates as a string",
        ["wellknown.supports-non-current-context-updates"];
    ConfigurationUnknownFhir, "configuration-unknown-fhir", "names a version of FHIR that the specification does not know",
        ["wellknown.fhir-version"];
    // 2.9 Get Current Context
    CloseKeepsCurrent, "close-keeps-current", "returns a closed context as the current one",
        ["current.empty-after-close"],
        so ["current.empty-type"];
    CurrentOldest, "current-oldest", "returns the oldest open context as the current one",
        ["current.context-of-latest-open"],
        so ["content.kept-while-open", "content.per-anchor", "current.version-changes"];
    CurrentTypeMissing, "current-type-missing", "leaves context.type out of the current context",
        ["current.type"],
        so ["current.empty-type"];
    CurrentWrongType, "current-wrong-type", "names a context.type of which the context holds no resource",
        ["current.context-anchor", "current.type"];
    CurrentVersionMissing, "current-version-missing", "leaves context.versionId out of the current context",
        ["current.version-id"];
    CurrentVersionConstant, "current-version-constant", "returns every current context with the same version",
        ["current.version-changes", "current.version-of-the-context"];
    CurrentVersionRenewed, "current-version-renewed", "returns a new version with every reading of one context",
        ["current.version-stable"],
        so ["current.version-of-the-context"];
    CurrentContextAsObject, "current-context-as-object", "returns the current context as an object in place of an array",
        ["current.context"];
    CurrentAsArray, "current-as-array", "answers Get Current Context with an array around the object",
        ["current.object"];
    CurrentNotJson, "current-not-json", "answers Get Current Context with an HTML page",
        ["transport.http-json"],
        so ["current.object"];
    CurrentContextAltered, "current-context-altered", "returns resources with nothing but type and id",
        ["current.context-as-supplied"];
    CurrentNotServed, "current-not-served", "answers Get Current Context with 404, though it claims to have it",
        ["current.served"];
    CurrentEmptyNamed, "current-empty-named", "returns an empty context with the type 'None'",
        ["current.empty-type"],
        so ["current.content", "current.context-anchor", "current.version-id", "current.type"];
    CurrentEmptyFilled, "current-empty-filled", "returns an empty context with an entry",
        ["current.context-empty"],
        so ["current.context"];
    CurrentContentMissing, "current-content-missing", "leaves the content out of the current context",
        ["current.content"],
        so ["content.changed-context-resources-in-content", "content.kept-while-open", "content.maintained", "current.content-collection"];
    CurrentContentFilled, "current-content-filled", "puts the resources of the open event into the content",
        ["current.content-empty"],
        so ["content.dropped-on-close", "content.per-anchor"];
    CurrentContentTwice, "current-content-twice", "returns the content twice",
        ["current.content-single"];
    CurrentContentWrongType, "current-content-wrong-type", "returns content as a Bundle of type transaction",
        ["current.content-collection"];
    CurrentContentWithRequest, "current-content-with-request", "returns content whose entries have a request",
        ["current.content-no-request"];
    CurrentContentWithResponse, "current-content-with-response", "returns content whose entries have a response",
        ["current-bundle.no-response"];
    CurrentContentWithSearch, "current-content-with-search", "returns content whose entries have a search",
        ["current-bundle.no-search"];
    CurrentContentWithLink, "current-content-with-link", "returns content as a Bundle with a link",
        ["current-bundle.no-link"];
    // 2.10 Content sharing
    OpenWithoutVersion, "open-without-version", "assigns no version when a context is opened",
        ["content.open-version"];
    VersionRepeated, "version-repeated", "assigns the same version again and again",
        ["content.version-unique", "content.update-new-version"],
        so ["content.stale-update-rejected", "current.version-changes"];
    UpdateNotDistributed, "update-not-distributed", "keeps updates to itself",
        ["content.update-distributed"],
        so ["notification.delivered", "publish.broadcast-to-requester"];
    UpdateKeepsVersion, "update-keeps-version", "distributes updates with the version that they came with",
        ["content.update-new-version"],
        so ["current.version-of-the-context"];
    PriorVersionMissing, "prior-version-missing", "leaves context.priorVersionId out of distributed updates",
        ["content.update-prior-version", "content.prior-version-id"];
    StaleUpdateAccepted, "stale-update-accepted", "accepts updates whatever version they state",
        ["content.stale-update-rejected"];
    StaleUpdateFails, "stale-update-fails", "answers updates that state another version with 500",
        ["content.stale-update-status"];
    PartialUpdate, "partial-update", "applies what it can of an update that it refuses",
        ["content.rejected-as-a-whole"];
    ContentNotKept, "content-not-kept", "distributes updates and keeps no content",
        ["content.maintained"],
        so ["content.changed-context-resources-in-content", "content.kept-while-open"];
    ContentShared, "content-shared", "keeps one content for all contexts of a topic",
        ["content.per-anchor"];
    ContentKeptAfterClose, "content-kept-after-close", "keeps the content of a closed context for when it is opened again",
        ["content.dropped-on-close"];
    ContentDroppedOnOpen, "content-dropped-on-open", "drops the content of all other contexts when one is opened",
        ["content.kept-while-open"];
    ContextUpdated, "context-updated", "returns the context of an open event with its resources as they were updated since",
        ["content.context-as-opened"];
    ChangedResourcesMissing, "changed-resources-missing", "keeps updates of the open event's resources out of the content",
        ["content.changed-context-resources-in-content"];
    BundleIdReplaced, "bundle-id-replaced", "gives the Bundle of a distributed update another id",
        ["content.bundle-id-kept"],
        so ["notification.context-unaltered"];
    // STU2 and STU1: intent verification
    VerificationSkipped, "verification-skipped", "begins webhook subscriptions without asking the callback",
        ["intent-verification.sent"],
        so ["intent-verification.redirect-fails", "intent-verification.client-error-fails", "intent-verification.server-error-fails", "intent-verification.other-body-fails", "intent-verification.nothing-before", "intent-verification.failed-changes-nothing"],
        in [Stu2, Stu1];
    WebhookForgotten, "webhook-forgotten", "answers requests for webhook subscriptions with 202, and neither verifies nor denies them",
        ["intent-verification.sent", "denial.webhook-get"],
        so ["notification.delivered", "publish.broadcast-to-all", "publish.broadcast-to-requester"],
        in [Stu2, Stu1];
    DeliversBeforeVerification, "delivers-before-verification", "delivers to a callback before it has answered the verification",
        ["intent-verification.nothing-before"],
        so ["intent-verification.redirect-fails", "intent-verification.client-error-fails", "intent-verification.server-error-fails", "intent-verification.other-body-fails", "intent-verification.failed-changes-nothing"],
        in [Stu2, Stu1];
    VerificationRedirectTaken, "verification-redirect-taken", "takes an answer of 3xx to a verification for a confirmation",
        ["intent-verification.redirect-fails"],
        in [Stu2, Stu1];
    VerificationClientErrorTaken, "verification-client-error-taken", "takes an answer of 4xx to a verification for a confirmation",
        ["intent-verification.client-error-fails"],
        so ["intent-verification.failed-changes-nothing"],
        in [Stu2, Stu1];
    VerificationServerErrorTaken, "verification-server-error-taken", "takes an answer of 5xx to a verification for a confirmation",
        ["intent-verification.server-error-fails"],
        in [Stu2, Stu1];
    ChallengeNotCompared, "challenge-not-compared", "takes any 2xx to a verification for a confirmation, whatever its body",
        ["intent-verification.other-body-fails"],
        so ["intent-verification.failed-changes-nothing"],
        in [Stu2, Stu1];
    FailedVerificationUnsubscribes, "failed-verification-unsubscribes", "ends a subscription whose re-subscription fails its verification",
        ["intent-verification.failed-changes-nothing"],
        so ["notification.delivered"],
        in [Stu2, Stu1];
    ChallengeMissing, "challenge-missing", "verifies without hub.challenge, and takes any 2xx",
        ["intent-verification.challenge"],
        so ["intent-verification.challenge-random", "intent-verification.other-body-fails", "intent-verification.failed-changes-nothing"],
        in [Stu2, Stu1];
    ChallengeConstant, "challenge-constant", "verifies with the same challenge always",
        ["intent-verification.challenge-random"],
        in [Stu2, Stu1];
    VerificationWithoutMode, "verification-without-mode", "leaves hub.mode out of verifications",
        ["intent-verification.mode"],
        so ["intent-verification.mode-of-request"],
        in [Stu2, Stu1];
    VerificationWrongMode, "verification-wrong-mode", "verifies with hub.mode 'verify'",
        ["intent-verification.mode"],
        so ["intent-verification.mode-of-request"],
        in [Stu2, Stu1];
    VerificationOtherMode, "verification-other-mode", "verifies a subscription with hub.mode 'unsubscribe', and the other way round",
        ["intent-verification.mode-of-request"],
        in [Stu2, Stu1];
    VerificationWithoutTopic, "verification-without-topic", "leaves hub.topic out of verifications",
        ["intent-verification.topic"],
        so ["intent-verification.topic-of-request"],
        in [Stu2, Stu1];
    VerificationWrongTopic, "verification-wrong-topic", "verifies another topic than the requested one",
        ["intent-verification.topic-of-request"],
        in [Stu2, Stu1];
    VerificationWithoutEvents, "verification-without-events", "leaves hub.events out of verifications",
        ["intent-verification.events"],
        so ["intent-verification.events-correspond"],
        in [Stu2, Stu1];
    VerificationOtherEvents, "verification-other-events", "verifies an event that nobody asked for",
        ["intent-verification.events-correspond"],
        in [Stu2, Stu1];
    VerificationWithoutLease, "verification-without-lease", "leaves hub.lease_seconds out of verifications",
        ["intent-verification.lease-seconds"],
        in [Stu2, Stu1];
    VerificationAsPost, "verification-as-post", "verifies by POST in place of GET",
        ["intent-verification.sent"],
        in [Stu2, Stu1];
    VerificationQueryDropped, "verification-query-dropped", "drops the callback's own query string when it verifies",
        ["callback.query-kept-in-verification"],
        so ["callback.query-appended"],
        in [Stu2, Stu1];
    VerificationQueryPrepended, "verification-query-prepended", "puts its parameters before the callback's own query string",
        ["callback.query-appended"],
        in [Stu2, Stu1];
    UnsubscribeUnverified, "unsubscribe-unverified", "unsubscribes callbacks without asking them",
        ["intent-verification.on-unsubscribe"],
        in [Stu1];
    // STU2 and STU1: notifications to callbacks
    NotificationAsPut, "notification-as-put", "sends notifications to callbacks by PUT in place of POST",
        ["webhook.notification-post"],
        so ["notification.delivered"],
        in [Stu2, Stu1];
    NotificationNotJson, "notification-not-json", "sends notifications to callbacks as an HTML page",
        ["transport.http-json"],
        so ["notification.object", "notification.delivered", "publish.broadcast-to-all", "publish.broadcast-to-requester"],
        in [Stu2, Stu1];
    NotificationQueryDropped, "notification-query-dropped", "drops the callback's own query string when it notifies",
        ["callback.query-kept-in-notification"],
        in [Stu2, Stu1];
    NotificationQueryInBody, "notification-query-in-body", "writes the callback's own query parameters into the notification",
        ["callback.query-not-in-body"],
        in [Stu2, Stu1];
    SignatureMissing, "signature-missing", "sends notifications to callbacks unsigned",
        ["signature.sent"],
        in [Stu2, Stu1];
    SignatureWrongKey, "signature-wrong-key", "signs with another key than the subscriber's secret",
        ["signature.matches"],
        in [Stu2, Stu1];
    SignatureOtherBytes, "signature-other-bytes", "signs the notification with a line feed that it does not send",
        ["signature.matches"],
        in [Stu2, Stu1];
    SignatureOfEarlierSecret, "signature-of-earlier-secret", "signs with the secret of the first request, whatever later ones bring",
        ["signature.matches"],
        in [Stu2, Stu1];
    SignatureWithoutMethod, "signature-without-method", "leaves 'sha256=' out of signatures",
        ["signature.form"],
        so ["signature.matches", "signature.method"],
        in [Stu2, Stu1];
    SignatureNotHexadecimal, "signature-not-hexadecimal", "writes signatures as a list of numbers",
        ["signature.form"],
        so ["signature.matches"],
        in [Stu2, Stu1];
    SignatureUnknownMethod, "signature-unknown-method", "names the method of signatures 'castspec'",
        ["signature.method"],
        so ["signature.matches"],
        in [Stu2, Stu1];
    SecretTooLongTaken, "secret-too-long-taken", "takes secrets of 200 bytes and more",
        ["subscribe.refusal-status"],
        in [Stu2, Stu1];
    // STU2 and STU1: denials, and what the hub takes and says of itself
    DenialAsPost, "denial-as-post", "tells callbacks of denials by POST in place of GET",
        ["denial.webhook-get"],
        in [Stu2, Stu1];
    DenialQueryDropped, "denial-query-dropped", "drops the callback's own query string when it denies",
        ["denial.webhook-get"],
        in [Stu2, Stu1];
    UnsubscribeLeaseHonoured, "unsubscribe-lease-honoured", "keeps a subscription for as long as its unsubscribe request asks",
        ["unsubscribe.lease-ignored"],
        so ["unsubscribe.nothing-delivered", "unsubscribe.socket-closed"],
        in [Stu2];
    WebsocketRefused, "websocket-refused", "refuses WebSocket subscriptions",
        ["subscribe.websocket-supported"],
        so ["subscribe.accepted-202", "subscribe.response.object", "subscribe.response.endpoint"],
        in [Stu2];
    WebhookRefused, "webhook-refused", "refuses webhooks though its configuration document says that it takes them",
        ["webhook.supported-as-stated"],
        in [Stu2];
    WebhookUnsupportedTaken, "webhook-unsupported-taken", "says that it takes no webhooks, and answers requests for them with 202",
        ["webhook.unsupported-denied"],
        so ["intent-verification.sent", "denial.webhook-get"],
        in [Stu2];
    ConfigurationWithoutWebhook, "configuration-without-webhook", "leaves webhookSupport out of the configuration document",
        ["wellknown.webhook-support-present"],
        in [Stu2];
    ConfigurationWebhookAsText, "configuration-webhook-as-text", "writes webhookSupport as a string",
        ["wellknown.webhook-support"],
        in [Stu2];
    ExtensionAsText, "extension-as-text", "adds an extension to notifications that is a string",
        ["extension.object.hub"],
        in [Stu2];
}
