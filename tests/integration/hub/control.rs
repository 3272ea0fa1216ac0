//! The control API over real sockets: what is asked for there is what subscribers get.

use std::time::Duration;

use crate::hub_support::callback::Callback;
use crate::hub_support::{Hub, Socket, TOPIC, patient_open};
use castspec_fhircast::protocol::Version;
use castspec_hub::control_api::{ControlError, ControlServer, Token};
use castspec_hub::{Limits, Settings, Transport};
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const TOKEN: &str = "0123456789abcdef";
const TOPIC_PATH: &str = "/topics/topic%201%2F%C3%BC";

struct Staged {
    hub: Hub,
    control: ControlServer,
}

impl Staged {
    async fn start(settings: Settings) -> Self {
        let hub = Hub::start(settings, Transport::Plaintext).await;
        let listen = "127.0.0.1:0".parse().unwrap();
        let token = Token::chosen(TOKEN).unwrap();
        let control = ControlServer::start(hub.server.controls(), listen, token)
            .await
            .unwrap();
        Self { hub, control }
    }

    async fn plain() -> Self {
        Self::start(Settings::default()).await
    }

    async fn ask(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let request = self
            .hub
            .http
            .request(method, format!("{}{path}", self.control.url()))
            .bearer_auth(TOKEN)
            .body(body.to_owned());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).expect(&text))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(Method::GET, path, "").await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(Method::POST, path, &body.to_string()).await
    }

    async fn trouble(&self, rule: &Value) -> u64 {
        let (status, answer) = self.post("/troubles", rule).await;
        assert_eq!(status, 201, "{answer}");
        answer["id"].as_u64().unwrap()
    }

    async fn publish(&self, id: &str) {
        let (status, answer) = self.hub.publish(&patient_open(id, TOPIC)).await;
        assert_eq!(status, 202, "{answer}");
    }

    async fn join(&self) -> Socket {
        self.hub.join(TOPIC, "Patient-open,SyncError").await
    }
}

async fn ids(socket: &mut Socket, number: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..number {
        let message = socket.next().await;
        let id = message["id"].as_str().unwrap_or("none").to_owned();
        socket.answer(&id, 200).await;
        ids.push(id);
    }
    ids
}

#[tokio::test]
async fn nobody_is_answered_without_the_token_and_nobody_elsewhere_at_all() {
    let staged = Staged::plain().await;
    for authorization in [
        None,
        Some("Bearer 0123456789abcdeF"),
        Some("Basic 0123456789abcdef"),
    ] {
        for path in ["/", "/topics", "/nowhere", "/troubles"] {
            let mut request = staged.hub.http.delete(format!("{}{path}", staged.control.url()));
            if let Some(authorization) = authorization {
                request = request.header("Authorization", authorization);
            }
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 401, "{path} {authorization:?}");
            assert!(answer.headers().contains_key("www-authenticate"));
        }
    }
    assert_eq!(staged.ask(Method::GET, "/nowhere", "").await.0, 404);
    assert_eq!(staged.ask(Method::PATCH, "/defects", "").await.0, 405);

    let anywhere = "0.0.0.0:0".parse().unwrap();
    let token = Token::generate();
    let refused = ControlServer::start(staged.hub.server.controls(), anywhere, token).await;
    assert!(matches!(refused, Err(ControlError::NotLoopback(_))));
}

#[tokio::test]
async fn sessions_are_shown_without_what_would_let_somebody_in() {
    let staged = Staged::plain().await;
    assert_eq!(staged.get("/topics").await, json!([]));
    let endpoint = staged.hub.subscribe(TOPIC, "Patient-open").await;
    let mut socket = staged.join().await;
    staged.publish("first").await;
    assert_eq!(ids(&mut socket, 1).await, ["first"]);

    let mut topics = staged.get("/topics").await;
    let secret = endpoint.rsplit('/').next().unwrap();
    assert!(!topics.to_string().contains(secret), "{topics}");
    assert_eq!(staged.get(TOPIC_PATH).await["topic"], TOPIC);
    for subscriber in topics[0]["subscribers"].as_array_mut().unwrap() {
        let left = subscriber["ends_in_seconds"].take();
        assert!(left.as_f64().is_some_and(|left| left > 0.0), "{left}");
        subscriber["unanswered"].take();
    }
    insta::assert_json_snapshot!(topics);
    insta::assert_json_snapshot!(staged.get("/").await, { ".tool.version" => "(version)" });

    let (status, answer) = staged.ask(Method::GET, "/topics/other", "").await;
    assert_eq!((status, answer["error"].is_string()), (404, true));
    let (status, answer) = staged.ask(Method::GET, "/topics?version=STU2", "").await;
    assert_eq!(status, 404, "{answer}");
}

