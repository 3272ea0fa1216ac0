//! What a message says about requirements.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use serde::Deserialize;
use serde_json::Value;

use crate::requirement::RequirementId;

/// What an unmet requirement means here. Schemas and scenarios write `warn` or `note`, or nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmet {
    /// What its level in the catalogue says: a SHALL fails, a SHOULD warns.
    #[default]
    #[serde(skip)]
    ByLevel,
    /// A warning, whatever its level: the specification can be read otherwise.
    Warn,
    /// Worth noting; the requirement counts as met.
    Note,
}

/// One place in a message that does not meet a requirement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The id of the requirement.
    pub requirement: RequirementId,
    /// What it means that it is unmet.
    pub unmet: Unmet,
    /// JSON pointer into the judged value; of the object, where a member is missing.
    pub pointer: String,
    /// The member that is missing from the object at `pointer`, where that is what is wrong.
    pub member: Option<String>,
    /// One sentence: what came and what was expected. It quotes no more of the message than the offending scalar.
    pub message: String,
    /// The schema file and the place in it, or `agreement` for a rule that no schema can express.
    pub schema: String,
}

impl Violation {
    /// The violation with a pointer from an outer root. Its sentence begins with the same place, and goes along.
    fn within(mut self, place: &str) -> Self {
        if let Some(rest) = self.message.strip_prefix("the message ") {
            if !place.is_empty() {
                self.message = format!("{place} {rest}");
            }
        } else if self.message.starts_with('/') {
            self.message.insert_str(0, place);
        }
        self.pointer.insert_str(0, place);
        self
    }
}

/// What one message says about the requirements that apply to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Ids of the requirements that were applied to this message and held, in alphabetical order. One that is merely
    /// noted is among them.
    pub satisfied: Vec<RequirementId>,
    /// What did not hold, the gravest first.
    pub violations: Vec<Violation>,
}

impl Judgement {
    /// Whether nothing but notes was found.
    pub fn is_clean(&self) -> bool {
        self.violations
            .iter()
            .all(|violation| violation.unmet == Unmet::Note)
    }

    /// Joins the judgement of a part, which lies in the whole at the JSON pointer `place`: `/event` for a context.
    #[must_use]
    pub fn join(self, part: Self, place: &str) -> Self {
        let mut findings = Findings::of(self);
        findings.held.extend(part.satisfied);
        for violation in part.violations {
            findings.violated(violation.within(place));
        }
        findings.into_judgement()
    }

    /// The judgement with pointers from the root of what the message lies in, at the JSON pointer `place`.
    #[must_use]
    pub fn within(mut self, place: &str) -> Self {
        let violations = self.violations.into_iter();
        self.violations = violations.map(|violation| violation.within(place)).collect();
        self
    }
}

/// Gathers what holds and what does not.
#[derive(Debug, Default)]
pub(super) struct Findings {
    held: BTreeSet<RequirementId>,
    violations: Vec<Violation>,
    /// What is told of a requirement at a place already, and how grave that is.
    told: HashMap<(RequirementId, String), Unmet>,
}

impl Findings {
    /// Findings that go on from a judgement.
    fn of(judgement: Judgement) -> Self {
        let mut findings = Self {
            held: judgement.satisfied.into_iter().collect(),
            ..Self::default()
        };
        for violation in judgement.violations {
            findings.violated(violation);
        }
        findings
    }

    pub(super) fn held(&mut self, requirement: impl Into<RequirementId>) {
        self.held.insert(requirement.into());
    }

    pub(super) fn violated(&mut self, violation: Violation) {
        let place = (violation.requirement.clone(), violation.pointer.clone());
        match self.told.entry(place) {
            Entry::Occupied(told) if *told.get() <= violation.unmet => return,
            Entry::Occupied(mut told) => {
                told.insert(violation.unmet);
            }
            Entry::Vacant(untold) => {
                untold.insert(violation.unmet);
            }
        }
        self.violations.push(violation);
    }

    pub(super) fn into_judgement(self) -> Judgement {
        let Self {
            mut held,
            mut violations,
            ..
        } = self;
        for violation in &violations {
            if violation.unmet == Unmet::Note {
                held.insert(violation.requirement.clone());
            }
        }
        for violation in &violations {
            if violation.unmet != Unmet::Note {
                held.remove(&violation.requirement);
            }
        }
        violations.sort_by_key(|violation| violation.unmet);
        Judgement {
            satisfied: held.into_iter().collect(),
            violations,
        }
    }
}

/// A value in a sentence: scalars as they are (shortened), arrays and objects by their kind only.
pub(super) fn shown(value: &Value) -> String {
    const LONGEST: usize = 80;
    match value {
        Value::Null => "null".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        scalar => {
            let text = scalar.to_string();
            if text.chars().count() <= LONGEST {
                text
            } else {
                text.chars().take(LONGEST).chain(std::iter::once('…')).collect()
            }
        }
    }
}
