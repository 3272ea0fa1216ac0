//! A front before the simulator: it passes everything on but for the one behaviour that it has.

use std::collections::BTreeSet;
use std::io::Result;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::habit::{HABITS, Habit, Subscriptions};
use super::message::Message;
use super::record::Record;
use crate::command_support::{ClosedPort, HubProcess};

/// What the hub does otherwise than the simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Behaviour {
    /// Nothing.
    Clean,
    /// Ends of an event published at hub.url, and comes back; takes it at hub.url/{topic}.
    EndsOfPublications,
    /// Ends of the first event that is published, for good.
    EndsForGood,
    /// Ends of an empty form, and comes back.
    EndsOfEmptyForms,
    /// Ends after so many requests, for good.
    EndsAfter(usize),
    /// Takes application/fhir+json, and forgets it.
    Forgets,
    /// Takes events at hub.url/{topic} only.
    PublishesByTopic,
    /// Wants hub.events in an unsubscribe.
    UnsubscribesByEvents,
    /// Wants hub.events in an unsubscribe, and ends every subscription of the topic with it.
    UnsubscribesEverybody,
    /// Sends an event that nobody knows, as often as this.
    Beats(Duration),
    /// Wants a token.
    WantsToken,
    /// Is not at this path.
    Elsewhere,
    /// Refuses every subscription with this status.
    Refuses(u16),
    /// Begins each WebSocket with a frame of its own.
    Greets,
    /// Confirms no subscription.
    ConfirmsNothing,
    /// Asks for patience at every third request.
    Throttles,
    /// Has so many WebSockets at once, and refuses another with 503.
    LimitsSockets(usize),
    /// Has so many connections at once, and drops another.
    LimitsConnections(usize),
    /// Answers after this time.
    Slow(Duration),
    /// Names an endpoint that nobody listens at.
    NoWebSocket,
    /// Never answers a published event.
    Hangs,
    /// Wants subscriber.name.
    WantsName,
    /// Cuts a WebSocket over which nothing has passed for so long.
    CutsQuiet(Duration),
    /// Says nothing more over a WebSocket over which nothing has passed for so long, and keeps it open.
    ForgetsQuiet(Duration),
    /// Denies a subscription over whose WebSocket nothing has passed for so long, as it may.
    DeniesQuiet(Duration),
    /// Pings after such a silence, and cuts a WebSocket that does not answer in the same time.
    Pings(Duration),
    /// Has no configuration document.
    Undocumented,
    /// Answers an unsubscribe with 202, and lets it take effect after this time.
    LeavesLater(Duration),
    /// Has one topic at a time, and holds it for so long after its last WebSocket has closed.
    HoldsTopic(Duration),
    /// Is not there yet for so many requests, as its gateway says.
    ComesUpAfter(usize),
    /// Looks whether a callback is there, by a GET without a query, before it takes a subscription.
    LooksAtCallbacks,
    /// Refuses every unsubscribe.
    KeepsEveryone,
    /// Has the habit of this number.
    Habit(usize),
}

/// The front, the simulator behind it, and what runs both; all of it ends with this.
pub struct Front {
    pub url: String,
    pub version: String,
    pub record: Arc<Record>,
    _hub: HubProcess,
    _nobody: Arc<ClosedPort>,
    _runtime: tokio::runtime::Runtime,
}

pub(super) struct Shared {
    pub(super) behaviour: Behaviour,
    pub(super) hub: String,
    pub(super) record: Arc<Record>,
    own: String,
    path: String,
    nobody: String,
    requests: AtomicUsize,
    pub(super) sockets: AtomicUsize,
    pub(super) subscriptions: Subscriptions,
    /// The topics whose subscriptions are ended, each with the endpoint of who unsubscribed.
    pub(super) ended: tokio::sync::broadcast::Sender<(String, String)>,
    asked_to_wait: Mutex<BTreeSet<String>>,
    end: Notify,
}

/// What is done about a request.
enum Deed {
    Pass(Message),
    Answer(Message),
    Hang,
    End,
}

impl Front {
    /// Before a simulator of STU3.
    pub fn start(behaviour: Behaviour) -> Self {
        Self::before("STU3", &[], behaviour)
    }

