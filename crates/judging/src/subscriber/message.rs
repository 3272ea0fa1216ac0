//! A notification as the rules remember it: what they ask of it, and nothing that grows with its resources.
//!
//! All subscribers that are sent the same text share one.

use std::sync::Arc;

use serde_json::Value;

use super::event::{Anchor, Event, digest_of};
use crate::protocol::Action;

/// The largest notification whose resource is compared with others, in bytes.
const COMPARED: usize = 4 << 10;
/// The attributes that the profiles of the event catalogue name.
const PROFILED: &[&str] = &[
    "resourceType",
    "id",
    "identifier",
    "name",
    "gender",
    "birthDate",
    "status",
    "subject",
    "basedOn",
    "imagingStudy",
    "class",
    "code",
];

/// A notification.
#[derive(Debug)]
pub(super) struct Message {
    /// Its id; `None` where it has none, or an empty one.
    pub(super) id: Option<Arc<str>>,
    pub(super) topic: String,
    /// The event as it is written.
    pub(super) name: String,
    pub(super) action: Option<Action>,
    /// Whether it opens something, by its name alone.
    pub(super) opens: bool,
    pub(super) anchor: Option<Arc<Anchor>>,
    /// The event in lower case and the id of what it is about.
    pub(super) subject: Option<Arc<(String, String)>>,
    /// The version that it states.
    pub(super) version: Option<String>,
    /// Its length in bytes.
    pub(super) size: usize,
    /// The resource that it is about, where it is small enough to compare.
    pub(super) resource: Option<ResourceDigest>,
    /// An update outside of the current context.
    pub(super) non_current: bool,
}

impl Message {
    /// The notification with this event, of so many bytes.
    pub(super) fn of(event: &Event, size: usize, non_current: bool) -> Self {
        let name = event.name.as_ref().map(ToString::to_string).unwrap_or_default();
        let anchor = event.anchor();
        let resource = || event.context.as_array()?.first()?.get("resource");
        Self {
            id: event.id.as_deref().filter(|id| !id.is_empty()).map(Arc::from),
            topic: event.topic.clone().unwrap_or_default(),
            action: event.action(),
            opens: name.to_ascii_lowercase().ends_with("-open"),
            subject: anchor
                .as_ref()
                .map(|anchor| Arc::new((name.to_ascii_lowercase(), anchor.id.clone()))),
            anchor: anchor.map(Arc::new),
            version: event.versions.first().cloned(),
            size,
            resource: (size <= COMPARED)
                .then(resource)
                .flatten()
                .map(ResourceDigest::of),
            non_current,
            name,
        }
    }
}

/// A resource by what can be compared of it: digests of its members.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ResourceDigest {
    /// Digests of names and of values, sorted.
    members: Box<[(u64, u64)]>,
    /// Nothing is in it but attributes that the profiles name.
    is_of_profile: bool,
    is_object: bool,
}

impl ResourceDigest {
    fn of(resource: &Value) -> Self {
        let object = resource.as_object();
        let mut members: Vec<(u64, u64)> = match object {
            Some(members) => members
                .iter()
                .map(|(name, value)| (digest_of(&Value::String(name.clone())), digest_of(value)))
                .collect(),
            None => vec![(0, digest_of(resource))],
        };
        members.sort_unstable();
        let of_profile = |members: &serde_json::Map<String, Value>| {
            members.keys().all(|name| PROFILED.contains(&name.as_str()))
        };
        Self {
            members: members.into(),
            is_of_profile: object.is_some_and(of_profile),
            is_object: object.is_some(),
        }
    }

    /// Whether it has members that the profiles do not name.
    pub(super) fn is_full(&self) -> bool {
        self.is_object && !self.is_of_profile
    }

    /// Whether it is the other one with nothing but the attributes of the profiles.
    pub(super) fn is_sparse_form_of(&self, full: &Self) -> bool {
        let is_in_full = |member: &(u64, u64)| full.members.binary_search(member).is_ok();
        self.is_of_profile
            && full.is_object
            && self.members.len() < full.members.len()
            && self.members.iter().all(is_in_full)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn digest(resource: Value) -> ResourceDigest {
        ResourceDigest::of(&resource)
    }

    #[test]
    fn resources_are_equal_whatever_the_order_of_their_members() {
        let one = digest(json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Muster"}]}));
        let same = digest(json!({"name": [{"family": "Muster"}], "id": "p", "resourceType": "Patient"}));
        assert_eq!(one, same);
        for other in [
            json!({"resourceType": "Patient", "id": "p", "name": [{"family": "Mustermann"}]}),
            json!({"resourceType": "Patient", "id": "p"}),
            json!([{"resourceType": "Patient", "id": "p", "name": [{"family": "Muster"}]}]),
            json!("Patient"),
        ] {
            assert_ne!(one, digest(other));
        }
    }

    #[test]
    fn a_sparse_form_has_a_part_of_the_members_and_only_those_of_profiles() {
        let full = digest(json!({"resourceType": "Patient", "id": "p", "photo": [{}], "gender": "other"}));
        assert!(full.is_full());
        let sparse = digest(json!({"resourceType": "Patient", "id": "p"}));
        assert!(sparse.is_sparse_form_of(&full) && !sparse.is_full());
        for other in [
            json!({"resourceType": "Patient", "id": "another"}),
            json!({"resourceType": "Patient", "photo": [{}]}),
            json!({"resourceType": "Patient", "id": "p", "photo": [{}], "gender": "other"}),
            json!(["Patient"]),
            json!(null),
        ] {
            assert!(!digest(other.clone()).is_sparse_form_of(&full), "{other}");
        }
        assert!(!full.is_sparse_form_of(&digest(json!("text"))));
    }
}
