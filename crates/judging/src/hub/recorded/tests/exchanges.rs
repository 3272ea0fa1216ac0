//! Requests to recorded hubs, and their answers.

use serde_json::{Value, json};

use super::recording::{EVENTS, HUB, Recording, TOPIC, notification};
use super::{FAIL, PASS, WARN};
use crate::hub::ids::{
    ENDPOINT_UNIQUE, HTTPS, PUBLISH_AT_HUB_URL, SUBSCRIBE_202, SUBSCRIBE_CONTENT_TYPE, UNSUBSCRIBE_202,
    UNSUBSCRIBE_ENDPOINT, WSS,
};
use crate::hub::parse_hub_url;
use crate::outcome::{Traffic, Verdict};
use crate::protocol::Version;
use crate::requirement::Capability;

/// The answer to a request for a subscription, as it is judged.
fn asked(hub: &str, status: u16, endpoint: &str) -> crate::hub::example::Findings {
    let mut recording = Recording::of(Version::Stu3, hub);
    let answer = json!({"hub.channel.endpoint": endpoint}).to_string();
    recording.post(
        "hub.mode=subscribe&hub.channel.type=websocket&hub.topic=session&hub.events=Patient-open",
        status,
        &answer,
    );
    recording.judged()
}

#[test]
fn an_accepted_subscription_is_judged_and_a_refused_one_is_not() {
    let endpoint = "wss://hub.example.com/ws/1";
    let accepted = asked(HUB, 202, endpoint);
    for requirement in [SUBSCRIBE_202, SUBSCRIBE_CONTENT_TYPE, ENDPOINT_UNIQUE, WSS] {
        assert_eq!(accepted.verdict(requirement), PASS, "{requirement}");
    }
    assert_eq!(asked(HUB, 200, endpoint).verdict(SUBSCRIBE_202), WARN);
    assert_eq!(asked(HUB, 404, endpoint).verdict(SUBSCRIBE_202), None);
}

#[test]
fn a_capture_without_tls_is_warned_of_or_noted() {
    let insecure = "ws://hub.example.com/ws/1";
    let secure = asked(HUB, 202, "wss://hub.example.com/ws/1");
    assert_eq!(secure.verdict(HTTPS), PASS);
    assert_eq!(asked(HUB, 202, insecure).verdict(WSS), FAIL);
    let plain = asked("http://hub.example.com/fhircast", 202, insecure);
    assert_eq!((plain.verdict(HTTPS), plain.verdict(WSS)), (WARN, WARN));
    let test_bed = asked("http://127.0.0.1:3000/fhircast", 202, "ws://127.0.0.1:3000/ws/1");
    assert_eq!((test_bed.verdict(HTTPS), test_bed.verdict(WSS)), (None, None));
}

#[test]
fn two_subscriptions_have_two_endpoints_and_a_changed_one_keeps_its_own() {
    let mut recording = Recording::with(&["viewer"]);
    recording.change(1, "subscribe", EVENTS, 202, &Recording::endpoint(1));
    let findings = recording.judged();
    assert_eq!(findings.verdict(ENDPOINT_UNIQUE), PASS);
    assert_eq!(recording.actors(), ["a client", "viewer (1)"]);
    recording.ask(TOPIC, "archive", EVENTS, &Recording::endpoint(1));
    assert_eq!(recording.verdict(ENDPOINT_UNIQUE), FAIL);
}

#[test]
fn a_changed_subscription_that_is_given_another_endpoint_goes_on_there() {
    let mut recording = Recording::with(&["viewer"]);
    recording.change(1, "subscribe", EVENTS, 202, &Recording::endpoint(2));
    recording.open(&Recording::endpoint(2));
    assert_eq!(recording.actors(), ["a client", "viewer (1)", "subscriber 2"]);
}

#[test]
fn the_answer_to_an_unsubscribe_names_its_endpoint() {
    let ended = |status: u16, given: u64| {
        let mut recording = Recording::with(&["viewer"]);
        let given = Recording::endpoint(given);
        recording.change(1, "unsubscribe", EVENTS, status, &given);
        let findings = recording.judged();
        [UNSUBSCRIBE_202, UNSUBSCRIBE_ENDPOINT].map(|requirement| findings.verdict(requirement))
    };
    assert_eq!(ended(202, 1), [PASS, PASS]);
    assert_eq!(ended(200, 1), [FAIL, PASS]);
    assert_eq!(ended(202, 2), [PASS, FAIL]);
    assert_eq!(ended(404, 2), [None, None]);
}

