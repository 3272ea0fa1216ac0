//! Variables of a running scenario, and the references to them in its texts.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::condition::{Condition, ConditionKind};

/// How long a value may be in a message before it is cut.
const SHOWN: usize = 200;

/// Why a reference could not be resolved. The scenario is at fault, or a step that it builds on was not taken; never the hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// Nothing has that name (yet).
    #[error("no variable '{name}' is known here{}", .suggestion.as_ref().map(|known| format!("; did you mean '{known}'?")).unwrap_or_default())]
    Unknown {
        /// The name.
        name: String,
        /// The nearest name that is known.
        suggestion: Option<String>,
    },
    /// The variable is there, the place in it is not.
    #[error("there is no {pointer} in variable '{name}', which is {value}")]
    Place {
        /// The variable.
        name: String,
        /// The JSON pointer.
        pointer: String,
        /// The variable's value, cut when long.
        value: String,
    },
    /// A `${` that is no reference.
    #[error(
        "'{text}' has a '${{' that is no reference; write ${{name}} or ${{name#/json/pointer}}, and $${{ for the characters themselves"
    )]
    Syntax {
        /// The text.
        text: String,
    },
    /// A condition on something that is neither true nor false.
    #[error("the condition '{condition}' is neither true nor false: '{name}' is {value}")]
    NoTruth {
        /// The condition.
        condition: String,
        /// The variable.
        name: String,
        /// Its value, cut when long.
        value: String,
    },
}

/// A reference to a variable, or to a place in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    /// The variable's name, which may be dotted.
    pub name: &'a str,
    /// The JSON pointer into its value.
    pub pointer: Option<&'a str>,
}

impl<'a> Reference<'a> {
    /// Reads `name` or `name#/json/pointer`; `None` when it is neither.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (name, pointer) = match text.split_once('#') {
            Some((name, pointer)) => (name, Some(pointer)),
            None => (text, None),
        };
        let named = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let pointed = pointer.is_none_or(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        (named && pointed).then_some(Self { name, pointer })
    }
}

/// A piece of a text with references.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Plain text.
    Text(&'a str),
    /// A reference.
    Reference(Reference<'a>),
}

/// Takes a text with references apart. `$${` stands for the characters `${`.
///
/// # Errors
/// When a `${` is not closed or what it encloses is no reference.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, VariableError> {
    let syntax = || VariableError::Syntax {
        text: shorten(text, SHOWN),
    };
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(escaped) = before.strip_suffix('$') {
            if !escaped.is_empty() {
                pieces.push(Piece::Text(escaped));
            }
            pieces.push(Piece::Text("${"));
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let inner = from.get(2..).ok_or_else(syntax)?;
        let end = inner.find('}').ok_or_else(syntax)?;
        let (inside, after) = inner.split_at(end);
        pieces.push(Piece::Reference(Reference::parse(inside).ok_or_else(syntax)?));
        rest = after.get(1..).unwrap_or_default();
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

/// A condition on one variable: `NAME` or `not NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal<'a> {
    /// The variable that must be true, or false where negated.
    pub reference: Reference<'a>,
    /// Whether it begins with `not`.
    pub negated: bool,
}

impl<'a> Literal<'a> {
    /// Reads a condition; `None` when it is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (text, negated) = match text.strip_prefix("not ") {
            Some(rest) => (rest.trim_start(), true),
            None => (text, false),
        };
        Reference::parse(text).map(|reference| Self { reference, negated })
    }
}

/// The variables of a running scenario.
#[derive(Debug, Clone, Default)]
pub struct Variables {
    values: BTreeMap<String, Value>,
}

impl Variables {
    /// Sets a variable, in place of a former value. The name may be dotted.
    pub fn set(&mut self, name: &str, value: Value) {
        self.values.insert(name.to_owned(), value);
    }

