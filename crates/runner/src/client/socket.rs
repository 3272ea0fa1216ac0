//! A mock subscriber's WebSocket: a task that reads always, answers by policy, and records.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async_tls_with_config, connect_async_tls_with_config,
};

use super::connector::Connector;
use super::inbox::Inbox;
use super::log::Log;
use super::policy::Policy;
use crate::judging::{Closed, Received, sole};
use crate::outcome::Traffic;
use crate::protocol::{Acknowledgement, EventName};

/// A message may have so many bytes, whatever was sent before.
const MESSAGE_LIMIT: usize = 4 * 1024 * 1024;
/// What waits to be written, pongs among it, has at most so many bytes.
const WRITE_LIMIT: usize = 8 * 1024 * 1024;
/// How much of the last message of a flood is kept.
const LAST_MESSAGE: usize = 200;
/// How long the other side may take to answer a close.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// The WebSocket did not open.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{problem}")]
pub struct ConnectError {
    /// The HTTP status, where the hub answered.
    pub status: Option<u16>,
    /// Why.
    pub problem: String,
    /// The time ran out.
    pub timed_out: bool,
    /// For how long the hub asks to wait before the next try.
    pub wait: Option<Duration>,
}

enum Command {
    Send(Message),
    Close(u16, oneshot::Sender<()>),
    Abort(oneshot::Sender<()>),
}

/// An open WebSocket.
#[derive(Debug)]
pub struct Socket {
    commands: mpsc::UnboundedSender<Command>,
    task: JoinHandle<()>,
    /// Counts the WebSockets of this subscriber, from 0.
    pub number: usize,
}

/// What a socket needs to know of its subscriber.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) actor: String,
    pub(super) log: Log,
    pub(super) inbox: Inbox,
    pub(super) policy: Arc<Mutex<Policy>>,
}

/// Opens a WebSocket for a subscriber; it answers by `policy`, which may change while it is open.
///
/// # Errors
/// When the hub does not take the WebSocket within the time.
#[allow(
    clippy::too_many_arguments,
    reason = "a socket has that many relations, and no two belong together"
)]
pub async fn connect(
    url: &str,
    connector: &Connector,
    actor: &str,
    log: &Log,
    inbox: &Inbox,
    policy: &Arc<Mutex<Policy>>,
    number: usize,
    patience: Duration,
) -> Result<Socket, ConnectError> {
    let owner = Owner {
        actor: actor.to_owned(),
        log: log.clone(),
        inbox: inbox.clone(),
        policy: policy.clone(),
    };
    log.add(actor, Traffic::Connect { url: url.to_owned() });
    let limit = log.longest_message().max(MESSAGE_LIMIT);
    let config = WebSocketConfig::default()
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
        .max_write_buffer_size(WRITE_LIMIT);
    let tls = Some(tokio_tungstenite::Connector::Rustls(connector.tls.clone()));
    let connecting = async {
        let mut request = with_plain_scheme(url).into_client_request().map_err(Box::new)?;
        for (name, value) in &connector.headers {
            request.headers_mut().append(name, value.clone());
        }
        let tunnel = connector.tunnel(request.uri()).await;
        let tunnel = tunnel.map_err(|problem| Box::new(Error::Io(std::io::Error::other(problem))))?;
        match tunnel {
            Some(stream) => client_async_tls_with_config(request, stream, Some(config), tls).await,
            None => connect_async_tls_with_config(request, Some(config), true, tls).await,
        }
        .map_err(Box::new)
    };
    let failed = |status, problem: String, timed_out, wait| {
        log.add(
            actor,
            Traffic::ConnectFailed {
                status,
                problem: problem.clone(),
            },
        );
        ConnectError {
            status,
            problem,
            timed_out,
            wait,
        }
    };
    match tokio::time::timeout(patience, connecting).await {
        Ok(Ok((stream, _))) => {
            log.add(actor, Traffic::Connected);
            let (commands, orders) = mpsc::unbounded_channel();
            let task = tokio::spawn(run(stream, orders, owner, number));
            Ok(Socket {
                commands,
                task,
                number,
            })
        }
        Ok(Err(error)) => match *error {
            Error::Http(response) => {
                let status = response.status();
                let retry_after = response.headers().get(http::header::RETRY_AFTER);
                let retry_after = retry_after.and_then(|value| value.to_str().ok());
                let wait = super::retry_after::asked_for(status.as_u16(), retry_after);
                Err(failed(
                    Some(status.as_u16()),
                    format!("the hub answered the WebSocket request with {status}"),
                    false,
                    wait,
                ))
            }
            error => Err(failed(None, error.to_string(), false, None)),
        },
        Err(_) => Err(failed(
            None,
            format!("no WebSocket came about within {patience:?}"),
            true,
            None,
        )),
    }
}

