//! Conditions on steps and expectations.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// The condition on a step or an expectation; without one, it always holds.
pub type When = Option<Condition>;

/// The keys of a condition that is put together from others.
const WORDS: [&str; 2] = ["all", "any"];

/// A condition, and where it stands.
#[derive(Debug, Clone)]
pub struct Condition {
    /// The condition.
    pub kind: ConditionKind,
    /// The place in the file.
    pub place: Location,
}

/// The forms of a condition.
#[derive(Debug, Clone)]
pub enum ConditionKind {
    /// `NAME` or `not NAME`.
    Variable(String),
    /// All of these hold; those after the first that does not are not looked at.
    All(Vec<Condition>),
    /// One of these holds; those after it are not looked at.
    Any(Vec<Condition>),
}

impl Condition {
    /// The names that it looks at.
    pub fn names(&self) -> Vec<&str> {
        match &self.kind {
            ConditionKind::Variable(text) => {
                let text = text.trim();
                vec![text.strip_prefix("not ").map_or(text, str::trim)]
            }
            ConditionKind::All(conditions) | ConditionKind::Any(conditions) => {
                conditions.iter().flat_map(Self::names).collect()
            }
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (conditions, between) = match &self.kind {
            ConditionKind::Variable(text) => return f.write_str(text.trim()),
            ConditionKind::All(conditions) => (conditions, " and "),
            ConditionKind::Any(conditions) => (conditions, " or "),
        };
        for (index, condition) in conditions.iter().enumerate() {
            if index > 0 {
                f.write_str(between)?;
            }
            match &condition.kind {
                ConditionKind::Variable(_) => condition.fmt(f)?,
                _ => write!(f, "({condition})")?,
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Spanned::<Written>::deserialize(deserializer)?;
        Ok(Self {
            kind: written.value.0,
            place: written.referenced,
        })
    }
}

struct Written(ConditionKind);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NAME, 'not NAME', or a map with 'all' or 'any'")
    }

    fn visit_str<E>(self, text: &str) -> Result<Written, E> {
        Ok(Written(ConditionKind::Variable(text.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        let Some(word) = map.next_key::<String>()? else {
            return Err(A::Error::custom("a condition has one key: all or any"));
        };
        let kind = match word.as_str() {
            "all" => ConditionKind::All(map.next_value()?),
            "any" => ConditionKind::Any(map.next_value()?),
            _ => return Err(A::Error::unknown_variant(&word, &WORDS)),
        };
        match map.next_key::<String>()? {
            None => Ok(Written(kind)),
            Some(_) => Err(A::Error::custom("a condition has one key: all or any")),
        }
    }
}

impl JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "when".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let condition = generator.subschema_for::<Self>();
        json_schema!({
            "title": "Condition",
            "description": "Holds when this variable is true: NAME or 'not NAME'. claims.CAPABILITY says whether the hub claims a \
                capability. fhircast.STU2 says whether the scenario is played under that version. With 'all' or 'any', \
                all or one of several conditions must hold.",
            "anyOf": [
                {
                    "type": "string",
                    "pattern": r"^\s*(not\s+)?[A-Za-z0-9_.-]+(#(/.*)?)?\s*$",
                },
                {
                    "type": "object",
                    "properties": {
                        "all": {"description": "All of these hold.", "type": "array", "items": condition, "minItems": 1},
                        "any": {"description": "One of these holds.", "type": "array", "items": condition, "minItems": 1},
                    },
                    "additionalProperties": false,
                    "minProperties": 1,
                    "maxProperties": 1,
                },
            ],
            "examples": ["claims.content_sharing", "not claims.selection", {"all": ["answer.accepted", "not denied"]}],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(yaml: &str) -> Result<Condition, serde_saphyr::Error> {
        serde_saphyr::from_str(yaml)
    }

    #[test]
    fn conditions_are_written_as_one_reads_them() {
        for (yaml, text) in [
            ("answer.accepted", "answer.accepted"),
            ("not told", "not told"),
            ("{all: [a, not b]}", "a and not b"),
            ("{any: [a, {all: [b, {any: [c, d]}]}]}", "a or (b and (c or d))"),
        ] {
            assert_eq!(parse(yaml).unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_maps_and_lists_are_no_conditions() {
        for yaml in ["{}", "[a]", "{both: [a]}", "{all: a}", "{all: [a], any: [b]}"] {
            assert!(parse(yaml).is_err(), "{yaml}");
        }
    }
}
