//! The content of a context, as the updates since its opening make it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::hub::Publication;
use crate::hub::difference::{Change, differences, pointer};
use crate::schema::Unmet;

/// Type and id of a resource.
type Name = (String, String);

/// The resources that were shared, each with the position of the update that put or deleted it last.
#[derive(Debug, Default)]
pub(super) struct Shared {
    resources: BTreeMap<Name, (usize, Option<Value>)>,
}

impl Shared {
    /// Carries out an update; whether it is known what it does.
    pub(super) fn take(&mut self, position: usize, update: &Publication) -> bool {
        let entries = update.context.as_array().into_iter().flatten();
        let mut updates = entries.filter(|entry| entry.get("key").and_then(Value::as_str) == Some("updates"));
        // What two Bundles in one event mean is left open (ambiguities, 87).
        let (Some(updates), None) = (updates.next(), updates.next()) else {
            return false;
        };
        let Some(bundle) = updates.get("resource") else {
            return false;
        };
        let mut changed: Vec<Name> = Vec::new();
        for entry in bundle
            .get("entry")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let Some((name, resource)) = change(entry) else {
                return false;
            };
            // In which order the entries of one Bundle are taken is left open.
            if changed.contains(&name) {
                return false;
            }
            changed.push(name.clone());
            self.resources.insert(name, (position, resource));
        }
        true
    }

    /// What a content has otherwise than it should: in words, with the position of the update that shows it. The resources of the
    /// open event may stand in it too.
    pub(super) fn compare(
        &self,
        found: &[(Name, &Value)],
        opened: &Value,
    ) -> Option<(String, Option<usize>, Unmet)> {
        let named = |name: &Name| format!("{}/{}", name.0, name.1);
        let get = |name: &Name| {
            found
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, resource)| *resource)
        };
        let mut warned = None;
        for (name, (position, resource)) in &self.resources {
            let problem = match (resource, get(name)) {
                (None, Some(_)) => format!("{} is still there, and was deleted", named(name)),
                (Some(_), None) => format!("{} is missing", named(name)),
                (None, None) => continue,
                (Some(shared), Some(kept)) => {
                    let differing = differences(shared, kept);
                    let is_meta = |path: &[String]| path.first().is_some_and(|step| step == "meta");
                    let weigh = |change: Change| match change {
                        Change::MemberAdded | Change::Order | Change::Spelling => Unmet::Warn,
                        _ => Unmet::ByLevel,
                    };
                    let mut differing: Vec<_> = differing
                        .iter()
                        .filter(|difference| {
                            let added =
                                matches!(difference.change, Change::MemberAdded | Change::ElementAdded);
                            !(added && is_meta(&difference.path))
                        })
                        .collect();
                    differing.sort_by_key(|difference| weigh(difference.change) == Unmet::Warn);
                    let Some(difference) = differing.first() else {
                        continue;
                    };
                    let place = pointer(&difference.path);
                    let problem = format!("of {}, {place} {}", named(name), difference.change.told());
                    if weigh(difference.change) == Unmet::Warn {
                        warned.get_or_insert((problem, Some(*position), Unmet::Warn));
                        continue;
                    }
                    problem
                }
            };
            return Some((problem, Some(*position), Unmet::ByLevel));
        }
        let is_opened = |name: &Name| {
            let mut entries = opened.as_array().into_iter().flatten();
            entries.any(|entry| entry.get("resource").and_then(name_of).as_ref() == Some(name))
        };
        let mut known: Vec<&Name> = Vec::new();
        for (name, _) in found {
            if known.contains(&name) {
                return Some((
                    format!("{} stands in it twice", named(name)),
                    None,
                    Unmet::ByLevel,
                ));
            }
            known.push(name);
        }
        let is_shared = |name: &Name| self.resources.contains_key(name) || is_opened(name);
        let stranger = known.into_iter().find(|name| !is_shared(name));
        let added = stranger.map(|name| (format!("nobody shared {}", named(name)), None, Unmet::ByLevel));
        added.or(warned)
    }
}

/// What an entry of an update changes, and the resource that is there then; `None` where that is left open.
fn change(entry: &Value) -> Option<(Name, Option<Value>)> {
    let method = entry.pointer("/request/method")?.as_str()?;
    match method {
        "PUT" => {
            let resource = entry.get("resource")?;
            Some((name_of(resource)?, Some(resource.clone())))
        }
        "DELETE" => {
            let url = [entry.get("fullUrl"), entry.pointer("/request/url")];
            let name = url.into_iter().flatten().find_map(|url| {
                let mut steps = url.as_str()?.rsplit('/');
                let (id, resource_type) = (steps.next()?, steps.next()?);
                Some((resource_type.to_owned(), id.to_owned()))
            })?;
            Some((name, None))
        }
        _ => None,
    }
}

/// The resources in the content of a current context; `None` where one of them has no name.
pub(super) fn shared_in(content: &Value) -> Option<Vec<(Name, &Value)>> {
    let entries = content.pointer("/resource/entry").and_then(Value::as_array);
    let resources = entries.into_iter().flatten().map(|entry| entry.get("resource"));
    resources
        .map(|resource| Some((resource.and_then(name_of)?, resource?)))
        .collect()
}

fn name_of(resource: &Value) -> Option<Name> {
    let text = |member: &str| resource.get(member)?.as_str().map(str::to_owned);
    Some((text("resourceType")?, text("id")?))
}
