//! Findings in both directions: what breaks a requirement, and what excuses it.

use serde_json::json;

use super::*;
use crate::hub::example::{self, Example, Findings};
use crate::hub::{shortened, unjudged};
use crate::outcome::Traffic;
use crate::requirement::{Capability, RequirementId};
use crate::schema::Violation;

/// Requirements of every kind, so that no test depends on what the catalogue of today says.
const PAGE: &str = "version: STU3
page: https://example.com/
requirements:
  - {id: area.shall, level: SHALL, actor: hub, evidence: message, section: 2.4 Title, text: Words.}
  - {id: area.other, level: SHALL, actor: hub, evidence: message, section: 2.4 Title, text: Words.}
  - {id: area.should, level: SHOULD, actor: hub, evidence: message, section: 2.4 Title, text: Words.}
  - {id: area.may, level: MAY, actor: hub, section: 2.4 Title, text: Words.}
  - {id: area.content, level: SHALL, actor: hub, evidence: message, section: 2.4 Title, text: Words., capability: content_sharing}
  - {id: area.subscriber, level: SHALL, actor: subscriber, evidence: message, section: 2.4 Title, text: Words.}
";

/// A requirement of another version.
const EARLIER: &str = "version: STU2
page: https://example.com/
requirements:
  - {id: area.earlier, level: SHALL, actor: hub, evidence: message, section: 2.4 Title, text: Words.}
";

fn judge() -> Judge {
    let mut catalogue = Catalogue::default();
    catalogue.add_page("page.yaml", PAGE).unwrap();
    catalogue.add_page("earlier.yaml", EARLIER).unwrap();
    let mut judge = example::judge(Version::Stu3);
    judge.catalogue = Arc::new(catalogue);
    judge.claims = Arc::new(Claims::default());
    judge
}

fn breach(message: &str) -> Breach {
    Breach::new(message, Vec::new())
}

fn at(sequence: usize) -> Spot {
    let at = std::time::Duration::ZERO;
    Spot { sequence, at }
}

/// A transcript with so many entries.
fn transcript(entries: usize) -> Vec<Arc<Entry>> {
    let mut example = Example::new(Version::Stu3);
    for _ in 0..entries {
        example.add("viewer", Traffic::Connected);
    }
    example.conversation.transcript
}

