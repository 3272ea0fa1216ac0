//! The check of a published event (2.3, 2.6), and the parts of it that the hub goes by.
//!
//! The hub validates no FHIR resources; it reads what it needs: which context is opened, closed, updated or selected in.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::content::Changes;
use crate::protocol::{Action, ContextEntry, EventKind, Notification, anchor_key};
use crate::refusal::Refusal;
use crate::version_profile::VersionProfile;

/// A resource of an event's context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) resource_type: Arc<str>,
    pub(super) id: Arc<str>,
    /// Its place in the context.
    pub(super) index: usize,
}

impl Member {
    /// Its type and its id.
    pub(super) fn name(&self) -> (&str, &str) {
        (&self.resource_type, &self.id)
    }

    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        self.resource_type == other.resource_type && self.id == other.id
    }
}

/// The effect of a published event.
#[derive(Debug)]
pub(super) enum Publication {
    /// Opens the first member; the rest are the other resources of the context.
    Open(Member, Vec<Member>),
    Close(Member),
    Update(Member, Changes),
    Select(Member),
    Home,
    /// Changes no context: SyncError, UserLogout, UserHibernate, organizations' own events.
    Other,
}

/// The type and the id of a resource; all that the hub reads of most.
#[derive(Debug, Deserialize)]
pub(super) struct Identity {
    #[serde(rename = "resourceType")]
    pub(super) resource_type: Option<String>,
    pub(super) id: Option<String>,
}

impl Identity {
    pub(super) fn of(resource: &RawValue) -> Option<Self> {
        serde_json::from_str(resource.get()).ok()
    }
}

#[derive(Debug, Deserialize)]
struct Reference {
    reference: Option<String>,
}

const CONTEXT: &str = "FHIRcast STU3, 2.3 Context";

/// A refusal that names the place in the message, the rule and the section.
pub(super) fn refuse(pointer: &str, rule: impl AsRef<str>, section: &str) -> Refusal {
    Refusal::malformed(format!("{pointer}: {} ({section})", rule.as_ref()))
}

/// Reads what a published event does.
///
/// # Errors
/// When it breaks a rule that every event, or every event of its kind, must keep.
pub(super) fn examine(notification: &Notification, profile: &VersionProfile) -> Result<Publication, Refusal> {
    let entries = notification.context()?;
    if !profile.knows(&notification.event) {
        return Err(Refusal::malformed(
            profile.unknown_event("/event/hub.event", &notification.event),
        ));
    }
    for (index, entry) in entries.iter().enumerate() {
        if entry.key.as_deref().is_none_or(str::is_empty) {
            return Err(refuse(
                &format!("/event/context/{index}/key"),
                "is required and is missing: every entry of the context has a key",
                CONTEXT,
            ));
        }
    }
    match notification.event.kind() {
        EventKind::Resource {
            resource_type,
            action,
        } => examine_resource_event(&resource_type, action, &entries),
        EventKind::HomeOpen if !entries.is_empty() => Err(refuse(
            "/event/context",
            "must be an empty array in a Home-open event",
            "FHIRcast STU3, 3.2.4 Home-open",
        )),
        EventKind::HomeOpen => Ok(Publication::Home),
        EventKind::SyncError => {
            if profile.sync_error_outcome || !entries.is_empty() {
                examine_sync_error(&entries)?;
            }
            Ok(Publication::Other)
        }
        EventKind::UserLogout | EventKind::UserHibernate | EventKind::Proprietary | EventKind::Unknown => {
            Ok(Publication::Other)
        }
    }
}

/// The context of an update that breaks a rule, and what of its changes could be carried out: for a defective hub.
pub(super) fn salvage(notification: &Notification) -> Option<(Member, Changes)> {
    let (resource_type, Action::Update) = notification.event.resource()? else {
        return None;
    };
    let entries = notification.context().ok()?;
    let anchor = anchor_of_content(&resource_type, &entries, "").ok()?;
    let updates = entries
        .iter()
        .find(|entry| entry.key.as_deref() == Some("updates"))?;
    Some((anchor, Changes::salvage(updates.resource.as_deref()?)))
}

