//! Any trouble rule is taken or refused with a place, and what it makes of a delivery is bounded, JSON Patches too.

#![no_main]

use castspec_hub::faults::{Action, Delivery, DeliveryKind, FaultRules, Rule};
use libfuzzer_sys::fuzz_target;

const TEXT: &str = r#"{"timestamp":"2026-03-01T09:30:00.000Z","id":"e-1","event":{"hub.topic":"t","hub.event":"Patient-open","context":[{"key":"patient","resource":{"resourceType":"Patient","id":"p"}}]}}"#;
/// The largest text that a delivery may become, with room for its punctuation.
const LARGEST: usize = 10 << 20;

fuzz_target!(|text: &str| {
    let Ok(rule) = serde_json::from_str::<Rule>(text) else {
        return;
    };
    let written = serde_json::to_string(&rule).expect("a rule is JSON");
    let again: Rule = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(again, rule);
    let rules = FaultRules::default();
    let id = match rules.add(rule) {
        Ok(id) => id,
        Err(error) => {
            assert!(!error.problem.is_empty());
            return;
        }
    };
    for text in [TEXT, "no JSON", ""] {
        let delivery = Delivery {
            topic: "t",
            subscriber: None,
            name: Some("viewer"),
            kind: DeliveryKind::Notification,
            text,
        };
        if let Action::Rewrite(text) = rules.decide(&delivery) {
            assert!(text.len() <= LARGEST, "{} bytes", text.len());
        }
    }
    assert!(rules.remove(id) && rules.is_empty());
});
