//! The paths of the control API.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::answer::{Done, Problem};
use super::token::Token;
use crate::faults::{ActiveRule, Rule, RuleId, check_close};
use crate::protocol::{EventName, Notification, Version};
use crate::{Controls, Defect};

type Outcome<T> = Result<Done<T>, Problem>;

pub(super) fn router(controls: Controls, token: Token) -> Router {
    let token = Arc::new(token);
    let at = |act: &str| format!("/topics/{{topic}}/subscribers/{{subscriber}}/{act}");
    let browsers = controls.browsers().locally();
    let routes = Router::new()
        .route("/", get(overview))
        .route("/topics", get(topics))
        .route("/topics/{topic}", get(topic))
        .route("/topics/{topic}/events", post(publish))
        .route(&at("send"), post(send))
        .route(&at("deny"), post(deny))
        .route(&at("expire"), post(expire))
        .route(&at("close"), post(close))
        .route(&at("cut"), post(cut))
        .route(
            "/troubles",
            get(fault_rules).post(add_fault_rule).delete(remove_fault_rules),
        )
        .route("/troubles/{id}", get(fault_rule).delete(remove_fault_rule))
        .route("/troubles/{id}/release", post(release))
        .route("/defects", get(defects).delete(switch_all_off))
        .route("/defects/{name}", put(switch_on).delete(switch_off))
        .fallback(nowhere)
        .method_not_allowed_fallback(otherwise)
        .layer(middleware::from_fn(move |request: Request, next: Next| {
            let token = Arc::clone(&token);
            async move { admit(&token, request, next).await }
        }))
        .with_state(controls);
    browsers.guard(routes)
}

async fn admit(token: &Token, request: Request, next: Next) -> Response {
    let shown = |headers: &HeaderMap| {
        let value = headers.get(header::AUTHORIZATION)?;
        token.is_shown_by(value.as_bytes()).then_some(())
    };
    if shown(request.headers()).is_some() {
        return next.run(request).await;
    }
    let problem = Problem::new(
        StatusCode::UNAUTHORIZED,
        "the control API wants its token, as 'Authorization: Bearer …'; the file that --control-header wrote has this line",
    );
    let mut answer = problem.into_response();
    let challenge = header::HeaderValue::from_static("Bearer realm=\"castspec control\"");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    answer
}

async fn nowhere() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "there is nothing here: /topics, /troubles and /defects are the beginning of all paths",
    )
}

async fn otherwise() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path takes other methods: GET looks, POST acts and adds, PUT switches on, DELETE removes and switches off",
    )
}

/// The version that is meant, where the hub speaks several.
#[derive(Debug, Deserialize)]
struct Which {
    version: Option<String>,
}

impl Which {
    fn of(&self, controls: &Controls) -> Result<Version, Problem> {
        match &self.version {
            Some(name) => {
                let parsed = name.parse::<Version>();
                parsed.map_err(|error| Problem::new(StatusCode::BAD_REQUEST, format!("version: {error}")))
            }
            None => Ok(controls.versions().first().copied().unwrap_or(Version::Stu3)),
        }
    }
}

/// The body as JSON; an empty one is an empty object.
fn body<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    let text = match bytes.trim_ascii() {
        b"" => b"{}",
        text => text,
    };
    let bad = |error: &dyn std::fmt::Display| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            format!("the body cannot be used: {error}"),
        )
    };
    serde_json::from_slice(text).map_err(|error| bad(&error))
}

async fn overview(State(controls): State<Controls>) -> Outcome<Value> {
    let versions = controls.versions();
    let mut topics = 0;
    let mut subscribers = 0;
    for version in &versions {
        let sessions = controls.sessions(*version)?;
        topics += sessions.len();
        subscribers += sessions
            .iter()
            .map(|session| session.subscribers.len())
            .sum::<usize>();
    }
    let versions: Vec<_> = versions.iter().map(|version| version.name()).collect();
    let defects: Vec<_> = controls.defects().into_iter().map(Defect::name).collect();
    Ok(Done(
        StatusCode::OK,
        json!({
            "tool": { "name": "castspec", "version": env!("CARGO_PKG_VERSION") },
            "versions": versions,
            "topics": topics,
            "subscribers": subscribers,
            "troubles": controls.fault_rules().list().len(),
            "defects": defects,
        }),
    ))
}