#[tokio::test]
async fn the_hub_publishes_what_it_is_told_to() {
    let staged = Staged::plain().await;
    let mut socket = staged.join().await;
    let events = format!("{TOPIC_PATH}/events");
    let event = patient_open("any", TOPIC)["event"].clone();
    let (status, answer) = staged.post(&events, &event).await;
    assert_eq!(status, 202, "{answer}");
    let received = socket.next().await;
    assert_eq!(received["id"], answer["id"]);
    assert_eq!(received["event"]["context"], event["context"]);
    assert!(received["timestamp"].is_string());

    let (status, _) = staged.post(&events, &patient_open("whole", TOPIC)).await;
    assert_eq!(status, 202);
    assert_eq!(socket.next().await["id"], "whole");

    let (status, answer) = staged.post(&events, &patient_open("astray", "elsewhere")).await;
    assert_eq!((status, &answer["pointer"]), (400, &json!("/event/hub.topic")));
    let broken = json!({"hub.event": "Patient-open", "context": []});
    let (status, answer) = staged.post(&events, &broken).await;
    assert_eq!(status, 400, "{answer}");

    let unchecked = format!("{events}?unchecked=true");
    let odd = json!({"id": 7, "event": {"hub.event": "Patient-open"}});
    assert_eq!(staged.post(&unchecked, &odd).await.0, 202);
    assert_eq!(socket.next().await, odd);

    let send = format!("{TOPIC_PATH}/subscribers/1/send");
    assert_eq!(staged.ask(Method::POST, &send, "{ no JSON").await.0, 202);
    assert_eq!(socket.text().await, "{ no JSON");
    let nobody = format!("{TOPIC_PATH}/subscribers/9/send");
    assert_eq!(staged.ask(Method::POST, &nobody, "").await.0, 404);
}

