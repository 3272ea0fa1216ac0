//! The pass over the elements: what a JSON schema of FHIR leaves out, found with the types that the schema gives the elements.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::calendar::is_in_calendar;
use super::{FhirError, Finding};
use crate::json_pointer;

const RESOURCE: &str = "ResourceList";

/// The types of FHIR R4 with their elements, as the rewritten schema holds them.
#[derive(Debug)]
pub(super) struct Definitions(HashMap<String, Definition>);

#[derive(Debug, Deserialize)]
struct Definition {
    #[serde(default)]
    properties: HashMap<String, Element>,
    /// Primitives that must be there, with a value or with an extension in its place.
    #[serde(default, rename = "x-required")]
    required: Vec<String>,
    /// The members that each `value[x]` stands for.
    #[serde(default, rename = "x-choices")]
    choices: BTreeMap<String, Vec<String>>,
    /// Those of which one must be there.
    #[serde(default, rename = "x-required-choices")]
    required_choices: Vec<String>,
}

/// What is said of an element, or of the items of one that repeats.
#[derive(Debug, Deserialize)]
struct Element {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    items: Option<Box<Element>>,
    /// Items that may be null too.
    then: Option<Box<Element>>,
}

impl Element {
    /// The name of the type, where the element has one: codes of a closed list have none.
    fn type_name(&self) -> Option<&str> {
        if let Some(reference) = &self.reference {
            return reference.rsplit('/').next();
        }
        self.items.as_ref().or(self.then.as_ref())?.type_name()
    }
}

impl Definitions {
    pub(super) fn read(document: &Value) -> Result<Self, FhirError> {
        #[derive(Deserialize)]
        struct Document {
            definitions: HashMap<String, Definition>,
        }
        Ok(Self(Document::deserialize(document)?.definitions))
    }

    /// Adds what is found in a resource whose depth is bounded, until there are `most` findings.
    pub(super) fn judge(&self, resource: &Value, most: usize, findings: &mut Vec<Finding>) {
        let mut visit = Visit {
            definitions: &self.0,
            most,
            findings,
        };
        visit.value(resource, RESOURCE, "");
    }
}

struct Visit<'v> {
    definitions: &'v HashMap<String, Definition>,
    most: usize,
    findings: &'v mut Vec<Finding>,
}

