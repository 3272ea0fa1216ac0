//! The hub of one version: its topics, its endpoints and what its requests are answered with.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::watch;
use tokio::time::Instant;

use super::callbacks::Caller;
use super::endpoints::Endpoints;
use super::fault_injection::FaultInjection;
use super::paths::SOCKET_PATH;
use super::settings::{Settings, Transport};
use super::topic::{Shared, Topic};
use crate::authorization::Authorization;
use crate::defect::Behaviour;
use crate::identifiers::{Identifiers, NumberedEndpoints, RandomIdentifiers};
use crate::refusal::Refusal;
use crate::session::{Limits, Session};
use crate::version_profile::VersionProfile;

/// The hub's server going away.
const GOING_AWAY: u16 = 1001;

/// The things that the hubs of one server share, one hub for each version.
#[derive(Debug)]
pub(super) struct Surroundings {
    pub(super) faults: FaultInjection,
    /// The HTTP client for callbacks, where a version has them.
    pub(super) caller: Option<Caller>,
    /// The authorization server that knows the tokens, where requests must bring some.
    pub(super) authorization: Option<Arc<Authorization>>,
    pub(super) transport: Transport,
    /// The address at which the server can be reached.
    pub(super) address: SocketAddr,
}

/// The topics and endpoints of a hub.
#[derive(Debug)]
pub(super) struct Registry {
    pub(super) settings: Settings,
    pub(super) behaviour: Behaviour,
    pub(super) profile: &'static VersionProfile,
    /// The beginning of all paths: empty, or the version's own where the server has several.
    pub(super) prefix: String,
    pub(super) authorization: Option<Arc<Authorization>>,
    limits: Arc<Limits>,
    transport: Transport,
    address: SocketAddr,
    topics: RwLock<HashMap<String, Arc<Topic>>>,
    shared: Arc<Shared>,
    sockets: watch::Sender<usize>,
    stopping: watch::Sender<bool>,
    numbered: Arc<AtomicU64>,
}

impl Registry {
    pub(super) fn new(settings: Settings, prefix: &str, surroundings: &Surroundings) -> Arc<Self> {
        let (stopping, stopped) = watch::channel(false);
        let behaviour = surroundings.faults.behaviour.clone();
        let shared = Shared {
            rules: surroundings.faults.rules.clone(),
            endpoints: Endpoints::new(behaviour.clone()),
            caller: surroundings.caller.clone(),
            observer: settings.observer().cloned(),
            stopping: stopped,
            start: Instant::now(),
        };
        Arc::new(Self {
            profile: VersionProfile::of(settings.version),
            prefix: prefix.to_owned(),
            authorization: surroundings.authorization.clone(),
            behaviour,
            limits: Arc::new(settings.limits.clone()),
            settings,
            transport: surroundings.transport,
            address: surroundings.address,
            topics: RwLock::default(),
            shared: Arc::new(shared),
            sockets: watch::Sender::new(0),
            stopping,
            numbered: Arc::default(),
        })
    }