#[tokio::test]
async fn subscriptions_are_denied_expired_closed_and_cut() {
    let staged = Staged::plain().await;
    let mut sockets = Vec::new();
    for _ in 0..4 {
        sockets.push(staged.join().await);
    }
    let act = |subscriber: u64, act: &str| format!("{TOPIC_PATH}/subscribers/{subscriber}/{act}");
    let (status, answer) = staged
        .post(&act(1, "deny"), &json!({"reason": "the shift is over"}))
        .await;
    assert_eq!(status, 200, "{answer}");
    let denial = sockets[0].next().await;
    assert_eq!(
        (&denial["hub.mode"], &denial["hub.reason"]),
        (&json!("denied"), &json!("the shift is over"))
    );
    assert_eq!(sockets[0].closed().await, Some(1000));

    assert_eq!(staged.ask(Method::POST, &act(2, "expire"), "").await.0, 200);
    assert_eq!(sockets[1].next().await["hub.mode"], "denied");
    assert_eq!(sockets[1].closed().await, Some(1000));

    let (status, _) = staged.post(&act(3, "close"), &json!({"code": 1006})).await;
    assert_eq!(status, 400);
    let closing = json!({"code": 4321, "reason": "by hand"});
    assert_eq!(staged.post(&act(3, "close"), &closing).await.0, 200);
    assert_eq!(sockets[2].closed().await, Some(4321));

    let mut witness = staged.join().await;
    assert_eq!(staged.ask(Method::POST, &act(4, "cut"), "").await.0, 200);
    assert_eq!(sockets[3].closed().await, None);
    assert_eq!(witness.next().await["event"]["hub.event"], "SyncError");

    for gone in 1..5 {
        for what in ["deny", "expire", "close", "cut"] {
            assert_eq!(staged.ask(Method::POST, &act(gone, what), "").await.0, 404);
        }
    }
    let left = staged.get(TOPIC_PATH).await;
    assert_eq!(left["subscribers"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn deliveries_are_dropped_delayed_doubled_held_and_reordered() {
    let staged = Staged::plain().await;
    let mut socket = staged.join().await;
    let mut other = staged.join().await;
    let to = json!({"subscriber": 1, "event": "Patient-open"});

    let dropping = staged
        .trouble(&json!({"do": "drop", "to": to, "skip": 1, "times": 1}))
        .await;
    for id in ["a", "b", "c"] {
        staged.publish(id).await;
    }
    assert_eq!(ids(&mut socket, 2).await, ["a", "c"]);
    assert_eq!(ids(&mut other, 3).await, ["a", "b", "c"]);
    let counted = staged.get(&format!("/troubles/{dropping}")).await;
    assert_eq!((&counted["met"], &counted["done"]), (&json!(3), &json!(1)));
    assert_eq!(staged.ask(Method::DELETE, "/troubles", "").await.0, 200);
    assert_eq!(staged.get("/troubles").await, json!([]));

    staged
        .trouble(&json!({"do": {"delay": {"ms": 1000}}, "to": to, "times": 1}))
        .await;
    for id in ["d", "e"] {
        staged.publish(id).await;
    }
    assert_eq!(ids(&mut socket, 2).await, ["e", "d"]);

    staged
        .trouble(&json!({"do": {"duplicate": {"copies": 2}}, "to": to, "times": 1}))
        .await;
    staged.publish("f").await;
    assert_eq!(ids(&mut socket, 3).await, ["f", "f", "f"]);

    let holding = staged.trouble(&json!({"do": "hold", "to": to, "times": 2})).await;
    for id in ["g", "h", "i"] {
        staged.publish(id).await;
    }
    assert_eq!(ids(&mut socket, 1).await, ["i"]);
    let (status, released) = staged
        .ask(Method::POST, &format!("/troubles/{holding}/release"), "")
        .await;
    assert_eq!((status, &released["released"]), (200, &json!(2)));
    assert_eq!(ids(&mut socket, 2).await, ["g", "h"]);

    staged
        .trouble(&json!({"do": {"reorder": {"of": 3}}, "to": to, "times": 3}))
        .await;
    for id in ["j", "k", "l"] {
        staged.publish(id).await;
    }
    assert_eq!(ids(&mut socket, 3).await, ["l", "k", "j"]);
    let expected: Vec<_> = ["d", "e", "f", "g", "h", "i", "j", "k", "l"]
        .map(str::to_owned)
        .into();
    assert_eq!(ids(&mut other, 9).await, expected);
}

#[tokio::test]
async fn what_a_removed_rule_held_back_leaves() {
    let staged = Staged::plain().await;
    let mut socket = staged.join().await;
    let waiting = staged.trouble(&json!({"do": {"reorder": {"of": 5}}})).await;
    for id in ["a", "b"] {
        staged.publish(id).await;
    }
    let path = format!("/troubles/{waiting}");
    let (status, answer) = staged.ask(Method::DELETE, &path, "").await;
    assert_eq!((status, &answer["released"]), (200, &json!(2)));
    assert_eq!(ids(&mut socket, 2).await, ["a", "b"]);
    assert_eq!(staged.ask(Method::DELETE, &path, "").await.0, 404);
}

#[tokio::test]
async fn deliveries_are_corrupted_and_sockets_closed_and_cut_in_their_place() {
    let staged = Staged::plain().await;
    let mut socket = staged.join().await;
    let patch = json!([{"op": "replace", "path": "/event/hub.topic", "value": "another desk"}]);
    for corruption in [
        json!({"patch": patch}),
        json!({"truncate": {"bytes": 3}}),
        json!({"text": "[]"}),
    ] {
        staged
            .trouble(&json!({"do": {"corrupt": corruption}, "times": 1}))
            .await;
    }
    for id in ["a", "b", "c", "d"] {
        staged.publish(id).await;
    }
    assert_eq!(socket.next().await["event"]["hub.topic"], "another desk");
    assert_eq!(socket.text().await.len(), 3);
    assert_eq!(socket.text().await, "[]");
    assert_eq!(ids(&mut socket, 1).await, ["d"]);

    let closing = json!({"do": {"close": {"code": 1011, "reason": "broken"}}, "times": 1});
    staged.trouble(&closing).await;
    staged.publish("e").await;
    assert_eq!(socket.closed().await, Some(1011));

    let mut socket = staged.join().await;
    assert_eq!(socket.next().await["id"], "e", "the current context");
    staged.trouble(&json!({"do": "cut", "times": 1})).await;
    staged.publish("f").await;
    assert_eq!(socket.closed().await, None);
}

#[tokio::test]
async fn rules_that_cannot_be_carried_out_are_refused_with_their_place() {
    let staged = Staged::plain().await;
    let (status, answer) = staged
        .post("/troubles", &json!({"do": {"reorder": {"of": 1}}}))
        .await;
    assert_eq!((status, &answer["pointer"]), (400, &json!("/do/reorder/of")));
    for body in ["", "{", "[]", r#"{"do":"explode"}"#, r#"{"do":"drop","when":1}"#] {
        let (status, answer) = staged.ask(Method::POST, "/troubles", body).await;
        assert_eq!(status, 400, "{body}");
        let error = answer["error"].as_str().unwrap();
        assert!(error.starts_with("the body cannot be used: "), "{error}");
    }
    assert_eq!(staged.ask(Method::POST, "/troubles/7/release", "").await.0, 404);
}

#[tokio::test]
async fn defects_are_switched_while_the_hub_runs() {
    let staged = Staged::plain().await;
    let mut socket = staged.join().await;
    let listed = staged.get("/defects").await;
    assert!(
        listed
            .as_array()
            .unwrap()
            .iter()
            .all(|defect| defect["on"] == false)
    );
    let (status, answer) = staged.ask(Method::PUT, "/defects/duplicate-delivery", "").await;
    assert_eq!(
        (status, answer),
        (200, json!({"defects": ["duplicate-delivery"]}))
    );
    staged.publish("a").await;
    assert_eq!(ids(&mut socket, 2).await, ["a", "a"]);
    let (status, answer) = staged
        .ask(Method::DELETE, "/defects/duplicate-delivery", "")
        .await;
    assert_eq!((status, answer), (200, json!({"defects": []})));
    staged.publish("b").await;
    staged.publish("c").await;
    assert_eq!(ids(&mut socket, 2).await, ["b", "c"]);

    let (status, answer) = staged.ask(Method::PUT, "/defects/duplicate-deliveri", "").await;
    assert_eq!(status, 404);
    assert!(
        answer["error"].as_str().unwrap().contains("duplicate-delivery"),
        "{answer}"
    );
    staged.ask(Method::PUT, "/defects/no-confirmation", "").await;
    assert_eq!(staged.ask(Method::DELETE, "/defects", "").await.0, 200);
    // A hub with that defect would not confirm.
    staged.join().await;
}

#[tokio::test]
async fn notifications_to_callbacks_come_to_harm_too() {
    let settings = Settings {
        version: Version::Stu2,
        limits: Limits {
            ack_timeout: Duration::from_millis(300),
            ..Limits::default()
        },
        ..Settings::default()
    };
    let staged = Staged::start(settings).await;
    let mut callback = Callback::start().await;
    let corrupt = json!({"do": {"corrupt": {"text": "[]"}}, "to": {"message": "notification"}, "times": 1});
    let drop = json!({"do": "drop", "to": {"message": "notification"}, "times": 1});
    let double = json!({"do": {"duplicate": {}}, "to": {"message": "notification"}, "times": 1});
    let (status, body) = staged
        .hub
        .form(&[
            ("hub.channel.type", "webhook"),
            ("hub.callback", &callback.url),
            ("hub.mode", "subscribe"),
            ("hub.topic", TOPIC),
            ("hub.secret", "secret"),
            ("hub.events", "patient-open"),
        ])
        .await;
    assert_eq!(status, 202, "{body}");
    assert_eq!(callback.next().await.parameter("hub.mode").unwrap(), "subscribe");
    // The subscription begins when the hub has the answer.
    while staged.get(TOPIC_PATH).await["subscribers"] == json!([]) {
        tokio::task::yield_now().await;
    }
    let callback_subscriber = &staged.get(TOPIC_PATH).await["subscribers"][0];
    assert_eq!(callback_subscriber["channel"], "webhook");
    for rule in [corrupt, drop, double] {
        staged.trouble(&rule).await;
    }
    for id in ["a", "b", "c", "d"] {
        staged.publish(id).await;
    }
    assert_eq!(callback.next().await.event(), json!([]));
    // The hub waits for the answer to what it believes to have sent, and then goes on.
    let mut came = Vec::new();
    for _ in 0..3 {
        came.push(callback.next().await.event()["id"].as_str().unwrap().to_owned());
    }
    came.sort();
    assert_eq!(came, ["c", "c", "d"]);

    let cut = format!("{TOPIC_PATH}/subscribers/1/cut");
    assert_eq!(
        staged.ask(Method::POST, &cut, "").await.0,
        404,
        "a callback has no socket"
    );
    let deny = format!("{TOPIC_PATH}/subscribers/1/deny");
    assert_eq!(staged.ask(Method::POST, &deny, "").await.0, 200);
    assert_eq!(callback.next().await.parameter("hub.mode").unwrap(), "denied");
}

#[tokio::test]
async fn a_control_api_does_not_keep_a_hub_alive() {
    let staged = Staged::plain().await;
    let mut socket = staged.join().await;
    socket.send(Message::Ping(Vec::new().into())).await;
    let Staged { hub, control } = staged;
    hub.server.shutdown().await;
    // The topic goes with the last task that serves its WebSocket. The shutdown waits two seconds for it, and then cuts it.
    let gone = async {
        loop {
            let request = hub.http.get(format!("{}/", control.url())).bearer_auth(TOKEN);
            let answer: Value = request.send().await.unwrap().json().await.unwrap();
            if answer["topics"] == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone)
        .await
        .unwrap();
}
