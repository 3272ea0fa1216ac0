//! The contexts of a session: which are open, which is current, their versions and their content (2.4, 2.9, 2.10).

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::content::{Changes, Content};
use super::distribution::Distributed;
use super::publication::Member;
use crate::defect::Behaviour;
use crate::protocol::{CurrentContext, Members, Notification};
use crate::refusal::Refusal;

/// An open event that follows from another one's context, for subscribers that do not get that one (2.5 Hub Generated
/// `open` Events).
#[derive(Debug, Clone)]
pub(super) struct Derived {
    pub(super) member: Member,
    pub(super) event: Arc<Distributed>,
}

/// A context that was opened and not closed.
#[derive(Debug)]
pub(super) struct OpenContext {
    pub(super) anchor: Member,
    pub(super) others: Vec<Member>,
    pub(super) version: String,
    /// The number of times that it was opened without a close.
    pub(super) opens: usize,
    /// The open event as it was distributed, with the version of now.
    pub(super) notification: Notification,
    pub(super) event: Arc<Distributed>,
    pub(super) derived: Vec<Derived>,
    /// The context of the open event, as it came.
    pub(super) context: Box<RawValue>,
    pub(super) content_id: String,
    pub(super) content: Content,
}

/// The open contexts, oldest first, and the current one.
#[derive(Debug)]
pub(super) struct Contexts {
    open: Vec<OpenContext>,
    /// Contexts that are closed and that a defect remembers.
    closed: Vec<OpenContext>,
    /// Versions that contexts have had and that a defect remembers.
    versions: Vec<String>,
    current: Option<Member>,
    limit: usize,
}

impl Contexts {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            open: Vec::new(),
            closed: Vec::new(),
            versions: Vec::new(),
            current: None,
            limit: limit.max(1),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// The open contexts as `type/id`, oldest first.
    pub(super) fn names(&self) -> Vec<String> {
        let name = |context: &OpenContext| format!("{}/{}", context.anchor.resource_type, context.anchor.id);
        self.open.iter().map(name).collect()
    }

    /// The contexts whose open events a new subscriber may be sent, oldest first: of each anchor type the last.
    pub(super) fn replayed(&self, behaviour: &Behaviour) -> Vec<&OpenContext> {
        if !behaviour.replays() {
            return Vec::new();
        }
        if behaviour.replays_only_the_current() {
            return self.open.last().into_iter().collect();
        }
        let mut replayed: Vec<&OpenContext> = Vec::new();
        let closed = self
            .closed
            .iter()
            .filter(|_| behaviour.remembers_closed_contexts());
        for open in self.open.iter().chain(closed) {
            let before = replayed
                .iter()
                .position(|context| context.anchor.resource_type == open.anchor.resource_type);
            match before {
                Some(_) if behaviour.replays_the_oldest() => continue,
                Some(at) => {
                    replayed.remove(at);
                }
                None => {}
            }
            replayed.push(open);
        }
        replayed
    }

    /// A defect: a context, and what the one that was opened last has under other keys.
    pub(super) fn merged(&self, context: &RawValue) -> Option<Box<RawValue>> {
        let parsed = |text: &RawValue| serde_json::from_str::<Vec<Value>>(text.get()).ok();
        let mut merged = parsed(context)?;
        let earlier = parsed(&self.open.last()?.context)?;
        for entry in earlier {
            if merged.iter().all(|known| known["key"] != entry["key"]) {
                merged.push(entry);
            }
        }
        serde_json::value::to_raw_value(&merged).ok()
    }

    /// A context becomes the current one; its content stays if it was open before.
    pub(super) fn open(&mut self, mut opened: OpenContext, behaviour: &Behaviour) {
        let was_closed = |closed: &OpenContext| closed.anchor.is_same_as(&opened.anchor);
        if behaviour.closes_for_good() && self.closed.iter().any(was_closed) {
            return;
        }
        let before = self.take(&opened.anchor).or_else(|| {
            let kept = behaviour.keeps_content_after_close();
            let at = self
                .closed
                .iter()
                .position(|context| context.anchor.is_same_as(&opened.anchor));
            at.filter(|_| kept).map(|at| self.closed.remove(at))
        });
        if let Some(before) = before {
            opened.content_id = before.content_id;
            opened.content = before.content;
            opened.opens += before.opens;
        } else if behaviour.shares_content_among_contexts()
            && let Some(other) = self.open.last()
        {
            opened.content = other.content.clone();
        }
        if behaviour.drops_content_on_open() {
            for other in &mut self.open {
                other.content = Content::default();
            }
        }
        if self.open.len() >= self.limit {
            self.open.remove(0);
        }
        if behaviour.takes_known_versions() {
            self.versions.push(opened.version.clone());
        }
        self.current = Some(opened.anchor.clone());
        self.open.push(opened);
    }

