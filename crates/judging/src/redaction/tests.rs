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
fn json_stays_json_where_a_secret_in_it_ends_with_a_quotation_mark() {
    let redactor = Redactor::default();
    redactor.know(TOKEN);
    let shown = redactor.body(&json!({"error": TOKEN}).to_string());
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown, json!({"error": redactor.marker(TOKEN)}));
}

#[test]
fn a_secret_is_found_in_a_text_from_five_bytes_on() {
    for (secret, is_found) in [("key", false), ("door", false), ("doors", true), ("indoor", true)] {
        let redactor = Redactor::default();
        redactor.know(secret);
        redactor.know(&format!("  {secret}\n"));
        let text = format!("behind {secret} and walls");
        let shown = redactor.text(&text);
        let expected = match is_found {
            true => format!("behind {} and walls", redactor.marker(secret)),
            false => text,
        };
        assert_eq!(shown, expected);
    }
}

#[test]
fn two_secrets_have_their_own_markers_in_one_text() {
    let redactor = Redactor::default();
    redactor.know("opensesame");
    redactor.know("swordfish");
    redactor.know("opensesame");
    assert_eq!(
        redactor.text("swordfish, opensesame, swordfish"),
        format!(
            "{two}, {one}, {two}",
            one = redactor.marker("opensesame"),
            two = redactor.marker("swordfish")
        )
    );
}

