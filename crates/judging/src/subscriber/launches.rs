//! Launches at the authorization server beside the hub: the scopes that an application asks for, what it is given, and whether
//! what it then does keeps to that (2.1, 2.2).
//!
//! What the text leaves open is held against nobody: what a hub does with scopes, and what an application asks for beside those of
//! FHIRcast.

use serde_json::Value;

use super::findings::{Breach, Subscriber};
use super::ids;
use super::judge::Judge;
use super::publishing::Requested;
use super::record::Place;
use super::requests::endpoint_path;
use super::state::Spot;
use crate::outcome::shortened;
use crate::protocol::{Access, EventName, FhircastScope, Version};
use crate::schema::Unmet;

/// How many launches are remembered; the oldest is forgotten.
const REMEMBERED: usize = 1_000;
/// How many scopes or events are told of one request.
const TOLD: usize = 5;
/// The longest of them that is told, in bytes.
const LONGEST: usize = 80;
/// The name under which reports list what the authorization server did.
const SERVER: &str = "the authorization server";

/// A launch of an application, as its token was given.
#[derive(Debug)]
pub(super) struct Launch {
    /// The scopes of FHIRcast that it asked for.
    asked: Vec<FhircastScope>,
    hub_url: String,
    topic: Option<String>,
    given: Spot,
}

/// How a scope fits the grammar of a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Fits,
    /// The texts can be read as allowing it.
    Doubtful,
    Not,
}

/// The scopes that are meant to be of FHIRcast, well-formed or not.
fn of_fhircast(scope: &str) -> impl Iterator<Item = &str> {
    const WORD: &str = "fhircast";
    scope.split_ascii_whitespace().filter(|scope| {
        let beginning = scope.get(..WORD.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(WORD))
    })
}

fn fit(scope: &str, version: Version) -> Fit {
    if scope.parse::<FhircastScope>().is_err() {
        return Fit::Not;
    }
    let (_, rest) = scope.split_once('/').unwrap_or_default();
    let (events, _) = rest.rsplit_once('.').unwrap_or_default();
    let allowed = match (events, events.split_once('-')) {
        ("*", _) => version != Version::Stu1,
        (_, Some(("*", _))) => version == Version::Stu2,
        (_, Some((_, "*"))) => version != Version::Stu3,
        _ => true,
    };
    if allowed { Fit::Fits } else { Fit::Doubtful }
}

/// A few of them, as they can stand in a sentence.
fn listed<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<&str> = texts.into_iter().collect();
    let told: Vec<String> = texts
        .iter()
        .take(TOLD)
        .map(|text| shortened(text, LONGEST).replace(char::is_control, " "))
        .collect();
    let told = told.join(", ");
    match texts.len().checked_sub(TOLD) {
        Some(more @ 1..) => format!("{told} and {more} more"),
        _ => told,
    }
}

impl Judge {
    /// An application asked for an authorization.
    pub(super) fn scopes_asked(&mut self, application: &str, scope: Option<&str>, spot: Spot) {
        let who = Subscriber {
            name: application.to_owned(),
            topic: String::new(),
        };
        let scope = scope.unwrap_or_default();
        let any = of_fhircast(scope).next().is_some();
        let breach = (!any).then(|| {
            Breach::new(
                "the authorization was asked for without any scope of FHIRcast, such as fhircast/Patient-open.read",
                vec![Place::at(spot.sequence)],
            )
        });
        self.judge(&who, ids::SCOPES_REQUESTED, breach);
        if any {
            self.judge_scopes(&who, ids::SCOPES_SYNTAX, scope, spot);
        }
    }

