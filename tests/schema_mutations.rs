//! Every valid message of `tests/messages` is changed by the rules of `tests/messages/stu3/mutations.yaml`: what breaks a
//! requirement must be found to break just that one, and what may vary must be found clean.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod mutation_support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use castspec::protocol::Version;
use castspec::schema::{Judgement, MessageKind, Schemas, Unmet, Violation};

use mutation_support::change::{Change, JsonType, with, without};
use mutation_support::constraints::of_folder;
use mutation_support::pattern::{children, escaped};
use mutation_support::rule::{Freedom, Message, Place, Rules, Varying};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;

use serde_json::Value;

const MESSAGES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/messages/stu3");

static SCHEMAS: LazyLock<Schemas> = LazyLock::new(|| Schemas::load(Version::Stu3).unwrap());
static RULES: LazyLock<Rules> =
    LazyLock::new(|| Rules::read(&fs::read_to_string(Path::new(MESSAGES).join("mutations.yaml")).unwrap()));
static VALID: LazyLock<Vec<Message>> = LazyLock::new(|| {
    let mut messages = Vec::new();
    for kind in SCHEMAS.kinds() {
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
    let values: usize = all.iter().map(|(_, _, mutants)| mutants.len()).sum();
    let many = share == Share::InTurn && values > 60;
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

/// What came of applying the rules.
#[derive(Default)]
struct Outcome {
    mutants: usize,
    /// The requirements that were to be violated and were.
    broken: BTreeSet<String>,
    /// The places in the schemas that a mutant violated.
    constraints: BTreeSet<String>,
    wrong: Vec<String>,
}

/// Whether one place lies in the other.
fn is_near(one: &str, other: &str) -> bool {
    let lies_in = |inner: &str, outer: &str| {
        inner
            .strip_prefix(outer)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    lies_in(one, other) || lies_in(other, one)
}

fn break_all(share: Share) -> Outcome {
    let mut outcome = Outcome::default();
    for rule in &RULES.breaks {
        let made = made(&rule.place, &rule.change, share);
        if made.is_empty() {
            outcome
                .wrong
                .push(format!("{:?} at {} fits no message", rule.change, rule.place.at));
        }
        outcome.mutants += made.len();
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
            let elsewhere = wanted.iter().any(|id| {
                let mut violations = judgement
                    .violations
                    .iter()
                    .filter(|violation| violation.requirement == *id);
                !violations
                    .any(|violation| violation.schema == "agreement" || is_near(&violation.pointer, &pointer))
            });
            if missed || unrelated || elsewhere {
                outcome.wrong.push(format!(
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
                outcome.constraints.insert(violation.schema.clone());
                assert!(
                    mutant.pointer(&violation.pointer).is_some(),
                    "{violation:?} points nowhere in {mutant}"
                );
            }
            outcome.broken.extend(wanted);
        }
    }
    println!(
        "{} rules make {} mutants, which break {} requirements",
        RULES.breaks.len(),
        outcome.mutants,
        outcome.broken.len()
    );
    outcome
}

#[test]
fn every_mutant_breaks_what_its_rule_says_and_nothing_else() {
    let Outcome {
        mutants,
        broken,
        wrong,
        constraints,
    } = break_all(Share::InTurn);
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

    let demanded = of_folder("schemas/stu3");
    assert!(
        demanded.len() > 300,
        "only {} constraints were found",
        demanded.len()
    );
    let unreachable: BTreeSet<String> = RULES.unreachable.keys().cloned().collect();
    let missing: Vec<_> = demanded
        .difference(&constraints)
        .filter(|place| !unreachable.contains(*place))
        .collect();
    assert!(
        missing.is_empty(),
        "no rule violates the constraints {missing:#?}"
    );
    let needless: Vec<_> = unreachable
        .iter()
        .filter(|place| constraints.contains(*place) || !demanded.contains(*place))
        .collect();
    assert!(needless.is_empty(), "called unreachable in vain: {needless:?}");
    println!(
        "{} of {} constraints are violated",
        demanded.len() - unreachable.len(),
        demanded.len()
    );
}

#[test]
#[ignore = "takes half a minute: every value of every rule at every place"]
fn every_mutant_with_every_value() {
    let Outcome { mutants, wrong, .. } = break_all(Share::All);
    fail_with(&wrong);
    assert!(mutants > 13_000, "only {mutants} mutants");
}

/// What is wrong with a message, notes apart.
fn faults(kind: MessageKind, message: &Value) -> Vec<Violation> {
    let mut found = judge(kind, message).violations;
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
            let found = faults(message.kind, &mutant);
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

/// The variants of a message by one rule.
fn variants(message: &Message, place: &Place, change: &Change) -> Vec<(String, Message)> {
    let pointers = place.pointers(message).into_iter();
    pointers
        .flat_map(|pointer| {
            let mutants = change.mutants(&message.value, &pointer).into_iter();
            mutants.map(move |value| (pointer.clone(), message.changed(value)))
        })
        .collect()
}

/// Varies a message by one of the rules that fit it and are wanted.
fn varied(
    message: &Message,
    rule: Index,
    variant: Index,
    wanted: impl Fn(&Varying) -> bool,
) -> (&'static Varying, String, Message) {
    let first = rule.index(RULES.varies.len());
    let rules = RULES
        .varies
        .iter()
        .cycle()
        .skip(first)
        .take(RULES.varies.len())
        .filter(|rule| wanted(rule));
    // Every message can at least be written in another order.
    let (rule, variants) = rules
        .map(|rule| (rule, variants(message, &rule.place, &rule.change)))
        .find(|(_, variants)| !variants.is_empty())
        .unwrap();
    let (pointer, varied) = &variants[variant.index(variants.len())];
    (
        rule,
        format!("{:?} at {pointer}", rule.change),
        message.changed(varied.value.clone()),
    )
}

fn settings() -> ProptestConfig {
    ProptestConfig {
        cases: 300,
        failure_persistence: None,
        // The same in every run; another seed, or more cases, are for whoever changes rules or schemas.
        rng_seed: RngSeed::Fixed(4),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings())]

    #[test]
    fn two_variations_together_stay_clean(
        message in any::<Index>(),
        (one, one_variant) in any::<(Index, Index)>(),
        (other, other_variant) in any::<(Index, Index)>(),
    ) {
        let message = message.get(&VALID);
        let (rule, first, once) = varied(message, one, one_variant, |_| true);
        // Twice the same can be one too many, as a resource that an update has twice.
        let (_, second, twice) = varied(&once, other, other_variant, |other| !std::ptr::eq(other, rule));
        let found = faults(twice.kind, &twice.value);
        prop_assert!(
            found.is_empty(),
            "{}/{}: {first}, then {second} is no fault, but breaks{}",
            message.kind, message.file, shown(&found)
        );
    }

    #[test]
    fn no_variation_hides_a_fault(
        rule in any::<Index>(),
        (place, mutant) in any::<(Index, Index)>(),
        (variation, variant) in any::<(Index, Index)>(),
    ) {
        let rule = rule.get(&RULES.breaks);
        let fitting: Vec<_> = VALID.iter().filter(|message| !rule.place.pointers(message).is_empty()).collect();
        let message = *place.get(&fitting);
        let (_, how, varied) = varied(message, variation, variant, |rule| rule.not_beside_faults.is_none());
        let mutants = variants(&varied, &rule.place, &rule.change);
        // The variation may have taken away the place.
        prop_assume!(!mutants.is_empty());
        let (pointer, mutant) = mutant.get(&mutants);
        let judgement = judge(mutant.kind, &mutant.value);
        let found = violated(&judgement);
        for wanted in rule.violated(&varied) {
            prop_assert!(
                found.get(wanted.as_str()) == Some(&rule.severity.unmet()),
                "{}/{}: {how}, then {:?} at {pointer} must break {wanted} and breaks{}",
                message.kind, message.file, rule.change, shown(&judgement.violations)
            );
        }
    }
}

/// The pointers of all members and array entries outside of FHIR resources.
fn members(value: &Value, pointer: &str, found: &mut Vec<String>) {
    for (name, child) in children(value) {
        let pointer = format!("{pointer}/{}", escaped(&name));
        if child.get("resourceType").is_none() {
            members(child, &pointer, found);
        }
        found.push(pointer);
    }
}

#[test]
fn every_member_is_judged_or_free() {
    let mut probed = 0;
    let mut unnoticed = BTreeMap::new();
    let mut used = BTreeSet::new();
    for message in VALID.iter() {
        let before = judge(message.kind, &message.value);
        let before = violated(&before);
        let mut pointers = Vec::new();
        members(&message.value, "", &mut pointers);
        let free: Vec<(usize, Freedom, String)> = RULES
            .free
            .iter()
            .enumerate()
            .flat_map(|(row, free)| {
                let pointers = free.place.pointers(message).into_iter();
                pointers.flat_map(move |pointer| free.may.iter().map(move |may| (row, *may, pointer.clone())))
            })
            .collect();
        for pointer in pointers {
            let old = JsonType::of(message.value.pointer(&pointer).unwrap());
            let types = JsonType::ALL.into_iter().filter(|other| *other != old);
            let changes = types
                .map(|other| {
                    (
                        Freedom::from(other),
                        with(&message.value, &pointer, other.sample()),
                    )
                })
                .chain([(Freedom::Drop, without(&message.value, &pointer))]);
            for (freedom, mutant) in changes {
                probed += 1;
                let after = judge(message.kind, &mutant);
                let noticed = violated(&after)
                    .iter()
                    .any(|(id, unmet)| before.get(id).is_none_or(|known| unmet < known));
                if noticed {
                    continue;
                }
                let rows: Vec<_> = free
                    .iter()
                    .filter(|(_, may, at)| *may == freedom && *at == pointer)
                    .collect();
                used.extend(rows.iter().map(|(row, may, _)| (*row, *may)));
                if rows.is_empty() {
                    let place = format!("{} {} {pointer}", message.kind, message.event());
                    let files: &mut BTreeSet<_> = unnoticed.entry((place, freedom)).or_default();
                    files.insert(message.file.clone());
                }
            }
        }
    }
    println!("{probed} changes were tried outside of resources");
    let unnoticed: Vec<_> = unnoticed
        .iter()
        .map(|((place, freedom), files)| format!("{place}: {freedom:?} (in {files:?})"))
        .collect();
    assert!(unnoticed.is_empty(), "nobody notices:\n{}", unnoticed.join("\n"));
    for (row, free) in RULES.free.iter().enumerate() {
        assert!(!free.why.is_empty(), "{}: no reason", free.place.at);
        for may in &free.may {
            assert!(
                used.contains(&(row, *may)),
                "{} {may:?} is free in vain",
                free.place.at
            );
        }
    }
}
