//! Ends of subscriptions that nobody asked for.

use serde_json::json;

use crate::hub::example::{Example, judge};
use crate::hub::ids::LEASE_HONOURED;
use crate::hub::rules::judge_conversation;
use crate::outcome::{Traffic, Verdict};
use crate::protocol::Version;

type Happening = Box<dyn FnOnce(&mut Example)>;

/// What is found where a viewer is subscribed for a minute beside a worklist, and then this happens.
fn found_after(happens: impl FnOnce(&mut Example)) -> Option<String> {
    let mut example = Example::with(&["worklist", "viewer"]);
    example.subscription("viewer").lease = Some(60.0);
    example.pass(5.0);
    happens(&mut example);
    let mut judge = judge(Version::Stu3);
    judge_conversation(&example.conversation, &[], &mut judge);
    let findings = example.conclude(judge);
    let broken = findings
        .check(LEASE_HONOURED)
        .filter(|check| check.verdict == Verdict::Fail);
    broken.map(|check| check.message.clone())
}

#[test]
fn a_websocket_that_the_hub_closes_unasked_breaks_the_lease() {
    for code in [1000, 1008, 1011, 4000] {
        let found = found_after(|example| example.close("viewer", true, Some(code)));
        assert!(found.is_some_and(|message| message.contains("viewer")), "{code}");
    }
    // Many servers close without a code.
    let without_code = found_after(|example| {
        example.close("viewer", true, None);
        let closed = &mut example.subscriber("viewer").closed;
        closed.iter_mut().for_each(|closed| closed.by_frame = true);
    });
    assert!(without_code.is_some());
    // That another unsubscribes is no reason.
    let other_leaves = found_after(|example| {
        example.request("worklist", "hub.mode=unsubscribe&hub.topic=session");
        example.close("viewer", true, Some(1000));
    });
    assert!(other_leaves.is_some());
}

#[test]
fn a_renewed_subscription_lasts_its_new_lease() {
    let renewed = |lease: f64, seconds: f64| {
        found_after(|example| {
            let answer = example.exchange("viewer", 202, "");
            let subscription = example.subscription("viewer");
            let asked = subscription.asked.clone();
            subscription.replace(asked, answer.request);
            subscription.renew(lease);
            example.pass(seconds);
            example.close("viewer", true, Some(1000));
        })
    };
    assert!(renewed(600.0, 58.0).is_some());
    assert!(renewed(30.0, 30.0).is_none());
}

#[test]
fn a_websocket_may_end_by_its_owner_a_denial_its_lease_or_with_the_server() {
    let denial = json!({
        "hub.mode": "denied", "hub.topic": "session", "hub.events": "Patient-open", "hub.reason": "night",
    });
    let lawful: [(&str, Happening); 9] = [
        ("open", Box::new(|_| {})),
        (
            "by its owner",
            Box::new(|example| example.close("viewer", false, Some(1000))),
        ),
        (
            "server goes down",
            Box::new(|example| example.close("viewer", true, Some(1001))),
        ),
        (
            "connection lost",
            Box::new(|example| example.close("viewer", true, None)),
        ),
        (
            "denied",
            Box::new(move |example| {
                example.send("viewer", &denial);
                example.close("viewer", true, Some(1000));
            }),
        ),
        (
            "lease run out",
            Box::new(|example| {
                example.pass(56.0);
                example.close("viewer", true, Some(1000));
            }),
        ),
        (
            "own request",
            Box::new(|example| {
                example.request("viewer", "hub.mode=unsubscribe&hub.topic=another");
                example.close("viewer", true, Some(1000));
            }),
        ),
        (
            "owner's mistake",
            Box::new(|example| {
                example.conversation.subscribers.get_mut("viewer").unwrap().exact = false;
                example.close("viewer", true, Some(1008));
            }),
        ),
        (
            "user left",
            Box::new(|example| {
                example.publish("worklist", "UserLogout");
                example.close("viewer", true, Some(1000));
            }),
        ),
    ];
    for (name, happens) in lawful {
        assert_eq!(found_after(happens), None, "{name}");
    }
}

impl Example {
    pub(super) fn request(&mut self, by: &str, body: &str) {
        let traffic = Traffic::Request {
            method: "POST".to_owned(),
            url: "http://hub".to_owned(),
            headers: Vec::new(),
            body: body.to_owned(),
        };
        self.add(by, traffic);
    }
}
