//! No JSON may bring the judging of messages down, whatever kind it is taken for.

#![no_main]

use std::sync::LazyLock;

use castspec_fhircast::protocol::Version;
use castspec_fhircast::schema::{MessageKind, Schemas};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

static SCHEMAS: LazyLock<Schemas> =
    LazyLock::new(|| Schemas::load(Version::Stu3).expect("the embedded schemas are in order"));

fuzz_target!(|text: &str| {
    let Ok(message) = serde_json::from_str::<Value>(text) else {
        return;
    };
    if let Some(kind) = MessageKind::detect(&message) {
        let _ = SCHEMAS.judge(kind, &message);
    }
    let event = message.get("event").unwrap_or(&message);
    let name = event
        .get("hub.event")
        .and_then(Value::as_str)
        .unwrap_or("Patient-open");
    let _ = SCHEMAS.judge_context(name, event);
});