async fn topics(State(controls): State<Controls>, Query(which): Query<Which>) -> Outcome<Value> {
    let sessions = controls.sessions(which.of(&controls)?)?;
    Ok(Done(StatusCode::OK, json!(sessions)))
}

async fn topic(
    State(controls): State<Controls>,
    Path(topic): Path<String>,
    Query(which): Query<Which>,
) -> Outcome<Value> {
    let session = controls.session(which.of(&controls)?, &topic)?;
    Ok(Done(StatusCode::OK, json!(session)))
}

/// The options of a publication.
#[derive(Debug, Deserialize)]
struct Publishing {
    version: Option<String>,
    /// Whatever it says, and without consequences.
    #[serde(default)]
    unchecked: bool,
}

/// The parts of an event that are needed; the hub adds the rest.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(rename = "hub.event")]
    event: EventName,
    context: Option<Box<RawValue>>,
}

async fn publish(
    State(controls): State<Controls>,
    Path(topic): Path<String>,
    Query(how): Query<Publishing>,
    bytes: Bytes,
) -> Outcome<Value> {
    let version = Which { version: how.version }.of(&controls)?;
    let message: Value = body(&bytes)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if how.unchecked {
        let event = message.pointer("/event/hub.event").or(message.get("hub.event"));
        let event = event
            .and_then(Value::as_str)
            .and_then(|event| event.parse::<EventName>().ok());
        let event = event.ok_or_else(|| {
            Problem::malformed(
                "/event/hub.event",
                "names no event: whoever is subscribed to it gets the message",
            )
        })?;
        controls.broadcast_text(version, &topic, &event, text)?;
        return Ok(Done(StatusCode::ACCEPTED, json!({ "sent": event.as_str() })));
    }
    let notification = if message.get("event").is_some() {
        let parsed = Notification::parse(&text);
        parsed.map_err(|error| Problem::malformed(&error.pointer, error.problem))?
    } else {
        let event: Event = body(&bytes)?;
        let nothing = || serde_json::value::to_raw_value(&json!([])).unwrap_or_default();
        controls.event(&topic, &event.event, event.context.unwrap_or_else(nothing))
    };
    if notification.topic != topic {
        return Err(Problem::malformed(
            "/event/hub.topic",
            format!("is '{}', and the path names '{topic}'", notification.topic),
        ));
    }
    let published = controls.publish(version, notification)??;
    Ok(Done(StatusCode::ACCEPTED, json!({ "id": published.id })))
}

type Subscription = (String, u64);

async fn send(
    State(controls): State<Controls>,
    Path((topic, subscriber)): Path<Subscription>,
    Query(which): Query<Which>,
    text: String,
) -> Outcome<Value> {
    let bytes = text.len();
    controls.send_text(which.of(&controls)?, &topic, subscriber, text)?;
    Ok(Done(StatusCode::ACCEPTED, json!({ "bytes": bytes })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Denying {
    reason: Option<String>,
}

async fn deny(
    State(controls): State<Controls>,
    Path((topic, subscriber)): Path<Subscription>,
    Query(which): Query<Which>,
    bytes: Bytes,
) -> Outcome<Value> {
    let denying: Denying = body(&bytes)?;
    let reason = denying.reason.as_deref().unwrap_or("denied by hand");
    controls.deny(which.of(&controls)?, &topic, subscriber, reason)?;
    Ok(Done(StatusCode::OK, json!({ "denied": subscriber })))
}

async fn expire(
    State(controls): State<Controls>,
    Path((topic, subscriber)): Path<Subscription>,
    Query(which): Query<Which>,
) -> Outcome<Value> {
    controls.expire(which.of(&controls)?, &topic, subscriber)?;
    Ok(Done(StatusCode::OK, json!({ "expired": subscriber })))
}

#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Closing {
    code: u16,
    reason: String,
}

impl Default for Closing {
    fn default() -> Self {
        Self {
            code: 1000,
            reason: String::new(),
        }
    }
}

async fn close(
    State(controls): State<Controls>,
    Path((topic, subscriber)): Path<Subscription>,
    Query(which): Query<Which>,
    bytes: Bytes,
) -> Outcome<Value> {
    let closing: Closing = body(&bytes)?;
    check_close(closing.code, &closing.reason)
        .map_err(|problem| Problem::new(StatusCode::BAD_REQUEST, problem))?;
    let version = which.of(&controls)?;
    controls.close(version, &topic, subscriber, closing.code, &closing.reason)?;
    Ok(Done(
        StatusCode::OK,
        json!({ "closed": subscriber, "code": closing.code }),
    ))
}

async fn cut(
    State(controls): State<Controls>,
    Path((topic, subscriber)): Path<Subscription>,
    Query(which): Query<Which>,
) -> Outcome<Value> {
    controls.cut(which.of(&controls)?, &topic, subscriber)?;
    Ok(Done(StatusCode::OK, json!({ "cut": subscriber })))
}

async fn fault_rules(State(controls): State<Controls>) -> Done<Vec<ActiveRule>> {
    Done(StatusCode::OK, controls.fault_rules().list())
}

async fn add_fault_rule(State(controls): State<Controls>, bytes: Bytes) -> Outcome<Value> {
    let rule: Rule = body(&bytes)?;
    let id = controls.fault_rules().add(rule)?;
    Ok(Done(StatusCode::CREATED, json!({ "id": id })))
}

fn no_fault_rule(id: u64) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        format!("there is no fault rule {id}; GET /troubles lists them"),
    )
}

