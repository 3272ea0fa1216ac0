//! Pages of browsers at the hub: whose requests are taken, what they may read, and under which names the hub is found.

use std::net::SocketAddr;

use castspec_hub::authorization::Options;
use castspec_hub::control_api::{ControlServer, Token};
use castspec_hub::{Origins, Server, Settings, Transport};
use reqwest::{Method, RequestBuilder, Response};
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::hub_support::{Hub, patient_open};

const OWN: &str = "http://localhost:4200";
const FOREIGN: &str = "https://viewer.example.com";

fn with_authorization(added: &[&str]) -> Settings {
    Settings {
        authorization: Some(Options::default()),
        ..adding(added)
    }
}

fn adding(added: &[&str]) -> Settings {
    Settings {
        origins: Origins::with(added.iter().map(|origin| origin.parse().unwrap())),
        ..Settings::default()
    }
}

/// Requests of every kind, each of which is answered in some way.
fn requests(hub: &Hub) -> Vec<RequestBuilder> {
    let form = [
        ("hub.channel.type", "websocket"),
        ("hub.mode", "subscribe"),
        ("hub.topic", "t"),
        ("hub.events", "Patient-open"),
    ];
    let event = patient_open("e", "t").to_string();
    let origin = hub.url().strip_suffix("/fhircast").unwrap();
    let get = |path: &str| hub.http.get(format!("{origin}{path}"));
    vec![
        hub.http.post(hub.url()).form(&form),
        hub.http
            .post(hub.url())
            .header("Content-Type", "application/json")
            .body(event),
        get("/fhircast/t"),
        get("/fhircast/.well-known/fhircast-configuration"),
        get("/.well-known/smart-configuration"),
        get("/jwks"),
        hub.http
            .post(format!("{origin}/token"))
            .form(&[("grant_type", "refresh_token")]),
        hub.http
            .request(Method::OPTIONS, hub.url())
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type"),
    ]
}

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn pages_of_this_machine_read_every_answer_and_others_are_refused() {
    for added in [&[][..], &[FOREIGN], &["*"]] {
        let hub = Hub::start(with_authorization(added), Transport::Plaintext).await;
        for origin in [OWN, FOREIGN] {
            for request in requests(&hub) {
                let answer = request.header("Origin", origin).send().await.unwrap();
                let told = format!("{added:?} {origin} {}", answer.url());
                if origin == OWN || !added.is_empty() {
                    assert_ne!(answer.status(), 403, "{told}");
                    assert_eq!(
                        header(&answer, "access-control-allow-origin"),
                        Some(origin),
                        "{told}"
                    );
                } else {
                    assert_eq!(answer.status(), 403, "{told}");
                    assert_eq!(header(&answer, "access-control-allow-origin"), None, "{told}");
                    let text = answer.text().await.unwrap();
                    assert!(text.contains("--allow-origin"), "{text}");
                }
            }
        }
        for request in requests(&hub) {
            let answer = request.send().await.unwrap();
            assert_ne!(answer.status(), 403, "without Origin: {}", answer.url());
            assert_eq!(header(&answer, "access-control-allow-origin"), None);
        }
    }
}

#[tokio::test]
async fn a_preflight_says_what_a_page_may_send() {
    let hub = Hub::start(with_authorization(&[]), Transport::Plaintext).await;
    let origin = hub.url().strip_suffix("/fhircast").unwrap();
    for path in ["/fhircast", "/fhircast/t", "/token"] {
        let asked = hub
            .http
            .request(Method::OPTIONS, format!("{origin}{path}"))
            .header("Origin", OWN)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "authorization,content-type");
        let answer = asked.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(
            header(&answer, "access-control-allow-headers"),
            Some("authorization,content-type")
        );
        assert!(
            header(&answer, "access-control-allow-methods")
                .unwrap()
                .contains("POST")
        );
        assert!(header(&answer, "vary").unwrap().contains("origin"));
    }
    let plain = hub.http.request(Method::OPTIONS, hub.url()).send().await.unwrap();
    assert_eq!(plain.status(), 405, "no page asks");
    let visit = hub.http.get(format!("{origin}/authorize")).header("Origin", OWN);
    let visit = visit.send().await.unwrap();
    assert_eq!(
        header(&visit, "access-control-allow-origin"),
        None,
        "no page reads it"
    );
    let refused = hub
        .http
        .post(hub.url())
        .header("Origin", OWN)
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 401);
    assert!(
        header(&refused, "access-control-expose-headers")
            .unwrap()
            .contains("www-authenticate"),
        "the page learns what is wrong"
    );
}