    fn judge_scopes(&mut self, who: &Subscriber, requirement: &'static str, scope: &str, spot: Spot) {
        let version = self.settings.version;
        let those = |wanted: Fit| of_fhircast(scope).filter(move |scope| fit(scope, version) == wanted);
        let (wrong, unmet) = match (those(Fit::Not).next(), those(Fit::Doubtful).next()) {
            (Some(_), _) => (listed(those(Fit::Not)), Unmet::ByLevel),
            (None, Some(_)) => (listed(those(Fit::Doubtful)), Unmet::Warn),
            (None, None) => return self.held(who, requirement),
        };
        let form = match version {
            Version::Stu1 => "fhircast/, the name of an event, a dot, and read, write or *",
            Version::Stu2 | Version::Stu3 => {
                "fhircast/, the name of an event or *, a dot, and read, write or *"
            }
        };
        let breach = Breach::new(
            format!("of the scopes, {wrong} is not of the form that there is; expected {form}"),
            vec![Place::at(spot.sequence)],
        );
        self.broken(who, requirement, breach.softened(unmet));
    }

    /// An application was given an access token.
    pub(super) fn launched(&mut self, launch: u64, asked: &str, answer: &Value, spot: Spot) {
        self.judge_token_answer(asked, answer, spot);
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        if self.launches.len() >= REMEMBERED && !self.launches.contains_key(&launch) {
            self.launches.pop_first();
        }
        self.launches.insert(
            launch,
            Launch {
                asked: of_fhircast(asked)
                    .filter_map(|scope| scope.parse().ok())
                    .collect(),
                hub_url: text("hub.url").unwrap_or_default().to_owned(),
                topic: text("hub.topic").map(str::to_owned),
                given: spot,
            },
        );
    }

    /// What the server gives beside the token.
    fn judge_token_answer(&mut self, asked: &str, answer: &Value, spot: Spot) {
        let server = Subscriber {
            name: SERVER.to_owned(),
            topic: String::new(),
        };
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        // Left out, they are those that were asked for (RFC 6749, 5.1).
        let granted = match text("scope") {
            "" => asked,
            granted => granted,
        };
        let missing = |is_missing: bool, what: &str| {
            is_missing.then(|| {
                Breach::new(
                    format!("the answer with the access token has no {what}"),
                    vec![Place::at(spot.sequence)],
                )
            })
        };
        for (requirement, name) in [
            (ids::LAUNCH_HUB_URL, "hub.url"),
            (ids::LAUNCH_HUB_TOPIC, "hub.topic"),
        ] {
            self.judge(&server, requirement, missing(text(name).is_empty(), name));
        }
        let any = of_fhircast(granted).next().is_some();
        self.judge(
            &server,
            ids::SCOPES_GRANTED,
            missing(!any, "scope of FHIRcast among those that are granted"),
        );
        if any {
            self.judge_scopes(&server, ids::SCOPES_SYNTAX_GRANTED, granted, spot);
        }
        let has = |scope: &str| granted.split_ascii_whitespace().any(|other| other == scope);
        if has("openid") && (has("fhirUser") || self.settings.version != Version::Stu1) {
            self.judge(
                &server,
                ids::LAUNCH_ID_TOKEN,
                missing(text("id_token").is_empty(), "id_token"),
            );
        }
    }

