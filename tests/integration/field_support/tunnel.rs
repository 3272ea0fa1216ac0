//! A WebSocket through the front: frames as bytes, both ways, and what a hub may do where none passes.

use std::io::Result;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::front::{Behaviour, Shared};
use super::habit::Subscriptions;
use super::message::{Frame, Message};

const BEAT: &str = r#"{"timestamp":"2026-03-01T09:29:00.000Z","id":"beat","event":{"hub.topic":"","hub.event":"heartbeat","context":[]}}"#;
const DENIAL: &str = r#"{"hub.mode":"denied","hub.topic":"TOPIC","hub.events":"Patient-open,Patient-close","hub.reason":"nobody is there"}"#;

/// What passes, or that one side has ended.
enum Passing {
    ToHub(Frame),
    ToClient(Frame),
    End,
}

impl Shared {
    pub(super) async fn tunnel(&self, client: BufReader<TcpStream>, request: Message) -> Result<()> {
        let path = request.path().to_owned();
        let mut hub = BufReader::new(TcpStream::connect(&self.hub).await?);
        request.write_head(&mut hub).await?;
        let head = Message::head(&mut hub).await?;
        let mut answer = head.ok_or_else(|| std::io::Error::other("no answer"))?;
        let mut client = client.into_inner();
        if let Behaviour::Slow(time) = self.behaviour {
            tokio::time::sleep(time).await;
        }
        if !answer.first_line.contains(" 101") {
            answer.body = vec![0; answer.length().unwrap_or(0)];
            hub.read_exact(&mut answer.body).await?;
            answer.set("connection", "close");
            return answer.write(&mut client).await;
        }
        answer.write_head(&mut client).await?;
        let _open = Counted::new(&self.sockets);
        let _subscription = Open::new(&self.subscriptions, &path);
        self.record.opened(&path);
        let passed = self.pass(client, hub, &path).await;
        self.record.ended(&path);
        passed
    }

    async fn pass(&self, mut client: TcpStream, hub: BufReader<TcpStream>, path: &str) -> Result<()> {
        let (hub_reads, mut hub_writes) = tokio::io::split(hub);
        let (client_reads, mut client_writes) = client.split();
        if self.behaviour == Behaviour::Greets {
            client_writes
                .write_all(Frame::text(r#"{"bound":true}"#).bytes())
                .await?;
        }
        let (sender, mut passing) = tokio::sync::mpsc::unbounded_channel();
        let reading = async {
            tokio::join!(
                read(hub_reads, sender.clone(), Passing::ToClient),
                read(client_reads, sender.clone(), Passing::ToHub),
            );
            std::future::pending::<()>().await;
        };
        let writing = async {
            let every = match self.behaviour {
                Behaviour::Beats(every) => every,
                _ => Duration::from_secs(24 * 60 * 60),
            };
            let mut beat = tokio::time::interval(every);
            beat.tick().await;
            let mut ended = self.ended.subscribe();
            let quiet = self.behaviour.bears_silence_for();
            let mut silent_since = Instant::now();
            let (mut is_deaf, mut is_pinged, mut topic) = (false, false, String::new());
            loop {
                tokio::select! {
                    passed = passing.recv() => match passed {
                        Some(Passing::ToHub(frame)) => {
                            (silent_since, is_pinged) = (Instant::now(), false);
                            if frame.is_close() {
                                self.record.closed_by_client(path);
                            }
                            // What the front itself asked is not for the hub to hear.
                            if !frame.is_pong() {
                                hub_writes.write_all(frame.bytes()).await?;
                            }
                        }
                        Some(Passing::ToClient(frame)) => {
                            let frame = match self.habit().and_then(|habit| habit.frame) {
                                Some(change) => frame.changed(change),
                                None => frame,
                            };
                            silent_since = Instant::now();
                            let confirms = frame.says(r#""hub.mode":"subscribe""#);
                            if frame.is_close() {
                                self.record.closed_by_hub(path);
                            }
                            if confirms {
                                topic = frame.member("hub.topic");
                            }
                            if !(is_deaf || confirms && self.behaviour == Behaviour::ConfirmsNothing) {
                                client_writes.write_all(frame.bytes()).await?;
                            }
                        }
                        Some(Passing::End) | None => return Ok(()),
                    },
                    _ = beat.tick(), if matches!(self.behaviour, Behaviour::Beats(_)) => {
                        client_writes.write_all(Frame::text(BEAT).bytes()).await?;
                    }
                    Ok((of_topic, by)) = ended.recv() => {
                        if of_topic == topic && !by.ends_with(path) {
                            client_writes.write_all(&[0x88, 2, 0x03, 0xe8]).await?;
                            return client_writes.flush().await;
                        }
                    }
                    () = tokio::time::sleep_until(silent_since + quiet), if !is_deaf => {
                        silent_since = Instant::now();
                        match self.behaviour {
                            Behaviour::Pings(_) if !is_pinged => {
                                is_pinged = true;
                                client_writes.write_all(&[0x89, 0]).await?;
                            }
                            Behaviour::DeniesQuiet(_) => {
                                client_writes.write_all(Frame::text(&DENIAL.replace("TOPIC", &topic)).bytes()).await?;
                                client_writes.write_all(&[0x88, 2, 0x03, 0xe8]).await?;
                                return client_writes.flush().await;
                            }
                            Behaviour::ForgetsQuiet(_) => is_deaf = true,
                            _ => return Ok(()),
                        }
                    }
                }
            }
        };
        tokio::select! {
            () = reading => Ok(()),
            ended = writing => ended,
        }
    }
}

impl Behaviour {
    /// How long nothing may pass over a WebSocket until the hub does something about it.
    fn bears_silence_for(self) -> Duration {
        match self {
            Self::CutsQuiet(time)
            | Self::ForgetsQuiet(time)
            | Self::DeniesQuiet(time)
            | Self::Pings(time) => time,
            _ => Duration::from_secs(24 * 60 * 60),
        }
    }
}

async fn read(mut from: impl AsyncRead + Unpin, to: UnboundedSender<Passing>, way: fn(Frame) -> Passing) {
    while let Ok(frame) = Frame::read(&mut from).await {
        // Whoever writes may have ended.
        let _ = to.send(way(frame));
    }
    let _ = to.send(Passing::End);
}

struct Open<'a>(&'a Subscriptions, String);

impl<'a> Open<'a> {
    fn new(subscriptions: &'a Subscriptions, path: &str) -> Self {
        subscriptions.opened(path);
        Self(subscriptions, path.to_owned())
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.closed(&self.1);
    }
}

pub(super) struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
