#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::session::SubscriberId;

fn rule(rule: Value) -> Rule {
    serde_json::from_value(rule).expect("a rule")
}

fn notification(event: &str) -> String {
    json!({"id": "1", "event": {"hub.topic": "t", "hub.event": event, "context": []}}).to_string()
}

fn delivery<'a>(subscriber: u64, name: Option<&'a str>, text: &'a str) -> Delivery<'a> {
    Delivery {
        topic: "t",
        subscriber: Some(SubscriberId::from_number(subscriber)),
        name,
        kind: DeliveryKind::Notification,
        text,
    }
}

#[test]
fn a_rule_is_about_what_agrees_with_everything_that_it_says() {
    let open = notification("Patient-open");
    let opening = delivery(2, Some("viewer"), &open);
    for (to, met) in [
        (json!({}), true),
        (json!({"topic": "t"}), true),
        (json!({"topic": "T"}), false),
        (json!({"subscriber": 2}), true),
        (json!({"subscriber": 1}), false),
        (json!({"subscriber": "viewer"}), true),
        (json!({"subscriber": "2"}), false),
        (json!({"event": "patient-OPEN"}), true),
        (json!({"event": "Patient-close"}), false),
        (json!({"message": "notification"}), true),
        (json!({"message": "denial"}), false),
        (json!({"subscriber": "viewer", "event": "Patient-close"}), false),
    ] {
        let rules = FaultRules::default();
        rules.add(rule(json!({"do": "drop", "to": to.clone()}))).unwrap();
        let expected = if met { Action::Drop } else { Action::Send };
        assert_eq!(rules.decide(&opening), expected, "{to}");
    }
    let denial = json!({"hub.mode": "denied", "hub.topic": "t"}).to_string();
    let confirmation = json!({"hub.mode": "subscribe", "hub.topic": "t"}).to_string();
    let rules = FaultRules::default();
    rules
        .add(rule(json!({"do": "drop", "to": {"message": "denial"}})))
        .unwrap();
    rules
        .add(rule(json!({"do": "cut", "to": {"message": "confirmation"}})))
        .unwrap();
    assert_eq!(rules.decide(&delivery(1, None, &denial)), Action::Drop);
    assert_eq!(rules.decide(&delivery(1, None, &confirmation)), Action::Cut);
    assert_eq!(rules.decide(&delivery(1, None, "no JSON")), Action::Send);
}

#[test]
fn the_first_rule_that_has_not_done_its_part_happens() {
    let rules = FaultRules::default();
    assert!(rules.is_empty());
    let first = rules.add(rule(json!({"do": "drop", "times": 1}))).unwrap();
    let second = rules.add(rule(json!({"do": {"delay": {"ms": 5}}}))).unwrap();
    let text = notification("Patient-open");
    let meet = || rules.decide(&delivery(1, None, &text));
    assert_eq!(meet(), Action::Drop);
    assert_eq!(meet(), Action::Delay(Duration::from_millis(5)));
    let counts: Vec<_> = rules
        .list()
        .iter()
        .map(|active| (active.id, active.met, active.done))
        .collect();
    assert_eq!(counts, [(first, 2, 1), (second, 1, 1)]);
    assert!(rules.remove(second) && !rules.remove(second));
    assert_eq!(meet(), Action::Send);
    assert!(rules.remove(first));
    assert!(rules.is_empty());
}

#[test]
fn what_cannot_be_carried_out_is_no_rule() {
    for (wrong, pointer) in [
        (
            json!({"do": {"duplicate": {"copies": 0}}}),
            "/do/duplicate/copies",
        ),
        (json!({"do": {"reorder": {"of": 1}}}), "/do/reorder/of"),
        (json!({"do": {"delay": {"ms": 3_600_001}}}), "/do/delay/ms"),
        (json!({"do": {"close": {"code": 1006}}}), "/do/close/code"),
        (json!({"do": {"close": {"code": 999}}}), "/do/close/code"),
        (
            json!({"do": {"close": {"code": 4000, "reason": "x".repeat(124)}}}),
            "/do/close/reason",
        ),
    ] {
        let error = FaultRules::default().add(rule(wrong)).unwrap_err();
        assert_eq!(error.pointer, pointer, "{error}");
    }
    for nonsense in [
        json!({}),
        json!({"do": "dropp"}),
        json!({"do": "drop", "for": 3}),
        json!({"do": "drop", "to": {"subscribers": 1}}),
        json!({"do": {"corrupt": {}}}),
        json!({"do": {"delay": {}}}),
    ] {
        assert!(
            serde_json::from_value::<Rule>(nonsense.clone()).is_err(),
            "{nonsense}"
        );
    }
}

