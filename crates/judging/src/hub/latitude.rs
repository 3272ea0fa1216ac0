//! What a hub may add to, leave out of or write otherwise in the context that it passes on, in each version. Everything else
//! stays as it was published.

use serde_json::Value;

use super::difference::{Change, Difference};
use super::ids;
use crate::protocol::{Action, EventKind, EventName, Version};
use crate::schema::Unmet;

/// How a difference between a published context and its copy is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// The version allows it.
    Lawful,
    /// It breaks this requirement, so far.
    Breaks(&'static str, Unmet),
}

const FAILS: Taken = Taken::Breaks(ids::CONTEXT_UNALTERED, Unmet::ByLevel);
const WARNS: Taken = Taken::Breaks(ids::CONTEXT_UNALTERED, Unmet::Warn);
const LACKS_REQUIRED: Taken = Taken::Breaks(ids::REQUIRED_ELEMENTS, Unmet::ByLevel);

/// The context that an event was published with, and what is known of who may see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed<'p> {
    pub(super) version: Version,
    pub(super) event: &'p EventName,
    pub(super) context: &'p Value,
    /// Positions of the entries that other subscribers were sent and this one's token may not allow it to see.
    pub(super) withheld: &'p [usize],
}

/// The elements of each resource that the definitions of STU2 and STU1 require: `_elements` of their operations, and what tells
/// which resource it is.
const REQUIRED: [&str; 3] = ["resourceType", "id", "identifier"];

impl Passed<'_> {
    /// How this difference is taken:
    ///
    /// | difference | STU3 | STU2, STU1 |
    /// | --- | --- | --- |
    /// | another value, type, id, reference | fails | fails |
    /// | an entry is missing | fails | fails, but where the definition does not name its key; `extension`: warns in STU2, may be in STU1 |
    /// | an entry was added | fails; `extension`: may be | fails; `extension`, or a key that the definition names and the publisher left out: may be |
    /// | an element of a resource is missing | fails | may be; one that the definition requires fails `notification.required-elements` |
    /// | a part of an element is missing | fails | fails |
    /// | an element of an array is missing | fails | fails; an identifier fails `notification.required-elements` |
    /// | an element of an array was added | fails | may be |
    /// | a member of a resource was added | warns; `meta`: may be | may be |
    /// | a member beside the resource was added | warns; `extension`: may be | warns; `extension`: may be |
    /// | the elements of an array in another order, a number with other digits of the same value | warns | warns |
    ///
    /// Entries may stand in any order. Where the hub demands tokens, a missing entry that another subscriber was sent only warns:
    /// this one's token may not allow it to see the resource.
    pub(super) fn takes(&self, difference: &Difference) -> Taken {
        if let [_] = difference.path.as_slice() {
            return self.takes_of_entry(difference);
        }
        match difference.change {
            Change::Other => FAILS,
            Change::Order | Change::Spelling => WARNS,
            Change::MemberMissing | Change::ElementMissing => self.takes_missing(difference),
            Change::MemberAdded => self.takes_added(difference),
            Change::ElementAdded if self.version == Version::Stu3 => match difference.path.as_slice() {
                [_, resource, meta, ..] if resource == "resource" && meta == "meta" => Taken::Lawful,
                _ => FAILS,
            },
            Change::ElementAdded => Taken::Lawful,
        }
    }

    fn takes_of_entry(&self, difference: &Difference) -> Taken {
        let is_extension = |entry: &Option<Value>| key_of(entry.as_ref()) == Some("extension");
        let position = difference.path.first().and_then(|entry| entry.parse().ok());
        let softened = match position.is_some_and(|position| self.withheld.contains(&position)) {
            true => WARNS,
            false => FAILS,
        };
        match (difference.change, self.version) {
            (Change::ElementMissing, Version::Stu3) => softened,
            (Change::ElementMissing, Version::Stu2) if is_extension(&difference.published) => WARNS,
            (Change::ElementMissing, _) if !self.defines(difference.published.as_ref()) => Taken::Lawful,
            (Change::ElementMissing, _) => softened,
            (Change::ElementAdded, _) if is_extension(&difference.copied) => Taken::Lawful,
            (Change::ElementAdded, Version::Stu3) => FAILS,
            (Change::ElementAdded, _) if self.completes(difference.copied.as_ref()) => Taken::Lawful,
            _ => FAILS,
        }
    }

    fn takes_missing(&self, difference: &Difference) -> Taken {
        let [entry, resource, steps @ ..] = difference.path.as_slice() else {
            return FAILS;
        };
        if self.version == Version::Stu3 || resource != "resource" {
            return FAILS;
        }
        let entry = entry
            .parse()
            .ok()
            .and_then(|entry: usize| self.context.get(entry));
        let is_required = |element: &String| REQUIRED.contains(&element.as_str());
        match steps {
            [element] | [element, _] if is_required(element) && self.defines(entry) => {
                match (steps.len(), element.as_str()) {
                    (1, _) | (_, "identifier") => LACKS_REQUIRED,
                    _ => FAILS,
                }
            }
            [element] if is_required(element) => FAILS,
            [_] => Taken::Lawful,
            _ => FAILS,
        }
    }

    fn takes_added(&self, difference: &Difference) -> Taken {
        match difference.path.as_slice() {
            [_, name] if name == "extension" => Taken::Lawful,
            [_, _] => WARNS,
            [_, _, meta, ..] if meta == "meta" => Taken::Lawful,
            _ if self.version == Version::Stu3 => WARNS,
            _ => Taken::Lawful,
        }
    }

    /// Whether the event's definition names the key of this entry. An event whose definition is not known may have any; the
    /// resource that it is about always belongs to it.
    fn defines(&self, entry: Option<&Value>) -> bool {
        let about = self.event.resource().map(|(resource_type, _)| resource_type);
        let resource_type = entry.and_then(|entry| entry.pointer("/resource/resourceType")?.as_str());
        let is_about = about.is_some_and(|about| resource_type == Some(&about));
        is_about
            || defined_keys(self.event)
                .is_none_or(|keys| key_of(entry).is_some_and(|key| keys.contains(&key)))
    }

    /// Whether this entry is one that the definition names and that was not published: a hub may know more than the publisher.
    fn completes(&self, entry: Option<&Value>) -> bool {
        let Some(key) = key_of(entry) else { return false };
        let keys = defined_keys(self.event);
        let mut published = self.context.as_array().into_iter().flatten();
        keys.is_some_and(|keys| keys.contains(&key))
            && !published.any(|entry| key_of(Some(entry)) == Some(key))
    }
}

fn key_of(entry: Option<&Value>) -> Option<&str> {
    entry?.get("key")?.as_str()
}

/// The keys of a context in the catalogue of STU2 and STU1; nothing of an event that it does not have.
fn defined_keys(event: &EventName) -> Option<&'static [&'static str]> {
    if let Some((resource_type, Action::Open | Action::Close)) = event.resource() {
        return match &*resource_type {
            "Patient" => Some(&["patient", "encounter"]),
            "ImagingStudy" => Some(&["patient", "study"]),
            _ => None,
        };
    }
    match event.kind() {
        EventKind::SyncError => Some(&["operationoutcome"]),
        _ if *event == *"userlogout" || *event == *"userhibernate" => Some(&[]),
        _ => None,
    }
}
