//! Secrets in, none out: a hub that repeats every secret wherever it can, and everything that castspec prints and writes of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::command_support::{Ended, castspec};
use axum::Router;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

const TOKEN: &str = "token+that/may=do&everything";
const READ_ONLY: &str = "token-that-may-read";
const EXPIRED: &str = "token-that-is-over";
const GATEWAY: &str = "key-of-the-gateway";
const SUBSCRIPTION_KEY: &str = "key-of-the-subscription";
const OWN_HEADER: &str = "value-of-a-header-of-its-own";
const OWN_COOKIE: &str = "cookie-of-the-target";
const IN_QUERY: &str = "key-of-the-query";
const SESSION: &str = "session-in-the-path";
const SIGNATURE: &str = "signature-of-a-url";
const PASSWORD: &str = "password-of-the-url";
const COOKIE: &str = "cookie-of-the-session";
const IN_ENDPOINT: &str = "ticket-of-the-endpoint";
const SIGNED: &str = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzb21lYm9keSJ9.dGhlIHNpZ25hdHVyZQ";

/// What the hub has seen of `hub.secret`.
type Seen = Arc<Mutex<BTreeSet<String>>>;

#[derive(Clone)]
struct Hub {
    address: SocketAddr,
    secrets: Seen,
}

/// All that a request carried, as a careless hub writes it into its answers.
fn repeated(headers: &HeaderMap, body: &str) -> String {
    let headers: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    let link = format!("https://bucket.example/o;jsessionid={SESSION}?X-Amz-Signature={SIGNATURE}&x=1");
    format!("{} | {body} | {SIGNED} | {link}", headers.join(" | "))
}

async fn take(State(hub): State<Hub>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8_lossy(&body).into_owned();
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let value = |name: &str| {
        let found = pairs.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    };
    if !value("hub.secret").is_empty() {
        hub.secrets.lock().unwrap().insert(value("hub.secret"));
    }
    let all = repeated(&headers, &body);
    let mut answer = if value("hub.mode") == "subscribe" && value("hub.callback").is_empty() {
        let endpoint = format!(
            "ws://{}/socket/1?access_token={IN_ENDPOINT}&topic={}",
            hub.address,
            value("hub.topic")
        );
        let body = json!({"hub.channel.endpoint": endpoint, "debug": all, "access_token": IN_ENDPOINT});
        (StatusCode::ACCEPTED, axum::Json(body)).into_response()
    } else {
        (StatusCode::BAD_REQUEST, all).into_response()
    };
    let cookie = HeaderValue::from_str(&format!("sid={COOKIE}; Path=/")).unwrap();
    answer.headers_mut().insert(header::SET_COOKIE, cookie);
    answer
}

async fn socket(headers: HeaderMap, upgrade: WebSocketUpgrade, request: Request) -> Response {
    let topic = request.uri().query().unwrap_or_default().rsplit('=').next();
    let topic = topic.unwrap_or_default().to_owned();
    let all = repeated(&headers, "");
    upgrade.on_upgrade(async move |mut socket| {
        let confirmation = json!({
            "hub.mode": "subscribe", "hub.topic": topic, "hub.events": "Patient-open,Patient-close", "hub.lease_seconds": 60,
            "debug": format!("Authorization: Bearer {TOKEN} {all}"),
        });
        // The subscriber may be gone again.
        let _ = socket.send(Message::text(confirmation.to_string())).await;
        while let Some(Ok(_)) = socket.recv().await {}
    })
}

/// A careless hub on the loopback interface, and what it sees.
fn start() -> (SocketAddr, Seen) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let secrets = Seen::default();
    let hub = Hub {
        address,
        secrets: secrets.clone(),
    };
    let configuration = json!({
        "eventsSupported": ["Patient-open", "Patient-close"], "websocketSupport": true, "webhookSupport": true,
        "fhircastVersion": "STU3", "note": format!("Bearer {SIGNED}"),
    });
    let router = Router::new()
        .route("/hub", get(async || StatusCode::NOT_FOUND).post(take))
        .route("/hub/{topic}", get(async || StatusCode::NOT_FOUND).post(take))
        .route(
            "/hub/.well-known/fhircast-configuration",
            get(async move || axum::Json(configuration)),
        )
        .route("/socket/1", get(socket))
        .with_state(hub);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    (address, secrets)
}

fn everything_below(folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            everything_below(&path, texts);
        } else {
            let bytes = std::fs::read(&path).unwrap();
            texts.push((
                path.display().to_string(),
                String::from_utf8_lossy(&bytes).into_owned(),
            ));
        }
    }
}

/// The spellings in which a secret may stand: as it is, in a URL or a form, in JSON, in HTML.
fn spellings(secret: &str) -> BTreeSet<String> {
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::to_string(secret).unwrap();
    [
        secret.to_owned(),
        form,
        json.trim_matches('"').to_owned(),
        secret.replace('&', "&amp;"),
        secret.replace('&', "&#38;"),
        secret.replace('&', "\\u0026"),
    ]
    .into()
}

