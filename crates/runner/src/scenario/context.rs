//! The context of a published event: whole, or a template with changes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::Spanned;

use super::check::Checker;
use super::positions::Node;
use super::problem::Problem;
use super::variables::{VariableError, Variables};
use super::written::{AnyValue, EventText};

/// The keys of a template with changes.
const FIELDS: [&str; 3] = ["template", "with", "without"];

/// The context of a published event.
#[derive(Debug, Clone)]
pub enum PublishedContext {
    /// A context in place of the template's.
    Whole(Value),
    /// A template with changes.
    Changed(ChangedTemplate),
}

/// A template with changes: a map with at least one of `template`, `with` and `without`.
#[derive(Debug, Clone, Default, JsonSchema)]
#[schemars(rename = "changed-template", deny_unknown_fields)]
pub struct ChangedTemplate {
    /// The event whose template it is; the published event where none is named.
    #[schemars(with = "Option<EventText>")]
    pub template: Option<Spanned<String>>,
    /// Changes by the key of what they change. Each is merged into the resource or reference (RFC 7396): members are added or
    /// replaced, `null` takes one out, and a list replaces a list.
    #[schemars(with = "Option<BTreeMap<String, AnyValue>>")]
    pub with: BTreeMap<String, Value>,
    /// The keys of what is left out.
    #[schemars(with = "Option<Vec<String>>")]
    pub without: Vec<String>,
}

/// A mistake in the changes to a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// A reference in the changes cannot be resolved.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// The template has no such key.
    #[error("the template of the context has no '{key}' to change; it has {}", known.join(", "))]
    NoKey {
        /// The key.
        key: String,
        /// The keys that it has.
        known: Vec<String>,
    },
}

impl ChangedTemplate {
    /// The context of the template with the changes.
    ///
    /// # Errors
    /// When a change cannot be made.
    pub fn apply(&self, template: Value, variables: &Variables) -> Result<Value, ContextError> {
        let Value::Array(mut entries) = template else {
            return Ok(template);
        };
        let keys = self.with.keys().chain(&self.without);
        for key in keys {
            if !entries.iter().any(|entry| has_key(entry, key)) {
                let known = entries.iter().filter_map(|entry| entry.get("key")?.as_str());
                return Err(ContextError::NoKey {
                    key: key.clone(),
                    known: known.map(str::to_owned).collect(),
                });
            }
        }
        entries.retain(|entry| !self.without.iter().any(|key| has_key(entry, key)));
        for (key, change) in &self.with {
            let change = variables.expand(change)?;
            for entry in entries.iter_mut().filter(|entry| has_key(entry, key)) {
                let member = if entry.get("resource").is_some() {
                    "resource"
                } else {
                    "reference"
                };
                json_patch::merge(&mut entry[member], &change);
            }
        }
        Ok(Value::Array(entries))
    }
}

fn has_key(entry: &Value, key: &str) -> bool {
    entry.get("key").and_then(Value::as_str) == Some(key)
}

impl PublishedContext {
    pub(super) fn check(&self, checker: &mut Checker<'_>, node: &Node) {
        let changed = match self {
            Self::Whole(context) => return checker.value(context, node),
            Self::Changed(changed) => changed,
        };
        if let Some(event) = &changed.template {
            checker.event(&event.value, event.referenced.into());
        }
        for (key, change) in &changed.with {
            checker.value(change, node.field("with").field(key));
        }
        for (index, key) in changed.without.iter().enumerate() {
            if changed.with.contains_key(key) {
                let problem = Problem::Other(format!("'{key}' is changed and left out"));
                checker.tell(node.field("without").item(index).place, problem);
            }
        }
    }
}

impl<'de> Deserialize<'de> for PublishedContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContextVisitor)
    }
}

struct ContextVisitor;