#[test]
fn a_text_is_patched_cut_short_or_replaced() {
    let corrupt = |corruption: Value, text: &str| {
        let corruption: Corruption = serde_json::from_value(corruption).expect("a corruption");
        corruption.corrupt(text)
    };
    let patch = json!({"patch": [
        {"op": "replace", "path": "/event/hub.event", "value": "Patient-close"},
        {"op": "remove", "path": "/id"},
    ]});
    let patched = corrupt(patch.clone(), &notification("Patient-open"));
    let patched: Value = serde_json::from_str(&patched).unwrap();
    assert_eq!(
        patched,
        json!({"event": {"hub.topic": "t", "hub.event": "Patient-close", "context": []}})
    );
    assert_eq!(corrupt(patch, "{\"other\":1}"), "{\"other\":1}");
    assert_eq!(corrupt(json!({"truncate": {"bytes": 2}}), "aüb"), "a");
    assert_eq!(corrupt(json!({"truncate": {"bytes": 9}}), "aüb"), "aüb");
    assert_eq!(corrupt(json!({"text": "{"}), "aüb"), "{");
}

#[derive(Debug, Clone)]
enum Step {
    Deliver(u64, Action),
    Pass(u64),
    Release(u64),
    End(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let action = prop_oneof![
        2 => Just(Action::Send),
        1 => Just(Action::Drop),
        2 => (0u64..40).prop_map(|ms| Action::Delay(Duration::from_millis(ms))),
        1 => (1u8..4).prop_map(Action::Duplicate),
        1 => (1u64..3).prop_map(|rule| Action::Hold(RuleId(rule))),
        1 => (3u64..5, 2u8..4).prop_map(|(rule, of)| Action::Reorder { rule: RuleId(rule), of }),
    ];
    let step = prop_oneof![
        8 => (1u64..4, action).prop_map(|(subscriber, action)| Step::Deliver(subscriber, action)),
        3 => (0u64..30).prop_map(Step::Pass),
        1 => (1u64..5).prop_map(Step::Release),
        1 => (1u64..4).prop_map(Step::End),
    ];
    proptest::collection::vec(step, 0..60)
}

#[test]
fn a_patch_that_doubles_a_message_ends_where_it_must() {
    let open = notification("Patient-open");
    let patching = |operations: Vec<Value>| {
        let rules = FaultRules::default();
        rules
            .add(rule(json!({"do": {"corrupt": {"patch": operations}}})))
            .unwrap();
        rules.decide(&delivery(1, None, &open))
    };
    let begin = json!({"op": "add", "path": "/x", "value": []});
    let double = json!({"op": "copy", "from": "", "path": "/x/-"});
    let doubling = |times: usize| {
        let copies = std::iter::repeat_n(double.clone(), times);
        patching(std::iter::once(begin.clone()).chain(copies).collect())
    };
    let Action::Rewrite(doubled) = doubling(3) else {
        panic!("a small one is made");
    };
    assert!(doubled.len() > 4 * open.len());
    assert_eq!(doubling(60), Action::Rewrite(open.clone()), "the text stays");
    // Each is a level deeper, and small.
    let wrap = json!({"op": "move", "from": "/id", "path": "/event/id"});
    let deeper = [
        json!({"op": "add", "path": "/a", "value": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}}),
        json!({"op": "copy", "from": "/a", "path": "/a/a/a/a/a/a/a/a"}),
        json!({"op": "copy", "from": "/a", "path": "/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"}),
    ];
    assert_ne!(
        patching([&[wrap], &deeper[..]].concat()),
        Action::Rewrite(open.clone())
    );
    let depth = |levels: usize| "/a".repeat(levels);
    let mut further = deeper[..1].to_vec();
    for levels in [8, 16, 32, 64, 128] {
        further.push(json!({"op": "copy", "from": "/a", "path": depth(levels)}));
    }
    assert_eq!(
        patching(further),
        Action::Rewrite(open.clone()),
        "too deep for readers of JSON"
    );
}

#[test]
fn rules_have_bounds() {
    let many = vec![json!({"op": "test", "path": "/id", "value": "1"}); 101];
    let add = |value: Value| FaultRules::default().add(rule(value));
    let refused = add(json!({"do": {"corrupt": {"patch": many}}})).unwrap_err();
    assert_eq!(refused.pointer, "/do/corrupt/patch");
    let refused = add(json!({"do": {"corrupt": {"text": "x".repeat(5 << 20)}}})).unwrap_err();
    assert_eq!(refused.pointer, "/do/corrupt/text");
    assert!(add(json!({"do": {"corrupt": {"patch": many[..100]}}})).is_ok());
}