/// The URL with its scheme in small letters: RFC 3986, section 3.1 has it in any case, the WebSocket library in this alone.
fn with_plain_scheme(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
        None => url.to_owned(),
    }
}

impl Socket {
    /// Sends a text frame.
    pub fn send_text(&self, text: String) {
        // A socket that has ended takes no more; that it ended is in the inbox.
        let _ = self.commands.send(Command::Send(Message::text(text)));
    }

    /// Sends a binary frame.
    pub fn send_binary(&self, bytes: Vec<u8>) {
        let _ = self.commands.send(Command::Send(Message::binary(bytes)));
    }

    /// Closes with this code and waits, for a bounded time, until the hub has answered.
    pub async fn close(&self, code: u16) {
        self.order(|done| Command::Close(code, done)).await;
    }

    /// Lets the connection end without a close frame.
    pub async fn abort(&self) {
        self.order(Command::Abort).await;
    }

    /// Gives an order and waits, for a bounded time, until it is carried out.
    async fn order(&self, order: impl FnOnce(oneshot::Sender<()>) -> Command) {
        let (done, wait) = oneshot::channel();
        if self.commands.send(order(done)).is_err() {
            return;
        }
        tokio::select! {
            _ = wait => {}
            // A socket that ends just now may leave the order unread in the channel, which then lasts as long as this sender.
            () = self.commands.closed() => {}
            () = tokio::time::sleep(CLOSE_PATIENCE * 2) => {}
        }
    }

