use serde_json::json;

use super::*;
use crate::client::AnswerRule;
use crate::protocol::Status;

struct Application {
    _server: Callbacks,
    callback: Callback,
    owner: CallbackOwner,
    http: reqwest::Client,
}

async fn application(query: Option<&str>) -> Application {
    let server = Callbacks::start(None, None).await.unwrap();
    let owner = CallbackOwner {
        actor: "viewer".to_owned(),
        log: Log::new(crate::redaction::Redactor::default()),
        inbox: Inbox::default(),
        policy: Arc::default(),
    };
    let _ = rustls::crypto::ring::default_provider().install_default();
    Application {
        callback: server.open(owner.clone(), query, 3),
        _server: server,
        owner,
        http: reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap(),
    }
}

impl Application {
    async fn get(&self, query: &str) -> (u16, String) {
        let joint = if self.callback.url().contains('?') {
            '&'
        } else {
            '?'
        };
        let url = format!("{}{joint}{query}", self.callback.url());
        let answer = self.http.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

const QUESTION: &str =
    "hub.mode=subscribe&hub.topic=t&hub.events=patient-open&hub.challenge=c%20d&hub.lease_seconds=60";

#[tokio::test]
async fn a_verification_is_recorded_and_answered_with_its_challenge() {
    let application = application(Some("a=b%20c")).await;
    assert_eq!(application.get(QUESTION).await, (200, "c d".to_owned()));
    let received = application.owner.inbox.received();
    let call = received[0].call.clone().unwrap();
    assert_eq!(call.query, format!("a=b%20c&{QUESTION}"));
    assert_eq!(received[0].json.as_ref().unwrap()["hub.topic"], "t");
    assert_eq!(
        (received[0].socket, &received[0].json.as_ref().unwrap()["a"]),
        (3, &json!("b c"))
    );
    let verified = application.callback.verified();
    assert!(verified[0].agreed && verified[0].answered.sequence == 1);
}

#[tokio::test]
async fn verifications_are_answered_wrongly_on_purpose() {
    let application = application(None).await;
    for (verifying, expected) in [
        (
            Verifying {
                status: Some(404),
                ..Verifying::default()
            },
            (404, "c d"),
        ),
        (
            Verifying {
                body: Some(String::new()),
                ..Verifying::default()
            },
            (200, ""),
        ),
        (
            Verifying {
                body: Some("<{challenge}>".to_owned()),
                ..Verifying::default()
            },
            (200, "<c d>"),
        ),
        (
            Verifying {
                redirect: true,
                ..Verifying::default()
            },
            (302, ""),
        ),
    ] {
        application.callback.set_verifying(verifying);
        let (status, body) = application.get(QUESTION).await;
        assert_eq!((status, body.as_str()), expected);
    }
    assert!(
        application
            .callback
            .verified()
            .iter()
            .all(|verified| !verified.agreed)
    );
    let answer = application
        .http
        .get(format!("{}?{QUESTION}", application.callback.url()))
        .send()
        .await
        .unwrap();
    let elsewhere = answer.headers()["location"].to_str().unwrap().to_owned();
    let answer = application.http.get(elsewhere).send().await.unwrap();
    assert_eq!(answer.text().await.unwrap(), "c d");
}

#[tokio::test]
async fn notifications_are_answered_by_policy_and_their_signature_is_judged() {
    let application = application(None).await;
    application.callback.add_secret("Jefe");
    let refuse = AnswerRule {
        status: Some(Status {
            code: 409,
            as_text: false,
        }),
        ..AnswerRule::default()
    };
    application.owner.policy.lock().unwrap().rules = vec![refuse];
    let body = "{\"event\": {\"hub.event\": \"patient-open\"}}\u{2028}";
    for (signature, found) in [
        (None, Signature::Missing),
        (
            Some(crate::protocol::signature::sign("Jefe", body.as_bytes())),
            Signature::Right(0),
        ),
    ] {
        let mut request = application.http.post(application.callback.url()).body(body);
        if let Some(signature) = signature {
            request = request.header("X-Hub-Signature", signature);
        }
        assert_eq!(request.send().await.unwrap().status(), 409);
        let last = application.owner.inbox.received().pop().unwrap();
        assert_eq!(last.call.unwrap().signature, found);
    }
}

#[tokio::test]
async fn nobody_is_home_where_no_callback_is() {
    let application = application(None).await;
    let url = application.callback.url().to_owned();
    drop(application.callback);
    assert_eq!(application.http.get(url).send().await.unwrap().status(), 404);
    assert!(application.owner.inbox.received().is_empty());
}

#[tokio::test]
async fn a_base_says_where_the_hub_calls() {
    for (base, begins) in [
        ("http://127.0.0.1", "http://127.0.0.1:"),
        ("http://localhost/a/", "http://localhost:"),
    ] {
        let server = Callbacks::start(Some(&base.parse().unwrap()), None)
            .await
            .unwrap();
        assert!(
            server.base().starts_with(begins) && !server.base().ends_with('/'),
            "{}",
            server.base()
        );
    }
    for base in ["ftp://h", "http://127.0.0.1/?a"] {
        assert!(
            Callbacks::start(Some(&base.parse().unwrap()), None)
                .await
                .is_err(),
            "{base}"
        );
    }
}