    /// The topic, where it has a session.
    pub(super) fn find(&self, name: &str) -> Option<Arc<Topic>> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics.get(&*self.behaviour.taken_for(name)).map(Arc::clone)
    }

    /// The topic, whose session begins if there is none.
    ///
    /// # Errors
    /// When there are as many topics as the hub can hold, and none is idle.
    pub(super) fn topic(&self, name: &str) -> Result<Arc<Topic>, Refusal> {
        if let Some(topic) = self.find(name) {
            return Ok(topic);
        }
        let mut topics = self.topics.write().unwrap_or_else(PoisonError::into_inner);
        let key = self.behaviour.taken_for(name);
        if let Some(topic) = topics.get(&*key) {
            return Ok(Arc::clone(topic));
        }
        if topics.len() >= self.settings.max_topics {
            // Whoever holds a topic beside this map may be about to change it.
            topics.retain(|_, topic| Arc::strong_count(topic) > 1 || !topic.is_idle());
        }
        if topics.len() >= self.settings.max_topics {
            return Err(Refusal::new(
                503,
                format!(
                    "hub.topic: this hub has {} topics already, which is its limit",
                    topics.len()
                ),
            ));
        }
        let identifiers: Box<dyn Identifiers> = if self.behaviour.numbers_endpoints() {
            Box::new(NumberedEndpoints(Arc::clone(&self.numbered)))
        } else {
            Box::new(RandomIdentifiers)
        };
        let version = self.settings.version;
        let session = Session::new(name, version, Arc::clone(&self.limits), identifiers)
            .behaving(self.behaviour.clone());
        let topic = Topic::start(name, session, &self.shared);
        topics.insert(key.into_owned(), Arc::clone(&topic));
        Ok(topic)
    }

    /// Every topic, in the order of their names.
    pub(super) fn topics(&self) -> Vec<(String, Arc<Topic>)> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        let mut topics: Vec<_> = topics
            .iter()
            .map(|(name, topic)| (name.clone(), Arc::clone(topic)))
            .collect();
        topics.sort_by(|one, other| one.0.cmp(&other.0));
        topics
    }

    /// Every topic but this one.
    pub(super) fn others(&self, name: &str) -> Vec<Arc<Topic>> {
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        topics
            .iter()
            .filter(|(topic, _)| *topic != name)
            .map(|(_, topic)| Arc::clone(topic))
            .collect()
    }

    pub(super) fn remember_endpoint(&self, endpoint: &str, topic: &str) {
        self.shared.endpoints.remember(endpoint, topic);
    }

    /// The topic that an endpoint belongs to.
    pub(super) fn topic_of(&self, endpoint: &str) -> Option<Arc<Topic>> {
        let name = self.shared.endpoints.topic_of(endpoint)?;
        self.find(&name)
    }

    /// The WebSocket URL of an endpoint, at the host by which the client reached the hub.
    pub(super) fn endpoint_url(&self, host: Option<&str>, endpoint: &str) -> String {
        let scheme = match self.transport {
            Transport::Tls if !self.behaviour.names_plaintext_endpoints() => "wss",
            Transport::Tls | Transport::Plaintext => "ws",
        };
        let address = self.address.to_string();
        let host = host.filter(|host| is_authority(host)).unwrap_or(&address);
        format!("{scheme}://{host}{}{SOCKET_PATH}{endpoint}", self.prefix)
    }

    /// The last path segment of an endpoint's URL, where it is one of a hub like this.
    pub(super) fn endpoint_of(&self, url: &str) -> Option<String> {
        let url = url::Url::parse(url).ok()?;
        if !matches!(url.scheme(), "ws" | "wss") {
            return None;
        }
        let path = url.path().strip_prefix(self.prefix.as_str())?;
        Some(path.strip_prefix(SOCKET_PATH)?.to_owned())
    }

    /// Counts an open socket until the guard is dropped.
    pub(super) fn count_socket(self: &Arc<Self>) -> SocketGuard {
        self.sockets.send_modify(|sockets| *sockets += 1);
        SocketGuard(Arc::clone(self))
    }

    /// Asks every socket to close, and gives up every call.
    pub(super) fn close_all(&self) {
        self.stopping.send_replace(true);
        let topics = self.topics.read().unwrap_or_else(PoisonError::into_inner);
        for topic in topics.values() {
            topic.close_all(GOING_AWAY, "the hub stops");
        }
    }

    /// Waits until no socket is open.
    pub(super) async fn sockets_ended(&self) {
        let mut sockets = self.sockets.subscribe();
        // The sender lives as long as this registry.
        let _ = sockets.wait_for(|sockets| *sockets == 0).await;
    }
}

/// An open socket.
#[derive(Debug)]
pub(super) struct SocketGuard(Arc<Registry>);

impl Drop for SocketGuard {
    fn drop(&mut self) {
        self.0
            .sockets
            .send_modify(|sockets| *sockets = sockets.saturating_sub(1));
    }
}

/// Whether the text of a Host header can stand in a URL.
fn is_authority(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
}