    /// The value under a name. A dotted name is looked for as a whole first, then as a member of what its beginning names:
    /// `answer.status` is the member `status` of the variable `answer`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        if let Some(value) = self.values.get(name) {
            return Some(value);
        }
        for (at, _) in name.rmatch_indices('.') {
            let (variable, path) = name.split_at(at);
            if let Some(value) = self.values.get(variable) {
                return path
                    .get(1..)
                    .unwrap_or_default()
                    .split('.')
                    .try_fold(value, |value, member| member_of(value, member));
            }
        }
        None
    }

    /// The names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    /// The value that a reference stands for.
    ///
    /// # Errors
    /// When there is no such variable or no such place in it.
    pub fn resolve(&self, reference: Reference<'_>) -> Result<&Value, VariableError> {
        let value = self.get(reference.name).ok_or_else(|| VariableError::Unknown {
            name: reference.name.to_owned(),
            suggestion: super::suggestion::suggestion(reference.name, self.names()).map(str::to_owned),
        })?;
        match reference.pointer {
            None => Ok(value),
            Some(pointer) => value.pointer(pointer).ok_or_else(|| VariableError::Place {
                name: reference.name.to_owned(),
                pointer: pointer.to_owned(),
                value: shorten(&value.to_string(), SHOWN),
            }),
        }
    }

    /// Replaces the references in all strings of a value; the names of members stay as they are. A string that is nothing
    /// but one reference takes the type of what it stands for.
    ///
    /// # Errors
    /// When a reference cannot be resolved.
    pub fn expand(&self, value: &Value) -> Result<Value, VariableError> {
        Ok(match value {
            Value::String(text) => match pieces(text)?.as_slice() {
                [Piece::Reference(reference)] => self.resolve(*reference)?.clone(),
                pieces => Value::String(self.join(pieces)?),
            },
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.expand(item))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, member)| Ok((name.clone(), self.expand(member)?)))
                    .collect::<Result<Map<_, _>, VariableError>>()?,
            ),
            other => other.clone(),
        })
    }

    /// Replaces the references in a text. What is no string is written as JSON.
    ///
    /// # Errors
    /// When a reference cannot be resolved.
    pub fn expand_text(&self, text: &str) -> Result<String, VariableError> {
        self.join(&pieces(text)?)
    }

    /// Whether a condition holds. Of several, those that no longer count are not looked at.
    ///
    /// # Errors
    /// When one that counts is no condition, or its variable is unknown or neither true nor false.
    pub fn holds(&self, condition: &Condition) -> Result<bool, VariableError> {
        let (conditions, decides) = match &condition.kind {
            ConditionKind::Variable(text) => return self.truth(text),
            ConditionKind::All(conditions) => (conditions, false),
            ConditionKind::Any(conditions) => (conditions, true),
        };
        for condition in conditions {
            if self.holds(condition)? == decides {
                return Ok(decides);
            }
        }
        Ok(!decides)
    }

    /// Whether a condition, `NAME` or `not NAME`, holds.
    ///
    /// # Errors
    /// When it is no condition, or its variable is unknown or neither true nor false.
    pub fn truth(&self, condition: &str) -> Result<bool, VariableError> {
        let parsed = Literal::parse(condition).ok_or_else(|| VariableError::Syntax {
            text: condition.to_owned(),
        })?;
        let value = self.resolve(parsed.reference)?;
        match value.as_bool() {
            Some(truth) => Ok(truth != parsed.negated),
            None => Err(VariableError::NoTruth {
                condition: condition.to_owned(),
                name: parsed.reference.name.to_owned(),
                value: shorten(&value.to_string(), SHOWN),
            }),
        }
    }

    fn join(&self, pieces: &[Piece<'_>]) -> Result<String, VariableError> {
        let mut joined = String::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => joined.push_str(text),
                Piece::Reference(reference) => match self.resolve(*reference)? {
                    Value::String(text) => joined.push_str(text),
                    other => joined.push_str(&other.to_string()),
                },
            }
        }
        Ok(joined)
    }
}

fn member_of<'v>(value: &'v Value, member: &str) -> Option<&'v Value> {
    match value {
        Value::Object(members) => members.get(member),
        Value::Array(items) => items.get(member.parse::<usize>().ok()?),
        _ => None,
    }
}

