//! The defects: name, description, the versions that each is meant for (`in`), the requirements that it breaks, and those
//! that can then not be kept either (`so`).
//!
//! A defect without `in` is meant for STU3 alone. The ids hold in all of its versions, but where a version brings a list of
//! its own: `in [Stu2, Stu1 breaks ["..."]]`. What stands behind `so` may be unknown to some of them.
//!
//! A requirement stands behind `so` only where the specification leads from the deviation to it; that a check happens to
//! fail is no reason.

use crate::protocol::Version;

macro_rules! defects {
    ($($variant:ident, $name:literal, $description:literal,
        $(in [$($version:ident $(breaks [$($version_breaks:literal),+])? $(so [$($so:literal),+])?),+],)?
        [$($breaks:literal),+] $(, so [$($consequence:literal),+])?;)+) => {
        /// A named, deliberate deviation of the hub.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Defect {
            $(#[doc = $description] $variant,)+
        }

        impl Defect {
            /// Every defect of every version, in the order of STU3's pages and, after them, of webhooks.
            pub const fn all() -> &'static [Self] {
                &[$(Self::$variant),+]
            }

            /// Its name on the command line.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// The deviation, in one line.
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
                match self { $(Self::$variant => &[$($($((Version::$version, &[$($version_breaks),+]),)?)+)?]),+ }
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
    ServesPlaintext, "serves-plaintext", "serves http:// and ws:// in place of TLS",
        in [Stu3, Stu2, Stu1 breaks ["transport.https"]],
        ["transport.https", "transport.wss"];
    EndpointPlaintext, "endpoint-plaintext", "gives out ws:// endpoints though it is reached over HTTPS",
        in [Stu3, Stu2],
        ["transport.wss"],
        so ["confirmation.sent"];
    ConfirmationNotJson, "confirmation-not-json", "writes the confirmation as a form in place of JSON",
        in [Stu3, Stu2],
        ["transport.websocket-json", "confirmation.sent"];
    MemberRepeated, "member-repeated", "writes the id of every notification twice",
        in [Stu3, Stu2, Stu1 breaks ["transport.http-json"]],
        ["transport.websocket-json"],
        so ["transport.http-json"];
    // 2.3 Event Definition Format
    CaseSensitiveEventNames, "case-sensitive-event-names", "tells event names apart by case",
        in [Stu3, Stu2, Stu1],
        ["subscribe.events-case-insensitive.hub", "publish.events-case-insensitive.hub"],
        so ["notification.delivered", "publish.broadcast-to-requester", "publish.broadcast-to-all"];
    EventWithoutTopic, "event-without-topic", "leaves hub.topic out of notifications",
        in [Stu3, Stu2, Stu1],
        ["event.topic.hub"];
    EventWithoutName, "event-without-name", "leaves hub.event out of notifications",
        in [Stu3, Stu2, Stu1],
        ["event.name.hub"];
    EventWithoutContext, "event-without-context", "leaves the context out of notifications",
        in [Stu3, Stu2, Stu1],
        ["event.context.hub"],
        so ["derived.open-sent", "derived.open-or-equal-subscriptions", "replay.latest-open"];
    EventWithoutKeys, "event-without-keys", "leaves the keys out of the context of notifications",
        in [Stu3, Stu2, Stu1],
        ["event.context-key.hub"],
        so ["content.bundle-id-kept", "derived.open-sent", "derived.open-or-equal-subscriptions", "notification.required-elements", "event.context-named-resource.hub"];
    ContextKeysUpperCase, "context-keys-upper-case", "writes the keys of the context in upper case",
        ["event.context-key-case.hub"],
        so ["content.bundle-id-kept", "derived.open-sent", "derived.open-or-equal-subscriptions"];
    ResourcesAsText, "resources-as-text", "writes the resources of the context as strings of JSON",
        in [Stu3, Stu2, Stu1],
        ["event.context-resource.hub"],
        so ["notification.context-unaltered", "replay.latest-open", "notification.required-elements", "notification.resources-of-the-application"];
    ContextWithoutValues, "context-without-values", "passes on the keys of the context and not their values",
        in [Stu3, Stu2 breaks ["event.context-named-resource.hub"], Stu1 breaks ["event.context-named-resource.hub"]],
        ["event.context-value.hub"],
        so ["notification.context-unaltered", "replay.latest-open", "notification.required-elements", "notification.resources-of-the-application"];
    EventNameLowerCase, "event-name-lower-case", "writes event names in lower case",
        ["event.name-case.hub"];
    EventMisnamed, "event-misnamed", "calls UserHibernate 'user hibernates'",
        in [Stu3, Stu2 breaks ["event.name-syntax.hub"], Stu1 breaks ["event.name-syntax.hub"]],
        ["event.name-form.hub"];
    EventNameWildcard, "event-name-wildcard", "calls UserHibernate 'User*'",
        ["event.name-no-wildcard.hub"];
    ProprietaryEventDashed, "proprietary-event-dashed", "writes a dash into the names of proprietary events",
        in [Stu3, Stu2, Stu1],
        ["event.proprietary-no-dash.hub"],
        so ["notification.only-subscribed", "publish.broadcast-to-requester", "publish.broadcast-to-all"];
    VersionAsNumber, "version-as-number", "writes context.versionId as a number",
        ["event.version-id-string.hub"];
    UpdateWithoutVersion, "update-without-version", "leaves the version out of distributed updates",
        ["event.version-id.hub"],
        so ["content.update-new-version"];
    PriorVersionAsNumber, "prior-version-as-number", "writes context.priorVersionId as a number",
        ["event.prior-version-id-string.hub"];
    // 2.4 Subscription Request and Response
    SubscribeAnswered200, "subscribe-answered-200", "answers subscription requests with 200 in place of 202",
        in [Stu3, Stu2, Stu1],
        ["subscribe.accepted-202"];
    SubscribeAnswered500, "subscribe-answered-500", "answers subscription requests with 500",
        in [Stu3, Stu2, Stu1],
        ["subscribe.accepted-202"],
        so ["subscribe.websocket-supported", "webhook.supported-as-stated"];
    SubscribeRedirected, "subscribe-redirected", "carries subscription requests out and answers them with 302",
        in [Stu3, Stu2 breaks ["subscribe.accepted-202"], Stu1 breaks ["subscribe.accepted-202"]],
        ["subscribe.answered"],
        so ["subscribe.accepted-202", "subscribe.websocket-supported", "webhook.supported-as-stated"];
    EndpointMissing, "endpoint-missing", "leaves hub.channel.endpoint out of the answer to a subscription request",
        in [Stu3, Stu2],
        ["subscribe.response.endpoint"];
    ResponseAsArray, "response-as-array", "answers subscription requests with an array around the object",
        in [Stu3, Stu2],
        ["subscribe.response.object"];
    EndpointRepeated, "endpoint-repeated", "gives every subscription of a topic the same endpoint",
        in [Stu3, Stu2],
        ["subscribe.response.endpoint-unique"],
        so ["notification.delivered", "publish.broadcast-to-requester", "subscribe.resubscribe-replaces-events", "unsubscribe.nothing-delivered", "unsubscribe.socket-closed", "unsubscribe.never-in-part", "unsubscribe.lease-ignored", "confirmation.lease-honoured", "subscribe.override-per-endpoint"];
    EndpointGuessable, "endpoint-guessable", "numbers its endpoints",
        in [Stu3, Stu2],
        ["subscribe.response.endpoint-unguessable"];
    ResponseNotJson, "response-not-json", "answers subscription requests with JSON as text/plain",
        ["subscribe.content-type"],
        so ["transport.http-json"];
    ChannelTypeIgnored, "channel-type-ignored", "takes subscription requests without a channel type or with an unknown one",
        in [Stu3, Stu2],
        ["subscribe.channel-type-missing-rejected", "subscribe.channel-type-unknown-rejected"],
        so ["unsubscribe.channel-type-missing-rejected"];
    MalformedSubscriptionAccepted, "malformed-subscription-accepted", "answers malformed subscription requests with 202",
        in [Stu3, Stu2, Stu1],
        ["subscribe.refusal-status", "unsubscribe.refusal-status"],
        so ["subscribe.channel-type-missing-rejected", "subscribe.channel-type-unknown-rejected", "unsubscribe.channel-type-missing-rejected"];
    RefusalWithoutReason, "refusal-without-reason", "refuses with an empty body",
        in [Stu3, Stu2, Stu1],
        ["subscribe.refusal-description", "unsubscribe.refusal-description"];
    RefusalAsHtml, "refusal-as-html", "explains refusals as an HTML page",
        in [Stu3, Stu2, Stu1],
        ["subscribe.refusal-plain-text", "unsubscribe.refusal-plain-text"];
    RepeatedEventsKept, "repeated-events-kept", "grants an event as often as it is named, and delivers it so",
        ["subscribe.events-repeated-once"],
        so ["notification.delivered-once"];
    ResubscribeMerges, "resubscribe-merges", "adds the events of a re-subscription to the earlier ones",
        in [Stu3, Stu2 breaks ["subscribe.resubscribe-replaces-events", "callback.override"], Stu1 breaks ["subscribe.resubscribe-replaces-events", "callback.override"]],
        ["subscribe.resubscribe-replaces-events"];
    ResubscribeIgnored, "resubscribe-ignored", "accepts re-subscriptions and keeps the earlier events",
        in [Stu3, Stu2 breaks ["subscribe.resubscribe-replaces-events", "callback.override"], Stu1 breaks ["subscribe.resubscribe-replaces-events", "callback.override"]],
        ["subscribe.resubscribe-replaces-events"],
        so ["notification.delivered"];
    ResubscribeRefused, "resubscribe-refused", "refuses to re-subscribe over an existing endpoint",
        in [Stu3, Stu2, Stu1],
        ["subscribe.resubscribe-allowed"],
        so ["subscribe.resubscribe-replaces-events"];
    RefusedResubscriptionApplied, "refused-resubscription-applied", "refuses a re-subscription and takes its events over all the same",
        in [Stu3, Stu2, Stu1],
        ["subscribe.refused-changes-nothing"],
        so ["notification.delivered", "notification.only-subscribed"];
    ResubscribeTouchesOthers, "resubscribe-touches-others", "replaces the events of every subscriber of the topic",
        in [Stu3, Stu2 breaks ["subscribe.override-per-endpoint", "callback.override"], Stu1 breaks ["callback.override"]],
        ["subscribe.override-per-endpoint"],
        so ["notification.delivered", "publish.broadcast-to-requester"];
    ResubscriptionsAddUp, "resubscriptions-add-up", "delivers an event once more for each re-subscription after the second",
        in [Stu3, Stu2 breaks ["subscribe.override-per-endpoint", "callback.override"], Stu1 breaks ["callback.override"]],
        ["subscribe.override-per-endpoint"],
        so ["notification.delivered-once"];
    SubscribersByName, "subscribers-by-name", "takes a re-subscription or an unsubscribe for one of all that have the subscriber's name",
        in [Stu3, Stu2 breaks ["subscribe.override-per-endpoint", "confirmation.lease-honoured"]],
        ["subscribe.override-per-endpoint", "denial.only-to-the-denied"],
        so ["notification.delivered"];
    // 2.4 Subscription Confirmation
    NoConfirmation, "no-confirmation", "sends no confirmation when a WebSocket connects",
        in [Stu3, Stu2],
        ["confirmation.sent"];
    ConfirmationAsArray, "confirmation-as-array", "sends the confirmation as an array around the object",
        in [Stu3, Stu2],
        ["confirmation.object"];
    ConfirmationWithoutMode, "confirmation-without-mode", "leaves hub.mode out of the confirmation",
        in [Stu3, Stu2],
        ["confirmation.mode"];
    ConfirmationWrongMode, "confirmation-wrong-mode", "confirms with hub.mode 'subscribed'",
        in [Stu3, Stu2],
        ["confirmation.mode"];
    ConfirmationWithoutTopic, "confirmation-without-topic", "leaves hub.topic out of the confirmation",
        in [Stu3, Stu2],
        ["confirmation.topic"];
    ConfirmationWrongTopic, "confirmation-wrong-topic", "confirms another topic than the requested one",
        in [Stu3, Stu2],
        ["confirmation.topic-of-request"];
    ConfirmationWithoutEvents, "confirmation-without-events", "leaves hub.events out of the confirmation",
        in [Stu3, Stu2],
        ["confirmation.events"];
    ConfirmationEventsAsArray, "confirmation-events-as-array", "writes hub.events of the confirmation as a JSON array",
        in [Stu3, Stu2],
        ["confirmation.events"];
    ConfirmationOtherEvents, "confirmation-other-events", "confirms an event that nobody asked for, and that alone",
        in [Stu3, Stu2],
        ["confirmation.events-correspond", "notification.only-subscribed", "notification.delivered"],
        so ["publish.broadcast-to-requester"];
    ConfirmationWithoutLease, "confirmation-without-lease", "leaves hub.lease_seconds out of the confirmation",
        in [Stu3, Stu2],
        ["confirmation.lease-seconds"];
    LeaseIgnored, "lease-ignored", "keeps subscriptions beyond the end of their lease",
        in [Stu3, Stu2 breaks ["confirmation.lease-expiry-closes", "confirmation.lease-expiry-unsubscribes", "intent-verification.lease-expiry-unsubscribes"], Stu1 breaks ["intent-verification.lease-expiry-unsubscribes"]],
        ["confirmation.lease-expiry-closes", "confirmation.lease-expiry-unsubscribes"],
        so ["notification.delivered-once"];
    LeaseCutShort, "lease-cut-short", "ends subscriptions after half of the lease that it granted, and says nothing",
        in [Stu3, Stu2 breaks ["confirmation.lease-honoured", "intent-verification.lease-honoured"], Stu1 breaks ["intent-verification.lease-honoured"]],
        ["confirmation.lease-honoured"];
    RenewalIgnored, "renewal-ignored", "ends a subscription with its first lease, whatever a re-subscription was granted, and says nothing",
        in [Stu3, Stu2 breaks ["confirmation.lease-honoured", "confirmation.lease-expiry-closes", "intent-verification.lease-honoured"], Stu1 breaks ["intent-verification.lease-honoured"]],
        ["confirmation.lease-honoured", "confirmation.lease-expiry-closes"],
        so ["intent-verification.lease-expiry-unsubscribes", "notification.delivered"];
    QuietSocketCut, "quiet-socket-cut", "cuts a WebSocket over which nothing has passed for a second and a half",
        in [Stu3, Stu2],
        ["confirmation.lease-honoured"];
    ExpiryKeepsSocket, "expiry-keeps-socket", "ends the subscription with its lease and leaves the WebSocket open",
        in [Stu3, Stu2 breaks ["confirmation.lease-expiry-closes"]],
        ["confirmation.lease-expiry-closes", "denial.socket-closed"];
    // 2.4 Current context notification
    NoReplay, "no-replay", "sends a new subscriber nothing of what is open",
        ["replay.latest-open", "replay.per-anchor-type"];
    ReplaysClosedContext, "replays-closed-context", "sends a new subscriber the open events of closed contexts too",
        ["replay.not-closed"],
        so ["replay.latest-open"];
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
        so ["notification.timestamp-of-event", "replay.latest-open"];
    // 2.4 Denial and Unsubscribe
    DenialWithoutTopic, "denial-without-topic", "leaves hub.topic out of denials",
        in [Stu3, Stu2, Stu1],
        ["denial.topic"];
    DenialAsArray, "denial-as-array", "sends denials as an array around the object",
        in [Stu3, Stu2],
        ["denial.object"];
    DenialToAll, "denial-to-all", "sends the denial of one subscriber to everybody in the topic",
        in [Stu3, Stu2, Stu1],
        ["denial.only-to-the-denied"];
    DenialWrongTopic, "denial-wrong-topic", "denies another topic than the subscribed one",
        in [Stu3, Stu2, Stu1],
        ["denial.topic-of-request"];
    DenialWithoutEvents, "denial-without-events", "leaves hub.events out of denials",
        in [Stu3, Stu2, Stu1],
        ["denial.events"];
    DenialOtherEvents, "denial-other-events", "denies an event that nobody asked for",
        in [Stu3, Stu2, Stu1],
        ["denial.events-correspond"];
    DenialWrongMode, "denial-wrong-mode", "denies with hub.mode 'unsubscribe'",
        in [Stu3, Stu2, Stu1],
        ["denial.mode"];
    DenialReasonNotText, "denial-reason-not-text", "writes hub.reason of denials as a number",
        in [Stu3, Stu2],
        ["denial.reason"];
    DenialReasonTwice, "denial-reason-twice", "gives hub.reason twice in denials to callbacks",
        in [Stu2, Stu1],
        ["denial.reason"];
    UnsubscribeAnswered200, "unsubscribe-answered-200", "answers unsubscribe requests with 200 in place of 202",
        in [Stu3, Stu2, Stu1],
        ["unsubscribe.accepted-202"];
    UnsubscribeAnswered500, "unsubscribe-answered-500", "carries unsubscribe requests out and answers them with 500",
        in [Stu3, Stu2, Stu1],
        ["unsubscribe.accepted-202"];
    UnsubscribeRedirected, "unsubscribe-redirected", "carries unsubscribe requests out and answers them with 302",
        in [Stu3, Stu2 breaks ["unsubscribe.accepted-202"], Stu1 breaks ["unsubscribe.accepted-202"]],
        ["unsubscribe.answered", "unsubscribe.accepted-202"];
    UnsubscribeChannelTypeIgnored, "unsubscribe-channel-type-ignored", "takes unsubscribe requests without a channel type",
        in [Stu3, Stu2],
        ["unsubscribe.channel-type-missing-rejected"];
    UnsubscribeInPart, "unsubscribe-in-part", "ends only the events that an unsubscribe names",
        in [Stu3, Stu2],
        ["unsubscribe.never-in-part"];
    UnsubscribeEndsEverybody, "unsubscribe-ends-everybody", "closes the WebSockets of everybody in the topic when one unsubscribes",
        in [Stu3, Stu2],
        ["confirmation.lease-honoured"];
    UnsubscribeWithoutEndpoint, "unsubscribe-without-endpoint", "leaves hub.channel.endpoint out of the answer to an unsubscribe request",
        in [Stu3, Stu2],
        ["unsubscribe.response.endpoint"];
    UnsubscribeResponseAsArray, "unsubscribe-response-as-array", "answers unsubscribe requests with an array around the object",
        ["unsubscribe.response.object"];
    UnsubscribeWrongEndpoint, "unsubscribe-wrong-endpoint", "answers unsubscribe requests with another endpoint",
        ["unsubscribe.response.endpoint-of-subscription"];
    UnsubscribeWithoutDenial, "unsubscribe-without-denial", "sends no denial after an unsubscribe",
        ["unsubscribe.denial-sent"];
    UnsubscribeKeepsSocket, "unsubscribe-keeps-socket", "leaves the WebSocket open after an unsubscribe",
        in [Stu3, Stu2],
        ["unsubscribe.socket-closed"],
        so ["unsubscribe.endpoint-not-reusable"];
    UnsubscribeKeepsDelivering, "unsubscribe-keeps-delivering", "denies after an unsubscribe, and goes on delivering",
        in [Stu3, Stu2 breaks ["unsubscribe.nothing-delivered", "unsubscribe.socket-closed"], Stu1 breaks ["unsubscribe.nothing-delivered"]],
        ["unsubscribe.nothing-delivered", "unsubscribe.socket-closed"],
        so ["unsubscribe.endpoint-not-reusable", "unsubscribe.never-in-part", "unsubscribe.lease-ignored"];
    UnsubscribeIgnored, "unsubscribe-ignored", "accepts unsubscribe requests and goes on as before",
        in [Stu3, Stu2 breaks ["unsubscribe.socket-closed", "unsubscribe.nothing-delivered"], Stu1 breaks ["unsubscribe.nothing-delivered"]],
        ["unsubscribe.denial-sent", "unsubscribe.socket-closed", "unsubscribe.nothing-delivered"],
        so ["unsubscribe.endpoint-not-reusable", "unsubscribe.never-in-part", "unsubscribe.lease-ignored"];
    EndpointSurvivesUnsubscribe, "endpoint-survives-unsubscribe", "lets clients connect again to the endpoint of an ended subscription",
        in [Stu3, Stu2],
        ["unsubscribe.endpoint-not-reusable"],
        so ["confirmation.lease-expiry-unsubscribes"];
    UnknownUnsubscribeAccepted, "unknown-unsubscribe-accepted", "answers 202 to the unsubscribe of a subscription that is not there",
        in [Stu3, Stu2, Stu1],
        ["unsubscribe.refusal-status"];
    UnknownUnsubscribeEndsAnother, "unknown-unsubscribe-ends-another", "ends the earliest subscription of a topic when one is unsubscribed that is not there",
        in [Stu3, Stu2 breaks ["confirmation.lease-honoured"]],
        ["denial.only-to-the-denied"];
    UnknownUnsubscribeSilencesAnother, "unknown-unsubscribe-silences-another", "delivers nothing more to the earliest subscriber of a topic when one is unsubscribed that is not there",
        in [Stu3, Stu2],
        ["subscribe.override-per-endpoint"],
        so ["notification.delivered", "publish.broadcast-to-requester"];
    // 2.5 Event Notification
    NotificationsLost, "notifications-lost", "distributes no event but the first of a session",
        in [Stu3, Stu2, Stu1],
        ["notification.delivered"],
        so ["content.update-distributed", "publish.broadcast-to-all", "publish.broadcast-to-requester", "syncerror.subscriber-distributed", "subscribe.resubscribe-replaces-events", "publish.events-case-insensitive.hub", "subscribe.override-per-endpoint", "content.rejected-as-a-whole", "content.too-large-refused", "callback.override", "intent-verification.failed-changes-nothing", "intent-verification.lease-honoured", "subscribe.refused-changes-nothing", "intent-verification.unsubscribe-refused-stays"];
    BroadcastToOne, "broadcast-to-one", "sends each event to one of its subscribers",
        in [Stu3, Stu2, Stu1],
        ["publish.broadcast-to-all"],
        so ["notification.delivered", "publish.broadcast-to-requester", "content.update-distributed", "content.open-version", "publish.events-case-insensitive.hub", "subscribe.events-case-insensitive.hub", "subscribe.events-repeated-once", "subscribe.override-per-endpoint", "subscribe.refused-changes-nothing", "subscribe.resubscribe-replaces-events", "syncerror.subscriber-distributed", "syncerror.on-conflict", "syncerror.on-client-error", "syncerror.on-server-error", "syncerror.on-other-server-error", "content.rejected-as-a-whole", "content.too-large-refused", "callback.override", "intent-verification.failed-changes-nothing", "intent-verification.lease-honoured", "intent-verification.unsubscribe-refused-stays", "confirmation.lease-honoured"];
    DeliversUnsubscribed, "delivers-unsubscribed", "sends subscribers events that they did not subscribe to",
        in [Stu3, Stu2, Stu1],
        ["notification.only-subscribed"],
        so ["replay.only-subscribed", "subscribe.resubscribe-replaces-events", "derived.open-sent", "intent-verification.failed-changes-nothing", "subscribe.refused-changes-nothing", "callback.override", "notification.authorized-resources"];
    DeliversCloses, "delivers-closes", "sends close events to those who subscribed to the open event alone",
        in [Stu3, Stu2, Stu1],
        ["notification.only-subscribed"];
    TopicsWithoutCase, "topics-without-case", "takes topics that differ in case alone for one",
        in [Stu3, Stu2, Stu1 breaks ["notification.topic-isolated"] so ["publish.broadcast-to-all", "notification.delivered", "intent-verification.topic-of-request"]],
        ["notification.topic-isolated"],
        so ["confirmation.topic-of-request", "current.as-supplied", "replay.latest-open", "replay.only-subscribed"];
    TopicsCutShort, "topics-cut-short", "knows topics by their first 64 characters",
        in [Stu3, Stu2, Stu1 breaks ["notification.topic-isolated"] so ["publish.broadcast-to-all", "notification.delivered", "intent-verification.topic-of-request"]],
        ["notification.topic-isolated"],
        so ["confirmation.topic-of-request", "current.as-supplied", "replay.latest-open", "replay.only-subscribed"];
    TopicsDecodedTwice, "topics-decoded-twice", "decodes the percent signs of a topic once more",
        in [Stu3, Stu2, Stu1 breaks ["notification.topic-isolated"] so ["publish.broadcast-to-all", "notification.delivered", "intent-verification.topic-of-request"]],
        ["notification.topic-isolated"],
        so ["confirmation.topic-of-request", "current.as-supplied", "replay.latest-open", "replay.only-subscribed"];
    TopicsWithoutPunctuation, "topics-without-punctuation", "knows topics by their letters and digits alone",
        in [Stu3, Stu2, Stu1 breaks ["notification.topic-isolated"] so ["publish.broadcast-to-all", "notification.delivered", "intent-verification.topic-of-request"]],
        ["notification.topic-isolated"],
        so ["confirmation.topic-of-request", "current.as-supplied", "replay.latest-open", "replay.only-subscribed"];
    LeaksAcrossTopics, "leaks-across-topics", "sends events to the subscribers of other topics too",
        in [Stu3, Stu2, Stu1],
        ["notification.topic-isolated"],
        so ["content.prior-version-id", "event.version-id.hub", "notification.delivered", "syncerror.on-unreachable", "publish.broadcast-to-requester", "publish.broadcast-to-all"];
    DuplicateDelivery, "duplicate-delivery", "delivers every event twice",
        in [Stu3, Stu2, Stu1],
        ["notification.delivered-once"],
        so ["derived.no-duplicates"];
    Reorders, "reorders", "delivers every second event before the one that it followed",
        in [Stu3, Stu2, Stu1],
        ["notification.order-kept"];
    NotificationWithoutTimestamp, "notification-without-timestamp", "leaves the timestamp out of notifications",
        in [Stu3, Stu2, Stu1],
        ["notification.timestamp"];
    NotificationAsArray, "notification-as-array", "sends notifications as an array around the object",
        in [Stu3, Stu2, Stu1],
        ["notification.object"],
        so ["notification.delivered", "publish.broadcast-to-requester"];
    NotificationWithoutId, "notification-without-id", "leaves the id out of notifications",
        in [Stu3, Stu2, Stu1],
        ["notification.id"],
        so ["notification.delivered", "publish.broadcast-to-requester"];
    NotificationWithoutEvent, "notification-without-event", "leaves the event out of notifications",
        in [Stu3, Stu2, Stu1],
        ["notification.event"],
        so ["replay.latest-open"];
    TimestampReplaced, "timestamp-replaced", "replaces the timestamp of published events",
        in [Stu3, Stu2, Stu1],
        ["notification.timestamp-of-event"],
        so ["replay.original-timestamp"];
    TimestampWithOffset, "timestamp-with-offset", "writes timestamps in the time of a zone two hours east",
        in [Stu3, Stu2, Stu1],
        ["notification.timestamp-utc"],
        so ["notification.timestamp-subsecond"];
    ContextAltered, "context-altered", "passes resources on with nothing but type and id",
        in [Stu3, Stu2 breaks ["notification.required-elements"], Stu1 breaks ["notification.required-elements"]],
        ["notification.context-unaltered"];
    PatientRenamed, "patient-renamed", "gives every patient another id in notifications",
        in [Stu3, Stu2, Stu1],
        ["notification.context-unaltered"],
        so ["replay.latest-open", "notification.required-elements", "notification.resources-of-the-application"];
    IdentifierFalsified, "identifier-falsified", "replaces the values of all identifiers in notifications",
        in [Stu3, Stu2, Stu1],
        ["notification.context-unaltered"],
        so ["notification.required-elements", "notification.resources-of-the-application"];
    ResourcesSwapped, "resources-swapped", "swaps the resources of the first two entries of a context",
        in [Stu3, Stu2, Stu1],
        ["notification.context-unaltered"],
        so ["notification.required-elements", "notification.resources-of-the-application"];
    PatientAdded, "patient-added", "adds a second patient to every context that has one",
        in [Stu3, Stu2 breaks ["notification.context-unaltered", "patient-open.single-patient"], Stu1 breaks ["notification.context-unaltered", "patient-open.single-patient"]],
        ["notification.context-unaltered"],
        so ["notification.required-elements", "notification.resources-of-the-application"];
    ContextsMerged, "contexts-merged", "adds what the earlier context has to the one that is opened next",
        in [Stu3, Stu2, Stu1],
        ["event.complete-replacement.hub"],
        so ["notification.context-unaltered"];
    EntriesByKey, "entries-by-key", "keeps of several entries with one key the last alone",
        in [Stu3, Stu2],
        ["notification.context-unaltered"];
    DecimalsRewritten, "decimals-rewritten", "writes 37.0 as 37",
        in [Stu3, Stu2, Stu1],
        ["notification.context-unaltered"];
    MembersFalsified, "members-falsified", "changes the members that a publisher adds to an event",
        in [Stu3, Stu2, Stu1],
        ["notification.members-unaltered"];
    ToldOtherwise, "told-otherwise", "tells every subscriber another language of the first resource",
        in [Stu3, Stu2, Stu1],
        ["notification.same-for-all"],
        so ["notification.context-unaltered"];
    ExtensionDropped, "extension-dropped", "drops the extension entry from the context of published events",
        ["notification.context-unaltered"];
    // 2.5 Errors, 3.2.1 SyncError
    NoSyncErrorOnConflict, "no-syncerror-on-conflict", "tells nobody when a subscriber answers 409",
        in [Stu3, Stu2, Stu1],
        ["syncerror.on-conflict"];
    NoSyncErrorOnClientError, "no-syncerror-on-client-error", "tells nobody when a subscriber answers with a 4xx other than 409",
        in [Stu3, Stu2, Stu1],
        ["syncerror.on-client-error"];
    NoSyncErrorOnServerError, "no-syncerror-on-server-error", "tells nobody when a subscriber answers 500",
        in [Stu3, Stu2, Stu1],
        ["syncerror.on-server-error"];
    NoSyncErrorOnOtherServerError, "no-syncerror-on-other-server-error", "tells nobody when a subscriber answers with a 5xx other than 500",
        in [Stu3, Stu2, Stu1],
        ["syncerror.on-other-server-error"];
    SyncErrorOnSuccess, "syncerror-on-success", "sends a SyncError when a subscriber answers with a 2xx other than 200",
        in [Stu3, Stu2, Stu1],
        ["acknowledgement.success-2xx"];
    SyncErrorUnfounded, "syncerror-unfounded", "sends a SyncError when a subscriber answers 200",
        in [Stu3, Stu2, Stu1],
        ["syncerror.only-on-error"],
        so ["syncerror.not-on-normal-close", "acknowledgement.success-2xx"];
    SyncErrorOnNormalClose, "syncerror-on-normal-close", "sends a SyncError when a subscriber closes with 1000",
        ["syncerror.not-on-normal-close"];
    SyncErrorOnGoingAway, "syncerror-on-going-away", "sends a SyncError when a subscriber closes with 1001",
        ["syncerror.not-on-going-away"];
    SyncErrorToCulprit, "syncerror-to-culprit", "sends the SyncError about a subscriber to that subscriber alone",
        in [Stu3, Stu2],
        ["syncerror.on-conflict", "syncerror.on-client-error", "syncerror.on-server-error", "syncerror.on-other-server-error"],
        so ["syncerror.before-unresponsive"];
    SyncErrorToOne, "syncerror-to-one", "tells one alone of the other subscribers of a failure",
        in [Stu3, Stu2, Stu1],
        ["syncerror.to-other-subscribers"],
        so ["subscribe.events-case-insensitive.hub"];
    NamesakesUntold, "namesakes-untold", "tells nobody of a failure who has the name of the subscriber that failed",
        in [Stu3, Stu2],
        ["syncerror.to-other-subscribers"];
    SyncErrorToUnsubscribed, "syncerror-to-unsubscribed", "sends SyncErrors to those who did not subscribe to them",
        in [Stu3, Stu2, Stu1 breaks ["notification.only-subscribed"]],
        ["syncerror.only-subscribed", "notification.only-subscribed"];
    SyncErrorReusesId, "syncerror-reuses-id", "gives SyncErrors the id of the event that failed",
        in [Stu3, Stu2],
        ["notification.id-unique"];
    SyncErrorWrongEventId, "syncerror-wrong-event-id", "names another event in SyncErrors than the one that failed",
        in [Stu3, Stu2],
        ["operationoutcome.eventid.hub"];
    SyncErrorWithoutEventId, "syncerror-without-event-id", "leaves the event's id out of SyncErrors",
        in [Stu3, Stu2],
        ["operationoutcome.eventid.hub"];
    SyncErrorWithoutEventName, "syncerror-without-event-name", "leaves the event's name out of SyncErrors",
        in [Stu3, Stu2],
        ["operationoutcome.eventname.hub"];
    SyncErrorWithoutSubscriber, "syncerror-without-subscriber", "leaves the subscriber's name out of SyncErrors",
        ["operationoutcome.subscribername.hub"];
    SyncErrorWithoutDetails, "syncerror-without-details", "leaves the details out of SyncErrors",
        in [Stu3, Stu2],
        ["operationoutcome.details.hub"],
        so ["operationoutcome.eventid.hub", "operationoutcome.eventname.hub", "operationoutcome.subscribername.hub"];
    SyncErrorWrongCode, "syncerror-wrong-code", "sends SyncErrors with the issue code 'exception'",
        in [Stu3, Stu2, Stu1],
        ["operationoutcome.issue.hub"];
    SyncErrorSeverity, "syncerror-severity", "sends SyncErrors with severity 'error'",
        ["operationoutcome.severity.hub"];
    SyncErrorWithoutDiagnostics, "syncerror-without-diagnostics", "leaves the diagnostics out of SyncErrors",
        in [Stu3, Stu2],
        ["operationoutcome.diagnostics.hub"];
    SyncErrorTellsOtherwise, "syncerror-tells-otherwise", "says of every refusal that the notification was not answered",
        in [Stu3, Stu2],
        ["operationoutcome.diagnostics.hub"];
    SyncErrorEmpty, "syncerror-empty", "sends SyncErrors with an empty context",
        in [Stu3, Stu2, Stu1],
        ["syncerror.operationoutcome.hub"],
        so ["operationoutcome.eventid.hub", "operationoutcome.eventname.hub"];
    SyncErrorWithMore, "syncerror-with-more", "adds an entry of its own to the context of SyncErrors",
        in [Stu3, Stu2, Stu1],
        ["event.context-additional.hub"],
        so ["event.context-named-resource.hub"];
    SyncErrorNotDistributed, "syncerror-not-distributed", "keeps SyncErrors that subscribers publish to itself",
        in [Stu3, Stu2],
        ["syncerror.subscriber-distributed"],
        so ["notification.delivered"];
    UnresponsiveUntold, "unresponsive-untold", "drops subscribers that leave an event unanswered, and tells nobody",
        ["syncerror.before-unresponsive"];
    UnresponsiveKept, "unresponsive-kept", "keeps subscribers that it told of as unresponsive",
        ["syncerror.unresponsive-unsubscribed"];
    // 2.5 Derived open events
    NoDerivedOpens, "no-derived-opens", "derives no open events for subscribers of other events",
        ["derived.open-sent", "derived.open-or-equal-subscriptions"];
    DerivedDuplicates, "derived-duplicates", "sends derived open events to those who got the original too",
        ["derived.no-duplicates"];
    // 2.6 Publishing
    RequesterLeftOut, "requester-left-out", "leaves out the earliest subscriber of a topic, who usually publishes",
        in [Stu3, Stu2, Stu1],
        ["publish.broadcast-to-requester"],
        so ["notification.delivered", "publish.broadcast-to-all", "content.update-distributed", "content.open-version", "publish.events-case-insensitive.hub", "subscribe.events-case-insensitive.hub", "subscribe.events-repeated-once", "subscribe.override-per-endpoint", "subscribe.refused-changes-nothing", "subscribe.resubscribe-replaces-events", "syncerror.subscriber-distributed"];
    LateRefusalToAll, "late-refusal-to-all", "takes an open event without its resource, and tells everybody by a SyncError that it does not",
        in [Stu3, Stu2],
        ["publish.late-rejection-to-requester"],
        so ["syncerror.only-on-error"];
    IdReplaced, "id-replaced", "gives published events an id of its own",
        ["publish.id-reused"],
        so ["operationoutcome.eventid.hub", "notification.delivered", "publish.broadcast-to-requester"];
    PublishElsewhere, "publish-elsewhere", "takes events at no URL",
        in [Stu3, Stu2, Stu1],
        ["publish.at-hub-url"];
    PublishRedirected, "publish-redirected", "answers events with 302 in place of accepting or rejecting them",
        in [Stu3, Stu2, Stu1],
        ["publish.accept-or-reject"],
        so ["subscribe.refusal-status"];
    RefusedEventBroadcast, "refused-event-broadcast", "broadcasts events that it refuses",
        in [Stu3, Stu2 breaks ["publish.rejected-not-broadcast"], Stu1 breaks ["publish.rejected-not-broadcast"]],
        ["publish.rejected-not-broadcast", "content.stale-update-rejected"],
        so ["content.prior-version-id", "content.rejected-as-a-whole", "notification.id", "content.maintained", "event.context.hub", "event.version-id.hub", "notification.timestamp"];
    MalformedEventsSwallowed, "malformed-events-swallowed", "accepts events without an id, a timestamp or a context, and passes them on to nobody",
        in [Stu3, Stu2, Stu1],
        ["publish.broadcast-to-all"];
    MalformedEventsPassedOn, "malformed-events-passed-on", "accepts events without an id, a timestamp or a context, and passes them on as they are",
        in [Stu3, Stu2, Stu1],
        ["notification.id", "notification.timestamp", "event.context.hub"];
    LargeEventsSwallowed, "large-events-swallowed", "accepts events of more than 100 kB, and passes them on to nobody",
        in [Stu3, Stu2, Stu1],
        ["publish.broadcast-to-all"],
        so ["publish.broadcast-to-requester"];
    UnauthorizedEventBroadcast, "unauthorized-event-broadcast", "broadcasts events that it refuses for want of a token or a scope",
        in [Stu3, Stu2, Stu1],
        ["publish.rejected-not-broadcast"];
    // 2.7 Configuration
    NoConfiguration, "no-configuration", "has no configuration document",
        in [Stu3, Stu2],
        ["wellknown.served"];
    ConfigurationAsArray, "configuration-as-array", "serves the configuration document as an array around the object",
        in [Stu3, Stu2],
        ["wellknown.object"];
    ConfigurationNotJson, "configuration-not-json", "serves the configuration document as text/plain",
        in [Stu3, Stu2],
        ["wellknown.content-type"];
    ConfigurationWithoutEvents, "configuration-without-events", "leaves eventsSupported out of the configuration document",
        in [Stu3, Stu2],
        ["wellknown.events-supported"];
    ConfigurationEventsEmpty, "configuration-events-empty", "lists no event in eventsSupported",
        in [Stu3, Stu2],
        ["wellknown.events-supported"];
    ConfigurationEventLeftOut, "configuration-event-left-out", "leaves the opening of a patient out of eventsSupported, and grants and distributes it",
        in [Stu3, Stu2],
        ["wellknown.events-supported"];
    SelectRefused, "select-refused", "lists select events and refuses each of them",
        ["wellknown.events-supported"];
    UpdateRefused, "update-refused", "lists update events and refuses each of them",
        ["wellknown.events-supported"],
        so ["wellknown.non-current-updates-taken"];
    ConfigurationStrangeEvents, "configuration-strange-events", "lists 'patient opened' among the supported events",
        in [Stu3, Stu2],
        ["wellknown.events-supported-names"];
    ConfigurationWithoutWebsocket, "configuration-without-websocket", "says in the configuration document that it has no WebSockets",
        in [Stu3, Stu2],
        ["wellknown.websocket-support"];
    ConfigurationWithoutVersion, "configuration-without-version", "leaves fhircastVersion out of the configuration document",
        in [Stu3, Stu2],
        ["wellknown.fhircast-version-present"];
    ConfigurationVersionAsNumber, "configuration-version-as-number", "writes fhircastVersion as a number",
        in [Stu3, Stu2],
        ["wellknown.fhircast-version"];
    ConfigurationFlagAsText, "configuration-flag-as-text", "writes getCurrentSupport as a string",
        ["wellknown.get-current-support"];
    ConfigurationFlagsContradict, "configuration-flags-contradict", "says in one member that it has Get Current Context and in another that it has not",
        ["wellknown.support-flags-agree"];
    ConfigurationFlagInPart, "configuration-flag-in-part", "says among the capabilities alone that it has Get Current Context",
        ["wellknown.get-current-support-both"];
    NonCurrentUpdateRefused, "non-current-update-refused", "says that it takes updates outside of the current context, and refuses each of them",
        ["wellknown.non-current-updates-taken"];
    NonCurrentUpdatesUnsaid, "non-current-updates-unsaid", "takes updates outside of the current context, and does not say so",
        ["content.non-current-updates-indicated"];
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
    CloseClosesEverything, "close-closes-everything", "closes every open context of a topic when one is closed, whatever its type",
        ["current.context-of-latest-open", "replay.latest-open"],
        so ["content.maintained", "content.kept-while-open"];
    CloseByTypeAlone, "close-by-type-alone", "closes every open context of the type that a close names, whatever the id",
        ["current.context-of-latest-open", "replay.latest-open", "content.maintained"];
    CloseByIdAlone, "close-by-id-alone", "closes every open context with the id that a close names, whatever the type",
        ["current.context-of-latest-open", "replay.latest-open"];
    IdsInAnyCase, "ids-in-any-case", "takes ids that differ in letter case alone for one, of contexts and of their content",
        ["current.context-of-latest-open", "replay.latest-open", "content.maintained"];
    IdsByTheirBeginning, "ids-by-their-beginning", "takes every id that begins with the one that is named for that one, of contexts and of their content",
        ["current.context-of-latest-open", "replay.latest-open", "content.maintained"];
    OpensCounted, "opens-counted", "closes a context after as many closes as it was opened",
        ["current.empty-after-close", "replay.not-closed"];
    ClosedForGood, "closed-for-good", "passes on the opening of a context that was closed before, and takes it for closed still",
        ["current.context-of-latest-open", "replay.latest-open"];
    CurrentOldest, "current-oldest", "returns the oldest open context as the current one",
        ["current.context-of-latest-open"],
        so ["content.kept-while-open", "content.per-anchor", "current.version-changes", "current.type"];
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
    CurrentPatientRenamed, "current-patient-renamed", "returns every patient with another id",
        ["current.context-as-supplied"],
        so ["current.context-of-latest-open", "publish.rejected-not-broadcast"];
    CurrentEntryAdded, "current-entry-added", "returns an encounter that nobody opened beside what was opened",
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
        so ["content.maintained", "content.dropped-on-close", "content.per-anchor"];
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
        so ["notification.delivered", "publish.broadcast-to-requester", "content.rejected-as-a-whole", "content.too-large-refused"];
    UpdateKeepsVersion, "update-keeps-version", "distributes updates with the version that they came with",
        ["content.update-new-version"],
        so ["current.version-of-the-context"];
    PriorVersionMissing, "prior-version-missing", "leaves context.priorVersionId out of distributed updates",
        ["content.update-prior-version", "content.prior-version-id"];
    StaleUpdateAccepted, "stale-update-accepted", "accepts updates whatever version they state",
        ["content.stale-update-rejected"];
    StaleVersionBesideRightOne, "stale-version-beside-right-one", "looks at the first of two versions that an update states",
        ["content.stale-update-rejected"];
    VersionsTrimmed, "versions-trimmed", "compares versions without the spaces around them",
        ["content.stale-update-rejected"];
    VersionsBeginAnew, "versions-begin-anew", "gives a context the version that it had at first when it is opened after its close",
        ["content.version-unique", "content.stale-update-rejected"];
    KnownVersionTaken, "known-version-taken", "takes an update that states any version that some context of the topic has had",
        ["content.stale-update-rejected"];
    StaleUpdateFails, "stale-update-fails", "answers updates that state another version with 500",
        ["content.stale-update-status"];
    PartialUpdate, "partial-update", "applies what it can of an update that it refuses",
        ["content.rejected-as-a-whole"],
        so ["content.maintained", "content.stale-update-rejected"];
    LargeUpdateFails, "large-update-fails", "answers updates of more than twenty entries with 500",
        ["content.too-large-refused"];
    ContentNotKept, "content-not-kept", "distributes updates and keeps no content",
        ["content.maintained"],
        so ["content.changed-context-resources-in-content", "content.kept-while-open"];
    ContentAltered, "content-altered", "returns shared resources with nothing but type and id",
        ["content.maintained"],
        so ["content.changed-context-resources-in-content"];
    ContentEntryAdded, "content-entry-added", "returns a resource that nobody shared beside those that were",
        ["content.maintained"],
        so ["current.content-empty", "content.per-anchor"];
    ContentShared, "content-shared", "keeps one content for all contexts of a topic",
        ["content.per-anchor"],
        so ["content.maintained"];
    ContentByIdAlone, "content-by-id-alone", "tells the resources of the content apart by their ids, whatever their types",
        ["content.maintained"];
    DeletesBesidePutsSkipped, "deletes-beside-puts-skipped", "deletes nothing by an update that puts resources too",
        ["content.maintained"];
    DeletesEverywhere, "deletes-everywhere", "deletes a resource from the content of every open context of the topic",
        ["content.per-anchor"];
    ContentKeptAfterClose, "content-kept-after-close", "keeps the content of a closed context for when it is opened again",
        ["content.dropped-on-close"];
    ContentDroppedOnOpen, "content-dropped-on-open", "drops the content of all other contexts when one is opened",
        ["content.kept-while-open"];
    ContextUpdated, "context-updated", "returns the context of an open event with its resources as they were updated since",
        ["content.context-as-opened"],
        so ["current.context-as-supplied"];
    ChangedResourcesMissing, "changed-resources-missing", "keeps updates of the open event's resources out of the content",
        ["content.changed-context-resources-in-content"],
        so ["content.maintained"];
    BundleIdReplaced, "bundle-id-replaced", "gives the Bundle of a distributed update another id",
        ["content.bundle-id-kept"],
        so ["notification.context-unaltered"];
    // STU2 and STU1: intent verification
    VerificationSkipped, "verification-skipped", "begins webhook subscriptions without asking the callback",
        in [Stu2, Stu1],
        ["intent-verification.sent"],
        so ["intent-verification.redirect-fails", "intent-verification.client-error-fails", "intent-verification.server-error-fails", "intent-verification.other-body-fails", "intent-verification.nothing-before", "intent-verification.failed-changes-nothing", "denial.webhook-get"];
    WebhookForgotten, "webhook-forgotten", "answers requests for webhook subscriptions with 202, and neither verifies nor denies them",
        in [Stu2, Stu1],
        ["intent-verification.sent", "denial.webhook-get"],
        so ["notification.delivered", "publish.broadcast-to-all", "publish.broadcast-to-requester"];
    DeliversBeforeVerification, "delivers-before-verification", "delivers to a callback before it has answered the verification",
        in [Stu2, Stu1],
        ["intent-verification.nothing-before"],
        so ["intent-verification.redirect-fails", "intent-verification.client-error-fails", "intent-verification.server-error-fails", "intent-verification.other-body-fails", "intent-verification.failed-changes-nothing", "notification.delivered", "notification.only-subscribed"];
    VerificationRedirectTaken, "verification-redirect-taken", "takes an answer of 3xx to a verification for a confirmation",
        in [Stu2, Stu1],
        ["intent-verification.redirect-fails"],
        so ["intent-verification.nothing-before"];
    VerificationClientErrorTaken, "verification-client-error-taken", "takes an answer of 4xx to a verification for a confirmation",
        in [Stu2, Stu1],
        ["intent-verification.client-error-fails"],
        so ["intent-verification.failed-changes-nothing", "intent-verification.nothing-before", "intent-verification.unsubscribe-refused-stays", "notification.delivered", "notification.only-subscribed"];
    VerificationServerErrorTaken, "verification-server-error-taken", "takes an answer of 5xx to a verification for a confirmation",
        in [Stu2, Stu1],
        ["intent-verification.server-error-fails"],
        so ["intent-verification.nothing-before"];
    ChallengeNotCompared, "challenge-not-compared", "takes any 2xx to a verification for a confirmation, whatever its body",
        in [Stu2, Stu1],
        ["intent-verification.other-body-fails"],
        so ["intent-verification.failed-changes-nothing", "intent-verification.nothing-before"];
    FailedVerificationUnsubscribes, "failed-verification-unsubscribes", "ends a subscription whose re-subscription fails its verification",
        in [Stu2, Stu1],
        ["intent-verification.failed-changes-nothing"],
        so ["notification.delivered"];
    ChallengeMissing, "challenge-missing", "verifies without hub.challenge, and takes any 2xx",
        in [Stu2, Stu1],
        ["intent-verification.challenge"],
        so ["intent-verification.challenge-random", "intent-verification.nothing-before", "intent-verification.other-body-fails", "intent-verification.failed-changes-nothing"];
    ChallengeConstant, "challenge-constant", "verifies with the same challenge always",
        in [Stu2, Stu1],
        ["intent-verification.challenge-random"];
    VerificationWithoutMode, "verification-without-mode", "leaves hub.mode out of verifications",
        in [Stu2, Stu1],
        ["intent-verification.mode"],
        so ["intent-verification.mode-of-request"];
    VerificationWrongMode, "verification-wrong-mode", "verifies with hub.mode 'verify'",
        in [Stu2, Stu1],
        ["intent-verification.mode"],
        so ["intent-verification.mode-of-request"];
    VerificationOtherMode, "verification-other-mode", "verifies a subscription with hub.mode 'unsubscribe', and the other way round",
        in [Stu2, Stu1],
        ["intent-verification.mode-of-request"];
    VerificationWithoutTopic, "verification-without-topic", "leaves hub.topic out of verifications",
        in [Stu2, Stu1],
        ["intent-verification.topic"],
        so ["intent-verification.topic-of-request"];
    VerificationWrongTopic, "verification-wrong-topic", "verifies another topic than the requested one",
        in [Stu2, Stu1],
        ["intent-verification.topic-of-request"];
    VerificationWithoutEvents, "verification-without-events", "leaves hub.events out of verifications",
        in [Stu2, Stu1],
        ["intent-verification.events"],
        so ["intent-verification.events-correspond"];
    VerificationOtherEvents, "verification-other-events", "verifies an event that nobody asked for",
        in [Stu2, Stu1],
        ["intent-verification.events-correspond"];
    VerificationWithoutLease, "verification-without-lease", "leaves hub.lease_seconds out of verifications",
        in [Stu2, Stu1],
        ["intent-verification.lease-seconds"];
    VerificationAsPost, "verification-as-post", "verifies by POST in place of GET",
        in [Stu2, Stu1],
        ["intent-verification.sent"],
        so ["denial.webhook-get"];
    VerificationQueryDropped, "verification-query-dropped", "drops the callback's own query string when it verifies",
        in [Stu2, Stu1],
        ["callback.query-kept-in-verification"],
        so ["callback.query-appended"];
    VerificationQueryPrepended, "verification-query-prepended", "puts its parameters before the callback's own query string",
        in [Stu2, Stu1],
        ["callback.query-appended"];
    UnsubscribeUnverified, "unsubscribe-unverified", "unsubscribes callbacks without asking them",
        in [Stu1],
        ["intent-verification.on-unsubscribe"],
        so ["intent-verification.unsubscribe-refused-stays"];
    UnsubscribeDespiteRefusal, "unsubscribe-despite-refusal", "ends a subscription though the callback has not confirmed its unsubscribe",
        in [Stu1],
        ["intent-verification.unsubscribe-refused-stays"],
        so ["notification.delivered"];
    // STU2 and STU1: notifications to callbacks
    NotificationAsPut, "notification-as-put", "sends notifications to callbacks by PUT in place of POST",
        in [Stu2, Stu1],
        ["webhook.notification-post"],
        so ["notification.delivered"];
    NotificationNotJson, "notification-not-json", "sends notifications to callbacks as an HTML page",
        in [Stu2, Stu1],
        ["transport.http-json"],
        so ["notification.object", "notification.delivered", "publish.broadcast-to-all", "publish.broadcast-to-requester"];
    NotificationQueryDropped, "notification-query-dropped", "drops the callback's own query string when it notifies",
        in [Stu2, Stu1],
        ["callback.query-kept-in-notification"];
    NotificationQueryInBody, "notification-query-in-body", "writes the callback's own query parameters into the notification",
        in [Stu2, Stu1],
        ["callback.query-not-in-body"],
        so ["notification.same-for-all"];
    FailingCallbackStopsOthers, "failing-callback-stops-others", "sends nothing more to the other callbacks while one does not take its notifications",
        in [Stu2, Stu1],
        ["publish.broadcast-to-all"],
        so ["notification.delivered", "publish.broadcast-to-requester"];
    IdsRepeated, "ids-repeated", "gives every event the same id",
        in [Stu2, Stu1],
        ["notification.id-unique"],
        so ["notification.delivered", "publish.broadcast-to-all", "publish.broadcast-to-requester", "operationoutcome.eventid.hub"];
    TimestampWithoutFraction, "timestamp-without-fraction", "writes timestamps without fractions of a second",
        in [Stu1],
        ["notification.timestamp-subsecond"],
        so ["notification.timestamp-of-event"];
    ResourcesReplaced, "resources-replaced", "sends other resources than those that were published",
        in [Stu1],
        ["notification.resources-of-the-application"],
        so ["notification.context-unaltered", "notification.delivered", "publish.broadcast-to-all", "publish.broadcast-to-requester", "notification.required-elements"];
    UnreachableUntold, "unreachable-untold", "tells nobody when a callback cannot be reached or does not answer",
        in [Stu1],
        ["syncerror.on-unreachable"];
    SignatureMissing, "signature-missing", "sends notifications to callbacks unsigned",
        in [Stu2, Stu1],
        ["signature.sent"];
    SignatureWrongKey, "signature-wrong-key", "signs with another key than the subscriber's secret",
        in [Stu2, Stu1],
        ["signature.matches"];
    SignatureOtherBytes, "signature-other-bytes", "signs the notification with a line feed that it does not send",
        in [Stu2, Stu1],
        ["signature.matches"];
    SignatureOfEarlierSecret, "signature-of-earlier-secret", "signs with the secret of the first request, whatever later ones bring",
        in [Stu2, Stu1],
        ["signature.matches"];
    SignatureWithoutMethod, "signature-without-method", "leaves 'sha256=' out of signatures",
        in [Stu2, Stu1],
        ["signature.form"],
        so ["signature.matches", "signature.method"];
    SignatureNotHexadecimal, "signature-not-hexadecimal", "writes signatures as a list of numbers",
        in [Stu2, Stu1],
        ["signature.form"],
        so ["signature.matches"];
    SignatureUnknownMethod, "signature-unknown-method", "names the method of signatures 'castspec'",
        in [Stu2, Stu1],
        ["signature.method"],
        so ["signature.matches"];
    SecretCutTo64Bytes, "secret-cut-to-64-bytes", "signs with the first 64 bytes of a secret",
        in [Stu2, Stu1],
        ["signature.matches"];
    SecretCutTo16Bytes, "secret-cut-to-16-bytes", "signs with the first 16 bytes of a secret",
        in [Stu2, Stu1],
        ["signature.matches"];
    SecretDecodedTwice, "secret-decoded-twice", "decodes secrets once more when they are decoded already",
        in [Stu2, Stu1],
        ["signature.matches"];
    SecretTooLongTaken, "secret-too-long-taken", "takes secrets of 200 bytes and more",
        in [Stu2, Stu1],
        ["subscribe.refusal-status"];
    // STU2 and STU1: denials, and what the hub takes and says of itself
    DenialAsPost, "denial-as-post", "tells callbacks of denials by POST in place of GET",
        in [Stu2, Stu1],
        ["denial.webhook-get"];
    DenialQueryDropped, "denial-query-dropped", "drops the callback's own query string when it denies",
        in [Stu2, Stu1],
        ["denial.webhook-get"];
    UnsubscribeLeaseHonoured, "unsubscribe-lease-honoured", "keeps a subscription for as long as its unsubscribe request asks",
        in [Stu2],
        ["unsubscribe.lease-ignored"],
        so ["unsubscribe.nothing-delivered", "unsubscribe.socket-closed"];
    WebsocketRefused, "websocket-refused", "refuses WebSocket subscriptions",
        in [Stu2],
        ["subscribe.websocket-supported"],
        so ["subscribe.accepted-202", "subscribe.response.object", "subscribe.response.endpoint"];
    WebhookRefused, "webhook-refused", "refuses webhooks though its configuration document says that it takes them",
        in [Stu2],
        ["webhook.supported-as-stated"],
        so ["subscribe.accepted-202"];
    WebhookUnsupportedTaken, "webhook-unsupported-taken", "says that it takes no webhooks, and answers requests for them with 202",
        in [Stu2],
        ["webhook.unsupported-denied"],
        so ["intent-verification.sent", "denial.webhook-get"];
    ConfigurationWithoutWebhook, "configuration-without-webhook", "leaves webhookSupport out of the configuration document",
        in [Stu2],
        ["wellknown.webhook-support-present"];
    ConfigurationWebhookAsText, "configuration-webhook-as-text", "writes webhookSupport as a string",
        in [Stu2],
        ["wellknown.webhook-support"];
    ExtensionAsText, "extension-as-text", "adds an extension to notifications that is a string",
        in [Stu3, Stu2],
        ["extension.object.hub"];
    // Authorization: seen only at a hub that demands tokens
    ScopesIgnored, "scopes-ignored", "lets every token receive and request every event, whatever its scopes",
        in [Stu3, Stu2, Stu1 breaks ["notification.authorized-resources"]],
        ["notification.authorized-resources", "publish.write-authorized"];
    ExpiredTokenTaken, "expired-token-taken", "takes access tokens that have expired",
        in [Stu3, Stu2, Stu1 breaks ["notification.authorized-resources"]],
        ["notification.authorized-resources", "publish.write-authorized"],
        so ["subscribe.lease-within-token"];
    ForeignTokenTaken, "foreign-token-taken", "takes access tokens that its authorization server did not issue",
        in [Stu3, Stu2, Stu1 breaks ["notification.authorized-resources"]],
        ["notification.authorized-resources", "publish.write-authorized"],
        so ["subscribe.lease-within-token"];
    TokenNotDemanded, "token-not-demanded", "takes requests without an access token",
        in [Stu3, Stu2, Stu1 breaks ["notification.authorized-resources"]],
        ["notification.authorized-resources", "publish.write-authorized"];
    LeaseBeyondToken, "lease-beyond-token", "grants leases that outlive the access token",
        in [Stu3, Stu2, Stu1],
        ["subscribe.lease-within-token"];
}
