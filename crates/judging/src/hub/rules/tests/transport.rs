//! What passes between the hub and its subscribers is secured by TLS.

use serde_json::json;

use crate::hub::example::{Example, Findings};
use crate::hub::ids::{HTTPS, WSS};
use crate::hub::rules::judge_conversation;
use crate::outcome::{Traffic, Verdict};
use crate::protocol::Version;

const PASS: Option<Verdict> = Some(Verdict::Pass);
const WARN: Option<Verdict> = Some(Verdict::Warn);
const FAIL: Option<Verdict> = Some(Verdict::Fail);

/// What is found where this hub grants this endpoint.
fn found(hub: &str, endpoint: &str, deployment: bool) -> Findings {
    let mut example = Example::new(Version::Stu3);
    example.conversation.deployment = deployment;
    let request = Traffic::Request {
        method: "POST".to_owned(),
        url: hub.to_owned(),
        headers: Vec::new(),
        body: String::new(),
    };
    example.add("viewer", request);
    let response = Traffic::Response {
        status: 202,
        headers: Vec::new(),
        body: json!({ "hub.channel.endpoint": endpoint }).to_string(),
    };
    example.add("viewer", response);
    let mut judge = example.judge();
    judge_conversation(&example.conversation, &[], &mut judge);
    example.conclude(judge)
}

#[test]
fn without_tls_a_test_bed_is_noted_a_network_warned_of_and_a_deployment_fails() {
    let (near, far) = ("127.0.0.1:3000", "hub.example.com");
    for (host, deployment, requests, sockets) in [
        (near, false, None, None),
        (near, true, FAIL, FAIL),
        (far, false, WARN, WARN),
        (far, true, FAIL, FAIL),
    ] {
        let findings = found(
            &format!("http://{host}/hub"),
            &format!("ws://{host}/1"),
            deployment,
        );
        assert_eq!(findings.verdict(HTTPS), requests, "{host} {deployment}");
        assert_eq!(findings.verdict(WSS), sockets, "{host} {deployment}");
        let is_noted = findings
            .observations
            .iter()
            .any(|noted| noted.subject == "transport");
        assert_eq!(is_noted, requests.is_none(), "{host} {deployment}");
    }
}

#[test]
fn a_hub_over_tls_gives_out_endpoints_over_tls_wherever_it_is() {
    for host in ["127.0.0.1:3000", "hub.example.com"] {
        for (scheme, sockets) in [("wss", PASS), ("WSS", PASS), ("ws", FAIL)] {
            let findings = found(
                &format!("https://{host}/hub"),
                &format!("{scheme}://{host}/1"),
                false,
            );
            assert_eq!(findings.verdict(HTTPS), PASS);
            assert_eq!(findings.verdict(WSS), sockets, "{scheme} {host}");
            assert!(findings.observations.is_empty());
        }
    }
}

#[test]
fn an_answer_without_an_endpoint_is_left_to_its_schema() {
    let mut example = Example::with(&["viewer"]);
    example.exchange("viewer", 202, "{}");
    example.exchange("viewer", 202, "hub.channel.endpoint=ws://hub.example.com/1");
    example.exchange(
        "viewer",
        400,
        "{\"hub.channel.endpoint\": \"ws://hub.example.com/1\"}",
    );
    let mut judge = example.judge();
    judge_conversation(&example.conversation, &[], &mut judge);
    assert_eq!(example.conclude(judge).verdict(WSS), None);
}
