//! A close event against the open event of the same context (profiles for close events), and closes that nobody asked for.

use std::time::Duration;

use serde_json::Value;

use super::event::{Anchor, named, resources, text};
use super::findings::Breach;
use super::ids;
use super::judge::Judge;
use super::publishing::Requested;
use super::record::Place;
use super::state::{OpenContext, Spot};

const STUDY_UID: &str = "urn:dicom:uid";
const ACCESSION: &str = "ACSN";
/// A close that follows an open so closely is a consequence of it.
const IN_CONSEQUENCE: Duration = Duration::from_secs(2);

fn same_id(resource_type: &str) -> Option<&'static str> {
    Some(match resource_type {
        "Patient" => ids::PATIENT_SAME_ID,
        "Encounter" => ids::ENCOUNTER_SAME_ID,
        "ImagingStudy" => ids::STUDY_SAME_ID,
        "DiagnosticReport" => ids::REPORT_SAME_ID,
        _ => return None,
    })
}

fn identifiers(resource: &Value) -> impl Iterator<Item = &Value> {
    resource
        .get("identifier")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn shares_identifier(one: &Value, other: &Value) -> bool {
    identifiers(one).any(|identifier| {
        !text(identifier, "value").is_empty()
            && identifiers(other).any(|other| {
                text(identifier, "value") == text(other, "value")
                    && text(identifier, "system") == text(other, "system")
            })
    })
}

fn study_uid(study: &Value) -> Option<&str> {
    identifiers(study)
        .find(|identifier| text(identifier, "system") == STUDY_UID)
        .map(|identifier| text(identifier, "value"))
}

/// The accession number, among the identifiers or in `basedOn` as in FHIR R5 (ambiguities, 42).
fn accession(study: &Value) -> Option<&str> {
    let is_accession = |identifier: &&Value| {
        let codings = identifier.pointer("/type/coding").and_then(Value::as_array);
        codings.is_some_and(|codings| codings.iter().any(|coding| text(coding, "code") == ACCESSION))
    };
    let based_on = match study.get("basedOn") {
        Some(Value::Array(references)) => references.iter().collect(),
        Some(reference) => vec![reference],
        None => Vec::new(),
    };
    let referenced = based_on
        .into_iter()
        .filter_map(|reference| reference.get("identifier"));
    identifiers(study)
        .chain(referenced)
        .find(is_accession)
        .map(|identifier| text(identifier, "value"))
        .filter(|value| !value.is_empty())
}

/// Whether two references name the same; `None` where that cannot be told.
fn same_reference(one: &Value, other: &Value) -> Option<bool> {
    let literal = |reference: &Value| {
        reference
            .get("reference")
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    if let (Some(one), Some(other)) = (literal(one), literal(other)) {
        let ((kind, id), (other_kind, other_id)) = (named(&one)?, named(&other)?);
        return Some(id == other_id && (kind == other_kind || kind.is_empty() || other_kind.is_empty()));
    }
    let (one, other) = (one.get("identifier")?, other.get("identifier")?);
    Some(text(one, "value") == text(other, "value") && text(one, "system") == text(other, "system"))
}

impl Judge {
    pub(super) fn judge_close(&mut self, change: &Requested<'_>) {
        let Requested {
            who,
            topic,
            event,
            spot,
            ..
        } = *change;
        let Some(anchor) = event.anchor() else { return };
        let Some(known) = self.topics.get(topic) else {
            return;
        };
        // The same context may have been closed by another in the meantime.
        let same = known
            .contexts
            .iter()
            .rev()
            .find(|context| context.anchor == anchor);
        if let Some(opened) = same.cloned() {
            self.judge_close_against(change, &opened);
            return;
        }
        let open_ones: Vec<&OpenContext> = known
            .contexts
            .iter()
            .filter(|context| {
                context.closed.is_none() && context.anchor.resource_type == anchor.resource_type
            })
            .collect();
        let closed = resources(&event.context)
            .into_iter()
            .find(|(_, resource)| text(resource, "id") == anchor.id);
        let linked = open_ones.iter().find(|open| {
            let opened = resources(&open.context)
                .into_iter()
                .find(|(_, resource)| text(resource, "id") == open.anchor.id);
            matches!((&opened, &closed), (Some((_, one)), Some((_, other))) if shares_identifier(one, other))
        });
        // Without anything in common it is another context that is closed, whose open event nobody may have seen.
        let Some(opened) = linked.copied().cloned() else {
            return;
        };
        let Some(requirement) = same_id(&anchor.resource_type) else {
            return;
        };
        let pointer = closed.map_or_else(
            || "/event/context".to_owned(),
            |(pointer, _)| format!("{pointer}/id"),
        );
        let breach = differing_id(&opened.anchor, &anchor.id, &opened, &pointer, spot);
        self.broken(who, requirement, breach);
    }

    fn judge_close_against(&mut self, change: &Requested<'_>, opened: &OpenContext) {
        let Requested { who, event, spot, .. } = *change;
        let (before, after) = (resources(&opened.context), resources(&event.context));
        for (pointer, resource) in &after {
            let kind = text(resource, "resourceType");
            let Some(requirement) = same_id(kind) else {
                continue;
            };
            let of_kind: Vec<&Value> = before
                .iter()
                .filter(|(_, earlier)| text(earlier, "resourceType") == kind)
                .map(|(_, earlier)| *earlier)
                .collect();
            let id = text(resource, "id");
            let Some(first) = of_kind.first() else { continue };
            let same = of_kind.iter().find(|earlier| text(earlier, "id") == id).copied();
            let expected = Anchor {
                resource_type: kind.to_owned(),
                id: text(first, "id").to_owned(),
            };
            let breach = same
                .is_none()
                .then(|| differing_id(&expected, id, opened, &format!("{pointer}/id"), spot));
            self.judge(who, requirement, breach);
            if kind == "ImagingStudy"
                && let Some(before) = same
            {
                self.judge_study(change, opened, [before, resource], pointer);
            }
        }
    }

    fn judge_study(
        &mut self,
        change: &Requested<'_>,
        opened: &OpenContext,
        [before, after]: [&Value; 2],
        pointer: &str,
    ) {
        let Requested { who, spot, .. } = *change;
        let breach = |what: &str, pointer: String, expected: &str, observed: &str| {
            Breach::new(
                format!("{pointer}: the {what} of the closed study is not that of the open event"),
                vec![
                    Place::at(opened.opened.sequence),
                    Place::within(spot.sequence, &pointer),
                ],
            )
            .expecting(expected)
            .observing(observed)
        };
        if let (Some(one), Some(other)) = (before.get("subject"), after.get("subject"))
            && let Some(same) = same_reference(one, other)
        {
            let found = breach(
                "subject",
                format!("{pointer}/subject"),
                text(one, "reference"),
                text(other, "reference"),
            );
            self.judge(who, ids::STUDY_SAME_SUBJECT, (!same).then_some(found));
        }
        let numbers = [
            (
                ids::STUDY_SAME_UID,
                "Study Instance UID",
                study_uid(before),
                study_uid(after),
            ),
            (
                ids::STUDY_SAME_ACCESSION,
                "accession number",
                accession(before),
                accession(after),
            ),
        ];
        for (requirement, what, one, other) in numbers {
            let Some(one) = one else { continue };
            let found = (other != Some(one)).then(|| {
                breach(
                    what,
                    format!("{pointer}/identifier"),
                    one,
                    other.unwrap_or("none"),
                )
            });
            self.judge(who, requirement, found);
        }
    }

    /// A close that follows the notification of another open event.
    pub(super) fn judge_close_after_open(&mut self, change: &Requested<'_>) {
        let Requested {
            who,
            topic,
            client,
            event,
            spot,
            ..
        } = *change;
        // Whether the requester was merely notified, or opened the other context itself, only the client tells.
        let (Some(client), Some(anchor), Some(known)) = (client, event.anchor(), self.topics.get(topic))
        else {
            return;
        };
        let Some(newest) = known.contexts.back().filter(|context| context.closed.is_none()) else {
            return;
        };
        let Some(former) = known
            .open_context(&anchor)
            .filter(|context| context.anchor != newest.anchor)
        else {
            return;
        };
        let opened_by_others = newest.events.iter().all(|id| {
            known.published.iter().any(|published| {
                published.id == *id
                    && published
                        .client
                        .as_deref()
                        .is_some_and(|publisher| publisher != client)
            })
        });
        if !opened_by_others {
            return;
        }
        let at_once = spot.at.saturating_sub(newest.opened.at) <= IN_CONSEQUENCE;
        let between = known.published.iter().any(|published| {
            published.spot.sequence > newest.opened.sequence && published.spot.sequence < spot.sequence
        });
        let breach = (at_once && !between).then(|| {
            Breach::new(
                format!(
                    "{anchor} was closed right after {} had been opened by another; an open event closes nothing",
                    newest.anchor
                ),
                vec![
                    Place::at(former.opened.sequence),
                    Place::at(newest.opened.sequence),
                    Place::at(spot.sequence),
                ],
            )
        });
        self.judge(who, ids::NO_CLOSE_AFTER_OPEN, breach);
    }
}

fn differing_id(expected: &Anchor, id: &str, opened: &OpenContext, pointer: &str, spot: Spot) -> Breach {
    let kind = &expected.resource_type;
    Breach::new(
        format!("{pointer}: the {kind} of the close event is not the one of the open event; keep its id"),
        vec![
            Place::at(opened.opened.sequence),
            Place::within(spot.sequence, pointer),
        ],
    )
    .expecting(expected.id.clone())
    .observing(id)
}
