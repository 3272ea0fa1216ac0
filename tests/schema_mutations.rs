//! Every valid message of `tests/messages` is changed by the rules of `tests/messages/stu3/mutations.yaml`: what breaks a
//! requirement must be found to break just that one, and what may vary must be found clean.

#![allow(clippy::unwrap_used, clippy::panic)]

mod mutation_support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use castspec::protocol::Version;
use castspec::schema::{Judgement, MessageKind, Schemas, Unmet, Violation};

use mutation_support::change::Change;
use mutation_support::rule::{Message, Place, Rules};

use serde_json::Value;

const MESSAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages/stu3");

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::load(Version::Stu3).unwrap());
static RULES: LazyLock<Rules> =
    LazyLock::new(|| Rules::read(&fs::read_to_string(Path::new(MESSAGES).join("mutations.yaml")).unwrap()));
static VALID: LazyLock<Vec<Message>> = LazyLock::new(|| {
    let mut messages = Vec::new();
    for kind in MessageKind::ALL {
        let folder = Path::new(MESSAGES).join("valid").join(kind.name());
        let mut paths: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        messages.extend(paths.into_iter().map(|path| Message {
            kind,
            file: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            value: serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap(),
        }));
    }
    messages
});

fn judge(kind: MessageKind, message: &Value) -> Judgement {
    let judgement = SCHEMAS.judge(kind, message);
    let Some(event) = message.get("event") else {
        return judgement;
    };
    let name = event.get("hub.event").and_then(Value::as_str).unwrap_or_default();
    judgement.join(SCHEMAS.judge_context_of(kind.sender(), name, event), "/event")
}

/// What is violated, each requirement with the gravest that it comes to.
fn violated(judgement: &Judgement) -> BTreeMap<&str, Unmet> {
    let mut found: BTreeMap<&str, Unmet> = BTreeMap::new();
    for violation in &judgement.violations {
        let gravest = found.entry(&violation.requirement).or_insert(violation.unmet);
        *gravest = violation.unmet.min(*gravest);
    }
    found
}

fn shown(violations: &[Violation]) -> String {
    let lines = violations.iter().map(|violation| {
        format!(
            "\n    {} ({:?}): {}",
            violation.requirement, violation.unmet, violation.message
        )
    });
    lines.collect()
}

fn fail_with(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// How many of a rule's values each place gets.
#[derive(Clone, Copy, PartialEq)]
enum Share {
    All,
    /// Some in turn, so that each value comes up where the rule has enough places.
    InTurn,
}

/// One message made by a rule.
struct Made<'a> {
    message: &'a Message,
    pointer: String,
    mutant: Value,
}

fn made<'a>(place: &Place, change: &Change, share: Share) -> Vec<Made<'a>> {
    let mut all = Vec::new();
    for message in VALID.iter() {
        for pointer in place.pointers(message) {
            let mutants = change.mutants(&message.value, &pointer);
            all.push((message, pointer, mutants));
        }
    }
    let many = share == Share::InTurn && all.len() > 6;
    let mut made = Vec::new();
    for (turn, (message, pointer, mutants)) in all.into_iter().enumerate() {
        let count = mutants.len();
        for (index, mutant) in mutants.into_iter().enumerate() {
            if !many || index == turn % count {
                made.push(Made {
                    message,
                    pointer: pointer.clone(),
                    mutant,
                });
            }
        }
    }
    made
}

