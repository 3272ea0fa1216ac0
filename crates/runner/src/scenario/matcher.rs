//! Matchers: what must hold of a value, and in words what was there instead.

use std::collections::BTreeMap;
use std::fmt;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::difference::{difference, shown};
use super::schema::one_key;
use super::variables::{VariableError, Variables};
use super::written::{AnyValue, Has, JsonType, Text};
pub use crate::judging::hub::equal;
use crate::judging::hub::guessable;
use crate::protocol::{Timestamp, parse_events};

/// How large a regular expression may become, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

/// The names of the JSON types, as `type` takes them.
pub const TYPE_NAMES: [&str; 6] = ["string", "number", "boolean", "array", "object", "null"];

/// What must hold of a value: one key, which says how it is compared.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "matcher", transform = one_key)]
pub enum Matcher {
    /// Equal as JSON; numbers by value, members in any order.
    Equals(#[schemars(with = "AnyValue")] Value),
    /// Not equal as JSON; nothing at all differs too.
    Differs(#[schemars(with = "AnyValue")] Value),
    /// A string, equal without regard to case.
    EqualsIgnoringCase(#[schemars(with = "Text")] String),
    /// A timestamp of the same instant.
    SameInstant(String),
    /// A comma-separated list of the same events, in any order and case.
    SameEvents(String),
    /// An array of endpoints, given out one after the other, that cannot be guessed from each other: no counter, no clock, not this
    /// topic. At least eight show something.
    Unguessable(String),
    /// A string that this regular expression finds something in.
    Matches(#[schemars(extend("format" = "regex"))] String),
    /// One of these, equal as JSON.
    OneOf(#[schemars(with = "Vec<AnyValue>", length(min = 1))] Vec<Value>),
    /// It is there (or is not).
    Exists(bool),
    /// Its JSON type: `string`, `number`, `boolean`, `array`, `object`, `null`.
    Type(#[schemars(with = "JsonType")] String),
    /// An array or object with nothing in it, or an empty string (or not).
    Empty(bool),
    /// An array that has an element of which all this holds.
    Contains(#[schemars(with = "Has")] BTreeMap<String, Matcher>),
    /// An array that has no element of which all this holds.
    Lacks(#[schemars(with = "Has")] BTreeMap<String, Matcher>),
}

/// A place of a value that is not as it was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// JSON pointer to the place, from the value that was looked at; empty for the value itself.
    pub pointer: String,
    /// The expectation, as a phrase.
    pub expected: String,
    /// The value that was there, as a phrase.
    pub observed: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        write!(f, "expected {}, but found {}", self.expected, self.observed)
    }
}

/// A matcher that cannot be evaluated: the scenario is at fault, never the hub.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatcherFault {
    /// A reference in it cannot be resolved.
    #[error(transparent)]
    Variable(#[from] VariableError),
    /// Its regular expression is none.
    #[error("'{pattern}' is no regular expression: {problem}")]
    Pattern {
        /// The regular expression.
        pattern: String,
        /// The mistake in it.
        problem: String,
    },
    /// Its timestamp is none.
    #[error("'same_instant' compares with '{0}', which is no ISO 8601 date and time")]
    Instant(String),
    /// Its list of events is none.
    #[error("'same_events' compares with '{text}', which is no list of events: {problem}")]
    Events {
        /// The list.
        text: String,
        /// The mistake in it.
        problem: String,
    },
    /// Its type is none of JSON's.
    #[error("'{0}' is no JSON type; it is one of string, number, boolean, array, object, null")]
    Type(String),
    /// A place is no JSON pointer.
    #[error("'{0}' is no JSON pointer; it is empty or begins with a slash, such as /event/context")]
    Pointer(String),
}

/// Why a matcher does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotHeld {
    /// The value is another.
    #[error("{0}")]
    Mismatch(Mismatch),
    /// The matcher cannot be evaluated.
    #[error(transparent)]
    Fault(#[from] MatcherFault),
}

/// Everything in a value that is not as `has` wants it, one mismatch a place.
///
/// # Errors
/// When a matcher or a pointer cannot be evaluated.
pub fn mismatches(
    has: &BTreeMap<String, Matcher>,
    value: Option<&Value>,
    variables: &Variables,
) -> Result<Vec<Mismatch>, MatcherFault> {
    let places = expand_places(has, variables)?;
    let mut found = Vec::new();
    for (pointer, matcher) in &places {
        if let Some(mismatch) = matcher.test(value.and_then(|value| value.pointer(pointer)))? {
            found.push(mismatch.under(pointer));
        }
    }
    Ok(found)
}

impl Mismatch {
    fn new(expected: String, observed: String) -> Self {
        Self {
            pointer: String::new(),
            expected,
            observed,
        }
    }

    fn under(mut self, pointer: &str) -> Self {
        self.pointer.insert_str(0, pointer);
        self
    }
}

impl Matcher {
    /// Whether this holds of a value, or of its absence.
    ///
    /// # Errors
    /// [`NotHeld::Mismatch`] when it does not hold; [`NotHeld::Fault`] when it cannot be evaluated.
    pub fn holds(&self, value: Option<&Value>, variables: &Variables) -> Result<(), NotHeld> {
        match self.expand(variables)?.test(value)? {
            None => Ok(()),
            Some(mismatch) => Err(NotHeld::Mismatch(mismatch)),
        }
    }

    /// The matcher with its references replaced, and everything in it found to be in order.
    ///
    /// # Errors
    /// When a reference cannot be resolved, or a regular expression, timestamp, list of events, type or pointer is none.
    pub fn expand(&self, variables: &Variables) -> Result<Self, MatcherFault> {
        let expanded = match self {
            Self::Equals(value) => Self::Equals(variables.expand(value)?),
            Self::Differs(value) => Self::Differs(variables.expand(value)?),
            Self::EqualsIgnoringCase(text) => Self::EqualsIgnoringCase(variables.expand_text(text)?),
            Self::SameInstant(text) => Self::SameInstant(variables.expand_text(text)?),
            Self::SameEvents(text) => Self::SameEvents(variables.expand_text(text)?),
            Self::Unguessable(topic) => Self::Unguessable(variables.expand_text(topic)?),
            Self::Matches(pattern) => Self::Matches(variables.expand_text(pattern)?),
            Self::OneOf(values) => Self::OneOf(
                values
                    .iter()
                    .map(|value| variables.expand(value))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Exists(wanted) => Self::Exists(*wanted),
            Self::Type(name) => Self::Type(name.clone()),
            Self::Empty(wanted) => Self::Empty(*wanted),
            Self::Contains(places) => Self::Contains(expand_places(places, variables)?),
            Self::Lacks(places) => Self::Lacks(expand_places(places, variables)?),
        };
        expanded.check()?;
        Ok(expanded)
    }

    /// Whether a matcher without references can be evaluated; what it holds inside is not looked at.
    ///
    /// # Errors
    /// When its regular expression, timestamp, list of events or type is none.
    pub(crate) fn check(&self) -> Result<(), MatcherFault> {
        match self {
            Self::SameInstant(text) => instant(text).map(|_| ()),
            Self::SameEvents(text) => events(text).map(|_| ()),
            Self::Matches(pattern) => regex(pattern).map(|_| ()),
            Self::Type(name) if !TYPE_NAMES.contains(&name.as_str()) => Err(MatcherFault::Type(name.clone())),
            _ => Ok(()),
        }
    }

    /// The matcher, as it follows "expected".
    pub fn describe(&self) -> String {
        match self {
            Self::Equals(value) => shown(value),
            Self::Differs(value) => format!("anything but {}", shown(value)),
            Self::EqualsIgnoringCase(text) => format!("\"{text}\" in any case"),
            Self::SameInstant(text) => format!("the instant {text}"),
            Self::SameEvents(text) => format!("the events {text} in any order and case"),
            Self::Unguessable(_) => "endpoints that cannot be guessed from each other".to_owned(),
            Self::Matches(pattern) => format!("a string that matches /{pattern}/"),
            Self::OneOf(values) => match values.as_slice() {
                [one] => shown(one),
                values => format!(
                    "one of {}",
                    values.iter().map(shown).collect::<Vec<_>>().join(", ")
                ),
            },
            Self::Exists(true) => "something".to_owned(),
            Self::Exists(false) => "nothing".to_owned(),
            Self::Type(name) => with_article(name).to_owned(),
            Self::Empty(true) => "an empty array, object or string".to_owned(),
            Self::Empty(false) => "an array, object or string that is not empty".to_owned(),
            Self::Contains(places) => format!("an array with an element {}", describe_places(places)),
            Self::Lacks(places) => format!("no element {}", describe_places(places)),
        }
    }

    fn test(&self, value: Option<&Value>) -> Result<Option<Mismatch>, MatcherFault> {
        let held = match self {
            Self::Exists(wanted) => value.is_some() == *wanted,
            Self::Equals(wanted) => match value {
                Some(value) if !equal(wanted, value) => {
                    let (expected, observed) = difference(wanted, value);
                    return Ok(Some(Mismatch::new(expected, observed)));
                }
                value => value.is_some(),
            },
            Self::Differs(other) => value.is_none_or(|value| !equal(other, value)),
            Self::EqualsIgnoringCase(wanted) => value
                .and_then(Value::as_str)
                .is_some_and(|text| text.to_lowercase() == wanted.to_lowercase()),
            Self::OneOf(wanted) => {
                value.is_some_and(|value| wanted.iter().any(|wanted| equal(wanted, value)))
            }
            Self::Type(name) => value.is_some_and(|value| type_name(value) == name),
            Self::Empty(wanted) => value.and_then(is_empty) == Some(*wanted),
            Self::Matches(pattern) => {
                let pattern = regex(pattern)?;
                value
                    .and_then(Value::as_str)
                    .is_some_and(|text| pattern.is_match(text))
            }
            Self::SameInstant(wanted) => return Ok(self.test_instant(&instant(wanted)?, value)),
            Self::SameEvents(wanted) => return Ok(self.test_events(&events(wanted)?, value)),
            Self::Unguessable(topic) => return Ok(self.test_unguessable(topic, value)),
            Self::Contains(places) => return self.test_contains(places, value),
            Self::Lacks(places) => return self.test_lacks(places, value),
        };
        Ok((!held).then(|| self.mismatch(value)))
    }

    fn mismatch(&self, value: Option<&Value>) -> Mismatch {
        Mismatch::new(self.describe(), observed(value))
    }

    fn test_instant(&self, wanted: &Timestamp, value: Option<&Value>) -> Option<Mismatch> {
        let read = value.and_then(Value::as_str).map(str::parse::<Timestamp>);
        match read {
            Some(Ok(instant)) if instant == *wanted => None,
            Some(Ok(instant)) => {
                let apart = instant.instant().duration_since(wanted.instant());
                Some(Mismatch::new(
                    self.describe(),
                    format!("\"{instant}\" ({:+.3} s)", apart.as_secs_f64()),
                ))
            }
            Some(Err(error)) => Some(Mismatch::new(self.describe(), error.to_string())),
            None => Some(self.mismatch(value)),
        }
    }

    fn test_events(&self, wanted: &[String], value: Option<&Value>) -> Option<Mismatch> {
        let Some(text) = value.and_then(Value::as_str) else {
            return Some(self.mismatch(value));
        };
        match events(text) {
            Ok(events) if events == wanted => None,
            Ok(events) => {
                let difference = |of: &[String], without: &[String]| {
                    of.iter()
                        .filter(|name| !without.contains(name))
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                let (missing, further) = (difference(wanted, &events), difference(&events, wanted));
                let mut remarks = Vec::new();
                if !missing.is_empty() {
                    remarks.push(format!("{missing} missing"));
                }
                if !further.is_empty() {
                    remarks.push(format!("{further} too many"));
                }
                Some(Mismatch::new(
                    self.describe(),
                    format!("\"{text}\" ({})", remarks.join("; ")),
                ))
            }
            Err(_) => Some(Mismatch::new(
                self.describe(),
                format!("\"{text}\", which is no list of events"),
            )),
        }
    }

    fn test_unguessable(&self, topic: &str, value: Option<&Value>) -> Option<Mismatch> {
        let endpoints: Option<Vec<&str>> = value
            .and_then(Value::as_array)
            .and_then(|items| items.iter().map(Value::as_str).collect());
        match endpoints {
            Some(endpoints) => guessable(&endpoints, topic).map(|why| Mismatch::new(self.describe(), why)),
            None => Some(self.mismatch(value)),
        }
    }

    fn test_contains(
        &self,
        places: &BTreeMap<String, Self>,
        value: Option<&Value>,
    ) -> Result<Option<Mismatch>, MatcherFault> {
        let Some(items) = value.and_then(Value::as_array) else {
            return Ok(Some(self.mismatch(value)));
        };
        let mut nearest: Option<(usize, Vec<Mismatch>)> = None;
        for (index, item) in items.iter().enumerate() {
            let found = test_places(places, item)?;
            if found.is_empty() {
                return Ok(None);
            }
            if nearest
                .as_ref()
                .is_none_or(|(_, least)| found.len() < least.len())
            {
                nearest = Some((index, found));
            }
        }
        let observed = match nearest {
            None => "an empty array".to_owned(),
            Some((index, found)) => {
                let missed = found.iter().map(describe_missed).collect::<Vec<_>>();
                match items.len() {
                    1 => format!("one element, in which {}", missed.join(" and ")),
                    count => format!(
                        "{count} elements; in the nearest, /{index}, {}",
                        missed.join(" and ")
                    ),
                }
            }
        };
        Ok(Some(Mismatch::new(self.describe(), observed)))
    }

    fn test_lacks(
        &self,
        places: &BTreeMap<String, Self>,
        value: Option<&Value>,
    ) -> Result<Option<Mismatch>, MatcherFault> {
        let Some(items) = value.and_then(Value::as_array) else {
            return Ok(Some(Mismatch::new(
                format!("an array with {}", self.describe()),
                observed(value),
            )));
        };
        for (index, item) in items.iter().enumerate() {
            if test_places(places, item)?.is_empty() {
                return Ok(Some(Mismatch::new(
                    self.describe(),
                    format!("one, at /{index}: {}", shown(item)),
                )));
            }
        }
        Ok(None)
    }
}

fn test_places(places: &BTreeMap<String, Matcher>, value: &Value) -> Result<Vec<Mismatch>, MatcherFault> {
    let mut found = Vec::new();
    for (pointer, matcher) in places {
        if let Some(mismatch) = matcher.test(value.pointer(pointer))? {
            found.push(mismatch.under(pointer));
        }
    }
    Ok(found)
}

fn expand_places(
    places: &BTreeMap<String, Matcher>,
    variables: &Variables,
) -> Result<BTreeMap<String, Matcher>, MatcherFault> {
    places
        .iter()
        .map(|(pointer, matcher)| {
            let pointer = variables.expand_text(pointer)?;
            if !is_pointer(&pointer) {
                return Err(MatcherFault::Pointer(pointer));
            }
            Ok((pointer, matcher.expand(variables)?))
        })
        .collect()
}

/// Whether a text is a JSON pointer (RFC 6901).
pub(crate) fn is_pointer(text: &str) -> bool {
    text.is_empty() || text.starts_with('/')
}

fn describe_places(places: &BTreeMap<String, Matcher>) -> String {
    if places.is_empty() {
        return "of any kind".to_owned();
    }
    let words = places
        .iter()
        .map(|(pointer, matcher)| match pointer.as_str() {
            "" => format!("that is {}", matcher.describe()),
            pointer => format!("with {} at {pointer}", matcher.describe()),
        })
        .collect::<Vec<_>>();
    words.join(" and ")
}

fn describe_missed(mismatch: &Mismatch) -> String {
    match mismatch.pointer.as_str() {
        "" => format!("there is {}", mismatch.observed),
        pointer => format!("{pointer} has {}", mismatch.observed),
    }
}

fn observed(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), shown)
}

fn is_empty(value: &Value) -> Option<bool> {
    match value {
        Value::String(text) => Some(text.is_empty()),
        Value::Array(items) => Some(items.is_empty()),
        Value::Object(members) => Some(members.is_empty()),
        _ => None,
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn with_article(name: &str) -> &str {
    match name {
        "string" => "a string",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "an array",
        "object" => "an object",
        other => other,
    }
}

fn regex(pattern: &str) -> Result<Regex, MatcherFault> {
    RegexBuilder::new(pattern)
        .size_limit(PATTERN_SIZE)
        .build()
        .map_err(|error| MatcherFault::Pattern {
            pattern: pattern.to_owned(),
            problem: match &error {
                regex::Error::Syntax(text) => text
                    .lines()
                    .last()
                    .unwrap_or_default()
                    .trim_start_matches("error: ")
                    .to_owned(),
                other => other.to_string(),
            },
        })
}

fn instant(text: &str) -> Result<Timestamp, MatcherFault> {
    text.parse().map_err(|_| MatcherFault::Instant(text.to_owned()))
}

fn events(text: &str) -> Result<Vec<String>, MatcherFault> {
    let mut names = parse_events(text)
        .map_err(|error| MatcherFault::Events {
            text: text.to_owned(),
            problem: error.to_string(),
        })?
        .iter()
        .map(|event| event.folded())
        .collect::<Vec<_>>();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn matcher(yaml: &str) -> Matcher {
        serde_saphyr::from_str(yaml).unwrap()
    }

    fn holds(yaml: &str, value: Value) -> bool {
        match matcher(yaml).holds(Some(&value), &Variables::default()) {
            Ok(()) => true,
            Err(NotHeld::Mismatch(_)) => false,
            Err(NotHeld::Fault(fault)) => panic!("{fault}"),
        }
    }

    fn told(yaml: &str, value: Option<Value>) -> String {
        matcher(yaml)
            .holds(value.as_ref(), &Variables::default())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn every_matcher_tells_what_holds_from_what_does_not() {
        let cases: [(&str, Value, Value); 18] = [
            ("equals: 1", json!(1.0), json!(2)),
            (
                "equals: {a: 1, b: [2]}",
                json!({"b": [2.0], "a": 1}),
                json!({"a": 1, "b": [2], "c": 3}),
            ),
            (
                "equals: 18446744073709551615",
                json!(u64::MAX),
                json!(u64::MAX - 1),
            ),
            ("differs: x", json!("X"), json!("x")),
            (
                "equals_ignoring_case: Patient-open",
                json!("patient-OPEN"),
                json!("patient-close"),
            ),
            (
                "same_instant: 2026-03-01T09:30:00Z",
                json!("2026-03-01T09:30:00.000+00:00"),
                json!("2026-03-01T09:30:01Z"),
            ),
            (
                "same_instant: 2026-03-01T09:30:00Z",
                json!("2026-03-01T09:30:00"),
                json!(1772357400),
            ),
            (
                "same_events: Patient-open,Patient-close",
                json!("patient-close,Patient-Open"),
                json!("Patient-open"),
            ),
            ("matches: ^wss?://", json!("wss://x"), json!("https://x")),
            ("one_of: [200, 202]", json!(202.0), json!("200")),
            ("exists: true", json!(null), json!(null)),
            ("type: number", json!(1.5), json!("1.5")),
            ("type: 'null'", json!(null), json!(0)),
            ("empty: true", json!([]), json!([0])),
            ("empty: false", json!("x"), json!({})),
            (
                "contains: {/key: {equals: patient}, /resource/id: {exists: true}}",
                json!([{"key": "study"}, {"key": "patient", "resource": {"id": "p"}}]),
                json!([{"key": "patient"}, {"key": "study", "resource": {"id": "p"}}]),
            ),
            ("lacks: {'': {equals: 1}}", json!([2, 3]), json!([2, 1])),
            (
                "unguessable: t",
                json!(["wss://h/3f9c02d17a6be854a1d0", "wss://h/c81e64b07f25d39aee67"]),
                json!(["wss://h/t/1", "wss://h/t/2"]),
            ),
        ];
        for (yaml, held, missed) in cases {
            assert!(holds(yaml, held.clone()), "{yaml} holds of {held}");
            if yaml != "exists: true" {
                assert!(!holds(yaml, missed.clone()), "{yaml} does not hold of {missed}");
            }
        }
    }

    #[test]
    fn absence_is_a_value_for_exists_and_differs_only() {
        for (yaml, held) in [
            ("exists: false", true),
            ("exists: true", false),
            ("differs: 1", true),
            ("equals: null", false),
            ("empty: true", false),
            ("lacks: {/a: {equals: 1}}", false),
            ("contains: {}", false),
        ] {
            assert_eq!(
                matcher(yaml).holds(None, &Variables::default()).is_ok(),
                held,
                "{yaml}"
            );
        }
    }

    #[test]
    fn mismatches_are_told_in_words() {
        assert_eq!(
            told("equals: Patient-open", Some(json!("Patient-close"))),
            "expected \"Patient-open\", but found \"Patient-close\""
        );
        assert_eq!(
            told("type: number", Some(json!("200"))),
            "expected a number, but found \"200\""
        );
        assert_eq!(
            told("exists: true", None),
            "expected something, but found nothing"
        );
        assert_eq!(
            told(
                "same_instant: 2026-03-01T09:30:00Z",
                Some(json!("2026-03-01T09:30:01.5Z"))
            ),
            "expected the instant 2026-03-01T09:30:00Z, but found \"2026-03-01T09:30:01.5Z\" (+1.500 s)"
        );
        assert_eq!(
            told(
                "same_events: Patient-open,Patient-close",
                Some(json!("Home-open,patient-open"))
            ),
            "expected the events Patient-open,Patient-close in any order and case, but found \
             \"Home-open,patient-open\" (patient-close missing; home-open too many)"
        );
        assert_eq!(
            told(
                "contains: {/key: {equals: patient}}",
                Some(json!([{"key": "study"}, {"key": "report"}]))
            ),
            "expected an array with an element with \"patient\" at /key, but found 2 elements; in the nearest, /0, \
             /key has \"study\""
        );
        assert_eq!(
            told("lacks: {/key: {equals: a}}", Some(json!([{"key": "a"}]))),
            "expected no element with \"a\" at /key, but found one, at /0: {\"key\":\"a\"}"
        );
    }

    #[test]
    fn places_are_looked_at_one_by_one() {
        let has: BTreeMap<String, Matcher> = serde_saphyr::from_str(
            "{/id: {equals: '${id}'}, /event/context: {contains: {/key: {equals: patient}}}, /x: {exists: false}}",
        )
        .unwrap();
        let mut variables = Variables::default();
        variables.set("id", json!("1"));
        let value = json!({"id": "2", "event": {"context": []}});
        let found = mismatches(&has, Some(&value), &variables).unwrap();
        let pointers: Vec<&str> = found.iter().map(|mismatch| mismatch.pointer.as_str()).collect();
        assert_eq!(pointers, ["/event/context", "/id"]);
        assert_eq!(found[1].expected, "\"1\"");
    }

    #[test]
    fn what_is_wrong_with_the_scenario_is_no_mismatch() {
        for yaml in [
            "equals: '${unknown}'",
            "matches: '('",
            "same_instant: soon",
            "same_events: a,,b",
            "type: text",
            "contains: {key: {exists: true}}",
        ] {
            assert!(
                matches!(
                    matcher(yaml).holds(Some(&json!([])), &Variables::default()),
                    Err(NotHeld::Fault(_))
                ),
                "{yaml}"
            );
        }
    }
}
