//! Reading the outcome of a validation as requirements.
//!
//! The validator reports every keyword that it applied, with the place in the schema, the place in the message and
//! whether it held. What it did not apply (a branch not taken) is not there, so nothing is called satisfied that was not
//! judged. Inside of `if`, `not`, `anyOf` and `contains` keywords are questions, not demands: there the outer keyword
//! counts, and what lies below is passed over.

use jsonschema::{OutputUnit, Validator};
use serde_json::Value;

use super::assignment::{Assignment, Assignments, Rule};
use super::judgement::{Findings, Violation, shown};

/// What evaluation needs to know of the schemas.
pub(super) struct Reader<'a> {
    pub(super) assignments: &'a Assignments,
    /// The value at an absolute location, with its `#`.
    pub(super) resolve: &'a dyn Fn(&str) -> Option<&'a Value>,
    /// The readable name of an absolute location.
    pub(super) name: &'a dyn Fn(&str) -> String,
}

/// The requirement that holds from an outer schema object, and what it expects.
#[derive(Clone, Copy, Default)]
struct Scope<'a> {
    rule: Option<&'a Rule>,
    expected: Option<&'a str>,
}

impl<'a> Reader<'a> {
    /// Judges `value`; `prefix` is the JSON pointer at which it lies in what the caller judges.
    pub(super) fn judge(&self, validator: &Validator, value: &Value, prefix: &str, findings: &mut Findings) {
        let evaluation = validator.evaluate(value);
        let mut visit = Visit {
            reader: self,
            value,
            prefix,
            findings,
        };
        visit.schema(evaluation.root(), Scope::default());
    }
}

struct Visit<'v, 'a> {
    reader: &'v Reader<'a>,
    value: &'v Value,
    prefix: &'v str,
    findings: &'v mut Findings,
}

impl<'a> Visit<'_, 'a> {
    fn schema(&mut self, unit: OutputUnit<'_>, scope: Scope<'a>) {
        let own = self.reader.assignments.at(unit.schema_location());
        let scope = match own {
            // What an outer schema expects says nothing about an inner one with a requirement of its own.
            Some(own) if own.names_rules() || own.expected.is_some() => Scope {
                rule: scope.rule,
                expected: own.expected.as_deref(),
            },
            _ => scope,
        };
        self.required(&unit, own, scope);
        for child in unit.children() {
            let keyword = last(child.evaluation_path().as_str());
            let inner = Scope {
                rule: own.and_then(|assignment| assignment.rule(keyword)).or(scope.rule),
                ..scope
            };
            match keyword {
                "if" => self.branch_taken(child, own, scope),
                "$ref" => self.schema(child, inner),
                "required" => {}
                _ if is_demand(keyword) => self.demand(keyword, child, inner),
                _ => self.applied(child, inner),
            }
        }
    }

    /// Judged from the schema itself: the validator reports `required` only sometimes as a keyword of its own, and never
    /// which of several members is there.
    fn required(&mut self, unit: &OutputUnit<'_>, own: Option<&'a Assignment>, scope: Scope<'a>) {
        let Some(schema) = (self.reader.resolve)(unit.schema_location()) else {
            return;
        };
        let Some(required) = schema.get("required").and_then(Value::as_array) else {
            return;
        };
        let instance = unit.instance_location().as_str();
        let Some(value) = self.value.pointer(instance).filter(|value| value.is_object()) else {
            return;
        };
        let prefix = self.prefix;
        let location = || format!("{}/required", unit.schema_location());
        for member in required.iter().filter_map(Value::as_str) {
            let rule = own
                .and_then(|assignment| assignment.rule_of_member(member))
                .or(scope.rule);
            let message = || missing(&place(prefix, instance), member, scope.expected);
            let held = value.get(member).is_some();
            self.record(rule, held, instance, Some(member), location, message);
        }
    }

    /// Below `if` lie the condition, which demands nothing, and the branch that was taken.
    fn branch_taken(&mut self, unit: OutputUnit<'_>, own: Option<&'a Assignment>, scope: Scope<'a>) {
        for child in unit.children() {
            let branch = last(child.evaluation_path().as_str());
            if matches!(branch, "then" | "else") {
                let rule = own.and_then(|assignment| assignment.rule(branch)).or(scope.rule);
                self.schema(child, Scope { rule, ..scope });
            }
        }
    }

    /// A keyword that applies schemas to parts of the message: one child for each part or schema.
    fn applied(&mut self, unit: OutputUnit<'_>, scope: Scope<'a>) {
        for child in unit.children() {
            // `required` can hang below `properties`, where it does not belong.
            if child
                .evaluation_path()
                .as_str()
                .starts_with(unit.evaluation_path().as_str())
            {
                self.schema(child, scope);
            }
        }
    }

    fn demand(&mut self, keyword: &str, unit: OutputUnit<'_>, scope: Scope<'a>) {
        let instance = unit.instance_location().as_str();
        let Some(value) = self
            .value
            .pointer(instance)
            .filter(|value| concerns(keyword, value))
        else {
            return;
        };
        let (prefix, resolve) = (self.prefix, self.reader.resolve);
        let message = || {
            let plain = || plain(keyword, resolve(unit.schema_location()));
            let expected = scope.expected.map_or_else(plain, str::to_owned);
            format!(
                "{} is {}; expected {expected}",
                place(prefix, instance),
                shown(value)
            )
        };
        self.record(
            scope.rule,
            unit.valid(),
            instance,
            None,
            || unit.schema_location().to_owned(),
            message,
        );
    }

    fn record(
        &mut self,
        rule: Option<&Rule>,
        held: bool,
        instance: &str,
        member: Option<&str>,
        location: impl FnOnce() -> String,
        message: impl FnOnce() -> String,
    ) {
        let Some(rule) = rule else { return };
        if held {
            self.findings.held(&rule.id);
            return;
        }
        self.findings.violated(Violation {
            requirement: rule.id.clone(),
            unmet: rule.unmet,
            pointer: format!("{}{instance}", self.prefix),
            member: member.map(str::to_owned),
            message: message(),
            schema: (self.reader.name)(&location()),
        });
    }
}

