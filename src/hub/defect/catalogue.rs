//! The defects: name, description, and the requirements that each breaks.

macro_rules! defects {
    ($($variant:ident, $name:literal, $description:literal, [$($breaks:literal),+];)+) => {
        /// A named, deliberate deviation of the hub.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Defect {
            $(#[doc = $description] $variant,)+
        }

        impl Defect {
            /// Every defect, in the order of the specification's pages.
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

            /// The ids of the requirements that it breaks.
            pub fn breaks(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($breaks),+]),+ }
            }
        }
    };
}

defects! {
    // 2.3 Event names
    CaseSensitiveEventNames, "case-sensitive-event-names", "tells event names apart by case",
        ["subscribe.events.case-insensitive.hub"];
    // 2.4 Subscription Request and Response
    SubscribeAnswered200, "subscribe-answered-200", "answers subscription requests with 200 in place of 202",
        ["subscribe.response.accepted"];
    EndpointMissing, "endpoint-missing", "leaves hub.channel.endpoint out of the answer to a subscription request",
        ["subscribe.response.endpoint"];
    EndpointRepeated, "endpoint-repeated", "gives every subscription of a topic the same endpoint",
        ["subscribe.response.endpoint-unique"];
    ResponseNotJson, "response-not-json", "answers subscription requests with JSON as text/plain",
        ["subscribe.response.json"];
    ChannelTypeIgnored, "channel-type-ignored", "takes subscription requests without a channel type or with an unknown one",
        ["subscribe.channel-type.rejected"];
    MalformedSubscriptionAccepted, "malformed-subscription-accepted", "answers malformed subscription requests with 202",
        ["subscribe.response.error"];
    RefusalWithoutReason, "refusal-without-reason", "refuses with an empty body",
        ["subscribe.response.error-description", "unsubscribe.response.error"];
    ResubscribeMerges, "resubscribe-merges", "adds the events of a re-subscription to the earlier ones",
        ["subscribe.resubscribe.replaces-events", "subscribe.resubscribe.overrides"];
    ResubscribeIgnored, "resubscribe-ignored", "accepts re-subscriptions and keeps the earlier events",
        ["subscribe.resubscribe.replaces-events", "subscribe.resubscribe.overrides"];
    ResubscribeRefused, "resubscribe-refused", "refuses to re-subscribe over an existing endpoint",
        ["subscribe.resubscribe"];
    // 2.4 Subscription Confirmation
    NoConfirmation, "no-confirmation", "sends no confirmation when a WebSocket connects",
        ["confirmation"];
    ConfirmationWithoutMode, "confirmation-without-mode", "leaves hub.mode out of the confirmation",
        ["confirmation.mode"];
    ConfirmationWrongMode, "confirmation-wrong-mode", "confirms with hub.mode 'subscribed'",
        ["confirmation.mode"];
    ConfirmationWithoutTopic, "confirmation-without-topic", "leaves hub.topic out of the confirmation",
        ["confirmation.topic"];
    ConfirmationWrongTopic, "confirmation-wrong-topic", "confirms another topic than the requested one",
        ["confirmation.topic"];
    ConfirmationWithoutEvents, "confirmation-without-events", "leaves hub.events out of the confirmation",
        ["confirmation.events"];
    ConfirmationEventsAsArray, "confirmation-events-as-array", "writes hub.events of the confirmation as a JSON array",
        ["confirmation.events"];
    ConfirmationWithoutLease, "confirmation-without-lease", "leaves hub.lease_seconds out of the confirmation",
        ["confirmation.lease-seconds"];
    LeaseIgnored, "lease-ignored", "keeps subscriptions beyond the end of their lease",
        ["confirmation.lease.unsubscribe", "confirmation.lease.close"];
    ExpiryKeepsSocket, "expiry-keeps-socket", "ends the subscription with its lease and leaves the WebSocket open",
        ["confirmation.lease.close"];
    // 2.4 Current context notification
    NoReplay, "no-replay", "sends a new subscriber nothing of what is open",
        ["replay"];
    ReplaysClosedContext, "replays-closed-context", "sends a new subscriber the open events of closed contexts too",
        ["replay"];
    ReplayOnlyCurrent, "replay-only-current", "sends a new subscriber the last open event only, not one for each anchor type",
        ["replay"];
    ReplayOldest, "replay-oldest", "sends a new subscriber the oldest open event of an anchor type",
        ["replay"];
    ReplayNewTimestamp, "replay-new-timestamp", "replays open events with the time of the replay",
        ["replay.timestamp"];
    ReplayUnsubscribed, "replay-unsubscribed", "replays open events that the subscriber did not subscribe to",
        ["replay.subscribed-only"];
    // 2.4 Denial and Unsubscribe
    DenialWithoutTopic, "denial-without-topic", "leaves hub.topic out of denials",
        ["denial.topic"];
    DenialWithoutEvents, "denial-without-events", "leaves hub.events out of denials",
        ["denial.events"];
    DenialWrongMode, "denial-wrong-mode", "denies with hub.mode 'unsubscribe'",
        ["denial.mode"];
    UnsubscribeAnswered200, "unsubscribe-answered-200", "answers unsubscribe requests with 200 in place of 202",
        ["unsubscribe.response.accepted"];
    UnsubscribeWithoutEndpoint, "unsubscribe-without-endpoint", "leaves hub.channel.endpoint out of the answer to an unsubscribe request",
        ["unsubscribe.response.endpoint"];
    UnsubscribeWithoutDenial, "unsubscribe-without-denial", "sends no denial after an unsubscribe",
        ["unsubscribe.denial"];
    UnsubscribeKeepsSocket, "unsubscribe-keeps-socket", "leaves the WebSocket open after an unsubscribe",
        ["unsubscribe.close"];
    UnsubscribeIgnored, "unsubscribe-ignored", "accepts unsubscribe requests and goes on as before",
        ["unsubscribe.denial", "unsubscribe.close"];
    EndpointSurvivesUnsubscribe, "endpoint-survives-unsubscribe", "lets clients connect again to the endpoint of an ended subscription",
        ["unsubscribe.endpoint-not-reusable"];
    UnknownUnsubscribeAccepted, "unknown-unsubscribe-accepted", "answers 202 to the unsubscribe of a subscription that is not there",
        ["unsubscribe.response.error"];
    // 2.5 Event Notification
    NotificationsLost, "notifications-lost", "distributes no event but the first of a session",
        ["notification"];
    DeliversUnsubscribed, "delivers-unsubscribed", "sends subscribers events that they did not subscribe to",
        ["subscribe.events.subscribed-only"];
    LeaksAcrossTopics, "leaks-across-topics", "sends events to the subscribers of other topics too",
        ["notification.topic-isolation"];
    DuplicateDelivery, "duplicate-delivery", "delivers every event twice",
        ["notification.once"];
    Reorders, "reorders", "delivers every second event before the one that it followed",
        ["notification.order"];
    NotificationWithoutTimestamp, "notification-without-timestamp", "leaves the timestamp out of notifications",
        ["notification.timestamp"];
    NotificationWithoutId, "notification-without-id", "leaves the id out of notifications",
        ["notification.id"];
    TimestampReplaced, "timestamp-replaced", "replaces the timestamp of published events",
        ["notification.timestamp"];
    ContextAltered, "context-altered", "passes resources on with nothing but type and id",
        ["notification.context-unchanged"];
    ExtensionDropped, "extension-dropped", "drops the extension of published events",
        ["extension.passed-on"];
    // 2.5 Errors, 3.2.1 SyncError
    NoSyncErrorOnConflict, "no-syncerror-on-conflict", "tells nobody when a subscriber answers 409",
        ["syncerror.on-conflict"];
    NoSyncErrorOnClientError, "no-syncerror-on-client-error", "tells nobody when a subscriber answers with a 4xx other than 409",
        ["syncerror.on-client-error"];
    NoSyncErrorOnServerError, "no-syncerror-on-server-error", "tells nobody when a subscriber answers with a 5xx",
        ["syncerror.on-server-error"];
    SyncErrorOnNormalClose, "syncerror-on-normal-close", "sends a SyncError when a subscriber closes with 1000 or 1001",
        ["syncerror.not-on-normal-close"];
    SyncErrorToUnsubscribed, "syncerror-to-unsubscribed", "sends SyncErrors to those who did not subscribe to them",
        ["syncerror.subscribed-only"];
    SyncErrorWrongEventId, "syncerror-wrong-event-id", "names another event in SyncErrors than the one that failed",
        ["operationoutcome.eventid"];
    SyncErrorWithoutEventName, "syncerror-without-event-name", "leaves the event's name out of SyncErrors",
        ["operationoutcome.eventname"];
    SyncErrorWithoutSubscriber, "syncerror-without-subscriber", "leaves the subscriber's name out of SyncErrors",
        ["operationoutcome.subscribername"];
    SyncErrorSeverity, "syncerror-severity", "sends SyncErrors with severity 'error'",
        ["operationoutcome.severity"];
    SyncErrorWithoutDiagnostics, "syncerror-without-diagnostics", "leaves the diagnostics out of SyncErrors",
        ["operationoutcome.diagnostics"];
    SyncErrorEmpty, "syncerror-empty", "sends SyncErrors with an empty context",
        ["syncerror.context.operationoutcome"];
    SyncErrorNotDistributed, "syncerror-not-distributed", "keeps SyncErrors that subscribers publish to itself",
        ["syncerror.distributed"];
    UnresponsiveKept, "unresponsive-kept", "keeps subscribers that it told of as unresponsive",
        ["syncerror.unresponsive.unsubscribed"];
    // 2.6 Publishing
    RequesterLeftOut, "requester-left-out", "leaves out the earliest subscriber of a topic, who usually publishes",
        ["publish.broadcast.requester"];
    IdReplaced, "id-replaced", "gives published events an id of its own",
        ["publish.id-reused"];
    MalformedEventAccepted, "malformed-event-accepted", "answers malformed events with 202",
        ["publish.response"];
    RefusedEventBroadcast, "refused-event-broadcast", "broadcasts events that it refuses",
        ["publish.response"];
    PublishRefused, "publish-refused", "refuses every published event",
        ["publish.response"];
    // 2.7 Configuration
    NoConfiguration, "no-configuration", "has no configuration document",
        ["wellknown"];
    ConfigurationNotJson, "configuration-not-json", "serves the configuration document as text/plain",
        ["wellknown.json"];
    ConfigurationWithoutEvents, "configuration-without-events", "leaves eventsSupported out of the configuration document",
        ["wellknown.events-supported"];
    ConfigurationWithoutWebsocket, "configuration-without-websocket", "says in the configuration document that it has no WebSockets",
        ["wellknown.websocket-support"];
    ConfigurationWithoutVersion, "configuration-without-version", "leaves fhircastVersion out of the configuration document",
        ["wellknown.fhircast-version"];
    // 2.9 Get Current Context
    CloseKeepsCurrent, "close-keeps-current", "returns a closed context as the current one",
        ["current.empty-after-close"];
    CurrentTypeMissing, "current-type-missing", "leaves context.type out of the current context",
        ["current.context-type"];
    CurrentVersionMissing, "current-version-missing", "leaves context.versionId out of the current context",
        ["current.version-id"];
    CurrentContentMissing, "current-content-missing", "leaves the content out of the current context",
        ["current.content"];
    CurrentContentWrongType, "current-content-wrong-type", "returns content as a Bundle of type transaction",
        ["current.content.collection"];
    CurrentContentWithRequest, "current-content-with-request", "returns content whose entries have a request",
        ["current.content.no-request"];
    // 2.10 Content sharing
    OpenWithoutVersion, "open-without-version", "assigns no version when a context is opened",
        ["content.version.assigned-on-open"];
    UpdateKeepsVersion, "update-keeps-version", "distributes updates with the version that they came with",
        ["content.version.new-on-update"];
    PriorVersionMissing, "prior-version-missing", "leaves context.priorVersionId out of distributed updates",
        ["content.prior-version"];
    StaleUpdateAccepted, "stale-update-accepted", "accepts updates whatever version they state",
        ["content.version.mismatch-rejected"];
    PartialUpdate, "partial-update", "applies what it can of an update that it refuses",
        ["content.atomic", "content.reject-whole"];
    ContentNotKept, "content-not-kept", "distributes updates and keeps no content",
        ["content.maintained"];
    BundleIdReplaced, "bundle-id-replaced", "gives the Bundle of a distributed update another id",
        ["content.bundle-id"];
    // 2.5 Derived open events
    NoDerivedOpens, "no-derived-opens", "derives no open events for subscribers of other events",
        ["derived.open"];
    DerivedDuplicates, "derived-duplicates", "sends derived open events to those who got the original too",
        ["derived.no-duplicates"];
}
