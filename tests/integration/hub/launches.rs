//! `castspec hub --auth --reports`: applications judged by the scopes that they ask for, and by what they do with their tokens.

use serde_json::{Value, json};

use super::subscriber_checks::Hub;

/// The example of RFC 7636, Appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const BACK: &str = "http://127.0.0.1:9/back";

/// An application on its way through a launch.
struct Application {
    http: reqwest::Client,
    hub_url: String,
    issuer: String,
}

impl Application {
    fn of(hub: &Hub) -> Self {
        let stay = reqwest::redirect::Policy::none();
        Self {
            http: reqwest::Client::builder().redirect(stay).build().unwrap(),
            hub_url: hub.url.clone(),
            issuer: hub.url.trim_end_matches("/fhircast").to_owned(),
        }
    }

    /// Asks for these scopes: the code, or nothing where it is refused.
    async fn ask(&self, scope: &str) -> Option<String> {
        let query = [
            ("response_type", "code"),
            ("client_id", "viewer-app"),
            ("redirect_uri", BACK),
            ("scope", scope),
            ("state", "a-state-of-its-own"),
            ("aud", &self.issuer),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let at = format!("{}/authorize", self.issuer);
        let answer = self.http.get(at).query(&query).send().await.unwrap();
        let location = answer.headers()["location"].to_str().unwrap();
        let location = url::Url::parse(location).unwrap();
        let code = location.query_pairs().find(|(name, _)| name == "code");
        code.map(|(_, code)| code.into_owned())
    }

    async fn redeem(&self, code: &str) -> Value {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "viewer-app"),
            ("code", code),
            ("redirect_uri", BACK),
            ("code_verifier", VERIFIER),
        ];
        let at = format!("{}/token", self.issuer);
        let answer = self.http.post(at).form(&form).send().await.unwrap();
        answer.json().await.unwrap()
    }

    async fn follow(&self, token: &str, topic: &str, events: &str) -> u16 {
        let form = [
            ("hub.channel.type", "websocket"),
            ("hub.mode", "subscribe"),
            ("hub.topic", topic),
            ("hub.events", events),
            ("subscriber.name", "Viewer"),
        ];
        let request = self.http.post(&self.hub_url).bearer_auth(token).form(&form);
        request.send().await.unwrap().status().as_u16()
    }

    async fn open(&self, token: &str, topic: &str) -> u16 {
        let message = json!({"timestamp": "2026-03-01T09:29:00.000Z", "id": "an-event-of-its-own", "event": {
            "hub.topic": topic, "hub.event": "Patient-open", "context": [{"key": "patient", "resource": {
                "resourceType": "Patient", "id": "p", "identifier": [{"system": "urn:oid:2.999", "value": "1"}]}}]}});
        let request = self.http.post(&self.hub_url).bearer_auth(token).json(&message);
        request.send().await.unwrap().status().as_u16()
    }
}

/// The verdict on each requirement of launches and scopes, by whom it was given.
fn verdicts(report: &Value) -> Vec<(&str, &str, &str)> {
    let checks = report["checks"].as_array().unwrap().iter();
    let of_launches = checks.filter(|check| {
        let id = check["requirement"].as_str().unwrap();
        id.starts_with("launch.") || id.starts_with("scopes.")
    });
    of_launches
        .map(|check| {
            let part = |name: &str| check[name].as_str().unwrap();
            (part("scenario"), part("requirement"), part("verdict"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_judged_by_what_it_asked_for_and_no_secret_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&["--auth", "--reports", folder.path().to_str().unwrap()]);
    let application = Application::of(&hub);
    assert_eq!(application.ask("openid").await, None, "none of FHIRcast");
    assert_eq!(
        application.ask("fhircast/Patient-open").await,
        None,
        "in another form"
    );
    let code = application
        .ask("openid fhircast/Patient-open.read")
        .await
        .unwrap();
    let granted = application.redeem(&code).await;
    let token = granted["access_token"].as_str().unwrap();
    let topic = granted["hub.topic"].as_str().unwrap();
    assert_eq!(
        application
            .follow(token, topic, "Patient-open,Patient-close")
            .await,
        202
    );
    assert_eq!(application.open(token, topic).await, 403);
    assert_eq!(
        application.follow(token, "elsewhere", "Patient-open").await,
        403,
        "the token is for its own topic"
    );
    let (code_of_exit, out, told) = hub.stop();
    assert_eq!(code_of_exit, Some(1), "{told}");
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let parsed: Value = serde_json::from_str(&report).unwrap();
    let viewer = format!("{topic}/Viewer");
    let publisher = format!("{topic}/a publisher");
    let server = "the authorization server";
    let mut expected = vec![
        ("elsewhere/Viewer", "launch.topic-and-url-known", "warn"),
        ("elsewhere/Viewer", "scopes.read", "pass"),
        (&viewer, "launch.topic-and-url-known", "pass"),
        (&viewer, "scopes.read", "warn"),
        (&publisher, "scopes.write", "warn"),
        (server, "launch.hub-topic", "pass"),
        (server, "launch.hub-url", "pass"),
        (server, "launch.id-token", "pass"),
        (server, "launch.scopes-granted", "pass"),
        (server, "scopes.syntax.authorization-server", "pass"),
        ("viewer-app", "launch.scopes-requested", "fail"),
        ("viewer-app", "scopes.syntax.subscriber", "fail"),
    ];
    let mut found = verdicts(&parsed);
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    for secret in [
        token,
        &code,
        granted["id_token"].as_str().unwrap(),
        CHALLENGE,
        VERIFIER,
    ] {
        for text in [&report, &told, &out] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert!(
        told.contains("fail launch.scopes-requested by viewer-app (SHALL, 2.1"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_launch_as_it_should_be_nothing_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Hub::start(&["--auth", "--reports", folder.path().to_str().unwrap()]);
    let application = Application::of(&hub);
    let asked = "launch/patient fhircast/Patient-open.read fhircast/Patient-open.write";
    let code = application.ask(asked).await.unwrap();
    let granted = application.redeem(&code).await;
    let (token, topic) = (
        granted["access_token"].as_str().unwrap(),
        granted["hub.topic"].as_str().unwrap(),
    );
    assert_eq!(application.follow(token, topic, "patient-open").await, 202);
    assert_eq!(application.open(token, topic).await, 202);
    let (code_of_exit, _, told) = hub.stop();
    assert_eq!((code_of_exit, told.as_str()), (Some(0), ""));
    let report = std::fs::read_to_string(folder.path().join("report.json")).unwrap();
    let parsed: Value = serde_json::from_str(&report).unwrap();
    let found = verdicts(&parsed);
    assert!(
        found.len() >= 9 && found.iter().all(|(_, _, verdict)| *verdict == "pass"),
        "{found:?}"
    );
}