    fn take(&mut self, anchor: &Member) -> Option<OpenContext> {
        let at = self
            .open
            .iter()
            .position(|context| context.anchor.is_same_as(anchor))?;
        Some(self.open.remove(at))
    }

    /// A context is closed and its content dropped. Nothing takes its place as the current one.
    pub(super) fn close(&mut self, anchor: &Member, behaviour: &Behaviour) {
        let mut opened = self.open.iter_mut();
        if let Some(opened) = opened.find(|context| context.anchor.is_same_as(anchor))
            && opened.opens > 1
            && behaviour.counts_opens()
        {
            opened.opens -= 1;
            return;
        }
        let is_meant = |open: &Member| behaviour.closes(anchor.name(), open.name());
        let keeps_current = behaviour.keeps_current_after_close();
        if !keeps_current && self.current.as_ref().is_some_and(is_meant) {
            self.current = None;
        }
        let closed = self.open.extract_if(.., |context| is_meant(&context.anchor));
        let closed: Vec<_> = closed.collect();
        if keeps_current
            || behaviour.remembers_closed_contexts()
            || behaviour.keeps_content_after_close()
            || behaviour.closes_for_good()
        {
            self.closed.extend(closed);
        }
        for context in &mut self.open {
            context
                .derived
                .retain(|derived| !derived.member.is_same_as(anchor));
        }
    }

    pub(super) fn is_open(&self, anchor: &Member) -> bool {
        self.open.iter().any(|context| context.anchor.is_same_as(anchor))
    }