async fn fault_rule(State(controls): State<Controls>, Path(id): Path<u64>) -> Outcome<ActiveRule> {
    let found = controls
        .fault_rules()
        .list()
        .into_iter()
        .find(|active| active.id == RuleId(id));
    let found = found.ok_or_else(|| no_fault_rule(id))?;
    Ok(Done(StatusCode::OK, found))
}

async fn remove_fault_rule(State(controls): State<Controls>, Path(id): Path<u64>) -> Outcome<Value> {
    if !controls.fault_rules().remove(RuleId(id)) {
        return Err(no_fault_rule(id));
    }
    let released = controls.release(RuleId(id));
    Ok(Done(
        StatusCode::OK,
        json!({ "removed": id, "released": released }),
    ))
}

async fn remove_fault_rules(State(controls): State<Controls>) -> Done<Value> {
    let mut removed = 0;
    let mut released = 0;
    for active in controls.fault_rules().list() {
        removed += usize::from(controls.fault_rules().remove(active.id));
        released += controls.release(active.id);
    }
    Done(
        StatusCode::OK,
        json!({ "removed": removed, "released": released }),
    )
}

async fn release(State(controls): State<Controls>, Path(id): Path<u64>) -> Outcome<Value> {
    if !controls
        .fault_rules()
        .list()
        .iter()
        .any(|active| active.id == RuleId(id))
    {
        return Err(no_fault_rule(id));
    }
    let released = controls.release(RuleId(id));
    Ok(Done(StatusCode::OK, json!({ "released": released })))
}

async fn defects(State(controls): State<Controls>) -> Done<Value> {
    let on = controls.defects();
    let defect = |defect: &Defect| {
        json!({
            "name": defect.name(),
            "description": defect.description(),
            "versions": defect.versions().iter().map(|version| version.name()).collect::<Vec<_>>(),
            "on": on.contains(defect),
        })
    };
    Done(
        StatusCode::OK,
        json!(Defect::all().iter().map(defect).collect::<Vec<_>>()),
    )
}

fn on(controls: &Controls) -> Value {
    json!({ "defects": controls.defects().into_iter().map(Defect::name).collect::<Vec<_>>() })
}

async fn switch_on(State(controls): State<Controls>, Path(name): Path<String>) -> Outcome<Value> {
    controls.switch(name.parse()?, true);
    Ok(Done(StatusCode::OK, on(&controls)))
}

async fn switch_off(State(controls): State<Controls>, Path(name): Path<String>) -> Outcome<Value> {
    controls.switch(name.parse()?, false);
    Ok(Done(StatusCode::OK, on(&controls)))
}

async fn switch_all_off(State(controls): State<Controls>) -> Done<Value> {
    for defect in controls.defects() {
        controls.switch(defect, false);
    }
    Done(StatusCode::OK, on(&controls))
}
