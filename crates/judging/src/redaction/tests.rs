use serde_json::{Value, json};

use super::*;

const TOKEN: &str = "Xy7+secret/of=the&hub \"quoted\"";

fn marker_in(text: &str) -> String {
    let at = text.find(forms::MARKER).expect(text);
    text[at..at + forms::MARKER.len() + 8].to_owned()
}

#[test]
fn equal_secrets_have_equal_markers_and_others_others() {
    let redactor = Redactor::default();
    assert_eq!(redactor.marker("one"), redactor.marker("one"));
    assert_ne!(redactor.marker("one"), redactor.marker("two"));
    assert_ne!(redactor.marker("one"), Redactor::default().marker("one"));
    let once = redactor.marker("one");
    assert_eq!(redactor.marker(&once), once);
}

#[test]
fn a_known_secret_is_found_in_every_spelling() {
    let redactor = Redactor::default();
    redactor.know(TOKEN);
    let form: String = url::form_urlencoded::byte_serialize(TOKEN.as_bytes()).collect();
    let expected = redactor.marker(TOKEN);
    for text in [
        format!("the token {TOKEN} is refused"),
        format!("https://h/?x={form}&y=1"),
        format!("https://h/?x={}&y=1", form.replace('+', "%20")),
        json!({"error": format!("no such token: {TOKEN}")}).to_string(),
    ] {
        let shown = redactor.text(&text);
        assert!(!shown.contains("secret"), "{shown}");
        assert_eq!(marker_in(&shown), expected, "{shown}");
    }
}

#[test]
fn what_has_the_form_of_a_secret_is_hidden_and_the_rest_stays() {
    let redactor = Redactor::default();
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtZSJ9.c2lnbmF0dXJl";
    for (text, secret) in [
        ("Authorization: Bearer abcdef123456", "abcdef123456"),
        ("https://h/?access_token=s3cr%2B3t&x=1", "s3cr%2B3t"),
        ("callback=http%3A%2F%2Fh%2Fc%3Ftoken%3Ds3cr3t&x=1", "s3cr3t"),
        ("hub.mode=subscribe&hub.secret=s3cr3t&hub.topic=t", "s3cr3t"),
        ("{\"access_token\": \"s3cr3t\", \"expires_in\": 5}", "s3cr3t"),
        ("{\"error\": \"{\\\"hub.secret\\\":\\\"s3cr3t\\\"}\"}", "s3cr3t"),
        ("https://user:s3cr3t@h/fhircast", "s3cr3t"),
        (jwt, "eyJ"),
        ("code=s3cr3t&state=x", "s3cr3t"),
    ] {
        let shown = redactor.text(text);
        assert!(!shown.contains(secret), "{shown}");
        assert!(shown.contains(forms::MARKER), "{shown}");
        assert_eq!(redactor.text(&shown), shown, "hidden once, it stays as it is");
    }
    for text in [
        "Bearer realm=\"hub\", error=\"invalid_token\"",
        "the bearer authorization of a subscriber",
        "a basic requirement",
        "{\"coding\": [{\"code\": \"Patient-open\"}]}",
        "hub.mode=subscribe&hub.secret=&hub.topic=t",
        "https://h/fhircast?topic=t@u",
        "wss://h/socket/0123456789abcdef",
    ] {
        assert_eq!(redactor.text(text), text);
    }
    let endpoints = Redactor::new(false, true);
    let shown = endpoints.text("{\"hub.channel.endpoint\": \"wss://h:1/socket/0123456789abcdef\"}");
    assert!(shown.contains("wss://h:1/socket/redacted-"), "{shown}");
}

#[test]
fn of_headers_with_credentials_only_scheme_and_names_are_shown() {
    let redactor = Redactor::default();
    let mark = |text: &str| redactor.marker(text);
    for (name, value, shown) in [
        ("Authorization", "Bearer abc", format!("Bearer {}", mark("abc"))),
        ("authorization", "abc", mark("abc")),
        (
            "Cookie",
            "a=abc; b=def",
            format!("a={}; b={}", mark("abc"), mark("def")),
        ),
        (
            "set-cookie",
            "a=abc; Path=/",
            format!("a={}; Path=/", mark("abc")),
        ),
        ("X-Api-Key", "abc", mark("abc")),
        ("X-Hub-Signature", "sha256=abc", "sha256=abc".to_owned()),
        ("Content-Type", "application/json", "application/json".to_owned()),
    ] {
        assert_eq!(redactor.header(name, value), shown);
    }
}

fn event() -> Value {
    json!({
        "id": "event-1",
        "event": {
            "hub.topic": "t",
            "hub.event": "Patient-open",
            "context": [
                {"key": "patient", "resource": {
                    "resourceType": "Patient",
                    "id": "4711",
                    "identifier": [{"system": "urn:x", "value": "MRN-9"}],
                    "name": [{"family": "Doe", "given": ["Jane"]}],
                    "birthDate": "1970-01-02",
                }},
                {"key": "study", "reference": {"reference": "ImagingStudy/8"}},
                {"key": "report", "resource": {"resourceType": "DiagnosticReport", "status": "final", "subject": {"reference": "Patient/4711"}}},
            ],
        },
    })
}

#[test]
fn of_resources_structure_codes_and_the_equality_of_ids_stay() {
    let redactor = Redactor::new(true, false);
    let shown: Value = serde_json::from_str(&redactor.body(&event().to_string())).unwrap();
    let text = shown.to_string();
    for secret in ["4711", "MRN-9", "Doe", "Jane", "1970", "ImagingStudy/8"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert_eq!(shown["id"], "event-1");
    assert_eq!(shown["event"]["hub.event"], "Patient-open");
    let context = &shown["event"]["context"];
    assert_eq!(context[0]["resource"]["identifier"][0]["system"], "urn:x");
    assert_eq!(context[2]["resource"]["status"], "final");
    let id = context[0]["resource"]["id"].as_str().unwrap();
    assert_eq!(
        context[2]["resource"]["subject"]["reference"],
        format!("Patient/{id}")
    );
    assert_eq!(
        redactor.text("/event/context/0/resource/name is \"Doe\", of Patient/4711."),
        format!(
            "/event/context/0/resource/name is \"{}\", of Patient/{id}.",
            redactor.marker("Doe")
        )
    );
}

#[test]
fn a_sync_error_keeps_what_it_is_about() {
    let redactor = Redactor::new(true, false);
    let outcome = json!({"context": [{"key": "operationoutcome", "resource": {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "warning", "code": "processing", "diagnostics": "Jane Doe",
            "details": {"coding": [{"system": "https://fhircast.hl7.org/events/syncerror/eventid", "code": "event-1"}]}}],
    }}]});
    let shown: Value = serde_json::from_str(&redactor.body(&outcome.to_string())).unwrap();
    let issue = &shown["context"][0]["resource"]["issue"][0];
    assert_eq!(issue["details"]["coding"][0]["code"], "event-1");
    assert!(!shown.to_string().contains("Jane"));
}
