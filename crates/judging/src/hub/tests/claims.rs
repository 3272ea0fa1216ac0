//! What a hub claims, and how that is known.

use serde_json::{Value, json};

use crate::hub::Claims;
use crate::hub::claims::CAPABILITIES;
use crate::hub::example::events;
use crate::protocol::Version;
use crate::requirement::Capability;

fn claims(version: Version, document: &Value) -> Claims {
    Claims::from_configuration(version, Some(document))
}

/// The claims that are there, as yes or no and by what.
fn told(claims: &Claims, capability: Capability) -> (bool, String) {
    let all = claims.with_origins().into_iter();
    let mut found = all.filter(|(name, ..)| name == capability.name());
    let (_, claimed, from) = found.next().unwrap();
    assert_eq!(claimed, claims.has(capability));
    (claimed, from)
}

#[test]
fn stu1_has_webhooks_and_nothing_else() {
    let document = json!({"eventsSupported": ["Patient-open"], "getCurrentSupport": true});
    for claims in [
        claims(Version::Stu1, &document),
        Claims::from_configuration(Version::Stu1, None),
    ] {
        let claimed: Vec<Capability> = CAPABILITIES
            .into_iter()
            .filter(|capability| claims.has(*capability))
            .collect();
        assert_eq!(claimed, [Capability::Webhook]);
        assert_eq!(claims.events(), None);
    }
}

#[test]
fn content_and_selection_are_claimed_by_the_events_that_stu3_lists() {
    for (listed, content, selection) in [
        (json!(["Patient-open"]), false, false),
        (json!(["DiagnosticReport-update"]), true, false),
        (json!(["DiagnosticReport-select", 7, "*"]), false, true),
        (json!([]), false, false),
    ] {
        let document = json!({"eventsSupported": listed});
        let stu3 = claims(Version::Stu3, &document);
        assert_eq!(
            told(&stu3, Capability::ContentSharing),
            (content, "the update events that it lists".to_owned())
        );
        assert_eq!(
            told(&stu3, Capability::Selection),
            (selection, "the select events that it lists".to_owned())
        );
        let stu2 = claims(Version::Stu2, &document);
        for capability in [Capability::ContentSharing, Capability::Selection] {
            assert_eq!(told(&stu2, capability), (false, String::new()));
        }
    }
}

#[test]
fn the_events_are_those_that_the_document_lists() {
    let listed = |events: Value| claims(Version::Stu3, &json!({"eventsSupported": events}));
    assert_eq!(
        listed(json!(["Patient-open", "Patient-close"])).events(),
        Some(events("Patient-open,Patient-close").as_slice())
    );
    for none in [json!([]), json!([7]), json!("Patient-open")] {
        assert_eq!(listed(none.clone()).events(), None, "{none}");
    }
}

#[test]
fn a_scenario_may_use_what_is_listed_or_everybodys_business() {
    let some = claims(Version::Stu3, &json!({"eventsSupported": ["Patient-open"]}));
    for (event, lists) in [
        ("Patient-open", true),
        ("Patient-close", false),
        ("UserLogout", false),
        ("SyncError", true),
        ("org.example.viewer-opened", true),
    ] {
        let event = &events(event)[0];
        assert_eq!(some.lists(event), lists, "{event}");
        assert!(Claims::default().lists(event), "{event}");
    }
}

#[test]
fn either_flag_claims_the_current_context() {
    let from = "its configuration document";
    let nothing = (false, String::new());
    for (current, deprecated, expected) in [
        (json!(true), json!(null), (true, from.to_owned())),
        (json!(null), json!(true), (true, from.to_owned())),
        (json!(false), json!(true), (true, from.to_owned())),
        (json!(true), json!(false), (true, from.to_owned())),
        (json!(false), json!(null), (false, from.to_owned())),
        (json!(null), json!(false), (false, from.to_owned())),
        (json!(null), json!(null), nothing.clone()),
        (json!("true"), json!("true"), nothing),
    ] {
        let document = json!({
            "capabilities": {"supportsGetCurrentContext": current}, "getCurrentSupport": deprecated,
        });
        for version in [Version::Stu2, Version::Stu3] {
            let claims = claims(version, &document);
            assert_eq!(
                told(&claims, Capability::GetCurrentContext),
                expected,
                "{document}"
            );
        }
    }
}

#[test]
fn webhooks_are_claimed_in_stu2_alone() {
    for (version, flag, claimed, said) in [
        (Version::Stu2, json!(true), true, true),
        (Version::Stu2, json!(false), false, true),
        (Version::Stu2, json!(null), false, false),
        (Version::Stu3, json!(true), false, false),
    ] {
        let claims = claims(version, &json!({"webhookSupport": flag}));
        let (has, from) = told(&claims, Capability::Webhook);
        assert_eq!((has, !from.is_empty()), (claimed, said), "{version} {flag}");
    }
}

#[test]
fn updates_outside_the_current_context_are_claimed_by_their_flag() {
    for (flag, claimed, said) in [
        (json!(true), true, true),
        (json!(false), false, true),
        (json!(null), false, false),
    ] {
        let document = json!({"capabilities": {"supportsNonCurrentContextUpdates": flag}});
        let claims = claims(Version::Stu3, &document);
        let (has, from) = told(&claims, Capability::NonCurrentContextUpdates);
        assert_eq!((has, !from.is_empty()), (claimed, said), "{flag}");
    }
}

#[test]
fn the_word_of_the_operator_goes_before_the_documents() {
    let mut claims = claims(Version::Stu3, &json!({"getCurrentSupport": true}));
    claims.set(Capability::GetCurrentContext, false, "the operator");
    assert_eq!(
        told(&claims, Capability::GetCurrentContext),
        (false, "the operator".to_owned())
    );
}

#[test]
fn all_capabilities_are_told_as_yes_or_no() {
    let mut claims = Claims::default();
    claims.set(Capability::Selection, true, "the test");
    let told = claims.to_json();
    assert_eq!(told.len(), CAPABILITIES.len());
    assert_eq!(claims.with_origins().len(), CAPABILITIES.len());
    for capability in CAPABILITIES {
        let yes = capability == Capability::Selection;
        assert_eq!(told.get(capability.name()), Some(&json!(yes)), "{capability}");
    }
}