    /// Whether the socket has ended.
    pub fn is_finished(&self) -> bool {
        self.task.is_finished()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Stream = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn run(mut stream: Stream, mut orders: mpsc::UnboundedReceiver<Command>, owner: Owner, number: usize) {
    let (late_answers, mut due) = mpsc::unbounded_channel::<String>();
    loop {
        tokio::select! {
            message = stream.next() => match message {
                Some(Ok(message)) if !matches!(message, Message::Close(_)) && !owner.log.takes(&owner.actor, message.len()) => {
                    return owner.let_go(stream, number, &message).await;
                }
                Some(Ok(Message::Text(text))) => {
                    let text = text.as_str().to_owned();
                    if let Some(answer) = owner.take(text, false, number, &late_answers)
                        && !owner.send(&mut stream, answer).await
                    {
                        return owner.ended(number, true, None, "the connection broke while answering");
                    }
                }
                Some(Ok(Message::Binary(bytes))) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if let Some(answer) = owner.take(text, true, number, &late_answers)
                        && !owner.send(&mut stream, answer).await
                    {
                        return owner.ended(number, true, None, "the connection broke while answering");
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    let code = frame.as_ref().map(|frame| frame.code.into());
                    let reason = frame.map(|frame| frame.reason.as_str().to_owned()).unwrap_or_default();
                    owner.closed(number, code, &reason);
                    // The library has queued the answering close frame; it leaves with the next read.
                    let _ = tokio::time::timeout(CLOSE_PATIENCE, async { while let Some(Ok(_)) = stream.next().await {} }).await;
                    return;
                }
                Some(Ok(_)) => {}
                Some(Err(Error::Capacity(_))) => {
                    owner.log.tell_endless(&owner.actor, "a message", owner.log.longest_message().max(MESSAGE_LIMIT));
                    return owner.ended(number, false, None, "castspec let the connection go");
                }
                Some(Err(error)) => return owner.ended(number, true, None, &error.to_string()),
                None => return owner.ended(number, true, None, "the connection ended"),
            },
            Some(text) = due.recv() => {
                if !owner.send(&mut stream, text).await {
                    return owner.ended(number, true, None, "the connection broke while answering");
                }
            }
            order = orders.recv() => match order {
                Some(Command::Send(message)) => {
                    let (text, binary) = match &message {
                        Message::Text(text) => (text.as_str().to_owned(), false),
                        other => (String::from_utf8_lossy(&other.clone().into_data()).into_owned(), true),
                    };
                    owner.log.add(&owner.actor, Traffic::FrameSent { text, binary });
                    if stream.send(message).await.is_err() {
                        return owner.ended(number, true, None, "the connection broke while sending");
                    }
                }
                Some(Command::Close(code, done)) => {
                    let frame = CloseFrame { code: CloseCode::from(code), reason: "".into() };
                    let _ = stream.close(Some(frame)).await;
                    owner.ended(number, false, Some(code), "");
                    let drain = async {
                        while let Some(Ok(message)) = stream.next().await {
                            if !owner.log.takes(&owner.actor, message.len()) {
                                return;
                            }
                            if let Message::Text(text) = message {
                                owner.record(text.as_str().to_owned(), false, number);
                            }
                        }
                    };
                    let _ = tokio::time::timeout(CLOSE_PATIENCE, drain).await;
                    let _ = done.send(());
                    return;
                }
                Some(Command::Abort(done)) => {
                    drop(stream);
                    owner.ended(number, false, None, "the connection was let go without a close frame");
                    let _ = done.send(());
                    return;
                }
                None => return,
            },
        }
    }
}

impl Owner {
    /// Records a frame and gives the text to answer with at once; what is answered later comes through `late`.
    fn take(
        &self,
        text: String,
        binary: bool,
        number: usize,
        late: &mpsc::UnboundedSender<String>,
    ) -> Option<String> {
        let json = self.record(text, binary, number)?;
        let message = sole(&json);
        let id = message.get("id")?.as_str()?;
        let name = message
            .pointer("/event/hub.event")
            .and_then(serde_json::Value::as_str);
        let event: Option<EventName> = name.and_then(|name| name.parse().ok());
        let (after, answer) = self
            .policy
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .status(event.as_ref())?;
        let answer = Acknowledgement::with_status(id, answer).to_text();
        if after.is_zero() {
            return Some(answer);
        }
        let late = late.clone();
        tokio::spawn(async move {
            tokio::time::sleep(after).await;
            // The socket may have ended in the meantime.
            let _ = late.send(answer);
        });
        None
    }

    /// Ends a WebSocket over which the hub floods.
    async fn let_go(&self, mut stream: Stream, number: usize, last: &Message) {
        let text = String::from_utf8_lossy(
            &last
                .clone()
                .into_data()
                .iter()
                .copied()
                .take(LAST_MESSAGE)
                .collect::<Vec<u8>>(),
        )
        .into_owned();
        self.log.add(
            &self.actor,
            Traffic::Note {
                text: format!("the last message before castspec closed the WebSocket: {text}"),
            },
        );
        let frame = CloseFrame {
            code: CloseCode::Policy,
            reason: "more messages than anybody asked for".into(),
        };
        // A hub that does not read does not see it.
        let _ = tokio::time::timeout(CLOSE_PATIENCE, stream.close(Some(frame))).await;
        self.ended(number, false, Some(CloseCode::Policy.into()), "");
    }

    fn record(&self, text: String, binary: bool, number: usize) -> Option<Arc<serde_json::Value>> {
        let spot = self.log.add(
            &self.actor,
            Traffic::FrameReceived {
                text: text.clone(),
                binary,
            },
        );
        let json: Option<Arc<serde_json::Value>> = serde_json::from_str(&text).ok().map(Arc::new);
        self.inbox.add(Received {
            spot,
            socket: number,
            text: text.into(),
            json: json.clone(),
            call: None,
        });
        json
    }

    async fn send(&self, stream: &mut Stream, text: String) -> bool {
        self.log.add(
            &self.actor,
            Traffic::FrameSent {
                text: text.clone(),
                binary: false,
            },
        );
        stream.send(Message::text(text)).await.is_ok()
    }

    /// The hub sent a close frame.
    fn closed(&self, number: usize, code: Option<u16>, reason: &str) {
        self.note_end(number, true, (code, true), reason);
    }

    fn ended(&self, number: usize, by_hub: bool, code: Option<u16>, reason: &str) {
        self.note_end(number, by_hub, (code, code.is_some()), reason);
    }

    fn note_end(&self, number: usize, by_hub: bool, (code, by_frame): (Option<u16>, bool), reason: &str) {
        let spot = self.log.add(
            &self.actor,
            Traffic::Closed {
                by_hub,
                code,
                reason: reason.to_owned(),
            },
        );
        self.inbox.close(Closed {
            spot,
            socket: number,
            by_hub,
            code,
            by_frame,
        });
    }
}