#[tokio::test]
async fn what_a_foreign_page_asks_for_is_not_done() {
    let hub = Hub::plain().await;
    let endpoint = hub.subscribe("t", "Patient-open").await;
    let connect = async |origin: &str| {
        let mut request = endpoint.as_str().into_client_request().unwrap();
        request.headers_mut().insert("Origin", origin.parse().unwrap());
        tokio_tungstenite::connect_async(request).await
    };
    match connect(FOREIGN).await {
        Err(Error::Http(answer)) => assert_eq!(answer.status(), 403),
        other => panic!("{other:?}"),
    }
    assert!(connect(OWN).await.is_ok());
    let mut socket = hub.join("t", "Patient-open").await;
    let event = patient_open("foreign", "t").to_string();
    let refused = hub
        .http
        .post(hub.url())
        .header("Origin", FOREIGN)
        .header("Content-Type", "application/json")
        .body(event);
    assert_eq!(refused.send().await.unwrap().status(), 403);
    assert_eq!(hub.publish(&patient_open("own", "t")).await.0, 202);
    assert_eq!(socket.next().await["id"], "own", "and nothing before it");
}

#[tokio::test]
async fn on_loopback_the_hub_has_names_of_this_machine_alone() {
    let hub = Hub::plain().await;
    let document = format!("{}/.well-known/fhircast-configuration", hub.url());
    let status = async |url: &str, host: &str| {
        let answer = hub.http.get(url).header("Host", host).send().await.unwrap();
        answer.status().as_u16()
    };
    for (host, expected) in [
        ("localhost", 200),
        ("hub.localhost:1", 200),
        ("127.0.0.1", 200),
        ("[::1]:8443", 200),
        ("evil.example", 403),
        ("10.0.0.1", 403),
    ] {
        assert_eq!(status(&document, host).await, expected, "{host}");
    }
    let anywhere: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let server = Server::start(Settings::default(), anywhere, Transport::Plaintext)
        .await
        .unwrap();
    let document = format!("{}/.well-known/fhircast-configuration", server.url());
    assert_eq!(
        status(&document, "hub.example.com").await,
        200,
        "known by its name"
    );
    let foreign = hub
        .http
        .get(&document)
        .header("Origin", FOREIGN)
        .send()
        .await
        .unwrap();
    assert_eq!(
        foreign.status(),
        403,
        "for the pages of others it is closed there too"
    );
}

#[tokio::test]
async fn the_control_api_hears_no_foreign_page() {
    let hub = Hub::start(adding(&["https://desk.example.com"]), Transport::Plaintext).await;
    let listen = "127.0.0.1:0".parse().unwrap();
    let token = Token::chosen("0123456789abcdef").unwrap();
    let control = ControlServer::start(hub.server.controls(), listen, token)
        .await
        .unwrap();
    for (name, value, expected) in [
        ("X-Any", "thing", 200),
        ("Origin", OWN, 200),
        ("Origin", "https://desk.example.com", 200),
        ("Origin", FOREIGN, 403),
        ("Host", "evil.example", 403),
    ] {
        let request = hub.http.get(control.url()).bearer_auth("0123456789abcdef");
        let answer = request.header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), expected, "{name}: {value}");
    }
}
