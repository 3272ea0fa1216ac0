//! URLs that differ on the two sides of the recorder: endpoints of WebSockets, and callbacks.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use url::Url;

/// How many of a kind are remembered; the oldest are forgotten first.
const MOST: usize = 100_000;
/// Endpoints on other hosts than the hub's lie under this path.
const SOCKETS: &str = "/castspec-record/socket/";

/// The original behind each URL of the recorder.
#[derive(Debug)]
pub(super) struct Aliases {
    callback_base: String,
    endpoints: Mutex<Pairs>,
    callbacks: Mutex<Pairs>,
}

/// Originals by alias and aliases by original.
#[derive(Debug, Default)]
struct Pairs {
    originals: HashMap<String, String>,
    aliases: HashMap<String, String>,
    order: VecDeque<String>,
}

impl Pairs {
    fn add(&mut self, alias: String, original: &str) {
        if self.order.len() >= MOST
            && let Some(oldest) = self.order.pop_front()
            && let Some(original) = self.originals.remove(&oldest)
        {
            self.aliases.remove(&original);
        }
        self.aliases.insert(original.to_owned(), alias.clone());
        if self
            .originals
            .insert(alias.clone(), original.to_owned())
            .is_none()
        {
            self.order.push_back(alias);
        }
    }
}

impl Aliases {
    pub(super) fn new(callback_base: &str) -> Self {
        Self {
            callback_base: callback_base.to_owned(),
            endpoints: Mutex::default(),
            callbacks: Mutex::default(),
        }
    }

    /// The path and query under which the recorder passes an endpoint on: its own one where the endpoint is at the hub's
    /// host, so that no two hosts come into each other's way otherwise.
    pub(super) fn endpoint(&self, original: &str, url: &Url, upstream: &Url) -> String {
        let at_hub = url.host_str() == upstream.host_str()
            && url.port_or_known_default() == upstream.port_or_known_default();
        let mut pairs = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(alias) = pairs.aliases.get(original) {
            return alias.clone();
        }
        let alias = if at_hub {
            path_and_query(url)
        } else {
            format!("{SOCKETS}{}", uuid::Uuid::new_v4().simple())
        };
        pairs.add(alias.clone(), original);
        alias
    }

    /// The endpoint that is meant by this path and query.
    pub(super) fn endpoint_behind(&self, path_and_query: &str) -> Option<String> {
        let pairs = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        pairs.originals.get(path_and_query).cloned()
    }

    /// The URL under which the recorder takes calls for this callback: with its query, as hubs have to keep it. `None` where
    /// the callback is no http or https URL.
    pub(super) fn callback(&self, original: &str) -> Option<String> {
        let url = Url::parse(original).ok()?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return None;
        }
        let query = original.split_once('?').map(|(_, query)| format!("?{query}"));
        let query = query.unwrap_or_default();
        let mut pairs = self.callbacks.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match pairs.aliases.get(original) {
            Some(key) => key.clone(),
            None => {
                let key = uuid::Uuid::new_v4().simple().to_string();
                pairs.add(key.clone(), original);
                key
            }
        };
        Some(format!("{}/{key}{query}", self.callback_base))
    }

    /// The callback that is called by this path, with the query that it is called with.
    pub(super) fn callback_behind(&self, path: &str, query: Option<&str>) -> Option<String> {
        let pairs = self.callbacks.lock().unwrap_or_else(PoisonError::into_inner);
        // Behind a base with a path of its own, or a proxy that has one, the key is not the first part.
        let mut parts = path.split('/');
        let original = parts.find_map(|part| pairs.originals.get(part))?;
        let mut url = original.split('?').next().unwrap_or_default().to_owned();
        for part in parts {
            url.push('/');
            url.push_str(part);
        }
        if let Some(query) = query {
            url.push('?');
            url.push_str(query);
        }
        Some(url)
    }
}

pub(super) fn path_and_query(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}