    /// A subscription was asked for with the token of a launch.
    pub(super) fn judge_launched_subscription(
        &mut self,
        who: &Subscriber,
        launch: Option<u64>,
        topic: &str,
        events: &[String],
        spot: Spot,
    ) {
        let Some(launch) = launch.and_then(|launch| self.launches.get(&launch)) else {
            return;
        };
        let given = launch.given;
        // A server of several versions gives the URL of one of them.
        let is_here = endpoint_path(&launch.hub_url) == endpoint_path(&self.settings.hub_url);
        let other = launch.topic.as_deref().filter(|own| is_here && *own != topic);
        let another = other.is_some();
        let judged = is_here && launch.topic.is_some();
        let uncovered: Vec<&str> = events
            .iter()
            .map(String::as_str)
            .filter(|event| is_uncovered(launch, event, Access::Read))
            .collect();
        let uncovered = (!uncovered.is_empty()).then(|| {
            Breach::new(
                format!(
                    "a subscription to {} was asked for, and the launch asked for no scope to read it; ask for \
                     fhircast/<event>.read",
                    listed(uncovered)
                ),
                vec![
                    Place::at(given.sequence),
                    Place::within(spot.sequence, "/hub.events"),
                ],
            )
        });
        if judged {
            let breach = another.then(|| {
                Breach::new(
                    "a subscription to another topic was asked for than the hub.topic that came with its access token",
                    vec![
                        Place::within(given.sequence, "/hub.topic"),
                        Place::within(spot.sequence, "/hub.topic"),
                    ],
                )
                // A topic may be learnt in other ways too.
                .softened(Unmet::Warn)
            });
            self.judge(who, ids::TOPIC_AND_URL_KNOWN, breach);
        }
        self.judge(who, ids::SCOPES_READ, uncovered);
    }

    /// A change was requested with the token of a launch.
    pub(super) fn judge_launched_publication(&mut self, change: &Requested<'_>) {
        let Requested {
            who,
            launch,
            event,
            spot,
            ..
        } = *change;
        let Some(event) = &event.name else { return };
        let Some(launch) = launch.and_then(|launch| self.launches.get(&launch)) else {
            return;
        };
        let given = launch.given;
        let breach = is_uncovered(launch, event.as_str(), Access::Write).then(|| {
            Breach::new(
                format!(
                    "{} was requested, and the launch asked for no scope to write it; ask for fhircast/{}.write",
                    shortened(event.as_str(), LONGEST),
                    shortened(event.as_str(), LONGEST)
                ),
                vec![
                    Place::at(given.sequence),
                    Place::within(spot.sequence, "/event/hub.event"),
                ],
            )
        });
        self.judge(who, ids::SCOPES_WRITE, breach);
    }
}

/// Whether no scope that was asked for covers this event. SyncErrors are about events and change nothing, and what an asterisk
/// in a subscription means is the hub's.
fn is_uncovered(launch: &Launch, event: &str, access: Access) -> bool {
    if event.contains('*') || event.eq_ignore_ascii_case("SyncError") {
        return false;
    }
    match event.parse::<EventName>() {
        Ok(event) => !launch.asked.iter().any(|scope| scope.allows(&event, access)),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_grammar_of_scopes() {
        use Fit::{Doubtful, Fits, Not};
        for (scope, [stu1, stu2, stu3]) in [
            ("fhircast/Patient-open.read", [Fits, Fits, Fits]),
            ("fhircast/SyncError.*", [Fits, Fits, Fits]),
            ("fhircast/org.example.x.write", [Fits, Fits, Fits]),
            ("fhircast/*.read", [Doubtful, Fits, Fits]),
            ("fhircast/*.*", [Doubtful, Fits, Fits]),
            ("fhircast/patient-*.read", [Fits, Fits, Doubtful]),
            ("fhircast/*-open.read", [Doubtful, Fits, Doubtful]),
            ("fhircast/Patient-open", [Not, Not, Not]),
            ("fhircast/Patient-open.rs", [Not, Not, Not]),
            ("FHIRcast/Patient-open.read", [Not, Not, Not]),
            ("fhircast:Patient-open.read", [Not, Not, Not]),
        ] {
            let fits = [Version::Stu1, Version::Stu2, Version::Stu3].map(|version| fit(scope, version));
            assert_eq!(fits, [stu1, stu2, stu3], "{scope}");
        }
    }

    #[test]
    fn only_what_is_meant_to_be_a_scope_of_fhircast_is_one() {
        let scopes = "openid launch fhircast/*.read patient/*.rs fhircastle FHIRCAST.x ü";
        let found: Vec<&str> = of_fhircast(scopes).collect();
        assert_eq!(found, ["fhircast/*.read", "fhircastle", "FHIRCAST.x"]);
    }
}
