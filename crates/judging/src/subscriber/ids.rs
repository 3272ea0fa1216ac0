//! The requirements that are judged over a conversation; the schemas judge those on single messages.

use crate::protocol::Version;
use crate::requirement::{Actor, Catalogue};

pub(super) const TOPIC_AND_URL_KNOWN: &str = "launch.topic-and-url-known";
pub(super) const SCOPES_REQUESTED: &str = "launch.scopes-requested";
pub(super) const SCOPES_GRANTED: &str = "launch.scopes-granted";
pub(super) const LAUNCH_HUB_URL: &str = "launch.hub-url";
pub(super) const LAUNCH_HUB_TOPIC: &str = "launch.hub-topic";
pub(super) const LAUNCH_ID_TOKEN: &str = "launch.id-token";
pub(super) const SCOPES_SYNTAX: &str = "scopes.syntax.subscriber";
pub(super) const SCOPES_SYNTAX_GRANTED: &str = "scopes.syntax.authorization-server";
pub(super) const SCOPES_READ: &str = "scopes.read";
pub(super) const SCOPES_WRITE: &str = "scopes.write";
pub(super) const SUBSCRIBE_POST: &str = "subscribe.request.post";
pub(super) const SUBSCRIBE_CONTENT_TYPE: &str = "subscribe.request.content-type";
pub(super) const SUBSCRIBE_BEARER: &str = "subscribe.request.bearer";
pub(super) const SUBSCRIBE_EVENTS_CASE: &str = "subscribe.events-case-insensitive.subscriber";
pub(super) const SUBSCRIBE_CONNECTS: &str = "subscribe.connects-to-endpoint";
pub(super) const SUBSCRIBE_ENDPOINT_ON_RENEWAL: &str = "subscribe.request.endpoint-on-renewal";
pub(super) const SUBSCRIBE_AFTER_LOSS: &str = "subscribe.after-connection-loss";
pub(super) const DENIAL_HEEDED: &str = "denial.heeded";
pub(super) const DENIAL_ANSWERED: &str = "denial.webhook-answered";
pub(super) const CALLBACK_UNIQUE: &str = "callback.unique";
pub(super) const SECRET_UNIQUE: &str = "secret.unique";
pub(super) const VERIFICATION_2XX: &str = "intent-verification.answer-2xx";
pub(super) const VERIFICATION_CONTENT_TYPE: &str = "intent-verification.answer-content-type";
pub(super) const VERIFICATION_CHALLENGE: &str = "intent-verification.answer-challenge";
pub(super) const VERIFICATION_DISAGREEMENT: &str = "intent-verification.disagreement-404";
pub(super) const VERIFICATION_UNSUBSCRIBE: &str = "intent-verification.unsubscribe-confirmed";
pub(super) const UNSUBSCRIBE_MIRRORS: &str = "unsubscribe.mirrors";
pub(super) const UNSUBSCRIBE_POST: &str = "unsubscribe.request.post";
pub(super) const UNSUBSCRIBE_CONTENT_TYPE: &str = "unsubscribe.request.content-type";
pub(super) const UNSUBSCRIBE_NEW_ENDPOINT: &str = "unsubscribe.new-endpoint";
pub(super) const UNSUBSCRIBE_ON_SHUTDOWN: &str = "unsubscribe.on-shutdown";
pub(super) const UNSUBSCRIBE_CLOSE_CODE: &str = "unsubscribe.close-code";
pub(super) const HTTPS: &str = "transport.https.subscriber";
pub(super) const WEBSOCKET_JSON: &str = "transport.websocket-json.subscriber";
pub(super) const HTTP_JSON: &str = "transport.http-json.subscriber";
pub(super) const ACKNOWLEDGED: &str = "acknowledgement.sent";
pub(super) const ACKNOWLEDGED_ID: &str = "acknowledgement.id-of-notification";
pub(super) const ACKNOWLEDGED_SUCCESS: &str = "acknowledgement.success-code";
pub(super) const NON_CURRENT_ANSWERED: &str = "content.non-current-answered";
pub(super) const TOO_LARGE_STATUS: &str = "content.too-large-status.subscriber";
pub(super) const FULL_RESOURCE_ACCEPTED: &str = "event.full-resource-accepted";
pub(super) const NOTIFIED_EVENTS_CASE: &str = "publish.events-case-insensitive.subscriber";
pub(super) const SEQUENTIAL_OPENS: &str = "notification.sequential-opens";
pub(super) const SYNC_ERROR_AFTER_ACCEPTED: &str = "syncerror.after-accepted";
pub(super) const SYNC_ERROR_IN_TIME: &str = "syncerror.late-refusal-in-time";
pub(super) const PUBLISH_POST: &str = "publish.post";
pub(super) const PUBLISH_ID_UNIQUE: &str = "publish.id-unique";
pub(super) const PUBLISH_OF_SUBSCRIPTION: &str = "publish.event-of-subscription";
pub(super) const PUBLISH_REJECTION_HANDLED: &str = "publish.rejection-handled";
pub(super) const PUBLISH_RESEND: &str = "publish.resend";
pub(super) const PUBLISH_RESEND_WAIT: &str = "publish.resend-wait";
pub(super) const PUBLISH_RESEND_TIMESTAMP: &str = "publish.resend-timestamp";
pub(super) const VALID_FHIR: &str = "event.valid-fhir";
pub(super) const CONTEXT_RESOURCE: &str = "event.context-resource.subscriber";
pub(super) const CONTEXT_CONSISTENT: &str = "event.context-consistent";
pub(super) const NO_CLOSE_AFTER_OPEN: &str = "event.no-close-after-open";
pub(super) const EXTENSION_OBJECT: &str = "extension.object.subscriber";
pub(super) const CURRENT_REQUEST: &str = "current.request";
pub(super) const CONTENT_ANCHOR_OPENED: &str = "content.anchor-opened";
pub(super) const CONTENT_VERSION: &str = "content.version-submitted";
pub(super) const CONTENT_KEPT: &str = "content.opened-resources-kept";
pub(super) const SELECT_CURRENT: &str = "content.select-current-only";
pub(super) const REPORT_VERSION: &str = "diagnosticreport-open.version-submitted";
pub(super) const PATIENT_SAME_ID: &str = "patient-close.same-id";
pub(super) const ENCOUNTER_SAME_ID: &str = "encounter-close.same-id";
pub(super) const STUDY_SAME_ID: &str = "imagingstudy-close.same-id";
pub(super) const STUDY_SAME_SUBJECT: &str = "imagingstudy-close.same-subject";
pub(super) const STUDY_SAME_UID: &str = "imagingstudy-close.same-study-instance-uid";
pub(super) const STUDY_SAME_ACCESSION: &str = "imagingstudy-close.same-accession-number";
pub(super) const REPORT_SAME_ID: &str = "diagnosticreport-close.same-id";

