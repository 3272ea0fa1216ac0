//! Launches: which scopes are asked for, what comes with the token, and what is done with it.

use serde_json::{Value, json};

use super::{Case, HUB, TOPIC, Talk, endpoint, event, patient, patient_open};
use crate::outcome::Verdict::{self, Fail, Pass, Warn};
use crate::protocol::{SyncErrorCause, Version};
use crate::subscriber::Observed;

const READ_AND_WRITE: &str = "openid fhircast/Patient-open.read fhircast/Patient-open.write";

impl Talk {
    fn ask_for(&mut self, scope: Option<&str>) {
        let asked = Observed::ScopesAsked {
            application: "viewer-app".to_owned(),
            scope: scope.map(str::to_owned),
        };
        self.observe(None, asked);
    }

    /// The answer with the token, and the requests that follow bear it.
    fn launch(&mut self, asked: &str, answer: Value) {
        let launch = 1;
        self.observe(
            None,
            Observed::Launched {
                launch,
                application: "viewer-app".to_owned(),
                asked: asked.to_owned(),
                answer,
            },
        );
        self.launch = Some(launch);
    }

    fn launch_for(&mut self, asked: &str) {
        self.launch(asked, answer(asked));
    }

    /// A subscription request, whatever comes of it.
    fn ask_to_follow(&mut self, topic: &str, events: &str) {
        let form = format!(
            "hub.channel.type=websocket&hub.mode=subscribe&hub.topic={topic}&hub.events={events}&subscriber.name=viewer"
        );
        let answer = json!({"hub.channel.endpoint": endpoint("viewer")}).to_string();
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Authorization", "Bearer …"),
        ];
        self.http(Some("viewer"), ("POST", HUB), &headers, &form, (202, &answer));
    }
}

fn answer(scope: &str) -> Value {
    json!({"access_token": "…", "token_type": "Bearer", "expires_in": 3600, "scope": scope, "hub.url": HUB,
        "hub.topic": TOPIC, "id_token": "…"})
}

/// An answer that lacks a member.
fn answer_without(member: &str) -> Value {
    let mut answer = answer("openid fhirUser fhircast/Patient-open.read");
    answer.as_object_mut().unwrap().remove(member);
    answer
}

pub(super) fn requests() -> Vec<Case> {
    let case = |requirement, name, verdict, talk| Case {
        name,
        requirement,
        verdict,
        talk,
    };
    const REQUESTED: &str = "launch.scopes-requested";
    const SYNTAX: &str = "scopes.syntax.subscriber";
    vec![
        case(REQUESTED, "a scope of FHIRcast", Some(Pass), |talk| {
            talk.ask_for(Some(READ_AND_WRITE));
        }),
        case(REQUESTED, "other scopes alone", Some(Fail), |talk| {
            talk.ask_for(Some("openid launch patient/*.rs"));
        }),
        case(REQUESTED, "no scope at all", Some(Fail), |talk| {
            talk.ask_for(None)
        }),
        case(SYNTAX, "of the form that there is", Some(Pass), |talk| {
            talk.ask_for(Some(
                "openid patient/Patient.rs fhircast/SyncError.* fhircast/org.example.x.read",
            ));
        }),
        case(SYNTAX, "without what is to be done", Some(Fail), |talk| {
            talk.ask_for(Some("openid fhircast/Patient-open"));
        }),
        case(SYNTAX, "as SMART writes its own", Some(Fail), |talk| {
            talk.ask_for(Some("fhircast/Patient-open.rs"));
        }),
        case(SYNTAX, "none of FHIRcast", None, |talk| {
            talk.observe(None, Observed::Gap);
            talk.launch("openid", answer("fhircast/Patient-open.read"));
        }),
    ]
}

pub(super) fn answers() -> Vec<Case> {
    const OPENID: &str = "openid fhirUser fhircast/Patient-open.read";
    let case = |requirement, name, verdict, talk| Case {
        name,
        requirement,
        verdict: Some(verdict),
        talk,
    };
    vec![
        case("launch.hub-url", "given", Pass, |talk| talk.launch_for(OPENID)),
        case("launch.hub-url", "missing", Fail, |talk| {
            talk.launch(OPENID, answer_without("hub.url"))
        }),
        case("launch.hub-topic", "given", Pass, |talk| talk.launch_for(OPENID)),
        case("launch.hub-topic", "missing", Fail, |talk| {
            talk.launch(OPENID, answer_without("hub.topic"))
        }),
        case("launch.id-token", "given", Pass, |talk| talk.launch_for(OPENID)),
        case("launch.id-token", "missing", Fail, |talk| {
            talk.launch(OPENID, answer_without("id_token"))
        }),
        case(
            "launch.scopes-granted",
            "as asked for, and so not said",
            Pass,
            |talk| {
                talk.launch(OPENID, answer_without("scope"));
            },
        ),
        case("launch.scopes-granted", "others alone", Fail, |talk| {
            talk.launch(OPENID, answer("openid"))
        }),
        case(
            "scopes.syntax.authorization-server",
            "as asked for",
            Pass,
            |talk| talk.launch_for(OPENID),
        ),
        case(
            "scopes.syntax.authorization-server",
            "in another form",
            Fail,
            |talk| {
                talk.launch(OPENID, answer("fhircast/Patient-open"));
            },
        ),
    ]
}

