//! Forms of texts that the parser reads as texts and checks later: they stand for their schemas.

#![expect(dead_code, reason = "only their schemas are used")]

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::matcher::Matcher;
use super::schema::reserved;

/// The name of a subscriber that is described under 'subscribers'.
#[derive(JsonSchema)]
#[schemars(rename = "subscriber-name")]
pub(super) struct SubscriberName(#[schemars(regex(pattern = r"^[A-Za-z0-9_-]+$"))] String);

/// The name of an event: [FHIR resource]-open, -close, -update or -select, SyncError, UserLogout, UserHibernate, Home-open,
/// or an organization's own in reverse domain notation. Names are compared without regard to case.
#[derive(JsonSchema)]
#[schemars(rename = "event-name", extend("examples" = [
    "Patient-open", "Patient-close", "Encounter-open", "Encounter-close", "ImagingStudy-open", "ImagingStudy-close",
    "DiagnosticReport-open", "DiagnosticReport-close", "DiagnosticReport-update", "DiagnosticReport-select",
    "SyncError", "UserLogout", "UserHibernate", "Home-open",
]))]
pub(super) struct EventText(#[schemars(regex(pattern = r#"^[^\s,*"]+$"#))] String);

/// The id of a requirement that binds the hub, as castspec requirements lists them.
#[derive(JsonSchema)]
#[schemars(rename = "requirement-id")]
pub(super) struct RequirementText(#[schemars(regex(pattern = r"^[a-z0-9-]+(\.[a-z0-9-]+)+$"))] String);

/// A name that a step before has saved.
#[derive(JsonSchema)]
#[schemars(rename = "saved-name")]
pub(super) struct SavedName(#[schemars(regex(pattern = r"^[A-Za-z0-9_.-]+$"))] String);

/// Save under this name, for ${name} in later steps. Letters, digits, dashes, underscores and dots.
#[derive(JsonSchema)]
#[schemars(rename = "save", extend("not" = reserved()))]
pub(super) struct SaveName(#[schemars(regex(pattern = r"^[A-Za-z0-9_.-]+$"))] String);

/// A text; ${name} stands for a variable and ${name#/json/pointer} for a place in its value. $${ stands for the characters
/// ${.
#[derive(JsonSchema)]
#[schemars(rename = "text", extend("type" = ["string", "number", "boolean"]))]
pub(super) struct Text(String);

/// Any JSON value. In its strings ${name} stands for a variable; a string that is nothing but one reference takes the type
/// of what it stands for.
#[derive(JsonSchema)]
#[schemars(rename = "value")]
pub(super) struct AnyValue(Value);

/// An HTTP status.
#[derive(JsonSchema)]
#[schemars(rename = "status")]
pub(super) struct HttpStatus(#[schemars(range(min = 100, max = 599))] u16);

/// What must hold at places of a JSON value: JSON pointers such as /event/context/0/key, and a matcher for each. The empty
/// pointer is the value itself.
#[derive(JsonSchema)]
#[schemars(rename = "has", extend("propertyNames" = json!({"pattern": r"^(/|\$\{|$)"})))]
pub(super) struct Has(BTreeMap<String, Matcher>);

/// An event, a dot, and read or write, as in a scope without its prefix.
#[derive(JsonSchema)]
#[schemars(rename = "access", extend("examples" = ["Patient-open.read", "Patient-open.write"]))]
pub(super) struct AccessText(#[schemars(regex(pattern = r#"^[^\s,*"]+\.(read|write)$"#))] String);

/// The type of a JSON value.
#[derive(JsonSchema)]
#[schemars(rename = "json-type", rename_all = "snake_case")]
pub(super) enum JsonType {
    /// A JSON string.
    String,
    /// A JSON number.
    Number,
    /// A JSON boolean.
    Boolean,
    /// A JSON array.
    Array,
    /// A JSON object.
    Object,
    /// A JSON null.
    Null,
}

/// The purpose of a request.
#[derive(JsonSchema)]
#[schemars(rename = "request-kind", rename_all = "snake_case")]
pub(super) enum RequestKindText {
    /// A subscription.
    Subscribe,
    /// The end of a subscription.
    Unsubscribe,
    /// The distribution of an event.
    Publish,
}

/// The verdict on an unmet expectation, in place of what the requirement's level says; for readings that may be defended.
#[derive(JsonSchema)]
#[schemars(rename = "unmet", rename_all = "snake_case")]
pub(super) enum UnmetText {
    /// A warning.
    Warn,
    /// An observation; the check passes.
    Note,
}