/// Applies the rules, and tells how many mutants they make, what they break, and what is wrong.
fn break_all(share: Share) -> (usize, BTreeSet<String>, Vec<String>) {
    let mut mutants = 0;
    let mut broken = BTreeSet::new();
    let mut wrong = Vec::new();
    for rule in &RULES.breaks {
        let made = made(&rule.place, &rule.change, share);
        if made.is_empty() {
            wrong.push(format!("{:?} at {} fits no message", rule.change, rule.place.at));
        }
        mutants += made.len();
        for Made {
            message,
            pointer,
            mutant,
        } in made
        {
            let wanted = rule.violated(message);
            let judgement = judge(message.kind, &mutant);
            let found = violated(&judgement);
            let missed = wanted
                .iter()
                .any(|id| found.get(id.as_str()) != Some(&rule.severity.unmet()));
            let unrelated = found.iter().any(|(id, unmet)| {
                *unmet != Unmet::Note
                    && !wanted.iter().any(|wanted| wanted == id)
                    && !rule.tolerates(message, id)
            });
            if missed || unrelated {
                wrong.push(format!(
                    "{}/{}: {:?} at {pointer} (rule {}) must break {wanted:?} as {:?} and breaks{}",
                    message.kind,
                    message.file,
                    rule.change,
                    rule.place.at,
                    rule.severity,
                    shown(&judgement.violations)
                ));
            }
            for violation in &judgement.violations {
                assert!(
                    mutant.pointer(&violation.pointer).is_some(),
                    "{violation:?} points nowhere in {mutant}"
                );
            }
            broken.extend(wanted);
        }
    }
    println!(
        "{} rules make {mutants} mutants, which break {} requirements",
        RULES.breaks.len(),
        broken.len()
    );
    (mutants, broken, wrong)
}

#[test]
fn every_mutant_breaks_what_its_rule_says_and_nothing_else() {
    let (mutants, broken, wrong) = break_all(Share::InTurn);
    fail_with(&wrong);
    assert!(mutants > 4000, "only {mutants} mutants");

    let named: BTreeSet<String> = SCHEMAS.requirements().into_keys().collect();
    let unbroken: BTreeSet<String> = RULES.unbroken.keys().cloned().collect();
    let missing: Vec<_> = named
        .difference(&broken)
        .filter(|id| !unbroken.contains(*id))
        .collect();
    assert!(missing.is_empty(), "no rule breaks {missing:#?}");
    let needless: Vec<_> = unbroken
        .iter()
        .filter(|id| broken.contains(*id) || !named.contains(*id))
        .collect();
    assert!(needless.is_empty(), "excepted in vain: {needless:?}");
}

#[test]
#[ignore = "takes half a minute: every value of every rule at every place"]
fn every_mutant_with_every_value() {
    let (mutants, _, wrong) = break_all(Share::All);
    fail_with(&wrong);
    assert!(mutants > 13_000, "only {mutants} mutants");
}

/// What is said of a mutant that was not said of the message: nothing, where it is as good.
fn news(message: &Message, mutant: &Value) -> Vec<Violation> {
    let known = judge(message.kind, &message.value);
    let known = violated(&known);
    let mut found = judge(message.kind, mutant).violations;
    found.retain(|violation| !known.contains_key(violation.requirement.as_str()));
    found
}

fn is_worse(message: &Message, mutant: &Value) -> Vec<Violation> {
    let mut found = news(message, mutant);
    found.retain(|violation| violation.unmet != Unmet::Note);
    found
}

#[test]
fn what_may_vary_stays_clean() {
    let mut wrong = Vec::new();
    let mut variants = 0;
    for rule in &RULES.varies {
        let made = made(&rule.place, &rule.change, Share::InTurn);
        if made.is_empty() {
            wrong.push(format!("{:?} at {} fits no message", rule.change, rule.place.at));
        }
        variants += made.len();
        for Made {
            message,
            pointer,
            mutant,
        } in made
        {
            let found = is_worse(message, &mutant);
            if !found.is_empty() {
                wrong.push(format!(
                    "{}/{}: {:?} at {pointer} is no fault, but breaks{}",
                    message.kind,
                    message.file,
                    rule.change,
                    shown(&found)
                ));
            }
        }
    }
    println!("{} rules make {variants} variants", RULES.varies.len());
    fail_with(&wrong);
    assert!(variants > 100, "only {variants} variants");
}
