//! A context as the rules read it: whatever is malformed in it is passed over, for the schemas judge that.

use serde_json::Value;

/// The elements of a context that can be read, with their JSON pointers.
pub(super) struct Context<'a> {
    pub(super) elements: Vec<Element<'a>>,
}

pub(super) struct Element<'a> {
    /// From the event.
    pub(super) pointer: String,
    pub(super) key: &'a str,
    value: &'a Value,
}

impl<'a> Element<'a> {
    pub(super) fn resource(&self) -> Option<&'a Value> {
        self.value.get("resource").filter(|resource| resource.is_object())
    }

    pub(super) fn resource_of_type(&self, resource_type: &str) -> Option<&'a Value> {
        self.resource()
            .filter(|resource| text(resource, "resourceType").eq_ignore_ascii_case(resource_type))
    }
}

impl<'a> Context<'a> {
    pub(super) fn read(context: &'a Value) -> Self {
        let elements = context
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
            .filter_map(|(index, value)| {
                let key = value.get("key")?.as_str()?;
                Some(Element {
                    pointer: format!("/context/{index}"),
                    key,
                    value,
                })
            });
        Self {
            elements: elements.collect(),
        }
    }

    pub(super) fn resources(&self, resource_type: &str) -> impl Iterator<Item = (&Element<'a>, &'a Value)> {
        self.elements
            .iter()
            .filter_map(move |element| Some((element, element.resource_of_type(resource_type)?)))
    }
}

/// The member as a string; empty where it is none.
pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}
