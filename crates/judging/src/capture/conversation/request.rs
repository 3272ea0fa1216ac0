//! Requests to a hub, by what they ask for.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::super::headers::Headers;
use crate::protocol::{WEBSOCKET, WELL_KNOWN_PATH};

/// The purpose of a request to a hub.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// A subscription, a new one or another one in its place.
    Subscribe(SubscriptionForm),
    /// The end of a subscription.
    Unsubscribe(SubscriptionForm),
    /// An event to be broadcast.
    Publish(PublishedEvent),
    /// The current context of a topic.
    GetContext {
        /// `hub.topic`.
        topic: String,
    },
    /// The hub's configuration document.
    Configuration,
    /// A WebSocket.
    Upgrade,
    /// Anything else.
    Other,
}

impl Request {
    /// The purpose of a request; `path` is what follows `hub.url` in its URL.
    pub(super) fn of(method: &str, url: &str, path: Option<&str>, headers: &Headers, body: &str) -> Self {
        let upgrades = headers
            .get("upgrade")
            .is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
        if upgrades || url.starts_with("ws://") || url.starts_with("wss://") {
            return Self::Upgrade;
        }
        match method {
            "POST" => Self::of_body(body),
            "GET" if without_query(url).ends_with(WELL_KNOWN_PATH) => Self::Configuration,
            "GET" => match path.and_then(topic_of) {
                Some(topic) => Self::GetContext { topic },
                None => Self::Other,
            },
            _ => Self::Other,
        }
    }

    fn of_body(body: &str) -> Self {
        if let Ok(message) = serde_json::from_str::<Value>(body) {
            return match message.get("event") {
                Some(_) => Self::Publish(PublishedEvent { message }),
                None => Self::Other,
            };
        }
        let form = SubscriptionForm::parse(body);
        // A hub may take a mode in capitals, and what it then does is to be understood.
        match form.get("hub.mode").map(str::to_ascii_lowercase).as_deref() {
            Some("subscribe") => Self::Subscribe(form),
            Some("unsubscribe") => Self::Unsubscribe(form),
            _ => Self::Other,
        }
    }

    /// The form of a request for a subscription, or for its end.
    pub fn form(&self) -> Option<&SubscriptionForm> {
        match self {
            Self::Subscribe(form) | Self::Unsubscribe(form) => Some(form),
            _ => None,
        }
    }
}

/// The form of a request for a subscription, or for its end. An empty parameter counts as none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubscriptionForm(Vec<(String, String)>);

impl SubscriptionForm {
    fn parse(body: &str) -> Self {
        Self(form_urlencoded::parse(body.as_bytes()).into_owned().collect())
    }

    /// The first value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(parameter, _)| parameter == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// All parameters, in their order.
    pub fn parameters(&self) -> &[(String, String)] {
        &self.0
    }

    /// `hub.topic`, empty where it is missing.
    pub fn topic(&self) -> &str {
        self.get("hub.topic").unwrap_or_default()
    }

    /// The names in `hub.events`, as written.
    pub fn events(&self) -> impl Iterator<Item = &str> {
        let names = self.get("hub.events").unwrap_or_default().split(',');
        names.map(str::trim).filter(|name| !name.is_empty())
    }

    /// `hub.callback`: where webhooks go. Beside a channel of the type `websocket` it says nothing, for nobody calls there.
    pub fn callback(&self) -> Option<&str> {
        let channel = self.get("hub.channel.type").unwrap_or_default();
        let over_socket = channel.trim().eq_ignore_ascii_case(WEBSOCKET);
        self.get("hub.callback").filter(|_| !over_socket)
    }

    /// `hub.channel.endpoint`: the subscription that is meant.
    pub fn endpoint(&self) -> Option<&str> {
        self.get("hub.channel.endpoint").map(str::trim)
    }

    /// `subscriber.name`.
    pub fn subscriber_name(&self) -> Option<&str> {
        self.get("subscriber.name")
    }

    /// `hub.lease_seconds`, where it is a number.
    pub fn lease_seconds(&self) -> Option<u64> {
        self.get("hub.lease_seconds")?.parse().ok()
    }
}

/// An event that a hub is asked to broadcast.
#[derive(Debug, Clone, PartialEq)]
pub struct PublishedEvent {
    /// The whole message.
    pub message: Value,
}

impl PublishedEvent {
    fn text(&self, pointer: &str) -> Option<&str> {
        self.message.pointer(pointer).and_then(Value::as_str)
    }

    /// `id`.
    pub fn id(&self) -> Option<&str> {
        self.text("/id")
    }

    /// `timestamp`.
    pub fn timestamp(&self) -> Option<&str> {
        self.text("/timestamp")
    }

    /// `hub.topic`.
    pub fn topic(&self) -> Option<&str> {
        self.text("/event/hub.topic")
    }

    /// `hub.event`, as written.
    pub fn name(&self) -> Option<&str> {
        self.text("/event/hub.event")
    }