fn examine_resource_event(
    resource_type: &str,
    action: Action,
    entries: &[ContextEntry],
) -> Result<Publication, Refusal> {
    match action {
        Action::Open => {
            let anchor = anchor_resource(resource_type, entries)?;
            let others = members(entries)
                .filter(|member| member.index != anchor.index)
                .collect();
            Ok(Publication::Open(anchor, others))
        }
        Action::Close => Ok(Publication::Close(anchor_resource(resource_type, entries)?)),
        Action::Update => {
            let anchor = anchor_of_content(resource_type, entries, "2.3 Content sharing events")?;
            let mut updates = entries
                .iter()
                .enumerate()
                .filter(|(_, entry)| entry.key.as_deref() == Some("updates"));
            match (updates.next(), updates.next()) {
                (Some((index, entry)), None) => Ok(Publication::Update(
                    anchor,
                    Changes::read(index, entry.resource.as_deref())?,
                )),
                (None, _) => Err(refuse(
                    "/event/context",
                    "must have an entry with the key 'updates' that holds the Bundle of changes",
                    "FHIRcast STU3, 2.3 Content sharing events",
                )),
                (Some(_), Some((index, _))) => Err(refuse(
                    &format!("/event/context/{index}"),
                    "is a second entry with the key 'updates'; there must be one and only one Bundle",
                    "FHIRcast STU3, 2.10 Content Sharing",
                )),
            }
        }
        Action::Select => Ok(Publication::Select(anchor_of_content(
            resource_type,
            entries,
            "2.3 Selection events",
        )?)),
    }
}

/// The keys under which the anchor may stand: that of the event catalogue, or the resource type in lower case.
fn anchor_keys(resource_type: &str) -> [String; 2] {
    [anchor_key(resource_type), resource_type.to_ascii_lowercase()]
}

fn anchor_entry<'a>(
    resource_type: &str,
    entries: &'a [ContextEntry],
    section: &str,
) -> Result<(usize, &'a ContextEntry), Refusal> {
    for key in anchor_keys(resource_type) {
        let mut found = entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.key.as_deref() == Some(&key));
        match (found.next(), found.next()) {
            (Some(_), Some((index, _))) => {
                return Err(refuse(
                    &format!("/event/context/{index}"),
                    format!("is a second entry with the key '{key}'; the event is about one {resource_type}"),
                    section,
                ));
            }
            (Some(first), None) => return Ok(first),
            (None, _) => {}
        }
    }
    let keys: Vec<_> = entries.iter().filter_map(|entry| entry.key.as_deref()).collect();
    Err(refuse(
        "/event/context",
        format!(
            "must have an entry with the key '{}' (keys are case-sensitive) that holds the {resource_type}, and has {}",
            anchor_key(resource_type),
            if keys.is_empty() {
                "no entries".to_owned()
            } else {
                format!("only {}", keys.join(", "))
            },
        ),
        section,
    ))
}

/// The resource that an open or close event is about.
fn anchor_resource(resource_type: &str, entries: &[ContextEntry]) -> Result<Member, Refusal> {
    const SECTION: &str = "FHIRcast STU3, 2.3 Context-change events";
    let (index, entry) = anchor_entry(resource_type, entries, SECTION)?;
    let pointer = format!("/event/context/{index}/resource");
    let resource = entry.resource.as_deref().ok_or_else(|| {
        refuse(
            &pointer,
            format!("is required and is missing: the event carries the {resource_type} itself"),
            SECTION,
        )
    })?;
    identify(resource_type, index, &pointer, resource, SECTION)
}