#[test]
fn events_that_are_taken_at_hub_url_show_that_it_takes_them() {
    for (url, status, verdict) in [
        (HUB.to_owned(), 202, PASS),
        (format!("{HUB}/"), 202, PASS),
        (format!("{HUB}/session"), 202, None),
        (HUB.to_owned(), 400, None),
    ] {
        let mut recording = Recording::new();
        let body = notification("one", "Patient-open").to_string();
        let request = recording.request("POST", &url, &body);
        recording.answer(request, status, "");
        assert_eq!(recording.verdict(PUBLISH_AT_HUB_URL), verdict, "{url} {status}");
    }
}

#[test]
fn who_publishes_stays_open() {
    let mut recording = Recording::with(&["viewer"]);
    recording.publish("one", "Patient-open");
    let transcript = recording.recorded().transcript;
    assert_eq!(transcript[5].actor, "a client");
    assert_eq!(transcript[6].actor, "a client");
}

/// The requirements that are broken by the answer to a GET.
fn answered(path: &str, status: u16, body: &Value) -> Vec<String> {
    let mut recording = Recording::new();
    let request = recording.request("GET", &format!("{HUB}{path}"), "");
    recording.answer(request, status, &body.to_string());
    let findings = recording.judged();
    findings.broken().into_iter().map(str::to_owned).collect()
}

#[test]
fn documents_are_judged_where_the_hub_gives_them() {
    let none: Vec<String> = Vec::new();
    let odd = json!([]);
    let configuration = "/.well-known/fhircast-configuration";
    assert_ne!(answered(configuration, 200, &odd), none);
    assert_eq!(answered(configuration, 404, &odd), none);
    assert_ne!(answered("/session", 200, &odd), none);
    assert_eq!(answered("/session", 404, &odd), none);
    assert_eq!(answered("/some/thing", 200, &odd), none);
    // Somebody else's document lies at another place.
    let elsewhere = format!("/below{configuration}");
    assert_eq!(answered(&elsewhere, 200, &odd), none);
}

#[test]
fn a_refused_web_socket_is_told_as_one() {
    let mut recording = Recording::new();
    recording.ask(TOPIC, "viewer", EVENTS, &Recording::endpoint(1));
    let request = recording.request("GET", &Recording::endpoint(1), "");
    recording.answer(request, 403, "no");
    let transcript = recording.recorded().transcript;
    assert_eq!(transcript[2].actor, "viewer (1)");
    assert!(matches!(&transcript[2].traffic, Traffic::Connect { .. }));
    assert!(matches!(
        &transcript[3].traffic,
        Traffic::ConnectFailed { status: Some(403), problem } if problem == "no"
    ));
}

/// What a hub claims that answered the request for its configuration like this.
fn claims(path: &str, status: u16, document: &Value, capability: Capability) -> bool {
    let mut recording = Recording::new();
    let request = recording.request("GET", &format!("{HUB}{path}"), "");
    recording.answer(request, status, &document.to_string());
    super::super::claims(Version::Stu3, &recording.conversation()).has(capability)
}

#[test]
fn a_configuration_document_says_what_a_hub_claims_and_without_one_it_claims_everything() {
    let configuration = "/.well-known/fhircast-configuration";
    let document = json!({"eventsSupported": ["Patient-open"], "getCurrentSupport": true});
    for (path, status, claims_selection) in [
        (configuration, 200, false),
        (configuration, 404, true),
        ("/below/.well-known/fhircast-configuration", 200, true),
        ("/session", 200, true),
    ] {
        let claimed = claims(path, status, &document, Capability::Selection);
        assert_eq!(claimed, claims_selection, "{path} {status}");
        assert!(claims(path, status, &document, Capability::GetCurrentContext));
    }
    // The last document counts.
    let mut recording = Recording::new();
    for listed in ["Patient-open", "DiagnosticReport-select"] {
        let request = recording.request("GET", &format!("{HUB}{configuration}"), "");
        recording.answer(request, 200, &json!({"eventsSupported": [listed]}).to_string());
    }
    let claims = super::super::claims(Version::Stu3, &recording.conversation());
    assert!(claims.has(Capability::Selection));
}

#[test]
fn the_url_of_a_hub_is_http_and_has_a_host() {
    assert!(parse_hub_url("https://hub.example.com/fhircast").is_ok());
    assert!(parse_hub_url("http://localhost:1").is_ok());
    for (text, problem) in [
        ("wss://hub.example.com", "its scheme is neither https nor http"),
        ("unix:/socket", "its scheme is neither https nor http"),
        ("hub", "relative URL without a base"),
    ] {
        let error = parse_hub_url(text).unwrap_err().to_string();
        assert!(error.contains(problem) && error.contains(text), "{error}");
    }
}

#[test]
fn an_empty_recording_has_nothing_to_judge() {
    let verdicts: Vec<Verdict> = Recording::new()
        .judged()
        .checks
        .iter()
        .map(|check| check.verdict)
        .collect();
    assert_eq!(verdicts, Vec::new());
}