fn place(prefix: &str, instance: &str) -> String {
    match (prefix, instance) {
        ("", "") => "the message".to_owned(),
        _ => format!("{prefix}{instance}"),
    }
}

fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_demand(keyword: &str) -> bool {
    matches!(
        keyword,
        "type"
            | "const"
            | "enum"
            | "not"
            | "anyOf"
            | "oneOf"
            | "contains"
            | "minContains"
            | "maxContains"
            | "propertyNames"
            | "minProperties"
            | "maxProperties"
            | "minItems"
            | "maxItems"
            | "uniqueItems"
            | "pattern"
            | "format"
            | "minLength"
            | "maxLength"
            | "minimum"
            | "maximum"
            | "exclusiveMinimum"
            | "exclusiveMaximum"
    )
}

/// Whether the keyword says anything about a value of this type.
fn concerns(keyword: &str, value: &Value) -> bool {
    match keyword {
        "propertyNames" | "minProperties" | "maxProperties" => value.is_object(),
        "contains" | "minContains" | "maxContains" | "minItems" | "maxItems" | "uniqueItems" => {
            value.is_array()
        }
        "pattern" | "format" | "minLength" | "maxLength" => value.is_string(),
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
        _ => true,
    }
}

fn missing(at: &str, member: &str, expected: Option<&str>) -> String {
    match expected {
        Some(expected) => format!("{at} has no '{member}'; expected {expected}"),
        None => format!("{at} has no '{member}'"),
    }
}

fn plain(keyword: &str, demanded: Option<&Value>) -> String {
    let Some(demanded) = demanded else {
        return format!("what '{keyword}' demands");
    };
    match keyword {
        "const" => demanded.to_string(),
        "enum" => format!("one of {demanded}"),
        "type" => match demanded {
            Value::Array(types) => types
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(" or "),
            one => format!("the type {}", one.as_str().unwrap_or_default()),
        },
        "minLength" | "minItems" if demanded == &Value::from(1) => "one that is not empty".to_owned(),
        _ => format!("{keyword} {demanded}"),
    }
}