fn identify(
    resource_type: &str,
    index: usize,
    pointer: &str,
    resource: &RawValue,
    section: &str,
) -> Result<Member, Refusal> {
    let identity = Identity::of(resource).ok_or_else(|| {
        refuse(
            pointer,
            "must be a FHIR resource, a JSON object with a resourceType and an id that are strings",
            section,
        )
    })?;
    if identity.resource_type.as_deref() != Some(resource_type) {
        return Err(refuse(
            &format!("{pointer}/resourceType"),
            format!(
                "must be '{resource_type}', which the event's name says, and is '{}'",
                identity.resource_type.unwrap_or_default()
            ),
            section,
        ));
    }
    match identity.id {
        Some(id) if !id.is_empty() => Ok(Member {
            resource_type: resource_type.into(),
            id: id.into(),
            index,
        }),
        _ => Err(refuse(
            &format!("{pointer}/id"),
            format!("is required and is missing: the {resource_type} in context is known by its id"),
            section,
        )),
    }
}

/// The context that an update or select event is about: by a reference, or by the resource itself.
fn anchor_of_content(
    resource_type: &str,
    entries: &[ContextEntry],
    section: &str,
) -> Result<Member, Refusal> {
    let section = format!("FHIRcast STU3, {section}");
    let (index, entry) = anchor_entry(resource_type, entries, &section)?;
    if let Some(resource) = entry.resource.as_deref() {
        let pointer = format!("/event/context/{index}/resource");
        return identify(resource_type, index, &pointer, resource, &section);
    }
    let pointer = format!("/event/context/{index}/reference/reference");
    let reference = entry
        .reference
        .as_deref()
        .and_then(|reference| serde_json::from_str::<Reference>(reference.get()).ok())
        .and_then(|reference| reference.reference);
    let id = reference
        .as_deref()
        .and_then(split_reference)
        .filter(|(known, _)| *known == resource_type)
        .map(|(_, id)| id)
        .ok_or_else(|| {
            refuse(
                &pointer,
                format!(
                    "must be a reference to the {resource_type} in context, such as '{resource_type}/123', and is {}",
                    reference.as_deref().unwrap_or("missing")
                ),
                &section,
            )
        })?;
    Ok(Member {
        resource_type: resource_type.into(),
        id: id.into(),
        index,
    })
}

/// The type and id of a literal reference, relative or absolute, with or without a version.
pub(super) fn split_reference(reference: &str) -> Option<(&str, &str)> {
    let reference = reference
        .split_once("/_history/")
        .map_or(reference, |(unversioned, _)| unversioned);
    let (rest, id) = reference.rsplit_once('/')?;
    let resource_type = rest.rsplit('/').next()?;
    // The examples of STU3's profiles have 'urn:Observation/123'.
    let resource_type = resource_type.rsplit(':').next()?;
    (!resource_type.is_empty() && !id.is_empty()).then_some((resource_type, id))
}

/// The resources of a context that have a type and an id.
fn members(entries: &[ContextEntry]) -> impl Iterator<Item = Member> {
    entries.iter().enumerate().filter_map(|(index, entry)| {
        let identity = Identity::of(entry.resource.as_deref()?)?;
        Some(Member {
            resource_type: identity.resource_type?.into(),
            id: identity.id.filter(|id| !id.is_empty())?.into(),
            index,
        })
    })
}

fn examine_sync_error(entries: &[ContextEntry]) -> Result<(), Refusal> {
    const SECTION: &str = "FHIRcast STU3, 3.2.1 SyncError";
    let [entry] = entries else {
        return Err(refuse(
            "/event/context",
            format!(
                "must have exactly one entry, an OperationOutcome with the key 'operationoutcome', and has {}",
                entries.len()
            ),
            SECTION,
        ));
    };
    if entry.key.as_deref() != Some("operationoutcome") {
        return Err(refuse(
            "/event/context/0/key",
            "must be 'operationoutcome'",
            SECTION,
        ));
    }
    let is_outcome = entry
        .resource
        .as_deref()
        .and_then(Identity::of)
        .is_some_and(|identity| identity.resource_type.as_deref() == Some("OperationOutcome"));
    if !is_outcome {
        return Err(refuse(
            "/event/context/0/resource",
            "must be a FHIR OperationOutcome",
            SECTION,
        ));
    }
    Ok(())
}
