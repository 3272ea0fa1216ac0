//! Every valid message of `tests/messages` is changed by the rules of its version's `mutations.yaml`: what breaks a
//! requirement must be found to break just that one, and what may vary must be found clean.

use std::collections::{BTreeMap, BTreeSet};

use castspec_fhircast::protocol::Version;
use castspec_fhircast::requirement::RequirementId;
use castspec_fhircast::schema::{Judgement, Unmet, Violation};

use crate::mutation_support::bench::{BENCHES, Bench, SCHEMAS, folder_of, judge};
use crate::mutation_support::change::{Change, JsonType, with, without};
use crate::mutation_support::constraints::of_folder;
use crate::mutation_support::pattern::{children, escaped};
use crate::mutation_support::rule::{Freedom, Message, Place, Varying};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;

use serde_json::Value;

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

fn made<'a>(bench: &'a Bench, place: &Place, change: &Change, share: Share) -> Vec<Made<'a>> {
    let mut all = Vec::new();
    for message in &bench.valid {
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
    broken: BTreeSet<(Version, RequirementId)>,
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

fn break_all(bench: &Bench, share: Share) -> Outcome {
    let mut outcome = Outcome::default();
    for rule in &bench.rules.breaks {
        let made = made(bench, &rule.place, &rule.change, share);
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
            let judgement = judge(message, &mutant);
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
                    .filter(|violation| violation.requirement == id.as_str());
                !violations
                    .any(|violation| violation.schema == "agreement" || is_near(&violation.pointer, &pointer))
            });
            if missed || unrelated || elsewhere {
                outcome.wrong.push(format!(
                    "{} {}: {:?} at {pointer} (rule {}) must break {wanted:?} as {:?} and breaks{}",
                    message.version,
                    message.path(),
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
            outcome.broken.extend(
                wanted
                    .into_iter()
                    .map(|id| (message.version, RequirementId::new(id))),
            );
        }
    }
    println!(
        "{} rules make {} mutants, which break {} requirements",
        bench.rules.breaks.len(),
        outcome.mutants,
        outcome.broken.len()
    );
    outcome
}

#[test]
fn every_mutant_breaks_what_its_rule_says_and_nothing_else() {
    for bench in BENCHES.iter() {
        let outcome = break_all(bench, Share::InTurn);
        fail_with(&outcome.wrong);
        let (least, _) = bench.mutants;
        assert!(outcome.mutants > least, "only {} mutants", outcome.mutants);
        every_requirement_is_broken(bench, &outcome.broken);
        every_constraint_is_violated(bench, &outcome.constraints);
    }
}

fn every_requirement_is_broken(bench: &Bench, broken: &BTreeSet<(Version, RequirementId)>) {
    let mut never = BTreeSet::new();
    for version in bench.versions {
        let named = SCHEMAS[version].requirements().into_keys();
        never.extend(
            named
                .map(|id| (*version, id))
                .filter(|requirement| !broken.contains(requirement)),
        );
    }
    let unbroken = &bench.rules.unbroken;
    let missing: Vec<_> = never
        .iter()
        .filter(|(_, id)| !unbroken.contains_key(id.as_str()))
        .collect();
    assert!(missing.is_empty(), "no rule breaks {missing:#?}");
    let needless: Vec<_> = unbroken
        .keys()
        .filter(|id| !never.iter().any(|(_, other)| other == id.as_str()))
        .collect();
    assert!(needless.is_empty(), "excepted in vain: {needless:?}");
}

fn every_constraint_is_violated(bench: &Bench, violated: &BTreeSet<String>) {
    let folders = bench.versions.iter().map(|version| folder_of(*version));
    let demanded: BTreeSet<String> = folders
        .flat_map(|folder| of_folder(&format!("schemas/{folder}")))
        .collect();
    assert!(
        demanded.len() > bench.constraints,
        "only {} constraints were found",
        demanded.len()
    );
    let unreachable = &bench.rules.unreachable;
    let missing: Vec<_> = demanded
        .difference(violated)
        .filter(|place| !unreachable.contains_key(*place))
        .collect();
    assert!(
        missing.is_empty(),
        "no rule violates the constraints {missing:#?}"
    );
    let needless: Vec<_> = unreachable
        .keys()
        .filter(|place| violated.contains(*place) || !demanded.contains(*place))
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
    for bench in BENCHES.iter() {
        let outcome = break_all(bench, Share::All);
        fail_with(&outcome.wrong);
        let (_, least) = bench.mutants;
        assert!(outcome.mutants > least, "only {} mutants", outcome.mutants);
    }
}

/// What is wrong with what became of a message, notes apart.
fn faults(message: &Message, value: &Value) -> Vec<Violation> {
    let mut found = judge(message, value).violations;
    found.retain(|violation| violation.unmet != Unmet::Note);
    found
}

#[test]
fn what_may_vary_stays_clean() {
    for bench in BENCHES.iter() {
        let mut wrong = Vec::new();
        let mut variants = 0;
        for rule in &bench.rules.varies {
            let made = made(bench, &rule.place, &rule.change, Share::InTurn);
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
                let found = faults(message, &mutant);
                if !found.is_empty() {
                    wrong.push(format!(
                        "{} {}: {:?} at {pointer} is no fault, but breaks{}",
                        message.version,
                        message.path(),
                        rule.change,
                        shown(&found)
                    ));
                }
            }
        }
        println!("{} rules make {variants} variants", bench.rules.varies.len());
        fail_with(&wrong);
        assert!(variants > bench.variants, "only {variants} variants");
    }
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
fn varied<'a>(
    bench: &'a Bench,
    message: &Message,
    rule: Index,
    variant: Index,
    wanted: impl Fn(&Varying) -> bool,
) -> (&'a Varying, String, Message) {
    let all = &bench.rules.varies;
    let first = rule.index(all.len());
    let rules = all
        .iter()
        .cycle()
        .skip(first)
        .take(all.len())
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
        bench in 0..2_usize,
        message in any::<Index>(),
        (one, one_variant) in any::<(Index, Index)>(),
        (other, other_variant) in any::<(Index, Index)>(),
    ) {
        let bench = &BENCHES[bench];
        let message = message.get(&bench.valid);
        let (rule, first, once) = varied(bench, message, one, one_variant, |_| true);
        // Twice the same can be one too many, as a resource that an update has twice.
        let (_, second, twice) = varied(bench, &once, other, other_variant, |other| !std::ptr::eq(other, rule));
        let found = faults(&twice, &twice.value);
        prop_assert!(
            found.is_empty(),
            "{} {}: {first}, then {second} is no fault, but breaks{}",
            message.version, message.path(), shown(&found)
        );
    }

    #[test]
    fn no_variation_hides_a_fault(
        bench in 0..2_usize,
        rule in any::<Index>(),
        (place, mutant) in any::<(Index, Index)>(),
        (variation, variant) in any::<(Index, Index)>(),
    ) {
        let bench = &BENCHES[bench];
        let rule = rule.get(&bench.rules.breaks);
        let fitting: Vec<_> = bench.valid.iter().filter(|message| !rule.place.pointers(message).is_empty()).collect();
        let message = *place.get(&fitting);
        let (_, how, varied) = varied(bench, message, variation, variant, |rule| rule.not_beside_faults.is_none());
        let mutants = variants(&varied, &rule.place, &rule.change);
        // The variation may have taken away the place.
        prop_assume!(!mutants.is_empty());
        let (pointer, mutant) = mutant.get(&mutants);
        let judgement = judge(mutant, &mutant.value);
        let found = violated(&judgement);
        for wanted in rule.violated(&varied) {
            prop_assert!(
                found.get(wanted.as_str()) == Some(&rule.severity.unmet()),
                "{} {}: {how}, then {:?} at {pointer} must break {wanted} and breaks{}",
                message.version, message.path(), rule.change, shown(&judgement.violations)
            );
        }
    }
}

/// The pointers of all members and array entries outside of FHIR resources.
fn members(value: &Value, pointer: &str, found: &mut Vec<String>) {
    if value.get("resourceType").is_some() {
        return;
    }
    for (name, child) in children(value) {
        let pointer = format!("{pointer}/{}", escaped(&name));
        members(child, &pointer, found);
        found.push(pointer);
    }
}

#[test]
fn every_member_is_judged_or_free() {
    for bench in BENCHES.iter() {
        every_member_of(bench);
    }
}

fn every_member_of(bench: &Bench) {
    let mut probed = 0;
    let mut unnoticed = BTreeMap::new();
    let mut used = BTreeSet::new();
    for message in &bench.valid {
        let before = judge(message, &message.value);
        let before = violated(&before);
        let mut pointers = Vec::new();
        members(&message.value, "", &mut pointers);
        let free: Vec<(usize, Freedom, String)> = bench
            .rules
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
                let after = judge(message, &mutant);
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
                    let place = format!(
                        "{} {} {} {pointer}",
                        message.version,
                        message.kind,
                        message.event()
                    );
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
    for (row, free) in bench.rules.free.iter().enumerate() {
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
