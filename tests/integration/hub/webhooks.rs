//! The hub and callbacks over real sockets, in the versions that have webhooks; and several versions at once.

use std::time::Duration;

use crate::hub_support::callback::{Callback, Verification};
use crate::hub_support::{Hub, patient_open};
use castspec_certificates::Authority;
use castspec_fhircast::protocol::Version;
use castspec_fhircast::protocol::signature::sign;
use castspec_hub::{CallbackHosts, Defect, Limits, Server, Settings, Transport};
use serde_json::Value;

const BOTH: [Version; 2] = [Version::Stu2, Version::Stu1];

async fn hub(version: Version) -> Hub {
    let settings = Settings {
        version,
        limits: Limits {
            ack_timeout: Duration::from_secs(1),
            callback_timeout: Duration::from_millis(300),
            ..Limits::default()
        },
        ..Settings::default()
    };
    Hub::start(settings, Transport::Plaintext).await
}

async fn request(hub: &Hub, mode: &str, callback: &str, more: &[(&str, &str)]) -> (u16, String) {
    let mut form = vec![
        ("hub.channel.type", "webhook"),
        ("hub.callback", callback),
        ("hub.mode", mode),
        ("hub.topic", "t"),
        ("hub.secret", "shared secret"),
        ("hub.events", "patient-open,syncerror"),
    ];
    form.retain(|(name, _)| !more.iter().any(|(given, _)| given == name));
    form.extend(more);
    form.retain(|(_, value)| !value.is_empty());
    hub.form(&form).await
}

/// Subscribes; when this returns, the hub has the answer to its verification as good as in its hands.
async fn join(hub: &Hub, callback: &mut Callback) {
    let answer = request(hub, "subscribe", &callback.url, &[]).await;
    assert_eq!(answer, (202, String::new()));
    assert_eq!(callback.next().await.parameter("hub.mode").unwrap(), "subscribe");
    // The hub takes the answer in its own time: events are published until one arrives.
    for at in 0.. {
        let id = format!("probe-{at}");
        assert_eq!(hub.publish(&patient_open(&id, "t")).await.0, 202);
        if let Ok(recorded) = tokio::time::timeout(Duration::from_millis(100), callback.next()).await {
            assert!(recorded.event()["id"].as_str().unwrap().starts_with("probe-"));
            break;
        }
    }
}

#[tokio::test]
async fn a_callback_is_verified_and_then_notified_with_a_signature() {
    for version in BOTH {
        let hub = hub(version).await;
        let mut callback = Callback::start().await;
        let (status, body) = request(&hub, "subscribe", &callback.url, &[("hub.lease_seconds", "60")]).await;
        assert_eq!((status, body.as_str()), (202, ""));
        let asked = callback.next().await;
        assert_eq!(asked.method, "GET");
        assert!(
            asked
                .path_and_query
                .starts_with("/callback?room=1&x=%20y&hub.mode=subscribe&"),
            "{}",
            asked.path_and_query
        );
        assert_eq!(asked.parameter("hub.topic").unwrap(), "t");
        assert_eq!(asked.parameter("hub.events").unwrap(), "patient-open,syncerror");
        assert_eq!(asked.parameter("hub.lease_seconds").unwrap(), "60");
        let challenge = asked.parameter("hub.challenge").unwrap();
        join(&hub, &mut callback).await;

        let event = patient_open("e", "t");
        assert_eq!(hub.publish(&event).await.0, 202);
        let mut told = callback.next().await;
        while told.event()["id"] != "e" {
            told = callback.next().await;
        }
        assert_eq!(told.method, "POST");
        assert_eq!(told.path_and_query, "/callback?room=1&x=%20y");
        assert_eq!(told.headers["content-type"], "application/json");
        assert_eq!(told.event(), event);
        assert_eq!(told.signature(), Some(sign("shared secret", &told.body).as_str()));

        request(&hub, "subscribe", "http://127.0.0.1:1/nobody", &[]).await;
        request(&hub, "subscribe", &callback.url, &[]).await;
        let again = callback.next().await.parameter("hub.challenge").unwrap();
        assert_ne!(challenge, again);
    }
}