#[test]
fn the_redactor_itself_shows_what_it_hides_and_no_secret() {
    let redactor = Redactor::new(true, false);
    redactor.know("opensesame");
    assert_eq!(
        format!("{redactor:?}"),
        "Redactor { resources: true, endpoints: false, .. }"
    );
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
        ("https://app/cb?code=s3cr3t&state=x", "s3cr3t"),
        ("grant_type=authorization_code&code=s3cr3t", "s3cr3t"),
        ("https://gw/hub?subscription-key=s3cr3t", "s3cr3t"),
        ("https://gw/hub?X-Api-Key=s3cr3t&x=1", "s3cr3t"),
        ("https://gw/hub?api_key=s3cr3t", "s3cr3t"),
        (
            "https://b/o?X-Amz-Credential=s3cr3t%2F2026%2Fs3&X-Amz-Date=1",
            "s3cr3t",
        ),
        ("https://b/o?X-Amz-Date=1&X-Amz-Signature=s3cr3t", "s3cr3t"),
        ("https://b/o?X-Amz-Security-Token=%2Bs3cr3t", "s3cr3t"),
        ("https://b/o?X-Goog-Signature=s3cr3t", "s3cr3t"),
        ("https://b.blob/o?sv=2024-11-04&sp=r&sig=%2Fs3cr3t%3D", "s3cr3t"),
        ("https://b.blob/o?se=2026-s3cr3t&sp=r&sig=abc", "s3cr3t"),
        ("https://h/app;jsessionid=s3cr3t/x?y=1", "s3cr3t"),
        ("https://h/app;sid=s3cr3t?y=1", "s3cr3t"),
        ("https://h/app?PHPSESSID=s3cr3t", "s3cr3t"),
        ("https://h/app?y=1&sid=s3cr3t", "s3cr3t"),
        ("Ocp-Apim-Subscription-Key: s3cr3t", "s3cr3t"),
        (
            "headers {\"x-functions-key\": \"s3cr3t\", \"accept\": \"*/*\"}",
            "s3cr3t",
        ),
        ("cookie: a=1; b=s3cr3t", "s3cr3t"),
        ("set-cookie: a=s3cr3t; Path=/", "s3cr3t"),
        ("{\"password\": \"a\\\"s3cr3t\"}", "s3cr3t"),
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
        "hub.mode=subscribe&hub.topic=t&hub.events=Patient-open&subscriber.name=Viewer",
        "https://fhir/Observation?code=718-7&subject=Patient/1",
        "https://fhir/Observation/_search?code=718-7",
        "{\"url\": \"Observation?subject=Patient/1&code=718-7\"}",
        "identifier=1&code=http://loinc.org|718-7",
        "https://h/x?se=1&sp=2&sv=3",
        "{\"key\": \"patient\", \"code\": \"x\"}",
        "the cookie: it is not sent",
        "https://h/app;v=1?page=2&monkey=3&zipcode=4",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZQ",
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

#[test]
fn a_url_keeps_what_follows_a_secret_and_json_stays_json() {
    let redactor = Redactor::default();
    let mark = |text: &str| redactor.marker(text);
    for (text, shown) in [
        (
            "{\"hub.callback\":\"https://h/c?token=abc\",\"hub.mode\":\"denied\"}",
            format!(
                "{{\"hub.callback\":\"https://h/c?token={}\",\"hub.mode\":\"denied\"}}",
                mark("abc")
            ),
        ),
        (
            "https://h/app;jsessionid=abc?token=def&x=1",
            format!(
                "https://h/app;jsessionid={}?token={}&x=1",
                mark("abc"),
                mark("def")
            ),
        ),
        (
            "https://b/o?sv=1&x=2&sig=a%2Bb%3D",
            format!("https://b/o?sv={}&x=2&sig={}", mark("1"), mark("a+b=")),
        ),
        (
            "cookie: a=abc; b=def",
            format!("cookie: a={}; b={}", mark("abc"), mark("def")),
        ),
    ] {
        assert_eq!(redactor.text(text), shown);
    }
}

#[test]
fn a_configured_header_is_hidden_whatever_its_name_and_ordinary_ones_under_their_names() {
    let redactor = Redactor::default();
    redactor.know_header("X-Department", "radiology");
    redactor.know_header("X-Short", "ab");
    redactor.know_header("Accept", "application/json");
    let mark = |text: &str| redactor.marker(text);
    assert_eq!(redactor.header("x-department", "other"), mark("other"));
    assert_eq!(redactor.header("x-short", "ab"), mark("ab"));
    assert_eq!(redactor.text("of radiology"), format!("of {}", mark("radiology")));
    assert_eq!(
        redactor.header("accept", "application/json"),
        mark("application/json")
    );
    for (name, value) in [
        ("accept", "*/*"),
        ("content-type", "application/json"),
        ("x-other", "ab"),
    ] {
        assert_eq!(redactor.header(name, value), value);
    }
    assert_eq!(redactor.text("it is application/json"), "it is application/json");
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

fn patient(family: &str) -> String {
    json!({"resourceType": "Patient", "name": [{"family": family}]}).to_string()
}

#[test]
fn resources_are_hidden_only_where_that_is_asked_for() {
    let redactor = Redactor::default();
    assert_eq!(redactor.body(&patient("Doe")), patient("Doe"));
    assert_eq!(redactor.text("Doe"), "Doe");
}

#[test]
fn only_so_many_values_of_resources_are_remembered_and_all_are_hidden() {
    let redactor = Redactor::new(true, false);
    let others = (1..MOST_HIDDEN).map(|number| format!("value-{number}"));
    redactor.0.hidden.write().unwrap().extend(others);
    for (family, is_remembered) in [("Doe", true), ("Roe", false)] {
        let marker = redactor.marker(family);
        assert_eq!(redactor.body(&patient(family)), patient(&marker));
        let later = redactor.text(&format!("of {family}"));
        let expected = if is_remembered { &marker } else { family };
        assert_eq!(later, format!("of {expected}"));
    }
}

/// A message of every kind, with this in all that is a text, and that in all that is a body.
fn every_kind(text: &str, body: &str) -> Vec<Traffic> {
    let texts = || text.to_owned();
    let headers = || vec![("x-remark".to_owned(), text.to_owned())];
    vec![
        Traffic::Request {
            method: "POST".to_owned(),
            url: format!("https://h/{text}"),
            headers: headers(),
            body: body.to_owned(),
        },
        Traffic::Response {
            status: 202,
            headers: headers(),
            body: body.to_owned(),
        },
        Traffic::NoResponse { problem: texts() },
        Traffic::CallbackRequest {
            method: "GET".to_owned(),
            url: format!("https://h/{text}"),
            headers: headers(),
            body: body.to_owned(),
        },
        Traffic::CallbackResponse {
            to: 3,
            status: 200,
            headers: headers(),
            body: body.to_owned(),
        },
        Traffic::Connect {
            url: format!("wss://h/{text}"),
        },
        Traffic::Connected,
        Traffic::ConnectFailed {
            status: Some(404),
            problem: texts(),
        },
        Traffic::FrameSent {
            text: body.to_owned(),
            binary: false,
        },
        Traffic::FrameReceived {
            text: body.to_owned(),
            binary: true,
        },
        Traffic::Closed {
            by_hub: true,
            code: Some(1008),
            reason: texts(),
        },
        Traffic::Note { text: texts() },
    ]
}

#[test]
fn of_messages_of_every_kind_texts_and_bodies_are_hidden_and_the_rest_stays() {
    let redactor = Redactor::new(true, false);
    redactor.know("opensesame");
    let shown: Vec<Traffic> = every_kind("opensesame", &patient("Doe"))
        .into_iter()
        .map(|traffic| redactor.traffic(traffic))
        .collect();
    let expected = every_kind(&redactor.marker("opensesame"), &patient(&redactor.marker("Doe")));
    assert_eq!(shown, expected);
}

#[test]
fn of_all_headers_the_values_are_hidden_by_their_names() {
    let redactor = Redactor::default();
    let headers = |value: &str| {
        ["cookie", "x-api-key", "accept"].map(|name| {
            let is_secret = name != "accept";
            let value = if is_secret { value } else { "a=b" };
            (name.to_owned(), value.to_owned())
        })
    };
    let mut shown = headers("opensesame");
    redactor.headers(&mut shown);
    assert_eq!(shown, headers(&redactor.marker("opensesame")));
}

#[test]
fn all_words_of_a_check_are_hidden() {
    let requirement = crate::requirement::Requirement {
        id: "area.matter".into(),
        version: crate::protocol::Version::Stu3,
        level: crate::requirement::Level::Shall,
        actor: crate::requirement::Actor::Hub,
        evidence: None,
        section: "2.4 Title".to_owned(),
        url: "https://example.com/#title".to_owned(),
        text: "Words.".to_owned(),
        unobservable: None,
        capability: None,
        note: None,
    };
    let check = |secret: &str| Check {
        message: format!("the secret {secret} is refused"),
        expected: Some(format!("{secret} expected")),
        observed: Some(format!("{secret} observed")),
        repeat: Some(format!("castspec run --topic {secret}")),
        ..Check::blank("area/scenario", &requirement)
    };
    let redactor = Redactor::default();
    redactor.know("opensesame");
    let mut shown = check("opensesame");
    redactor.check(&mut shown);
    assert_eq!(shown, check(&redactor.marker("opensesame")));

    let mut wordless = Check::blank("area/scenario", &requirement);
    redactor.check(&mut wordless);
    assert_eq!(wordless, Check::blank("area/scenario", &requirement));
}

#[test]
fn within_json_every_string_is_hidden_and_names_and_numbers_stay() {
    let json = |secret: &str| {
        json!({
            "opensesame": format!("before {secret}"),
            "list": [secret, 4711, true, null, [{"within": secret}]],
        })
    };
    let redactor = Redactor::default();
    redactor.know("opensesame");
    let mut shown = json("opensesame");
    redactor.strings(&mut shown);
    assert_eq!(shown, json(&redactor.marker("opensesame")));
}