impl<'de> Visitor<'de> for ContextVisitor {
    type Value = PublishedContext;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a context")
    }

    fn visit_bool<E>(self, value: bool) -> Result<PublishedContext, E> {
        Ok(PublishedContext::Whole(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<PublishedContext, E> {
        Ok(PublishedContext::Whole(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<PublishedContext, E> {
        Ok(PublishedContext::Whole(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<PublishedContext, E> {
        Ok(PublishedContext::Whole(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<PublishedContext, E> {
        Ok(PublishedContext::Whole(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<PublishedContext, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(access)).map(PublishedContext::Whole)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PublishedContext, A::Error> {
        let mut changed = ChangedTemplate::default();
        let mut key: Option<String> = map.next_key()?;
        if !key.as_ref().is_some_and(|key| FIELDS.contains(&key.as_str())) {
            let mut members = Map::new();
            while let Some(name) = key {
                members.insert(name, map.next_value()?);
                key = map.next_key()?;
            }
            return Ok(PublishedContext::Whole(Value::Object(members)));
        }
        while let Some(name) = key {
            match name.as_str() {
                "template" => changed.template = Some(map.next_value()?),
                "with" => changed.with = map.next_value()?,
                "without" => changed.without = map.next_value()?,
                _ => return Err(A::Error::unknown_field(&name, &FIELDS)),
            }
            key = map.next_key()?;
        }
        Ok(PublishedContext::Changed(changed))
    }
}

impl JsonSchema for PublishedContext {
    fn schema_name() -> Cow<'static, str> {
        "context".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let changed = generator.subschema_for::<ChangedTemplate>();
        let whole = generator.subschema_for::<AnyValue>();
        json_schema!({
            "title": "Context",
            "description": "A template with changes ('template', 'with', 'without'), or a whole context in place of the template's.",
            "if": {
                "type": "object",
                "anyOf": [{"required": ["template"]}, {"required": ["with"]}, {"required": ["without"]}],
            },
            "then": changed,
            "else": whole,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn applied(yaml: &str) -> Result<Value, ContextError> {
        let PublishedContext::Changed(changed) = serde_saphyr::from_str(yaml).unwrap() else {
            panic!("{yaml} is no template with changes")
        };
        let mut variables = Variables::default();
        variables.set("topic", json!("t-1"));
        let template = json!([
            {"key": "report", "reference": {"reference": "DiagnosticReport/1"}},
            {"key": "updates", "resource": {"resourceType": "Bundle", "id": "1", "entry": [1, 2]}},
        ]);
        changed.apply(template, &variables)
    }

    #[test]
    fn changes_are_merged_into_the_resource_or_reference_with_their_key() {
        assert_eq!(
            applied("{with: {updates: {entry: [3], id: null, total: '${topic}'}, report: {reference: x}}}")
                .unwrap(),
            json!([
                {"key": "report", "reference": {"reference": "x"}},
                {"key": "updates", "resource": {"resourceType": "Bundle", "entry": [3], "total": "t-1"}},
            ])
        );
        assert_eq!(
            applied("{without: [updates]}").unwrap(),
            json!([{"key": "report", "reference": {"reference": "DiagnosticReport/1"}}])
        );
    }

    #[test]
    fn keys_that_the_template_does_not_have_are_mistakes() {
        for yaml in ["{with: {patient: {id: x}}}", "{without: [patient]}"] {
            let error = applied(yaml).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the template of the context has no 'patient' to change; it has report, updates"
            );
        }
        assert!(matches!(
            applied("{with: {report: {id: '${unknown}'}}}"),
            Err(ContextError::Variable(_))
        ));
    }

    #[test]
    fn whole_contexts_stay_as_they_are_written() {
        for yaml in ["[]", "[{key: patient}]", "{key: patient}", "a text", "5", "{}"] {
            let PublishedContext::Whole(context) = serde_saphyr::from_str(yaml).unwrap() else {
                panic!("{yaml}")
            };
            assert_eq!(context, serde_saphyr::from_str::<Value>(yaml).unwrap());
        }
        assert!(serde_saphyr::from_str::<PublishedContext>("{with: {}, key: patient}").is_err());
    }
}