pub(super) fn uses() -> Vec<Case> {
    const READ: &str = "scopes.read";
    const WRITE: &str = "scopes.write";
    const KNOWN: &str = "launch.topic-and-url-known";
    let case = |requirement, name, verdict, talk| Case {
        name,
        requirement,
        verdict,
        talk,
    };
    vec![
        case(READ, "follows what it asked for", Some(Pass), |talk| {
            talk.launch_for(READ_AND_WRITE);
            talk.ask_to_follow(TOPIC, "patient-OPEN");
        }),
        case(READ, "follows all, having asked for all", Some(Pass), |talk| {
            talk.launch_for("fhircast/*.*");
            talk.ask_to_follow(TOPIC, "Patient-open,org.example.x");
        }),
        case(READ, "follows more than it asked for", Some(Warn), |talk| {
            talk.launch_for(READ_AND_WRITE);
            talk.ask_to_follow(TOPIC, "Patient-open,Patient-close");
        }),
        case(READ, "may write and not read", Some(Warn), |talk| {
            talk.launch_for("fhircast/Patient-open.write");
            talk.ask_to_follow(TOPIC, "Patient-open");
        }),
        case(READ, "follows SyncErrors too", Some(Pass), |talk| {
            talk.launch_for(READ_AND_WRITE);
            talk.ask_to_follow(TOPIC, "Patient-open,SyncError");
        }),
        case(READ, "a token from elsewhere", None, |talk| {
            talk.ask_to_follow(TOPIC, "Patient-open")
        }),
        case(
            READ,
            "the server granted less than was asked for",
            Some(Pass),
            |talk| {
                talk.launch("fhircast/*.read", answer("fhircast/Patient-open.read"));
                talk.ask_to_follow(TOPIC, "Patient-close");
            },
        ),
        case(WRITE, "requests what it asked for", Some(Pass), |talk| {
            talk.launch_for(READ_AND_WRITE);
            talk.publish("viewer", &patient_open("5dd3a3b6-1", "p"), 202);
        }),
        case(WRITE, "requests what it may only read", Some(Warn), |talk| {
            talk.launch_for(READ_AND_WRITE);
            talk.publish(
                "viewer",
                &event("5dd3a3b6-1", "Patient-close", json!([patient("p")])),
                403,
            );
        }),
        case(WRITE, "refuses an event by a SyncError", Some(Pass), |talk| {
            talk.launch_for(READ_AND_WRITE);
            let name = "Patient-open".parse().unwrap();
            let cause = SyncErrorCause::new("e1", &name, "viewer", "busy".to_owned());
            talk.publish(
                "viewer",
                &event("5dd3a3b6-1", "SyncError", cause.to_context()),
                202,
            );
        }),
        case(KNOWN, "at the topic of the launch", Some(Pass), |talk| {
            talk.launch_for(READ_AND_WRITE);
            talk.ask_to_follow(TOPIC, "Patient-open");
        }),
        case(KNOWN, "at another topic", Some(Warn), |talk| {
            talk.launch_for(READ_AND_WRITE);
            talk.ask_to_follow("another", "Patient-open");
        }),
        case(
            KNOWN,
            "the launch gave another hub of the same server",
            None,
            |talk| {
                let mut answer = answer(READ_AND_WRITE);
                answer["hub.url"] = json!("https://hub.example.com/stu2/fhircast");
                talk.launch(READ_AND_WRITE, answer);
                talk.ask_to_follow("another", "Patient-open");
            },
        ),
    ]
}

#[test]
fn an_application_and_its_server_are_told_apart() {
    let mut talk = Talk::new();
    talk.ask_for(Some("fhircast/Patient-open"));
    talk.launch("openid", answer("openid"));
    let named: Vec<(&str, &str)> = talk
        .found
        .iter()
        .map(|finding| {
            (
                finding.subscriber.name.as_str(),
                finding.check.requirement.as_str(),
            )
        })
        .collect();
    assert_eq!(
        named,
        [
            ("viewer-app", "scopes.syntax.subscriber"),
            ("the authorization server", "launch.scopes-granted")
        ]
    );
}

#[test]
fn in_stu1_the_user_is_told_to_who_asks_for_fhir_user() {
    for (version, expected) in [
        (Version::Stu1, None),
        (Version::Stu2, Some(Verdict::Fail)),
        (Version::Stu3, Some(Fail)),
    ] {
        let mut talk = Talk::of(version);
        let mut answer = answer("openid fhircast/Patient-open.read");
        answer.as_object_mut().unwrap().remove("id_token");
        talk.launch("openid", answer);
        assert_eq!(talk.concluded("launch.id-token"), expected, "{version}");
    }
}

#[test]
fn many_launches_are_forgotten_one_by_one() {
    let mut talk = Talk::new();
    for launch in 0..1_100 {
        let launched = Observed::Launched {
            launch,
            application: "viewer-app".to_owned(),
            asked: READ_AND_WRITE.to_owned(),
            answer: answer(READ_AND_WRITE),
        };
        talk.observe(None, launched);
    }
    for (launch, expected) in [(0, None), (1_099, Some(Warn))] {
        talk.launch = Some(launch);
        talk.ask_to_follow(TOPIC, "Patient-close");
        assert_eq!(talk.concluded("scopes.read"), expected, "{launch}");
    }
}