    /// Before a simulator of this version, with these arguments of its own.
    pub fn before(version: &str, arguments: &[&str], behaviour: Behaviour) -> Self {
        let of_version = ["--plaintext", "--fhircast-version", version];
        let hub = HubProcess::start(&[&of_version, arguments].concat());
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let behind = url::Url::parse(&hub.url).unwrap();
        let authority = format!("{}:{}", behind.host_str().unwrap(), behind.port().unwrap());
        let nobody = Arc::new(ClosedPort::reserve());
        let record = Arc::<Record>::default();
        let shared = Shared {
            behaviour,
            record: record.clone(),
            own: address.to_string(),
            path: behind.path().to_owned(),
            nobody: format!("127.0.0.1:{}", nobody.number()),
            hub: authority,
            requests: AtomicUsize::new(0),
            sockets: AtomicUsize::new(0),
            subscriptions: Subscriptions::default(),
            ended: tokio::sync::broadcast::Sender::new(64),
            asked_to_wait: Mutex::default(),
            end: Notify::new(),
        };
        let suffix = shared.habit().map_or("", |habit| habit.suffix);
        let url = format!("{}{suffix}", hub.url.replace(&shared.hub, &shared.own));
        runtime.spawn(serve(listener, address, Arc::new(shared)));
        Self {
            url,
            version: version.to_owned(),
            record,
            _hub: hub,
            _nobody: nobody,
            _runtime: runtime,
        }
    }
}

async fn serve(mut listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    loop {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    while connections.try_join_next().is_some() {}
                    if let Behaviour::LimitsConnections(most) = shared.behaviour && connections.len() >= most {
                        continue;
                    }
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
                () = shared.end.notified() => break,
            }
        }
        drop(listener);
        connections.shutdown().await;
        if matches!(shared.behaviour, Behaviour::EndsAfter(_) | Behaviour::EndsForGood) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        listener = TcpListener::bind(address).await.unwrap();
    }
}

async fn connection(client: TcpStream, shared: Arc<Shared>) -> Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::new(client);
    while let Some(request) = Message::request(&mut client).await? {
        let asked = request.clone();
        let answer = match shared.deed(request) {
            Deed::Pass(request) if request.opens_a_socket() => return shared.tunnel(client, request).await,
            Deed::Pass(request) => match shared.behaviour {
                Behaviour::LeavesLater(time)
                    if request.member("hub.mode").as_deref() == Some("unsubscribe") =>
                {
                    let body =
                        serde_json::json!({"hub.channel.endpoint": request.member("hub.channel.endpoint")});
                    let later = Arc::clone(&shared);
                    tokio::spawn(async move {
                        tokio::time::sleep(time).await;
                        later.passed_on(request).await
                    });
                    Message::answer(202, &[("content-type", "application/json")], &body.to_string())
                }
                Behaviour::UnsubscribesEverybody
                    if request.member("hub.mode").as_deref() == Some("unsubscribe") =>
                {
                    let member = |name| request.member(name).unwrap_or_default();
                    let ended = (member("hub.topic"), member("hub.channel.endpoint"));
                    let answer = shared.passed_on(request).await?;
                    // Nobody may be connected.
                    let _ = shared.ended.send(ended);
                    answer
                }
                Behaviour::LooksAtCallbacks => {
                    look_at_callback(&request).await?;
                    shared.passed_on(request).await?
                }
                _ => shared.passed_on(request).await?,
            },
            Deed::Answer(answer) => answer,
            Deed::Hang => {
                client.read_u8().await?;
                return Ok(());
            }
            Deed::End => {
                shared.end.notify_one();
                return std::future::pending().await;
            }
        };
        if let Behaviour::Slow(time) = shared.behaviour {
            tokio::time::sleep(time).await;
        }
        shared.record.exchange(asked, answer.clone());
        answer.write(&mut client).await?;
    }
    Ok(())
}

/// Asks a callback for a sign of life.
async fn look_at_callback(request: &Message) -> Result<()> {
    let callback = request
        .member("hub.callback")
        .and_then(|url| url::Url::parse(&url).ok());
    let Some((host, port, path)) = callback
        .as_ref()
        .and_then(|url| Some((url.host_str()?, url.port()?, url.path())))
    else {
        return Ok(());
    };
    let mut callback = TcpStream::connect((host, port)).await?;
    let look = format!("GET {path} HTTP/1.1\r\nhost: {host}:{port}\r\nconnection: close\r\n\r\n");
    callback.write_all(look.as_bytes()).await?;
    let mut answer = Vec::new();
    callback.read_to_end(&mut answer).await?;
    Ok(())
}