    /// Whether the current context is this one.
    pub(super) fn is_current(&self, anchor: &Member) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.is_same_as(anchor))
    }

    /// The user went where there is no context; what is open stays open.
    pub(super) fn home(&mut self) {
        self.current = None;
    }

    /// The open context that an update or select is about.
    ///
    /// # Errors
    /// When it is not open.
    pub(super) fn find(&self, anchor: &Member, event: &str) -> Result<&OpenContext, Refusal> {
        self.open
            .iter()
            .find(|context| context.anchor.is_same_as(anchor))
            .ok_or_else(|| {
                Refusal::new(
                    409,
                    format!(
                        "/event/context/{}: {}/{} is not in an open context of this topic; a {event} event is for a \
                         context that was opened and not closed (FHIRcast STU3, 2.10 Content Sharing)",
                        anchor.index, anchor.resource_type, anchor.id
                    ),
                )
            })
    }

    /// Carries out an update and gives the context its next version; the answer is the version before.
    ///
    /// # Errors
    /// When the context is not open, the stated version is missing or not the context's, the update would remove a
    /// resource of the open event, or the content would grow beyond the limit. Then nothing has changed.
    pub(super) fn update(
        &mut self,
        anchor: &Member,
        stated: &[String],
        changes: &Changes,
        next: String,
        limit: usize,
        behaviour: &Behaviour,
    ) -> Result<String, Refusal> {
        const SECTION: &str = "FHIRcast STU3, 2.10 Processing Update Events";
        let open = self.find(anchor, "update")?;
        if !behaviour.accepts_stale_updates() {
            if stated.is_empty() {
                return Err(Refusal::malformed(format!(
                    "/event/context.versionId: is required and is missing: an update states the version of the \
                     context that it changes ({SECTION})"
                )));
            }
            if let Some(stated) = stated
                .iter()
                .find(|stated| **stated != open.version && !self.versions.contains(stated))
            {
                return Err(Refusal::new(
                    behaviour.stale_update_status(),
                    format!(
                        "/event/context.versionId: is '{stated}', and the version of {}/{} is '{}'; get the current \
                         context and try again with its version ({SECTION})",
                        anchor.resource_type, anchor.id, open.version
                    ),
                ));
            }
        }
        if behaviour.fails_on(changes.len()) {
            return Err(Refusal::new(500, "an error occurred"));
        }
        let members = std::iter::once(&open.anchor).chain(&open.others);
        if let Some(at) = changes.removes(members) {
            return Err(Refusal::malformed(format!(
                "/event/context: entry {at} of the updates Bundle removes a resource that the open event brought; such \
                 a resource stays until the close (FHIRcast STU3, 2.10 Adding/Removing Context Resources)"
            )));
        }
        let content = open.content.after(changes, behaviour);
        if content.size() > limit {
            return Err(Refusal::new(
                413,
                format!(
                    "/event/context: with this update the content of {}/{} would have {} bytes, and this hub keeps {limit} \
                     (FHIRcast STU3, 2.10 Number of Entries in Transaction Bundle)",
                    anchor.resource_type,
                    anchor.id,
                    content.size()
                ),
            ));
        }
        if behaviour.deletes_everywhere() {
            for other in &mut self.open {
                other.content = other.content.after(&changes.deletes(), behaviour);
            }
        }
        if behaviour.takes_known_versions() {
            self.versions.push(next.clone());
        }
        match self
            .open
            .iter_mut()
            .find(|context| context.anchor.is_same_as(anchor))
        {
            Some(open) => {
                if behaviour.keeps_content() {
                    open.content = content;
                }
                if behaviour.hides_changed_resources() {
                    for member in std::iter::once(&open.anchor).chain(&open.others) {
                        open.content.remove(member);
                    }
                }
                if behaviour.versions_opens() {
                    open.notification.set_version(&next, None);
                    open.event = Arc::new(open.event.reworded(&open.notification));
                }
                Ok(std::mem::replace(&mut open.version, next))
            }
            None => Ok(next),
        }
    }

    /// A defect: puts changes into the content of a context though its update was refused.
    pub(super) fn force(&mut self, anchor: &Member, changes: &Changes, behaviour: &Behaviour) {
        if let Some(open) = self
            .open
            .iter_mut()
            .find(|context| context.anchor.is_same_as(anchor))
        {
            open.content = open.content.after(changes, behaviour);
        }
    }

    /// The answer to Get Current Context.
    pub(super) fn current(&self, behaviour: &Behaviour) -> CurrentContext {
        let current = self.current.as_ref().and_then(|current| {
            let mut known = self.open.iter().chain(&self.closed);
            let oldest = self.open.first().filter(|_| behaviour.returns_the_oldest());
            let open = oldest.or_else(|| known.find(|context| context.anchor.is_same_as(current)))?;
            let mut context: Vec<Box<RawValue>> = serde_json::from_str(open.context.get()).ok()?;
            if behaviour.updates_contexts() {
                show_updates(open, &mut context);
            }
            for _ in 0..behaviour.content_copies() {
                context.push(content_entry(open, behaviour)?);
            }
            Some(CurrentContext {
                context_type: open.anchor.resource_type.to_string(),
                version_id: Some(open.version.clone()),
                context,
            })
        });
        current.unwrap_or(CurrentContext {
            context_type: String::new(),
            version_id: None,
            context: Vec::new(),
        })
    }
}

/// Puts the resources as they were updated in the place of those that the open event brought.
fn show_updates(open: &OpenContext, context: &mut [Box<RawValue>]) {
    for member in std::iter::once(&open.anchor).chain(&open.others) {
        let entry = context.get_mut(member.index);
        if let (Some(entry), Some(resource)) = (entry, open.content.find(member))
            && let Ok(mut members) = Members::parse(entry.get())
        {
            members.set("resource", resource.to_owned());
            if let Ok(updated) = serde_json::value::to_raw_value(&members) {
                *entry = updated;
            }
        }
    }
}

#[derive(Serialize)]
struct ContentEntry<'a> {
    key: &'static str,
    resource: ContentBundle<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentBundle<'a> {
    resource_type: &'static str,
    id: &'a str,
    #[serde(rename = "type")]
    bundle_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Value>,
    /// FHIR has no empty arrays: a Bundle without entries has no `entry`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entry: Vec<ContentBundleEntry<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ContentBundleEntry<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    full_url: Option<&'a str>,
    resource: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<Value>,
}

fn content_entry(open: &OpenContext, behaviour: &Behaviour) -> Option<Box<RawValue>> {
    let entry = open
        .content
        .entries()
        .map(|(url, full_url, resource)| ContentBundleEntry {
            full_url,
            resource,
            request: behaviour.content_request(&url),
        })
        .collect();
    serde_json::value::to_raw_value(&ContentEntry {
        key: "content",
        resource: ContentBundle {
            resource_type: "Bundle",
            id: &open.content_id,
            bundle_type: behaviour.content_bundle_type(),
            link: behaviour.content_link(),
            entry,
        },
    })
    .ok()
}
