//! Shared content: the Bundle of an update, and what a context holds after it (2.10).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::publication::{Identity, Member, refuse, split_reference};
use crate::defect::Behaviour;
use crate::refusal::Refusal;

const CONTENT: &str = "FHIRcast STU3, 2.10 Content Sharing";
const UPDATE_BUNDLE: &str = "FHIRcast STU3, Content Update Bundle profile";

/// One change of an update.
#[derive(Debug, Clone)]
enum Change {
    Put {
        full_url: Option<String>,
        resource: Box<RawValue>,
    },
    Delete,
}

/// The changes of an update, each with the type and the id of its resource, as its Bundle has them.
#[derive(Debug, Clone, Default)]
pub(super) struct Changes(Vec<(String, String, Change)>);

#[derive(Deserialize)]
struct Bundle {
    #[serde(rename = "resourceType")]
    resource_type: Option<String>,
    #[serde(default)]
    entry: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "fullUrl")]
    full_url: Option<String>,
    resource: Option<Box<RawValue>>,
    request: Option<Request>,
}

#[derive(Deserialize)]
struct Request {
    method: Option<String>,
    url: Option<String>,
}

impl Changes {
    /// The number of resources.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Reads the Bundle that stands at this place of the context.
    ///
    /// # Errors
    /// When it is no Bundle, or one of its entries cannot be carried out: then the update is refused as a whole.
    pub(super) fn read(index: usize, resource: Option<&RawValue>) -> Result<Self, Refusal> {
        let pointer = format!("/event/context/{index}/resource");
        let resource = resource.ok_or_else(|| {
            refuse(
                &pointer,
                "is required and is missing: it holds the Bundle",
                CONTENT,
            )
        })?;
        let bundle: Bundle = serde_json::from_str(resource.get())
            .map_err(|error| refuse(&pointer, format!("must be a FHIR Bundle ({error})"), CONTENT))?;
        if bundle.resource_type.as_deref() != Some("Bundle") {
            return Err(refuse(
                &format!("{pointer}/resourceType"),
                "must be 'Bundle'",
                CONTENT,
            ));
        }
        let mut changes: Vec<(String, String, Change)> = Vec::new();
        for (at, entry) in bundle.entry.into_iter().enumerate() {
            let pointer = format!("{pointer}/entry/{at}");
            let (resource_type, id, change) = entry.read(&pointer)?;
            if changes
                .iter()
                .any(|(own_type, own_id, _)| *own_type == resource_type && *own_id == id)
            {
                return Err(refuse(
                    &pointer,
                    format!(
                        "is a second entry for {resource_type}/{id}; no resource may appear more than once"
                    ),
                    CONTENT,
                ));
            }
            changes.push((resource_type, id, change));
        }
        Ok(Self(changes))
    }

    /// The place of the first change that would remove one of these resources.
    pub(super) fn removes<'a>(&self, members: impl Iterator<Item = &'a Member> + Clone) -> Option<usize> {
        self.0.iter().position(|(resource_type, id, change)| {
            matches!(change, Change::Delete)
                && members
                    .clone()
                    .any(|member| *member.resource_type == **resource_type && *member.id == **id)
        })
    }

    /// The deletes alone.
    pub(super) fn deletes(&self) -> Self {
        let deletes = self
            .0
            .iter()
            .filter(|(.., change)| matches!(change, Change::Delete));
        Self(deletes.cloned().collect())
    }

    /// The changes of the Bundle in this resource that can be carried out, however many cannot.
    pub(super) fn salvage(resource: &RawValue) -> Self {
        let bundle = serde_json::from_str::<Bundle>(resource.get());
        let entries = bundle.map(|bundle| bundle.entry).unwrap_or_default();
        Self(
            entries
                .into_iter()
                .filter_map(|entry| entry.read("").ok())
                .collect(),
        )
    }
}