    /// `context`.
    pub fn context(&self) -> Option<&Value> {
        self.message.pointer("/event/context")
    }
}

/// A URL without its query.
pub(super) fn without_query(url: &str) -> &str {
    url.split('?').next().unwrap_or(url)
}

/// What follows `hub.url` in a URL, its query included; `None` where it is a URL of another place.
pub(super) fn path_below(hub_url: &str, url: &str) -> Option<String> {
    let begins = |path: &str| path.is_empty() || path.starts_with(['/', '?']);
    let hub_url = hub_url.trim_end_matches('/');
    if let Some(path) = url.strip_prefix(hub_url).filter(|path| begins(path)) {
        return Some(path.to_owned());
    }
    // The same URL can be written in several ways: with the port that its scheme has, the host in capitals.
    let (hub, url) = (Url::parse(hub_url).ok()?, Url::parse(url).ok()?);
    if hub.origin() != url.origin() {
        return None;
    }
    let path = url.path().strip_prefix(hub.path().trim_end_matches('/'));
    let path = path.filter(|path| begins(path))?;
    Some(match url.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    })
}

/// The topic of whose current context this is the path.
fn topic_of(path: &str) -> Option<String> {
    let segment = without_query(path).strip_prefix('/')?;
    let is_topic = !segment.is_empty() && !segment.contains('/') && !segment.starts_with('.');
    is_topic.then(|| percent_decode_str(segment).decode_utf8_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "https://hub.example.com/fhircast";

    fn request(method: &str, url: &str, upgrade: Option<&str>, body: &str) -> Request {
        let headers = upgrade.map(|value| ("Upgrade".to_owned(), value.to_owned()));
        let headers = Headers::from(headers.into_iter().collect::<Vec<_>>());
        Request::of(method, url, path_below(HUB, url).as_deref(), &headers, body)
    }

    #[test]
    fn requests_are_told_by_method_url_headers_and_body() {
        let get = |below: &str| request("GET", &format!("{HUB}{below}"), None, "");
        assert_eq!(get("/.well-known/fhircast-configuration"), Request::Configuration);
        let topic = "desk 1".to_owned();
        assert_eq!(get("/desk%201"), Request::GetContext { topic: topic.clone() });
        assert_eq!(get("/desk%201?fresh=1"), Request::GetContext { topic });
        for below in ["", "/", "/a/b", "/.well-known", "elsewhere/desk"] {
            assert_eq!(get(below), Request::Other, "{below}");
        }
        let socket = "wss://hub.example.com/socket/1";
        assert_eq!(request("GET", socket, None, ""), Request::Upgrade);
        let socket = "https://hub.example.com/socket/1";
        assert_eq!(request("GET", socket, Some("WebSocket"), ""), Request::Upgrade);
        let offer = request("POST", HUB, Some("h2c"), "hub.mode=subscribe&hub.topic=desk");
        assert!(
            matches!(offer, Request::Subscribe(_)),
            "an offer of HTTP/2 opens no WebSocket"
        );
        assert!(matches!(
            request("POST", HUB, None, "hub.mode=Unsubscribe"),
            Request::Unsubscribe(_)
        ));
        assert!(matches!(
            request("POST", HUB, None, r#"{"event": {}}"#),
            Request::Publish(_)
        ));
        for body in ["", "hub.mode=dance", "{}", "{\"event\":", "hub.topic=desk"] {
            assert_eq!(request("POST", HUB, None, body), Request::Other, "{body}");
        }
        assert_eq!(request("PUT", HUB, None, "hub.mode=subscribe"), Request::Other);
    }

    #[test]
    fn forms_give_the_first_value_that_is_not_empty() {
        let form = SubscriptionForm::parse(
            "hub.topic=desk&hub.events=Patient-open%2C+Patient-close%2C&hub.secret=&hub.lease_seconds=60&hub.topic=other",
        );
        assert_eq!(form.topic(), "desk");
        assert_eq!(
            form.events().collect::<Vec<_>>(),
            ["Patient-open", "Patient-close"]
        );
        assert_eq!(form.get("hub.secret"), None);
        assert_eq!(form.lease_seconds(), Some(60));
        assert_eq!(
            (form.callback(), form.endpoint(), form.subscriber_name()),
            (None, None, None)
        );
        assert_eq!(form.parameters().len(), 5);
    }

    #[test]
    fn paths_below_the_hub_are_found_however_its_url_is_written() {
        for (url, path) in [
            (HUB, Some("")),
            ("https://hub.example.com/fhircast/desk?a=b", Some("/desk?a=b")),
            ("https://HUB.example.com:443/fhircast/desk?a=b", Some("/desk?a=b")),
            ("https://hub.example.com/fhircast2/desk", None),
            ("https://hub.example.com/", None),
            ("https://other.example.com/fhircast", None),
        ] {
            assert_eq!(path_below(HUB, url).as_deref(), path, "{url}");
            assert_eq!(path_below(&format!("{HUB}/"), url).as_deref(), path, "{url}");
        }
    }
}