impl Shared {
    pub(super) fn habit(&self) -> Option<&'static Habit> {
        match self.behaviour {
            Behaviour::Habit(number) => HABITS.get(number),
            _ => None,
        }
    }

    fn deed(&self, mut request: Message) -> Deed {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(habit) = self.habit() {
            let suffix = habit.suffix;
            let path = request.path().to_owned();
            let path = path.strip_suffix(suffix).unwrap_or(&path);
            request.set_path(path);
            if let Some(answer) = habit
                .request
                .and_then(|habit| habit(&mut request, &self.subscriptions))
            {
                return Deed::Answer(answer);
            }
        }
        let at_hub = request.path() == self.path;
        let subscribes = request.member("hub.mode").as_deref() == Some("subscribe");
        let unsubscribes = request.member("hub.mode").as_deref() == Some("unsubscribe");
        let is_publication = request.is_publication();
        let plain = [("content-type", "text/plain")];
        let refused = |status, why: &str| Deed::Answer(Message::answer(status, &plain, why));
        match self.behaviour {
            Behaviour::EndsOfPublications if is_publication && at_hub => return Deed::End,
            Behaviour::EndsForGood if is_publication => return Deed::End,
            Behaviour::EndsOfEmptyForms if request.is_form() && request.body.is_empty() => return Deed::End,
            Behaviour::EndsAfter(most) if number > most => return Deed::End,
            Behaviour::Forgets
                if request
                    .header("content-type")
                    .starts_with("application/fhir+json") =>
            {
                return refused(202, "");
            }
            Behaviour::PublishesByTopic if is_publication && at_hub => return refused(404, "no such page"),
            Behaviour::UnsubscribesByEvents | Behaviour::UnsubscribesEverybody
                if unsubscribes && request.member("hub.events").is_none() =>
            {
                return refused(400, "hub.events required");
            }
            Behaviour::KeepsEveryone if unsubscribes => return refused(403, "nobody leaves"),
            Behaviour::WantsToken if request.header("authorization").is_empty() => {
                return refused(401, "who are you?");
            }
            Behaviour::Elsewhere => return refused(404, "no such page"),
            Behaviour::Refuses(status) if subscribes => return refused(status, "not today"),
            Behaviour::Throttles if number.is_multiple_of(3) => {
                let told = format!(
                    "{} {}",
                    request.first_line,
                    String::from_utf8_lossy(&request.body)
                );
                // A request that comes again is taken: the hub is lawful.
                if self.asked_to_wait.lock().unwrap().insert(told) {
                    let headers = [("retry-after", "1"), ("content-type", "text/plain")];
                    return Deed::Answer(Message::answer(429, &headers, "later"));
                }
            }
            Behaviour::LimitsSockets(most)
                if request.opens_a_socket() && self.sockets.load(Ordering::SeqCst) >= most =>
            {
                return refused(503, "too many WebSockets");
            }
            Behaviour::HoldsTopic(time) if self.subscriptions.is_for_another_topic(&request, time) => {
                return refused(403, "another session is active");
            }
            Behaviour::ComesUpAfter(most) if number <= most => return refused(503, "no healthy upstream"),
            Behaviour::Hangs if is_publication => return Deed::Hang,
            Behaviour::Undocumented if request.path().contains("/.well-known/") => {
                return refused(404, "there is no configuration document");
            }
            Behaviour::WantsName if subscribes && request.member("subscriber.name").is_none() => {
                return refused(400, "subscriber.name required");
            }
            _ => {}
        }
        let by_topic = [Behaviour::EndsOfPublications, Behaviour::PublishesByTopic];
        if by_topic.contains(&self.behaviour) && is_publication {
            request.set_path(&self.path);
        }
        request.set("host", &self.hub);
        Deed::Pass(request)
    }

    async fn passed_on(&self, mut request: Message) -> Result<Message> {
        let mut hub = BufReader::new(TcpStream::connect(&self.hub).await?);
        request.set("connection", "close");
        request.clone().write(&mut hub).await?;
        let head = Message::head(&mut hub).await?;
        let mut answer = head.ok_or_else(|| std::io::Error::other("no answer"))?;
        hub.read_to_end(&mut answer.body).await?;
        answer.headers.retain(|(name, _)| name != "connection");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let sockets = match self.behaviour {
            Behaviour::NoWebSocket => &self.nobody,
            _ => &self.own,
        };
        let text = text.replace(&format!("ws://{}", self.hub), &format!("ws://{sockets}"));
        answer.body = text.replace(&self.hub, &self.own).into_bytes();
        self.subscriptions.answered(&request, &answer);
        if let Some(habit) = self.habit().and_then(|habit| habit.answer) {
            habit(&mut answer);
        }
        Ok(answer)
    }
}