/// The beginning of a text, with an ellipsis where it was cut.
pub(crate) fn shorten(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn variables() -> Variables {
        let mut variables = Variables::default();
        variables.set("topic", json!("t-1"));
        variables.set("viewer.endpoint", json!("wss://hub/1"));
        variables.set(
            "answer",
            json!({"status": 202, "accepted": true, "body": {"hub.events": "Patient-open", "list": ["x"]}}),
        );
        variables
    }

    #[test]
    fn a_lone_reference_keeps_its_type_and_others_become_text() {
        let expanded = variables().expand(&json!({
            "status": "${answer.status}",
            "text": "status ${answer.status} on ${topic}",
            "place": "${answer#/body/hub.events}",
            "${topic}": ["${answer#/body/list/0}", 1, null],
            "endpoint": "${viewer.endpoint}",
        }));
        assert_eq!(
            expanded.unwrap(),
            json!({
                "status": 202,
                "text": "status 202 on t-1",
                "place": "Patient-open",
                "${topic}": ["x", 1, null],
                "endpoint": "wss://hub/1",
            })
        );
    }

    #[test]
    fn dotted_names_reach_into_values() {
        let variables = variables();
        assert_eq!(variables.get("answer.body.list.0"), Some(&json!("x")));
        assert_eq!(variables.get("answer.body.list.1"), None);
        assert_eq!(variables.get("viewer.events"), None);
    }

    #[test]
    fn what_cannot_be_resolved_is_named() {
        let variables = variables();
        assert_eq!(
            variables.expand_text("${topik}").unwrap_err().to_string(),
            "no variable 'topik' is known here; did you mean 'topic'?"
        );
        assert_eq!(
            variables.expand_text("${answer#/nothing}").unwrap_err(),
            VariableError::Place {
                name: "answer".into(),
                pointer: "/nothing".into(),
                value: variables.get("answer").unwrap().to_string(),
            }
        );
        for text in ["${", "${}", "${a b}", "${a#b}", "x ${topic"] {
            assert!(
                matches!(variables.expand_text(text), Err(VariableError::Syntax { .. })),
                "{text}"
            );
        }
    }

    #[test]
    fn doubled_dollars_stand_for_themselves() {
        assert_eq!(variables().expand_text("a $${topic} b").unwrap(), "a ${topic} b");
        assert_eq!(variables().expand_text("$5 and $").unwrap(), "$5 and $");
    }

    #[test]
    fn conditions_are_true_or_false_or_mistakes() {
        let variables = variables();
        assert_eq!(variables.truth("answer.accepted"), Ok(true));
        assert_eq!(variables.truth("not answer.accepted"), Ok(false));
        assert!(matches!(
            variables.truth("answer.status"),
            Err(VariableError::NoTruth { .. })
        ));
        assert!(matches!(
            variables.truth("answer.refused"),
            Err(VariableError::Unknown { .. })
        ));
        assert!(matches!(
            variables.truth("a and b"),
            Err(VariableError::Syntax { .. })
        ));
    }

    #[test]
    fn of_several_conditions_those_that_decide_are_looked_at() {
        let variables = variables();
        let holds = |yaml: &str| variables.holds(&serde_saphyr::from_str::<Condition>(yaml).unwrap());
        for (yaml, wanted) in [
            ("{all: [answer.accepted, not answer.accepted]}", false),
            (
                "{all: [answer.accepted, {any: [not answer.accepted, answer.accepted]}]}",
                true,
            ),
            (
                "{any: [not answer.accepted, {all: [answer.accepted, not answer.accepted]}]}",
                false,
            ),
            ("{any: [answer.accepted, unknown]}", true),
            ("{all: [not answer.accepted, unknown]}", false),
        ] {
            assert_eq!(holds(yaml), Ok(wanted), "{yaml}");
        }
        for yaml in [
            "{all: [answer.accepted, unknown]}",
            "{any: [not answer.accepted, unknown]}",
        ] {
            assert!(
                matches!(holds(yaml), Err(VariableError::Unknown { .. })),
                "{yaml}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_expanded_or_refused(text in "\\PC*|[${}#a/]*") {
            let variables = variables();
            if let Ok(expanded) = variables.expand_text(&text)
                && !text.contains("${")
            {
                prop_assert_eq!(expanded, text);
            }
        }
    }
}