#[tokio::test]
async fn what_a_callback_answers_wrongly_confirms_nothing() {
    for version in BOTH {
        let hub = hub(version).await;
        let mut fence = Callback::start().await;
        join(&hub, &mut fence).await;
        for verification in [
            Verification::Other(200, "no challenge".to_owned()),
            Verification::Other(404, String::new()),
            Verification::Redirect,
            Verification::Flood,
            Verification::Silence,
        ] {
            let mut callback = Callback::start().await;
            callback.verify_with(verification.clone());
            let (status, _) = request(&hub, "subscribe", &callback.url, &[]).await;
            assert_eq!(status, 202);
            callback.next().await;
            for id in ["one", "two"] {
                assert_eq!(hub.publish(&patient_open(id, "t")).await.0, 202);
                while fence.next().await.event()["id"] != id {}
            }
            assert!(callback.is_quiet(), "{verification:?}");
        }
    }
}

#[tokio::test]
async fn the_others_hear_of_what_a_callback_refuses() {
    for version in BOTH {
        let hub = hub(version).await;
        let mut watcher = Callback::start().await;
        join(&hub, &mut watcher).await;
        let mut callback = Callback::start().await;
        join(&hub, &mut callback).await;
        for (status, told) in [(409, true), (500, true), (302, true), (202, false), (0, true)] {
            callback.answer_with(status);
            let id = format!("answered-{status}");
            assert_eq!(hub.publish(&patient_open(&id, "t")).await.0, 202);
            while callback.next().await.event()["id"] != id.as_str() {}
            let fence = format!("fence-{status}");
            let mut errors = 0;
            if told {
                while errors == 0 {
                    let event = watcher.next().await.event();
                    errors += usize::from(event["event"]["hub.event"] == "syncerror");
                }
            }
            callback.answer_with(200);
            assert_eq!(hub.publish(&patient_open(&fence, "t")).await.0, 202);
            loop {
                let event = watcher.next().await.event();
                if event["id"] == fence.as_str() {
                    break;
                }
                assert!(
                    told || event["event"]["hub.event"] != "syncerror",
                    "{status}: {event}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_callback_over_https_must_have_a_certificate_that_the_hub_trusts() {
    let authority = Authority::generate("127.0.0.1".parse().unwrap()).unwrap();
    let pem = authority.pem().to_owned();
    for (trusted, joins) in [(Some(pem), true), (None, false)] {
        let settings = Settings {
            version: Version::Stu2,
            callback_authority: trusted,
            ..Settings::default()
        };
        let hub = Hub::start(settings, Transport::Tls).await;
        let mut callback = Callback::start_tls(&authority).await;
        if joins {
            join(&hub, &mut callback).await;
            continue;
        }
        assert_eq!(request(&hub, "subscribe", &callback.url, &[]).await.0, 202);
        let mut fence = Callback::start().await;
        join(&hub, &mut fence).await;
        assert!(callback.is_quiet());
    }
    let settings = Settings {
        version: Version::Stu2,
        callback_authority: Some("no certificate".to_owned()),
        ..Settings::default()
    };
    let listen = "127.0.0.1:0".parse().unwrap();
    let error = Server::start(settings, listen, Transport::Plaintext)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("no certificate in PEM"), "{error}");
}

#[tokio::test]
async fn a_callback_elsewhere_is_refused_unless_its_host_was_named() {
    for version in BOTH {
        let hub = hub(version).await;
        for mode in ["subscribe", "unsubscribe"] {
            for callback in [
                "http://10.0.0.1/callback?token=hush",
                "http://169.254.169.254/latest?token=hush",
                "https://evil.example/callback?token=hush",
                "http://localhost.evil.example/callback?token=hush",
            ] {
                let (status, told) = request(&hub, mode, callback, &[]).await;
                assert_eq!(status, 403, "{mode} {callback}: {told}");
                assert!(told.contains("--callbacks-to"), "{told}");
                assert!(!told.contains("hush"), "{told}");
            }
        }
        // A name of this machine needs no name server.
        let mut callback = Callback::start().await;
        callback.url = callback.url.replace("127.0.0.1", "viewer.localhost");
        join(&hub, &mut callback).await;
    }
    let named = ["192.0.2.1:8080".parse().unwrap()];
    let settings = Settings {
        version: Version::Stu2,
        callbacks_to: CallbackHosts::with(named),
        ..Settings::default()
    };
    let hub = Hub::start(settings, Transport::Plaintext).await;
    for (callback, expected) in [
        ("http://192.0.2.1:8080/callback", 202),
        ("http://192.0.2.1:8081/callback", 403),
        ("http://192.0.2.2:8080/callback", 403),
    ] {
        let (status, told) = request(&hub, "subscribe", callback, &[]).await;
        assert_eq!(status, expected, "{callback}: {told}");
    }
}

#[tokio::test]
async fn a_callback_unsubscribes_as_its_version_has_it() {
    for version in BOTH {
        let hub = hub(version).await;
        let mut callback = Callback::start().await;
        join(&hub, &mut callback).await;
        let answer = request(&hub, "unsubscribe", &callback.url, &[]).await;
        assert_eq!(answer, (202, String::new()));
        if version == Version::Stu1 {
            let mut asked = callback.next().await;
            while asked.method == "POST" {
                asked = callback.next().await;
            }
            assert_eq!(asked.parameter("hub.mode").unwrap(), "unsubscribe");
        }
        while request(&hub, "unsubscribe", &callback.url, &[]).await.0 != 404 {
            assert_eq!(version, Version::Stu1);
        }
        while !callback.is_quiet() {}
        let mut fence = Callback::start().await;
        join(&hub, &mut fence).await;
        assert!(callback.is_quiet());
    }
}

#[tokio::test]
async fn a_lease_ends_with_a_denial() {
    for version in BOTH {
        let hub = hub(version).await;
        let mut callback = Callback::start().await;
        let (status, _) = request(&hub, "subscribe", &callback.url, &[("hub.lease_seconds", "1")]).await;
        assert_eq!(status, 202);
        callback.next().await;
        let denial = callback.next().await;
        assert_eq!(denial.method, "GET");
        assert_eq!(denial.parameter("hub.mode").unwrap(), "denied");
        assert_eq!(denial.parameter("room").unwrap(), "1");
        assert_eq!(denial.parameter("hub.events").unwrap(), "patient-open,syncerror");
    }
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_in_the_version_s_words() {
    for version in BOTH {
        let hub = hub(version).await;
        let long = "x".repeat(200);
        for (more, says) in [
            (("hub.callback", ""), "hub.callback is required"),
            (("hub.callback", "here"), "hub.callback must be an absolute URL"),
            (("hub.secret", long.as_str()), "shorter than 200 bytes"),
            (("hub.events", ""), "hub.events is required"),
            (("hub.events", "Patient-update"), "is no event name"),
            (("hub.topic", ""), "hub.topic is required"),
            (("hub.mode", "dance"), "hub.mode must be"),
        ] {
            let (status, told) = request(&hub, "subscribe", "http://127.0.0.1:1/", &[more]).await;
            assert_eq!(status, 400, "{told}");
            assert!(told.contains(says), "{told}");
            let name = format!("FHIRcast {}", version.name());
            assert!(told.contains(&name) && !told.contains("STU3"), "{told}");
        }
        let (status, _) = request(&hub, "unsubscribe", "http://127.0.0.1:1/", &[]).await;
        assert_eq!(status, 404);
        assert_eq!(
            request(&hub, "subscribe", "http://127.0.0.1:1/", &[("hub.secret", "")])
                .await
                .0,
            if version == Version::Stu1 { 400 } else { 202 }
        );
    }
}

#[tokio::test]
async fn a_refused_request_changes_nothing_but_in_a_defective_hub() {
    for (defects, arrives) in [
        (vec![], "fence"),
        (vec![Defect::RefusedResubscriptionApplied], "close"),
    ] {
        let settings = Settings {
            version: Version::Stu2,
            defects,
            ..Settings::default()
        };
        let hub = Hub::start(settings, Transport::Plaintext).await;
        let mut callback = Callback::start().await;
        join(&hub, &mut callback).await;
        let wrong = [
            ("hub.events", "patient-open,patient-close"),
            ("hub.lease_seconds", "0"),
        ];
        assert_eq!(request(&hub, "subscribe", &callback.url, &wrong).await.0, 400);
        let mut close = patient_open("close", "t");
        close["event"]["hub.event"] = "patient-close".into();
        assert_eq!(hub.publish(&close).await.0, 202);
        assert_eq!(hub.publish(&patient_open("fence", "t")).await.0, 202);
        let first = loop {
            let id = callback.next().await.event()["id"].as_str().unwrap().to_owned();
            if !id.starts_with("probe") {
                break id;
            }
        };
        assert_eq!(first, arrives);
    }
}

#[tokio::test]
async fn stu2_has_websockets_beside_webhooks() {
    let hub = hub(Version::Stu2).await;
    let mut socket = hub.join("t", "patient-*,syncerror").await;
    let mut callback = Callback::start().await;
    join(&hub, &mut callback).await;
    callback.answer_with(409);
    assert_eq!(hub.publish(&patient_open("e", "t")).await.0, 202);
    loop {
        let event = socket.next().await;
        socket.answer(event["id"].as_str().unwrap(), 200).await;
        if event["event"]["hub.event"] == "syncerror" {
            break;
        }
    }
    let (status, told) = hub
        .form(&[
            ("hub.mode", "subscribe"),
            ("hub.topic", "t"),
            ("hub.events", "patient-open"),
        ])
        .await;
    assert_eq!(status, 400);
    assert!(told.contains("'websocket' or 'webhook'"), "{told}");
}

#[tokio::test]
async fn each_version_says_of_itself_what_it_has() {
    let get = async |hub: &Hub, path: &str| {
        let answer = hub.http.get(format!("{}{path}", hub.url())).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.text().await.unwrap())
    };
    let path = "/.well-known/fhircast-configuration";
    let refusing = Settings {
        version: Version::Stu2,
        limits: Limits {
            webhooks: false,
            ..Limits::default()
        },
        ..Settings::default()
    };
    for (hub, webhooks) in [
        (hub(Version::Stu2).await, true),
        (Hub::start(refusing, Transport::Plaintext).await, false),
    ] {
        let (status, document) = get(&hub, path).await;
        assert_eq!(status, 200);
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(
            document,
            serde_json::json!({
                "eventsSupported": [
                    "patient-open", "patient-close", "imagingstudy-open", "imagingstudy-close", "syncerror",
                    "userlogout", "userhibernate",
                ],
                "websocketSupport": true,
                "fhircastVersion": "STU2",
                "webhookSupport": webhooks,
            })
        );
        let (status, _) = request(&hub, "subscribe", "http://127.0.0.1:1/", &[]).await;
        assert_eq!(status, if webhooks { 202 } else { 403 });
        assert_eq!(get(&hub, "/t").await.0, 404, "no current context");
    }
    assert_eq!(get(&hub(Version::Stu1).await, path).await.0, 404);
}

#[tokio::test]
async fn several_versions_are_served_at_once_each_with_topics_of_its_own() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let further = [Version::Stu2, Version::Stu3, Version::Stu1];
    let listen = "127.0.0.1:0".parse().unwrap();
    let server = Server::start_versions(Settings::default(), &further, listen, Transport::Plaintext)
        .await
        .unwrap();
    let urls: Vec<_> = server
        .urls()
        .map(|(version, url)| (version, url.to_owned()))
        .collect();
    let paths: Vec<_> = urls
        .iter()
        .map(|(_, url)| url.split_once("127.0.0.1:").unwrap().1.split_once('/').unwrap().1)
        .collect();
    assert_eq!(paths, ["stu3/fhircast", "stu2/fhircast", "stu1/fhircast"]);
    assert_eq!(server.url(), urls[0].1);
    let mut hubs = Vec::new();
    for (version, url) in &urls {
        hubs.push((*version, url.as_str()));
    }
    let http = reqwest::Client::new();
    for (version, url) in hubs {
        let form = [
            ("hub.channel.type", "websocket"),
            ("hub.mode", "subscribe"),
            ("hub.topic", "t"),
            ("hub.events", "Patient-open"),
        ];
        let answer = http.post(url).form(&form).send().await.unwrap();
        if version == Version::Stu1 {
            assert_eq!(answer.status(), 400);
            continue;
        }
        let body: Value = answer.json().await.unwrap();
        let endpoint = body["hub.channel.endpoint"].as_str().unwrap();
        let socket_path = format!("/{}/socket/", version.name().to_lowercase());
        assert!(endpoint.contains(&socket_path), "{endpoint}");
        let (socket, _) = tokio_tungstenite::connect_async(endpoint).await.unwrap();
        drop(socket);
        let configuration = format!("{url}/.well-known/fhircast-configuration");
        assert_eq!(http.get(configuration).send().await.unwrap().status(), 200);
        let nowhere = http.get(format!("{url}/a/b/c")).send().await.unwrap();
        assert_eq!(nowhere.status(), 404);
        let told = nowhere.text().await.unwrap();
        assert!(told.contains(&socket_path), "{told}");
    }
    server.shutdown().await;
}
