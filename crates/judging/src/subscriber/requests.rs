//! HTTP requests: what each is meant to be, by its address, its content type and its body.

use serde_json::Value;

use super::exchange::{Exchange, Observed};
use super::findings::{Breach, Subscriber};
use super::forms::{Form, as_object};
use super::ids;
use super::judge::Judge;
use super::publishing::Publication;
use super::record::Place;
use super::state::Spot;
use crate::schema::Unmet;

/// The configuration document, below `hub.url` (2.7).
const CONFIGURATION: &str = ".well-known/fhircast-configuration";

/// A request that waits for its answer.
#[derive(Debug)]
pub(super) enum Asked {
    Form(Form),
    Publication(Box<Publication>),
    CurrentContext { topic: String },
    Configuration,
}

/// Where a request went, from `hub.url`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Where {
    HubUrl,
    Below,
    Elsewhere,
}

/// What the head of a request tells.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) method: String,
    pub(super) place: Where,
    /// The media type without its parameters, in lower case.
    pub(super) content_type: Option<String>,
    /// The scheme of `Authorization`.
    pub(super) authorization: Option<String>,
    pub(super) token_in_url: bool,
    /// The launch whose token it bears.
    pub(super) launch: Option<u64>,
}

impl Head {
    /// Only a subscription has to show its token (2.4).
    pub(super) fn kind_needs_bearer(&self, form: &Value) -> bool {
        form.get("hub.mode").and_then(Value::as_str) != Some("unsubscribe")
    }
}

/// The path of a URL, with its query, without what only a proxy would change.
pub(super) fn endpoint_path(url: &str) -> String {
    let url = url.trim();
    let rest = url.split_once("://").map_or(url, |(_, rest)| {
        rest.find('/').map_or("/", |slash| &rest[slash..])
    });
    rest.trim_end_matches('/').to_owned()
}

pub(super) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(header, _)| header.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn is_form(pairs: &[(String, String)]) -> bool {
    pairs
        .iter()
        .any(|(name, _)| name == "hub.mode" || name == "hub.topic")
}

/// A path segment as it was meant.
fn decoded(segment: &str) -> String {
    // A plus stands for itself in a path.
    let pair = format!("x={}", segment.replace('+', "%2B").replace('&', "%26"));
    pairs(pair.as_bytes())
        .into_iter()
        .next()
        .map(|(_, value)| value)
        .unwrap_or_default()
}