#[test]
fn no_secret_is_in_anything_that_is_printed_or_written() {
    let (address, secrets) = start();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target.toml");
    let text = format!(
        r#"
        hub_url = "http://somebody:{PASSWORD}@{address}/hub?subscription-key={IN_QUERY}"
        [auth]
        token_env = "SECRETS_TOKEN"
        [[auth.restricted]]
        scopes = "fhircast/Patient-open.read"
        token = "{READ_ONLY}"
        [[auth.rejected]]
        why = "expired"
        token = "{EXPIRED}"
        [headers]
        X-Gateway = {{ env = "SECRETS_GATEWAY" }}
        Ocp-Apim-Subscription-Key = "{SUBSCRIPTION_KEY}"
        X-Department = "{OWN_HEADER}"
        Cookie = "sid={OWN_COOKIE}"
        [timing]
        response = 0.5
        quiet = 0.1
        ack_timeout = 0.5
        longest_lease = 2
        "#
    );
    std::fs::write(&target, text).unwrap();
    let reports = folder.path().join("reports");
    let mut command = castspec();
    command
        .args(["run", "-vv", "--transcripts", "--fhircast-version", "STU3"])
        .args(["--fhircast-version", "STU1", "--parallel", "32"])
        .args(["subscribing", "webhooks", "malformed"])
        .arg("--target")
        .arg(&target)
        .arg("--reports")
        .arg(&reports)
        .env("CASTSPEC_LOG", "trace")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", folder.path().join("reports-summary.md"))
        .env("SECRETS_TOKEN", TOKEN)
        .env("SECRETS_GATEWAY", GATEWAY);
    let ended = Ended::of(&mut command);
    assert_eq!(ended.code, Some(1), "{}", &ended.error);
    let mut texts = vec![
        ("standard output".to_owned(), ended.out),
        ("standard error".to_owned(), ended.error),
    ];
    std::fs::remove_file(&target).unwrap();
    everything_below(folder.path(), &mut texts);
    assert!(texts.iter().any(|(name, _)| name.ends_with("index.html")));
    let hub_secrets = secrets.lock().unwrap().clone();
    assert!(!hub_secrets.is_empty(), "webhooks were asked for, with secrets");
    let known = [
        TOKEN,
        READ_ONLY,
        EXPIRED,
        GATEWAY,
        SUBSCRIPTION_KEY,
        OWN_HEADER,
        OWN_COOKIE,
        IN_QUERY,
        SESSION,
        SIGNATURE,
        PASSWORD,
        COOKIE,
        IN_ENDPOINT,
        SIGNED,
    ];
    let all = known
        .into_iter()
        .map(str::to_owned)
        .chain(hub_secrets.into_iter().filter(|secret| secret.len() > 4));
    for secret in all {
        for spelling in spellings(&secret) {
            for (name, text) in &texts {
                if let Some(at) = text.find(&spelling) {
                    let around: String = text[..at].chars().rev().take(200).collect();
                    let around: String = around.chars().rev().collect();
                    panic!("{name} has {spelling}, after: {around}");
                }
            }
        }
    }
}

#[test]
fn the_same_secret_has_the_same_marker_wherever_it_stands() {
    let (address, _) = start();
    let folder = tempfile::tempdir().unwrap();
    let mut command = castspec();
    command
        .args([
            "run",
            "--transcripts",
            "subscribing/accepted",
            "--fhircast-version",
            "STU3",
        ])
        .arg("--hub")
        .arg(format!("http://{address}/hub"))
        .arg("--reports")
        .arg(folder.path())
        .env("CASTSPEC_TOKEN", TOKEN);
    let ended = Ended::of(&mut command);
    let marker = |before: &str| {
        let at = ended.out.find(before).expect(before) + before.len();
        ended.out[at..].chars().take(17).collect::<String>()
    };
    let sent = marker("Authorization: Bearer ");
    assert!(sent.starts_with("redacted-"), "{sent}");
    assert_eq!(marker("authorization: Bearer "), sent);
}

#[test]
fn of_resources_nothing_about_people_is_shown_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let run = |further: &[&str]| {
        let common = [
            "run",
            "notification/broadcast",
            "current-context",
            "syncerror/on-conflict",
            "--transcripts",
            "--defect",
            "timestamp-replaced",
            "--fhircast-version",
            "STU3",
            "--reports",
            reports,
        ];
        let ended = Ended::with(&[&common[..], further].concat());
        let mut texts = vec![("standard output".to_owned(), ended.out)];
        everything_below(folder.path(), &mut texts);
        texts
    };
    // The family name, the birth date and the system of identifiers of the templates.
    let shows = |texts: &[(String, String)], word: &str| texts.iter().any(|(_, text)| text.contains(word));
    let plain = run(&[]);
    assert!(shows(&plain, "Testperson") && shows(&plain, "1978-11-03"));
    let hidden = run(&["--redact-resources"]);
    for word in ["Testperson", "Synthia", "1978-11-03"] {
        for (name, text) in &hidden {
            assert!(!text.contains(word), "{name} has {word}");
        }
    }
    assert!(shows(&hidden, "urn:oid:2.999.1.1"), "codes and systems stay");
}