proptest! {
    /// Nothing is lost but what is dropped or was for somebody who has left, nothing is invented but copies, and nothing is
    /// early.
    #[test]
    fn everything_leaves_as_often_as_it_should(steps in steps()) {
        let mut queue = DelayQueue::default();
        let mut now = Duration::ZERO;
        let mut owed: Vec<(u64, usize, usize, Option<Duration>)> = Vec::new();
        let mut left = Vec::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Deliver(subscriber, action) => {
                    let (times, earliest) = match &action {
                        Action::Drop => (0, None),
                        Action::Duplicate(copies) => (usize::from(*copies) + 1, None),
                        Action::Delay(delay) => (1, Some(now + *delay)),
                        _ => (1, None),
                    };
                    owed.push((subscriber, number, times, earliest));
                    let receiver = Some(SubscriberId::from_number(subscriber));
                    let leaving = queue.take(&action, receiver, number, now);
                    left.extend(leaving.into_iter().map(|number| (now, number)));
                }
                Step::Pass(ms) => {
                    now += Duration::from_millis(ms);
                    let waits_until = queue.next_deadline();
                    let due = queue.due(now);
                    prop_assert_eq!(waits_until.is_some_and(|until| until <= now), !due.is_empty());
                    left.extend(due.into_iter().map(|number| (now, number)));
                }
                Step::Release(rule) => {
                    let released = queue.release(RuleId(rule));
                    left.extend(released.into_iter().map(|number| (now, number)));
                }
                Step::End(subscriber) => {
                    queue.forget(SubscriberId::from_number(subscriber));
                    owed.retain(|(receiver, number, ..)| {
                        *receiver != subscriber || left.iter().any(|(_, other)| other == number)
                    });
                }
            }
        }
        now += Duration::from_secs(1);
        left.extend(queue.due(now).into_iter().map(|number| (now, number)));
        for rule in 1..5 {
            left.extend(queue.release(RuleId(rule)).into_iter().map(|number| (now, number)));
        }
        prop_assert_eq!(queue.waiting(), 0);
        for (_, number, times, earliest) in &owed {
            let leavings: Vec<_> = left.iter().filter(|(_, left)| left == number).collect();
            prop_assert_eq!(leavings.len(), *times, "number {}", number);
            for (at, _) in leavings {
                prop_assert!(earliest.is_none_or(|earliest| *at >= earliest));
            }
        }
        let owed_in_all: usize = owed.iter().map(|(_, _, times, _)| times).sum();
        prop_assert_eq!(left.len(), owed_in_all);
    }

    /// As many are met, passed over and done as the rule says.
    #[test]
    fn a_rule_counts(skip in 0u64..6, times in proptest::option::of(0u64..6), deliveries in 0u64..20) {
        let rules = FaultRules::default();
        let mut dropping = rule(json!({"do": "drop", "skip": skip}));
        dropping.times = times;
        rules.add(dropping).unwrap();
        let text = notification("Patient-open");
        let dropped: Vec<u64> = (0..deliveries)
            .filter(|_| rules.decide(&delivery(1, None, &text)) == Action::Drop)
            .collect();
        let end = times.map_or(deliveries, |times| deliveries.min(skip + times));
        prop_assert_eq!(dropped.len() as u64, end.saturating_sub(skip));
        prop_assert!(dropped.iter().zip(skip..).all(|(number, expected)| *number == expected));
        let [counted] = &rules.list()[..] else { panic!("one rule") };
        prop_assert_eq!((counted.met, counted.done), (deliveries, dropped.len() as u64));
    }

    /// What is delayed as long keeps its order; a reordered group leaves backwards.
    #[test]
    fn order_is_kept_or_turned_round(number in 2u8..20) {
        let mut queue = DelayQueue::default();
        let subscriber = Some(SubscriberId::from_number(1));
        let delay = Action::Delay(Duration::from_millis(7));
        for number in 0..number {
            prop_assert!(queue.take(&delay, subscriber, number, Duration::ZERO).is_empty());
        }
        prop_assert!(queue.due(Duration::from_millis(6)).is_empty());
        let due = queue.due(Duration::from_millis(7));
        prop_assert_eq!(due, (0..number).collect::<Vec<_>>());

        let reorder = Action::Reorder { rule: RuleId(1), of: number };
        let mut leaving = Vec::new();
        for number in 0..number {
            prop_assert!(leaving.is_empty());
            leaving = queue.take(&reorder, subscriber, number, Duration::ZERO);
        }
        prop_assert_eq!(leaving, (0..number).rev().collect::<Vec<_>>());
    }
}
