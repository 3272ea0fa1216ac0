//! Which requirement a keyword of a schema enforces: the keyword `x-requirement`.
//!
//! Beside the keywords of a schema object stands
//!
//! - an id: it covers all of them, and those of the schemas below, also behind `$ref`, that have no id of their own;
//! - an object from keyword to id: it covers just these. `required` may map each member's name to an id;
//! - in place of an id, `{"id": …, "unmet": "warn" | "note"}` where the specification can be read otherwise.
//!
//! `x-expected` says in a few words what is expected there, for the sentence that reports a violation.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::judgement::Unmet;
use crate::json_pointer;
use crate::requirement::RequirementId;

/// A requirement's id and what it means that it is unmet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) id: RequirementId,
    pub(super) unmet: Unmet,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Cover {
    One(Rule),
    ByMember(HashMap<String, Rule>),
}

/// What one schema object assigns to its keywords.
#[derive(Debug, Default)]
pub(super) struct Assignment {
    all: Option<Rule>,
    by_keyword: HashMap<String, Cover>,
    pub(super) expected: Option<String>,
}

impl Assignment {
    /// Whether this object names requirements at all.
    pub(super) fn names_rules(&self) -> bool {
        self.all.is_some() || !self.by_keyword.is_empty()
    }

    /// The rule of a keyword, where this object names one.
    pub(super) fn rule(&self, keyword: &str) -> Option<&Rule> {
        match self.by_keyword.get(keyword) {
            Some(Cover::One(rule)) => Some(rule),
            _ => self.all.as_ref(),
        }
    }

    /// The rule of one name in `required`, where this object names one.
    pub(super) fn rule_of_member(&self, member: &str) -> Option<&Rule> {
        match self.by_keyword.get("required") {
            Some(Cover::ByMember(rules)) => rules.get(member).or(self.all.as_ref()),
            _ => self.rule("required"),
        }
    }

    fn ids(&self) -> impl Iterator<Item = &RequirementId> {
        let by_keyword = self.by_keyword.values().flat_map(|cover| match cover {
            Cover::One(rule) => vec![&rule.id],
            Cover::ByMember(rules) => rules.values().map(|rule| &rule.id).collect(),
        });
        self.all.iter().map(|rule| &rule.id).chain(by_keyword)
    }

    fn read(schema: &Map<String, Value>) -> Result<Option<Self>, String> {
        let expected = match schema.get("x-expected") {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => return Err("x-expected is no string".to_owned()),
        };
        let mut assignment = Self {
            expected,
            ..Self::default()
        };
        match schema.get("x-requirement") {
            None if assignment.expected.is_none() => return Ok(None),
            None => {}
            Some(Value::Object(map)) if !map.contains_key("unmet") => {
                for (keyword, cover) in map {
                    if !schema.contains_key(keyword) {
                        return Err(format!(
                            "x-requirement names '{keyword}', which does not stand beside it"
                        ));
                    }
                    assignment
                        .by_keyword
                        .insert(keyword.clone(), read_cover(keyword, cover)?);
                }
            }
            Some(rule) => assignment.all = Some(read_rule(rule)?),
        }
        Ok(Some(assignment))
    }
}

fn read_cover(keyword: &str, cover: &Value) -> Result<Cover, String> {
    match cover {
        Value::Object(members) if keyword == "required" && !members.contains_key("unmet") => {
            let rules = members
                .iter()
                .map(|(name, rule)| Ok((name.clone(), read_rule(rule)?)));
            Ok(Cover::ByMember(rules.collect::<Result<_, String>>()?))
        }
        rule => Ok(Cover::One(read_rule(rule)?)),
    }
}

fn read_rule(rule: &Value) -> Result<Rule, String> {
    let wrong =
        || "x-requirement holds neither an id nor {\"id\": …, \"unmet\": \"warn\" | \"note\"}".to_owned();
    if let Some(id) = rule.as_str() {
        return Ok(Rule {
            id: RequirementId::new(id),
            unmet: Unmet::ByLevel,
        });
    }
    let id = rule.get("id").and_then(Value::as_str).ok_or_else(wrong)?;
    let unmet = match rule.get("unmet").and_then(Value::as_str) {
        Some("warn") => Unmet::Warn,
        Some("note") => Unmet::Note,
        _ => return Err(wrong()),
    };
    Ok(Rule {
        id: RequirementId::new(id),
        unmet,
    })
}

/// The assignments of all schema objects, by the absolute location that evaluation reports.
#[derive(Debug, Default)]
pub(super) struct Assignments {
    by_location: HashMap<String, Assignment>,
}

impl Assignments {
    pub(super) fn at(&self, location: &str) -> Option<&Assignment> {
        self.by_location.get(location)
    }

    /// Reads all assignments of one schema file; `Err` has the JSON pointer and what is wrong there.
    pub(super) fn add(&mut self, uri: &str, schema: &Value) -> Result<(), (String, String)> {
        self.add_below(uri, schema, &mut String::new())
    }

    fn add_below(&mut self, uri: &str, schema: &Value, pointer: &mut String) -> Result<(), (String, String)> {
        let (steps, object): (Vec<(String, &Value)>, _) = match schema {
            Value::Object(map) => (
                map.iter()
                    .map(|(name, value)| (json_pointer::escaped(name), value))
                    .collect(),
                Some(map),
            ),
            Value::Array(list) => (
                list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
                None,
            ),
            _ => return Ok(()),
        };
        if let Some(map) = object
            && let Some(assignment) = Assignment::read(map).map_err(|message| (pointer.clone(), message))?
        {
            self.by_location.insert(format!("{uri}#{pointer}"), assignment);
        }
        let length = pointer.len();
        for (step, value) in steps {
            if matches!(step.as_str(), "x-requirement" | "const" | "enum" | "required") {
                continue;
            }
            pointer.push('/');
            pointer.push_str(&step);
            self.add_below(uri, value, pointer)?;
            pointer.truncate(length);
        }
        Ok(())
    }

    /// Every id with the files that name it; `file` tells a file by its URI.
    pub(super) fn ids(&self, file: impl Fn(&str) -> String) -> BTreeMap<RequirementId, Vec<String>> {
        let mut ids: BTreeMap<RequirementId, Vec<String>> = BTreeMap::new();
        for (location, assignment) in &self.by_location {
            let name = file(location.split('#').next().unwrap_or(location));
            for id in assignment.ids() {
                ids.entry(id.clone()).or_default().push(name.clone());
            }
        }
        for files in ids.values_mut() {
            files.sort();
            files.dedup();
        }
        ids
    }
}