impl Judge {
    pub(super) fn request(&mut self, exchange: &Exchange, spot: Spot) {
        let Observed::Request {
            id,
            method,
            url,
            headers,
            body,
            launch,
        } = &exchange.observed
        else {
            return;
        };
        let whole = endpoint_path(url);
        let (path, query) = whole.split_once('?').unwrap_or((&whole, ""));
        let path = path.trim_end_matches('/');
        if header(headers, "upgrade").is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
            self.attempt(&whole, spot);
            return;
        }
        let hub = endpoint_path(&self.settings.hub_url);
        let below = path.strip_prefix(&hub).and_then(|rest| rest.strip_prefix('/'));
        let place = match below {
            _ if path == hub => Where::HubUrl,
            Some(_) => Where::Below,
            None => Where::Elsewhere,
        };
        let head = Head {
            method: method.clone(),
            place,
            content_type: header(headers, "content-type").map(|value| {
                let essence = value.split(';').next().unwrap_or_default();
                essence.trim().to_ascii_lowercase()
            }),
            authorization: header(headers, "authorization")
                .map(|value| value.split(' ').next().unwrap_or_default().to_owned()),
            token_in_url: pairs(query.as_bytes())
                .iter()
                .any(|(name, _)| name == "access_token"),
            launch: *launch,
        };
        if head
            .authorization
            .as_deref()
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer"))
            && let Some(client) = &exchange.client
        {
            self.bearers.insert(client.clone());
        }
        if body.is_empty() {
            self.without_body(exchange, *id, &head, below, query, spot);
            return;
        }
        let form = pairs(body);
        let json: Option<Value> = serde_json::from_slice(body).ok();
        if json.is_none()
            && (is_form(&form) || head.content_type.as_deref() == Some("application/x-www-form-urlencoded"))
        {
            if is_form(&form) || head.place != Where::Elsewhere {
                self.form(exchange, *id, &head, &as_object(&form), spot);
            }
            return;
        }
        match json {
            Some(message) if message.get("hub.mode").is_some() => {
                self.form(exchange, *id, &head, &message, spot);
            }
            Some(message) if head.place != Where::Elsewhere || message.get("event").is_some() => {
                self.publication(exchange, *id, &head, &message, spot);
            }
            None if head.place != Where::Elsewhere => {
                let who = self.publisher("", exchange.client.as_deref(), None);
                let breach = Breach::new(
                    "the body of the request is neither JSON nor a form; events are JSON, subscription requests are forms",
                    vec![Place::at(spot.sequence)],
                );
                self.broken(&who, ids::HTTP_JSON, breach);
            }
            _ => {}
        }
    }

    /// A request without a body: for the current context, or a subscription in the wrong place.
    fn without_body(
        &mut self,
        exchange: &Exchange,
        id: u64,
        head: &Head,
        below: Option<&str>,
        query: &str,
        spot: Spot,
    ) {
        let in_query = pairs(query.as_bytes());
        if in_query.iter().any(|(name, _)| name == "hub.mode") {
            self.form(exchange, id, head, &as_object(&in_query), spot);
            return;
        }
        let place = vec![Place::at(spot.sequence)];
        match below {
            Some(CONFIGURATION) if head.method == "GET" => self.wait_for_answer(id, Asked::Configuration),
            Some(rest) if rest.starts_with(".well-known") => {}
            Some(rest) => {
                let topic = decoded(rest);
                let who = self.asker(&topic, exchange.client.as_deref());
                let breach = if head.method != "GET" && head.method != "HEAD" && head.method != "OPTIONS" {
                    Some(Breach::new(
                        format!(
                            "a {} without a body was sent to hub.url/{{topic}}; expected GET",
                            head.method
                        ),
                        place,
                    ))
                } else if rest.contains('/') && self.topics.contains_key(&topic) {
                    Some(Breach::new(
                        "the topic stands in the path with a slash of its own; expected it percent-encoded",
                        place,
                    ))
                } else {
                    None
                };
                if breach.is_some() || head.method == "GET" {
                    self.judge(&who, ids::CURRENT_REQUEST, breach);
                }
                if head.method == "GET" {
                    self.wait_for_answer(id, Asked::CurrentContext { topic });
                }
            }
            None if head.place == Where::HubUrl && head.method == "GET" => {
                let topic = in_query
                    .into_iter()
                    .find(|(name, _)| name == "hub.topic" || name == "topic");
                if let Some((_, topic)) = topic {
                    let who = self.asker(&topic, exchange.client.as_deref());
                    let breach = Breach::new(
                        "the current context was asked for with the topic in the query; expected GET at hub.url/{topic}",
                        place,
                    );
                    self.broken(&who, ids::CURRENT_REQUEST, breach);
                }
            }
            None => {}
        }
    }

    fn asker(&self, topic: &str, client: Option<&str>) -> Subscriber {
        let mut who = self.publisher(topic, client, None);
        if who.name == super::publishing::UNKNOWN {
            who.name = "whoever asks for the context".to_owned();
        }
        who
    }

    pub(super) fn answer(&mut self, id: u64, status: u16, body: &[u8], spot: Spot) {
        match self.asked.remove(&id) {
            Some(Asked::Form(form)) => self.form_answered(form, status, body, spot),
            Some(Asked::Publication(publication)) => self.publication_answered(*publication, status, spot),
            Some(Asked::CurrentContext { topic }) if (200..300).contains(&status) => {
                if let Ok(message) = serde_json::from_slice(body) {
                    self.fetched(&topic, &message);
                }
            }
            Some(Asked::Configuration) if (200..300).contains(&status) => {
                let document = serde_json::from_slice(body).unwrap_or(Value::Null);
                let told = document.get("fhirVersion").and_then(Value::as_str);
                self.fhir_version = told.map(str::to_owned).or(self.fhir_version.take());
            }
            _ => {}
        }
    }

    /// The media type of a requested change.
    pub(super) fn judge_media_type(&mut self, who: &Subscriber, head: &Head, spot: Spot) {
        let breach = match head.content_type.as_deref() {
            Some("application/json" | "application/fhir+json") => None,
            other => Some(
                Breach::new(
                    format!(
                        "the Content-Type of a requested change is {}; expected application/json or application/fhir+json",
                        other.unwrap_or("missing")
                    ),
                    vec![Place::at(spot.sequence)],
                )
                .softened(Unmet::Warn),
            ),
        };
        self.judge(who, ids::HTTP_JSON, breach);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_told_apart_by_their_paths() {
        for (url, path) in [
            ("wss://h:1/socket/a", "/socket/a"),
            (" ws://other/socket/a\n", "/socket/a"),
            ("/socket/a/", "/socket/a"),
            ("wss://h/s?id=1", "/s?id=1"),
            ("wss://h", ""),
            ("", ""),
        ] {
            assert_eq!(endpoint_path(url), path, "{url}");
        }
    }

    #[test]
    fn a_topic_in_a_path_is_decoded() {
        for (segment, topic) in [("topic%201%2F%C3%BC", "topic 1/ü"), ("a+b&c", "a+b&c"), ("", "")] {
            assert_eq!(decoded(segment), topic);
        }
    }
}