/// Whom the requirements bind: subscribers, and the authorization server that they are launched by.
pub(super) fn is_judged(actor: Actor) -> bool {
    matches!(actor, Actor::Subscriber | Actor::AuthorizationServer)
}

/// Those that this version states in a way that can be seen, and that are judged in it.
pub fn requirements_of(catalogue: &Catalogue, version: Version) -> impl Iterator<Item = &'static str> {
    REQUIREMENTS.iter().copied().filter(move |id| {
        let stated = catalogue.get(version, id);
        stated.is_some_and(|stated| is_judged(stated.actor) && stated.evidence.is_some())
    })
}

/// All of them, of all versions.
pub const REQUIREMENTS: &[&str] = &[
    TOPIC_AND_URL_KNOWN,
    SCOPES_REQUESTED,
    SCOPES_GRANTED,
    LAUNCH_HUB_URL,
    LAUNCH_HUB_TOPIC,
    LAUNCH_ID_TOKEN,
    SCOPES_SYNTAX,
    SCOPES_SYNTAX_GRANTED,
    SCOPES_READ,
    SCOPES_WRITE,
    HTTPS,
    SUBSCRIBE_POST,
    SUBSCRIBE_CONTENT_TYPE,
    SUBSCRIBE_BEARER,
    SUBSCRIBE_EVENTS_CASE,
    SUBSCRIBE_CONNECTS,
    SUBSCRIBE_ENDPOINT_ON_RENEWAL,
    SUBSCRIBE_AFTER_LOSS,
    DENIAL_HEEDED,
    DENIAL_ANSWERED,
    CALLBACK_UNIQUE,
    SECRET_UNIQUE,
    VERIFICATION_2XX,
    VERIFICATION_CONTENT_TYPE,
    VERIFICATION_CHALLENGE,
    VERIFICATION_DISAGREEMENT,
    VERIFICATION_UNSUBSCRIBE,
    UNSUBSCRIBE_MIRRORS,
    UNSUBSCRIBE_POST,
    UNSUBSCRIBE_CONTENT_TYPE,
    UNSUBSCRIBE_NEW_ENDPOINT,
    UNSUBSCRIBE_ON_SHUTDOWN,
    UNSUBSCRIBE_CLOSE_CODE,
    WEBSOCKET_JSON,
    HTTP_JSON,
    ACKNOWLEDGED,
    ACKNOWLEDGED_ID,
    ACKNOWLEDGED_SUCCESS,
    NON_CURRENT_ANSWERED,
    TOO_LARGE_STATUS,
    FULL_RESOURCE_ACCEPTED,
    NOTIFIED_EVENTS_CASE,
    SEQUENTIAL_OPENS,
    SYNC_ERROR_AFTER_ACCEPTED,
    SYNC_ERROR_IN_TIME,
    PUBLISH_POST,
    PUBLISH_ID_UNIQUE,
    PUBLISH_OF_SUBSCRIPTION,
    PUBLISH_REJECTION_HANDLED,
    PUBLISH_RESEND,
    PUBLISH_RESEND_WAIT,
    PUBLISH_RESEND_TIMESTAMP,
    VALID_FHIR,
    CONTEXT_CONSISTENT,
    NO_CLOSE_AFTER_OPEN,
    EXTENSION_OBJECT,
    CURRENT_REQUEST,
    CONTENT_ANCHOR_OPENED,
    CONTENT_VERSION,
    CONTENT_KEPT,
    SELECT_CURRENT,
    REPORT_VERSION,
    PATIENT_SAME_ID,
    ENCOUNTER_SAME_ID,
    STUDY_SAME_ID,
    STUDY_SAME_SUBJECT,
    STUDY_SAME_UID,
    STUDY_SAME_ACCESSION,
    REPORT_SAME_ID,
];