fn ids(ids: &[&'static str]) -> BTreeSet<RequirementId> {
    ids.iter().map(|id| RequirementId::from(*id)).collect()
}

fn conclude(judge: Judge) -> Findings {
    conclude_with(judge, &[], &[])
}

fn conclude_with(judge: Judge, stated: &[&'static str], pending: &[&'static str]) -> Findings {
    let transcript = transcript(10);
    let (checks, observations) = judge.conclude(
        "area/scenario",
        &ids(stated),
        &ids(pending),
        "it ended",
        &transcript,
    );
    Findings { checks, observations }
}

fn told(findings: &Findings, requirement: &str) -> (Verdict, String) {
    let check = findings.check(requirement).unwrap();
    (check.verdict, check.message.clone())
}

#[test]
fn a_place_is_a_message_or_lies_within_one() {
    assert_eq!(Place::at(3).pointer, None);
    assert_eq!(Place::within(3, "").pointer, None);
    assert_eq!(Place::within(3, "/event").pointer.as_deref(), Some("/event"));
    assert_eq!(Place::within(3, "/event").sequence, 3);
    let answer = Example::new(Version::Stu3).exchange("viewer", 202, "");
    let places: Vec<usize> = Place::exchange(&answer)
        .iter()
        .map(|place| place.sequence)
        .collect();
    assert_eq!(places, [answer.request.sequence, answer.spot.sequence]);
}

#[test]
fn a_sentence_is_cut_after_three_hundred_characters() {
    for text in ["", "short", &"ä".repeat(300)] {
        assert_eq!(shortened(text), text);
    }
    assert_eq!(shortened(&"ä".repeat(301)), format!("{}…", "ä".repeat(300)));
}

#[test]
fn a_breach_weighs_by_level_and_reading() {
    for (requirement, unmet, verdict) in [
        ("area.shall", Unmet::ByLevel, Verdict::Fail),
        ("area.shall", Unmet::Warn, Verdict::Warn),
        ("area.shall", Unmet::Note, Verdict::Pass),
        ("area.should", Unmet::ByLevel, Verdict::Warn),
        ("area.should", Unmet::Note, Verdict::Pass),
        ("area.may", Unmet::ByLevel, Verdict::Pass),
    ] {
        let mut judge = judge();
        judge.broken(requirement, breach("it did not hold").softened(unmet));
        let findings = conclude(judge);
        assert_eq!(
            told(&findings, requirement),
            (verdict, "it did not hold".to_owned()),
            "{requirement} {unmet:?}"
        );
        assert_eq!(
            findings.observations.len(),
            usize::from(verdict == Verdict::Pass),
            "{requirement} {unmet:?}"
        );
    }
}

#[test]
fn a_check_carries_its_requirement_and_its_breach() {
    let mut judge = judge();
    let breach = breach("it did not hold").expecting("this").observing("that");
    judge.broken("area.shall", breach);
    let findings = conclude(judge);
    let check = findings.check("area.shall").unwrap();
    assert_eq!(check.id, "area/scenario/area.shall@STU3");
    assert_eq!(check.scenario, "area/scenario");
    assert_eq!(check.expected.as_deref(), Some("this"));
    assert_eq!(check.observed.as_deref(), Some("that"));
}

#[test]
fn what_was_tried_several_times_is_told_by_the_first_of_the_heaviest() {
    type Step = fn(&mut Judge);
    let held: Step = |judge| judge.held("area.shall");
    let inapplicable: Step = |judge| judge.inapplicable("area.shall", "no matter");
    let unreached: Step = |judge| judge.unreached("area.shall", "no way");
    let unreached_later: Step = |judge| judge.unreached("area.shall", "no way again");
    let warned: Step = |judge| judge.broken("area.shall", breach("odd").softened(Unmet::Warn));
    let broken: Step = |judge| judge.broken("area.shall", breach("wrong"));
    let broken_later: Step = |judge| judge.broken("area.shall", breach("wrong again"));
    let noted: Step = |judge| judge.broken("area.shall", breach("a reading").softened(Unmet::Note));
    let cases: [(&[Step], Verdict, &str); 12] = [
        (&[held], Verdict::Pass, "held"),
        (&[held, held], Verdict::Pass, "held 2 times"),
        (&[held, noted, held], Verdict::Pass, "held 3 times"),
        (&[noted, held], Verdict::Pass, "a reading"),
        (&[inapplicable], Verdict::Skip, "no matter"),
        (&[inapplicable, held], Verdict::Pass, "held"),
        (&[held, inapplicable], Verdict::Pass, "held"),
        (
            &[held, unreached, unreached_later],
            Verdict::Inconclusive,
            "no way",
        ),
        (&[unreached, warned, held], Verdict::Warn, "odd"),
        (&[warned, broken, broken_later], Verdict::Fail, "wrong"),
        (&[broken_later, warned, broken], Verdict::Fail, "wrong again"),
        (&[inapplicable, broken, unreached], Verdict::Fail, "wrong"),
    ];
    for (position, (steps, verdict, message)) in cases.into_iter().enumerate() {
        let mut judge = judge();
        for step in steps {
            step(&mut judge);
        }
        let findings = conclude(judge);
        assert_eq!(
            told(&findings, "area.shall"),
            (verdict, message.to_owned()),
            "case {position}"
        );
    }
}

#[test]
fn a_try_holds_unless_there_is_a_breach() {
    let mut judge = judge();
    judge.tried("area.shall", None);
    judge.tried("area.should", Some(breach("odd")));
    let findings = conclude(judge);
    assert_eq!(told(&findings, "area.shall"), (Verdict::Pass, "held".to_owned()));
    assert_eq!(told(&findings, "area.should"), (Verdict::Warn, "odd".to_owned()));
}

#[test]
fn what_was_not_seen_to_hold_takes_what_builds_on_it_along() {
    for (unheld, verdict, others) in [
        (
            Unheld::Inapplicable("why".to_owned()),
            Verdict::Skip,
            Verdict::Skip,
        ),
        (
            Unheld::Unreached("why".to_owned()),
            Verdict::Inconclusive,
            Verdict::Inconclusive,
        ),
        (
            Unheld::Broken(breach("why")),
            Verdict::Fail,
            Verdict::Inconclusive,
        ),
    ] {
        let mut judge = judge();
        judge.unheld("area.shall", ["area.other", "area.should"], unheld);
        let findings = conclude(judge);
        assert_eq!(told(&findings, "area.shall"), (verdict, "why".to_owned()));
        for requirement in ["area.other", "area.should"] {
            assert_eq!(told(&findings, requirement), (others, "why".to_owned()));
        }
    }
}

#[test]
fn what_the_version_does_not_state_is_not_judged() {
    let mut judge = judge();
    judge.broken("area.earlier", breach("wrong"));
    assert_eq!(judge.version(), Version::Stu3);
    assert_eq!(conclude(judge).checks, []);
}

#[test]
#[cfg(debug_assertions)]
#[should_panic = "no version states area.unknown"]
fn an_id_that_no_version_states_is_a_slip_of_ours() {
    judge().broken("area.unknown", breach("wrong"));
}

#[test]
fn what_the_hub_does_not_claim_is_skipped() {
    for claimed in [false, true] {
        let mut judge = judge();
        let mut claims = Claims::default();
        claims.set(Capability::ContentSharing, claimed, "the test");
        judge.claims = Arc::new(claims);
        judge.broken("area.content", breach("wrong"));
        judge.broken("area.content", breach("a reading").softened(Unmet::Note));
        let findings = conclude(judge);
        let expected = match claimed {
            true => (Verdict::Fail, "wrong".to_owned()),
            false => (
                Verdict::Skip,
                format!("the hub does not claim {}", Capability::ContentSharing),
            ),
        };
        assert_eq!(told(&findings, "area.content"), expected);
        assert_eq!(findings.observations.len(), usize::from(claimed));
    }
}

#[test]
fn a_refusal_counts_where_a_proper_request_of_its_kind_was_accepted() {
    let kinds = [
        RequestKind::Subscribe,
        RequestKind::Unsubscribe,
        RequestKind::Publish,
    ];
    for refused in kinds {
        for accepted in kinds {
            let mut judge = judge();
            judge.accepted(accepted);
            judge.refused("area.shall", refused, Place::at(7));
            let findings = conclude(judge);
            let expected = match refused == accepted {
                true => (Verdict::Pass, "held"),
                false => (
                    Verdict::Inconclusive,
                    "the hub refused this request, but accepted no proper one of its kind either (message 7)",
                ),
            };
            assert_eq!(told(&findings, "area.shall"), (expected.0, expected.1.to_owned()));
        }
    }
}

#[test]
fn a_refusal_counts_though_the_proper_request_came_later() {
    let mut judge = judge();
    judge.refused("area.shall", RequestKind::Publish, Place::at(1));
    judge.accepted(RequestKind::Publish);
    assert_eq!(conclude(judge).verdict("area.shall"), Some(Verdict::Pass));
}

#[test]
fn what_a_scenario_states_is_told_even_if_it_was_not_tried() {
    let mut judge = judge();
    judge.held("area.shall");
    judge.held("area.should");
    judge.broken("area.content", breach("wrong"));
    let mut claims = Claims::default();
    claims.set(Capability::ContentSharing, true, "the test");
    judge.claims = Arc::new(claims);
    let findings = conclude_with(
        judge,
        &["area.shall", "area.may"],
        &["area.should", "area.content", "area.other"],
    );
    let not_arisen = "what it depends on did not arise in this run of the scenario";
    for (requirement, verdict, message) in [
        ("area.shall", Verdict::Pass, "held"),
        ("area.may", Verdict::Skip, not_arisen),
        ("area.should", Verdict::Inconclusive, "it ended"),
        ("area.other", Verdict::Inconclusive, "it ended"),
        ("area.content", Verdict::Fail, "wrong"),
    ] {
        assert_eq!(
            told(&findings, requirement),
            (verdict, message.to_owned()),
            "{requirement}"
        );
    }
}

#[test]
fn what_is_stated_and_pending_could_not_be_tried() {
    let findings = conclude_with(judge(), &["area.shall"], &["area.shall"]);
    assert_eq!(
        told(&findings, "area.shall"),
        (Verdict::Inconclusive, "it ended".to_owned())
    );
}

#[test]
fn readings_are_told_once_in_the_order_in_which_they_were_seen() {
    let mut judge = judge();
    judge.reading("matter", "second");
    judge.reading("matter", "first");
    judge.reading("matter", "second");
    judge.reading("another", "first");
    let findings = conclude(judge);
    let told: Vec<(&str, &str)> = findings
        .observations
        .iter()
        .map(|observation| (observation.subject.as_str(), observation.reading.as_str()))
        .collect();
    assert_eq!(
        told,
        [("matter", "second"), ("matter", "first"), ("another", "first")]
    );
    let first = &findings.observations[0];
    assert_eq!(
        (first.scenario.as_str(), first.fhircast_version),
        ("area/scenario", Version::Stu3)
    );
}

#[test]
fn a_breach_that_passes_is_told_as_a_reading() {
    let mut judge = judge();
    judge.broken("area.shall", breach("a reading").softened(Unmet::Note));
    judge.broken("area.shall", breach("wrong"));
    let findings = conclude(judge);
    assert_eq!(findings.verdict("area.shall"), Some(Verdict::Fail));
    let [observation] = findings.observations.as_slice() else {
        panic!("{:?}", findings.observations);
    };
    assert_eq!(
        (observation.subject.as_str(), observation.reading.as_str()),
        ("area.shall", "a reading")
    );
}

#[test]
fn evidence_comes_in_order_once_and_from_the_transcript() {
    let mut judge = judge();
    let places = vec![
        Place::within(8, "/event"),
        Place::at(2),
        Place::at(99),
        Place::at(8),
        Place {
            sequence: 5,
            pointer: Some(String::new()),
        },
    ];
    judge.broken("area.shall", Breach::new("wrong", places));
    let findings = conclude(judge);
    assert_eq!(findings.evidence("area.shall"), [2, 5, 8]);
    let check = findings.check("area.shall").unwrap();
    let pointers: Vec<Option<&str>> = check
        .evidence
        .iter()
        .map(|evidence| evidence.pointer.as_deref())
        .collect();
    assert_eq!(pointers, [None, None, Some("/event")]);
}

#[test]
fn a_pass_has_no_evidence() {
    let mut judge = judge();
    judge.held("area.shall");
    let findings = conclude(judge);
    let check = findings.check("area.shall").unwrap();
    assert!(check.evidence.is_empty() && check.expected.is_none() && check.observed.is_none());
}

/// A violation of `area.shall`.
fn violation(pointer: &str, member: Option<&str>, unmet: Unmet) -> Violation {
    Violation {
        requirement: "area.shall".into(),
        unmet,
        pointer: pointer.to_owned(),
        member: member.map(str::to_owned),
        message: "the schema says so".to_owned(),
        schema: "notification.json".to_owned(),
    }
}

/// The message that is found wrong: `/event` in the message, whose parts are judged by themselves.
fn event() -> Value {
    json!({"context": [{"key": "patient"}], "name": "n", "list": [1], "a/b": {"c~d": {}}})
}

/// The verdict on a breach of another requirement at this place of message 4, where the event in it has this violation.
fn beside(violation: Violation, place: Place) -> (Verdict, String) {
    let mut judge = judge();
    let judgement = Judgement {
        satisfied: Vec::new(),
        violations: vec![violation],
    };
    judge.judgement(&judgement, &event(), at(4), "/event");
    judge.broken("area.other", Breach::new("wrong", vec![Place::at(1), place]));
    told(&conclude(judge), "area.other")
}

#[test]
fn what_a_schema_found_wrong_is_not_held_against_the_hub_again() {
    let excused = [
        // A value that is wrong is so with all that is in it.
        (
            violation("/context", None, Unmet::ByLevel),
            "/event/context",
            "/event/context",
        ),
        (
            violation("/context", None, Unmet::ByLevel),
            "/event/context/0/key",
            "/event/context",
        ),
        (
            violation("/name", None, Unmet::ByLevel),
            "/event/name",
            "/event/name",
        ),
        // What is missing is missing there alone.
        (
            violation("", Some("hub.topic"), Unmet::ByLevel),
            "/event/hub.topic",
            "/event/hub.topic",
        ),
        (
            violation("", Some("hub.topic"), Unmet::ByLevel),
            "/event/hub.topic/below",
            "/event/hub.topic",
        ),
        (
            violation("/a~1b", Some("e~/f"), Unmet::ByLevel),
            "/event/a~1b/e~0~1f",
            "/event/a~1b/e~0~1f",
        ),
        // An object that is wrong may be right in all else.
        (
            violation("/context/0", None, Unmet::ByLevel),
            "/event/context/0",
            "/event/context/0",
        ),
        (violation("", None, Unmet::ByLevel), "/event", "/event"),
    ];
    for (violation, pointer, named) in excused {
        let told = beside(violation, Place::within(4, pointer));
        assert_eq!(
            told,
            (
                Verdict::Inconclusive,
                format!("message 4 is malformed at {named} (area.shall), so this could not be tried")
            ),
            "{pointer}"
        );
    }
}

#[test]
fn what_is_wrong_elsewhere_is_held_against_the_hub() {
    let held_against = [
        (
            violation("/context", None, Unmet::ByLevel),
            Place::within(5, "/event/context"),
        ),
        (violation("/context", None, Unmet::ByLevel), Place::at(4)),
        (
            violation("/context", None, Unmet::ByLevel),
            Place::within(4, "/event"),
        ),
        (
            violation("/context", None, Unmet::ByLevel),
            Place::within(4, "/event/contextual"),
        ),
        (
            violation("/context", None, Unmet::Warn),
            Place::within(4, "/event/context"),
        ),
        (
            violation("/context/0", None, Unmet::ByLevel),
            Place::within(4, "/event/context/0/key"),
        ),
        (
            violation("", Some("hub.topic"), Unmet::ByLevel),
            Place::within(4, "/event"),
        ),
        (
            violation("", Some("hub.topic"), Unmet::ByLevel),
            Place::within(4, "/event/name"),
        ),
        (
            violation("", None, Unmet::ByLevel),
            Place::within(4, "/event/name"),
        ),
    ];
    for (violation, place) in held_against {
        let case = format!("{violation:?} {place:?}");
        assert_eq!(
            beside(violation, place),
            (Verdict::Fail, "wrong".to_owned()),
            "{case}"
        );
    }
}

#[test]
fn a_whole_message_that_is_malformed_excuses_what_is_said_of_a_place_in_it() {
    let mut judge = judge();
    let judgement = Judgement {
        satisfied: Vec::new(),
        violations: vec![violation("", None, Unmet::ByLevel)],
    };
    judge.judgement(&judgement, &json!([1, 2]), at(4), "");
    judge.broken(
        "area.other",
        Breach::new("wrong", vec![Place::within(4, "/event")]),
    );
    assert_eq!(
        told(&conclude(judge), "area.other"),
        (
            Verdict::Inconclusive,
            "message 4 is malformed (area.shall), so this could not be tried".to_owned()
        )
    );
}

#[test]
fn a_breach_stands_where_its_own_requirement_or_a_schema_found_it() {
    let mut judge = judge();
    let mut other = violation("/context", None, Unmet::ByLevel);
    other.requirement = "area.other".into();
    let judgement = Judgement {
        satisfied: Vec::new(),
        violations: vec![violation("/context", None, Unmet::ByLevel), other],
    };
    judge.judgement(&judgement, &event(), at(4), "/event");
    let findings = conclude(judge);
    assert_eq!(findings.verdict("area.shall"), Some(Verdict::Fail));
    assert_eq!(findings.verdict("area.other"), Some(Verdict::Fail));

    let mut judge = self::judge();
    let judgement = Judgement {
        satisfied: Vec::new(),
        violations: vec![violation("/context", None, Unmet::ByLevel)],
    };
    judge.broken(
        "area.shall",
        Breach::new("wrong", vec![Place::within(4, "/event/context")]),
    );
    judge.judgement(&judgement, &event(), at(4), "/event");
    assert_eq!(
        told(&conclude(judge), "area.shall"),
        (Verdict::Fail, "wrong".to_owned())
    );
}

#[test]
fn the_last_place_of_a_breach_is_where_it_is() {
    for (places, verdict) in [
        (
            vec![Place::within(4, "/event/context"), Place::at(6)],
            Verdict::Fail,
        ),
        (
            vec![Place::at(6), Place::within(4, "/event/context")],
            Verdict::Inconclusive,
        ),
        (Vec::new(), Verdict::Fail),
    ] {
        let mut judge = judge();
        let judgement = Judgement {
            satisfied: Vec::new(),
            violations: vec![violation("/context", None, Unmet::ByLevel)],
        };
        judge.broken("area.other", Breach::new("wrong", places));
        judge.judgement(&judgement, &event(), at(4), "/event");
        assert_eq!(conclude(judge).verdict("area.other"), Some(verdict));
    }
}

#[test]
fn a_schema_judges_hubs_by_what_binds_them() {
    let mut judge = judge();
    let mut of_subscriber = violation("/name", None, Unmet::ByLevel);
    of_subscriber.requirement = "area.subscriber".into();
    let judgement = Judgement {
        satisfied: vec!["area.other".into(), "area.subscriber".into()],
        violations: vec![violation("/context", None, Unmet::Warn), of_subscriber],
    };
    judge.judgement(&judgement, &event(), at(4), "/event");
    // The violation that does not bind the hub excuses nothing either.
    judge.broken(
        "area.should",
        Breach::new("wrong", vec![Place::within(4, "/event/name")]),
    );
    let findings = conclude(judge);
    assert_eq!(told(&findings, "area.other"), (Verdict::Pass, "held".to_owned()));
    assert_eq!(
        told(&findings, "area.shall"),
        (Verdict::Warn, "the schema says so".to_owned())
    );
    assert_eq!(findings.evidence("area.shall"), [4]);
    let evidence = &findings.check("area.shall").unwrap().evidence;
    assert_eq!(evidence[0].pointer.as_deref(), Some("/event/context"));
    assert_eq!(findings.verdict("area.subscriber"), None);
    assert_eq!(findings.verdict("area.should"), Some(Verdict::Warn));
}

#[test]
fn a_message_is_judged_by_its_schema() {
    let mut example = Example::with(&["viewer"]);
    let opened = example.publish("viewer", "Patient-open");
    for (spoil, verdict) in [(false, Verdict::Pass), (true, Verdict::Fail)] {
        let mut judge = example.judge();
        let mut message = example.notification(opened);
        if spoil {
            message["id"] = json!(7);
        }
        judge.message(MessageKind::Notification, &message, at(2));
        let findings = example.conclude(judge);
        assert_eq!(findings.verdict("notification.id"), Some(verdict));
        if spoil {
            assert_eq!(findings.evidence("notification.id"), [2]);
        }
    }
}

#[test]
fn an_event_of_the_hub_is_judged_by_the_schemas_of_its_context() {
    let requirement = crate::hub::ids::SYNC_ERROR_EVENT_ID;
    let lawful = example::sync_error("error", "event-0");
    let mut nameless = lawful.clone();
    nameless["event"]["context"][0]["resource"]["issue"][0]["details"]["coding"] = json!([]);
    for (message, verdict) in [(lawful, Verdict::Pass), (nameless, Verdict::Fail)] {
        let example = Example::with(&["viewer"]);
        let mut judge = example.judge();
        judge.event_of_hub("SyncError", &message["event"], at(2));
        let findings = example.conclude(judge);
        assert_eq!(findings.verdict(requirement), Some(verdict), "{message}");
        if verdict == Verdict::Fail {
            let evidence = &findings.check(requirement).unwrap().evidence;
            let pointer = evidence[0].pointer.as_deref().unwrap();
            assert!(pointer.starts_with("/event/context"), "{pointer}");
        }
    }
}

#[test]
fn a_version_knows_its_own_messages() {
    for (version, kind, known) in [
        (Version::Stu3, MessageKind::Confirmation, true),
        (Version::Stu3, MessageKind::IntentVerification, false),
        (Version::Stu1, MessageKind::IntentVerification, true),
        (Version::Stu1, MessageKind::Confirmation, false),
    ] {
        assert_eq!(example::judge(version).knows(kind), known, "{version} {kind:?}");
    }
}

#[test]
fn resources_of_the_hub_are_taken_once() {
    let mut judge = judge();
    let content = json!({"context": [{"key": "content", "resource": {"resourceType": "Bundle"}}]});
    for _ in 0..2 {
        judge.authored(crate::hub::authored_content(&content));
    }
    assert_eq!(judge.take_authored().len(), 2);
    assert!(judge.take_authored().is_empty());
}

#[test]
fn a_scenario_that_did_not_run_has_a_check_for_each_requirement_that_its_version_states() {
    let catalogue = judge().catalogue;
    let stated = ids(&["area.should", "area.earlier", "area.shall"]);
    let checks = unjudged(
        &catalogue,
        Version::Stu3,
        "area/scenario",
        &stated,
        Verdict::Inconclusive,
        "the hub is lost",
    );
    let told: Vec<(&str, Verdict, &str)> = checks
        .iter()
        .map(|check| (check.requirement.as_str(), check.verdict, check.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("area.shall", Verdict::Inconclusive, "the hub is lost"),
            ("area.should", Verdict::Inconclusive, "the hub is lost"),
        ]
    );
    assert_eq!(checks[0].scenario, "area/scenario");
}