impl Entry {
    fn read(self, pointer: &str) -> Result<(String, String, Change), Refusal> {
        let method = self
            .request
            .as_ref()
            .and_then(|request| request.method.as_deref());
        match method {
            Some("PUT") => {
                let resource = self.resource.ok_or_else(|| {
                    refuse(
                        &format!("{pointer}/resource"),
                        "is required and is missing: a PUT carries the resource",
                        UPDATE_BUNDLE,
                    )
                })?;
                let (resource_type, id) = Identity::of(&resource)
                    .and_then(|identity| Some((identity.resource_type?, identity.id?)))
                    .filter(|(resource_type, id)| !resource_type.is_empty() && !id.is_empty())
                    .ok_or_else(|| {
                        refuse(
                            &format!("{pointer}/resource"),
                            "must have a resourceType and an id, by which its content is kept",
                            CONTENT,
                        )
                    })?;
                let full_url = self.full_url;
                Ok((resource_type, id, Change::Put { full_url, resource }))
            }
            Some("DELETE") => {
                let url = self.request.as_ref().and_then(|request| request.url.as_deref());
                let named = [url, self.full_url.as_deref()];
                let (resource_type, id) = named
                    .into_iter()
                    .flatten()
                    .filter_map(split_reference)
                    .find(|(resource_type, _)| resource_type.starts_with(|first: char| first.is_ascii_uppercase()))
                    .ok_or_else(|| {
                        refuse(
                            pointer,
                            "must name the resource to delete in request.url or fullUrl, such as 'Observation/123'",
                            UPDATE_BUNDLE,
                        )
                    })?;
                Ok((resource_type.to_owned(), id.to_owned(), Change::Delete))
            }
            other => Err(refuse(
                &format!("{pointer}/request/method"),
                format!("must be PUT or DELETE, and is {}", other.unwrap_or("missing")),
                UPDATE_BUNDLE,
            )),
        }
    }
}

/// A resource of the content.
#[derive(Debug, Clone)]
struct Held {
    resource_type: String,
    id: String,
    full_url: Option<String>,
    resource: Box<RawValue>,
}

/// The content of a context: the resources as they were last put.
#[derive(Debug, Clone, Default)]
pub(super) struct Content(Vec<Held>);

impl Content {
    /// The content after these changes.
    pub(super) fn after(&self, changes: &Changes, behaviour: &Behaviour) -> Self {
        let mut content = self.clone();
        let puts = |(.., change): &(String, String, Change)| matches!(change, Change::Put { .. });
        let puts_alone = behaviour.skips_deletes_beside_puts() && changes.0.iter().any(puts);
        for (resource_type, id, change) in changes.0.iter().filter(|change| !puts_alone || puts(change)) {
            let is_meant =
                |held: &Held| behaviour.changes((resource_type, id), (&held.resource_type, &held.id));
            match change {
                Change::Put { full_url, resource } => {
                    let held = Held {
                        resource_type: resource_type.clone(),
                        id: id.clone(),
                        full_url: full_url.clone(),
                        resource: resource.clone(),
                    };
                    match content.0.iter_mut().find(|held| is_meant(held)) {
                        Some(old) => *old = held,
                        None => content.0.push(held),
                    }
                }
                Change::Delete => content.0.retain(|held| !is_meant(held)),
            }
        }
        content
    }

    /// The resource as it was last put.
    pub(super) fn find(&self, member: &Member) -> Option<&RawValue> {
        let mut held = self.0.iter();
        let found = held.find(|held| *held.resource_type == *member.resource_type && *held.id == *member.id);
        found.map(|held| &*held.resource)
    }

    /// Forgets a resource.
    pub(super) fn remove(&mut self, member: &Member) {
        self.0
            .retain(|held| *held.resource_type != *member.resource_type || *held.id != *member.id);
    }

    /// Bytes of the resources.
    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|held| held.resource.get().len()).sum()
    }

    /// Relative URLs, full URLs where they were given, and resources; oldest first.
    pub(super) fn entries(&self) -> impl Iterator<Item = (String, Option<&str>, &RawValue)> {
        self.0.iter().map(|held| {
            let url = format!("{}/{}", held.resource_type, held.id);
            (url, held.full_url.as_deref(), &*held.resource)
        })
    }
}