impl Visit<'_> {
    fn find(&mut self, pointer: &str, message: impl Into<String>, expected: impl Into<String>) {
        // What is wrong by the schema already is not told twice, but for an object that lacks several things.
        let finding = Finding {
            pointer: pointer.to_owned(),
            message: message.into(),
            expected: expected.into(),
        };
        if self.findings.len() < self.most && !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    fn value(&mut self, value: &Value, type_name: &str, pointer: &str) {
        match value {
            Value::Object(members) => self.object(members, type_name, pointer),
            Value::String(text) => self.primitive(text, type_name, pointer),
            _ => {}
        }
    }

    fn primitive(&mut self, text: &str, type_name: &str, pointer: &str) {
        match type_name {
            // In the wrong form it is a matter of the schema.
            "date" | "dateTime" | "instant" if !is_in_calendar(text) && !self.is_told(pointer) => {
                self.find(
                    pointer,
                    "is a date that no calendar has",
                    format!("a possible {type_name}"),
                );
            }
            "uri" | "url" | "canonical" if text.is_empty() => {
                self.find(pointer, "is empty", format!("a {type_name}, or no such member"));
            }
            "xhtml" if !text.trim_start().starts_with("<div") => {
                self.find(
                    pointer,
                    "is no XHTML in a div",
                    "<div xmlns=\"http://www.w3.org/1999/xhtml\">…</div>",
                );
            }
            _ => {}
        }
    }

    fn is_told(&self, pointer: &str) -> bool {
        self.findings.iter().any(|finding| finding.pointer == pointer)
    }

    fn object(&mut self, members: &Map<String, Value>, type_name: &str, pointer: &str) {
        let is_resource = type_name == RESOURCE;
        let type_name = match members.get("resourceType").and_then(Value::as_str) {
            Some(own) if is_resource => own,
            _ => type_name,
        };
        let definitions = self.definitions;
        let Some(definition) = definitions.get(type_name) else {
            return;
        };
        let shown = type_name.replace('_', ".");
        if !is_resource && members.keys().all(|name| name == "id") {
            self.find(
                pointer,
                "holds nothing",
                format!("a {shown} with content, or no such member"),
            );
            return;
        }
        self.missing(members, definition, &shown, pointer);
        self.choices(members, definition, pointer);
        if type_name == "Extension" {
            self.extension(members, definition, pointer);
        }
        for (name, member) in members {
            if let Some(element) = definition.properties.get(name) {
                self.member(members, name, member, element, pointer);
            }
        }
    }

    fn missing(&mut self, members: &Map<String, Value>, definition: &Definition, shown: &str, pointer: &str) {
        for name in &definition.required {
            if !is_there(members, name) {
                self.find(
                    pointer,
                    format!("has no '{name}'"),
                    format!("'{name}' in {shown}"),
                );
            }
        }
        for stem in &definition.required_choices {
            let any = definition.choices.get(stem);
            if any.is_some_and(|kinds| !kinds.iter().any(|kind| is_there(members, kind))) {
                self.find(
                    pointer,
                    format!("has no '{stem}[x]'"),
                    format!("one '{stem}[x]' in {shown}"),
                );
            }
        }
    }

    fn choices(&mut self, members: &Map<String, Value>, definition: &Definition, pointer: &str) {
        for (stem, kinds) in &definition.choices {
            let mut there = kinds.iter().filter(|kind| is_there(members, kind));
            if there.next().is_none() {
                continue;
            }
            for second in there {
                let name = if members.contains_key(second) {
                    second.clone()
                } else {
                    format!("_{second}")
                };
                self.find(
                    &json_pointer::member(pointer, &name),
                    format!("is a second '{stem}[x]'"),
                    format!("one '{stem}[x]' at the most"),
                );
            }
        }
    }

    /// An extension has a value or extensions of its own, never both (ext-1).
    fn extension(&mut self, members: &Map<String, Value>, definition: &Definition, pointer: &str) {
        let has_value = definition
            .choices
            .get("value")
            .is_some_and(|kinds| kinds.iter().any(|kind| is_there(members, kind)));
        if has_value == members.contains_key("extension") {
            let message = if has_value {
                "has both a value and extensions"
            } else {
                "has neither a value nor extensions"
            };
            self.find(pointer, message, "either a value or extensions (ext-1)");
        }
    }

    fn member(
        &mut self,
        members: &Map<String, Value>,
        name: &str,
        member: &Value,
        element: &Element,
        pointer: &str,
    ) {
        let pointer = json_pointer::member(pointer, name);
        let type_name = element.type_name().unwrap_or_default();
        if name == "id" && type_name == "string" && member.as_str().is_some_and(|id| id.contains(' ')) {
            self.find(&pointer, "has a space in it", "an id without spaces");
        }
        let Value::Array(items) = member else {
            self.value(member, type_name, &pointer);
            return;
        };
        if items.is_empty() {
            self.find(
                &pointer,
                "is an empty array",
                "at least one item, or no such member",
            );
        }
        let beside = match name.strip_prefix('_') {
            Some(primitive) => members.get(primitive),
            None => members.get(&format!("_{name}")),
        };
        for (index, item) in items.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            let lonely = || {
                beside
                    .and_then(|extensions| extensions.get(index))
                    .is_none_or(Value::is_null)
            };
            if item.is_null() && element.items.as_ref().is_some_and(|items| items.then.is_some()) && lonely()
            {
                self.find(
                    &pointer,
                    "is null",
                    "null only where the value or its extension stands in the array beside it",
                );
            }
            self.value(item, type_name, &pointer);
        }
    }
}

/// Whether a member is there, or the extension that may stand in a primitive's place.
fn is_there(members: &Map<String, Value>, name: &str) -> bool {
    members.contains_key(name) || members.contains_key(&format!("_{name}"))
}
