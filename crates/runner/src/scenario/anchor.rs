//! Anchors: the resources whose open and close events may take each other's place in a scenario.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::protocol::EventName;

/// An anchor of which the specification has an open and a close event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Anchor {
    /// A patient.
    Patient,
    /// An imaging study.
    ImagingStudy,
    /// An encounter.
    Encounter,
    /// A diagnostic report.
    DiagnosticReport,
}

/// Which anchor takes the place of which; those that are not in it keep theirs.
pub type Exchange = BTreeMap<Anchor, Anchor>;

/// `Patient-open` and the like, in any case.
static EVENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(patient|imagingstudy|encounter|diagnosticreport)-(open|close|update|select)\b").ok()
});
/// `case.a.patient.id` and the like.
static OF_CASE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(case\.[A-Za-z0-9_-]+)\.(patient|study|encounter|report)\.([a-z]+)").ok()
});

impl Anchor {
    /// All of them, the one first that is tried first.
    pub const ALL: [Self; 4] = [
        Self::Patient,
        Self::ImagingStudy,
        Self::Encounter,
        Self::DiagnosticReport,
    ];

    /// The type of the resource, as events name it.
    pub fn resource_type(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::ImagingStudy => "ImagingStudy",
            Self::Encounter => "Encounter",
            Self::DiagnosticReport => "DiagnosticReport",
        }
    }

    /// Its key in the context, which is also its name in a case.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::ImagingStudy => "study",
            Self::Encounter => "encounter",
            Self::DiagnosticReport => "report",
        }
    }

    /// The name that its number has in a case.
    fn number(self) -> &'static str {
        match self {
            Self::Patient => "mrn",
            Self::ImagingStudy => "accession",
            Self::Encounter => "visit",
            Self::DiagnosticReport => "number",
        }
    }

    /// Its open event.
    pub fn open(self) -> Option<EventName> {
        format!("{}-open", self.resource_type()).parse().ok()
    }

    /// Its close event.
    pub fn close(self) -> Option<EventName> {
        format!("{}-close", self.resource_type()).parse().ok()
    }

    /// The anchor of an event.
    pub fn of(event: &EventName) -> Option<Self> {
        let (resource_type, _) = event.resource()?;
        Self::of_type(&resource_type)
    }

    pub(super) fn of_type(text: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|anchor| anchor.resource_type().eq_ignore_ascii_case(text))
    }

    pub(super) fn of_key(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|anchor| anchor.key() == text)
    }

    /// The name of its resource in the style of a text that names another's.
    fn written_like(self, text: &str) -> String {
        let name = self.resource_type();
        match text {
            text if text == text.to_lowercase() => name.to_lowercase(),
            text if text == text.to_uppercase() => name.to_uppercase(),
            _ => name.to_owned(),
        }
    }
}

/// The anchors' events that a text names.
pub(super) fn events_in(text: &str) -> Vec<EventName> {
    let Some(event) = EVENT.as_ref() else {
        return Vec::new();
    };
    let found = event.find_iter(text);
    found.filter_map(|name| name.as_str().parse().ok()).collect()
}

/// The anchors whose ids in a case a text names, and whether another anchor has such a member too.
pub(super) fn in_cases(text: &str) -> Vec<(Anchor, bool)> {
    let Some(of_case) = OF_CASE.as_ref() else {
        return Vec::new();
    };
    let found = of_case.captures_iter(text);
    let found = found.filter_map(|found| {
        let anchor = Anchor::of_key(found.get(2)?.as_str())?;
        let member = found.get(3)?.as_str();
        Some((anchor, is_common(anchor, member)))
    });
    found.collect()
}

fn is_common(anchor: Anchor, member: &str) -> bool {
    matches!(member, "id" | "opening") || member == anchor.number()
}

/// A text with the events, and the ids of cases, of other anchors.
pub(super) fn exchanged(text: &str, exchange: &Exchange) -> String {
    let (Some(event), Some(of_case)) = (EVENT.as_ref(), OF_CASE.as_ref()) else {
        return text.to_owned();
    };
    let other = |anchor: Option<Anchor>| exchange.get(&anchor?).copied();
    let text = event.replace_all(text, |found: &Captures<'_>| {
        let (name, action) = (&found[1], &found[2]);
        match other(Anchor::of_type(name)) {
            Some(other) => format!("{}-{action}", other.written_like(name)),
            None => found[0].to_owned(),
        }
    });
    let text = of_case.replace_all(&text, |found: &Captures<'_>| {
        let (case, name, member) = (&found[1], &found[2], &found[3]);
        let anchor = Anchor::of_key(name);
        match (anchor, other(anchor)) {
            (Some(anchor), Some(other)) if member == anchor.number() => {
                format!("{case}.{}.{}", other.key(), other.number())
            }
            (_, Some(other)) => format!("{case}.{}.{member}", other.key()),
            (_, None) => found[0].to_owned(),
        }
    });
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_and_ids_are_exchanged_in_the_style_that_they_are_written_in() {
        let exchange = Exchange::from([
            (Anchor::Patient, Anchor::ImagingStudy),
            (Anchor::ImagingStudy, Anchor::Patient),
        ]);
        for (text, wanted) in [
            ("Patient-open", "ImagingStudy-open"),
            (
                "patient-open,patient-close",
                "imagingstudy-open,imagingstudy-close",
            ),
            ("PATIENT-OPEN", "IMAGINGSTUDY-OPEN"),
            ("patient-OPEN", "imagingstudy-OPEN"),
            (
                "ImagingStudy-close and Patient-close",
                "Patient-close and ImagingStudy-close",
            ),
            ("${case.b.patient.id}-x", "${case.b.study.id}-x"),
            ("${case.b.patient.mrn}", "${case.b.study.accession}"),
            ("${case.b.study.opening}", "${case.b.patient.opening}"),
            ("Encounter-open", "Encounter-open"),
            ("inpatient-open and a patient", "inpatient-open and a patient"),
        ] {
            assert_eq!(exchanged(text, &exchange), wanted);
        }
        assert_eq!(in_cases("${case.a.study.uid}"), [(Anchor::ImagingStudy, false)]);
        assert_eq!(in_cases("${case.a.study.id}"), [(Anchor::ImagingStudy, true)]);
    }
}
