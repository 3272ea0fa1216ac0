//! Subscribers that answer every notification, and publishers that wait for the last delivery.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::{FutureExt, SinkExt, StreamExt};
use hdrhistogram::Histogram;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use super::target::{Kind, Target};

/// What was measured.
pub struct Outcome {
    deliveries: u64,
    elapsed: Duration,
    /// Microseconds.
    latencies: Histogram<u64>,
}

impl Default for Outcome {
    fn default() -> Self {
        Self {
            deliveries: 0,
            elapsed: Duration::ZERO,
            latencies: Histogram::new(3).unwrap(),
        }
    }
}

impl Outcome {
    pub fn add(&mut self, other: &Self) {
        self.deliveries += other.deliveries;
        self.elapsed += other.elapsed;
        self.latencies.add(&other.latencies).unwrap();
    }

    pub fn rate(&self) -> f64 {
        self.deliveries as f64 / self.elapsed.as_secs_f64()
    }

    pub fn milliseconds(&self, quantile: f64) -> f64 {
        self.latencies.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// Deliveries that are still to come for each event.
#[derive(Default)]
struct Pending(Mutex<HashMap<String, Awaited>>);

/// How many deliveries, and who waits for the last.
type Awaited = (usize, Option<oneshot::Sender<Instant>>);

impl Pending {
    fn delivered(&self, id: &str) {
        let mut pending = self.0.lock().unwrap();
        let Some((left, done)) = pending.get_mut(id) else {
            return;
        };
        *left -= 1;
        if *left == 0
            && let Some(done) = done.take()
        {
            // A publisher that has gone does not want to know.
            let _ = done.send(Instant::now());
            pending.remove(id);
        }
    }
}

pub struct Load {
    url: String,
    http: reqwest::Client,
    count: usize,
    pending: Arc<Pending>,
    published: Arc<AtomicUsize>,
    subscribers: Vec<JoinHandle<()>>,
}

impl Drop for Load {
    fn drop(&mut self) {
        for subscriber in &self.subscribers {
            subscriber.abort();
        }
    }
}

impl Load {
    pub async fn connect(target: &Target, count: usize) -> Self {
        let pending = Arc::new(Pending::default());
        let mut subscribers = Vec::new();
        for _ in 0..count {
            let endpoint = target.endpoint().await;
            let connector = Some(target.connector.clone());
            let (mut socket, _) =
                tokio_tungstenite::connect_async_tls_with_config(&endpoint, None, true, connector)
                    .await
                    .unwrap();
            if target.kind == Kind::Hub {
                let confirmation = socket.next().await.unwrap().unwrap();
                assert!(confirmation.to_text().unwrap().contains("hub.mode"));
            }
            let pending = Arc::clone(&pending);
            subscribers.push(tokio::spawn(async move {
                while let Some(Ok(mut message)) = socket.next().await {
                    loop {
                        if let Message::Text(text) = &message
                            && let Some(id) = id_of(text)
                        {
                            pending.delivered(id);
                            let answer = format!(r#"{{"id":"{id}","status":200}}"#);
                            if socket.feed(Message::text(answer)).await.is_err() {
                                return;
                            }
                        }
                        match socket.next().now_or_never() {
                            Some(Some(Ok(more))) => message = more,
                            Some(_) => return,
                            None => break,
                        }
                    }
                    if socket.flush().await.is_err() {
                        return;
                    }
                }
            }));
        }
        Self {
            url: target.url.clone(),
            http: target.http.clone(),
            count,
            pending,
            published: Arc::default(),
            subscribers,
        }
    }

    /// Publishes for this long, with so many publications in flight.
    pub async fn run(&mut self, in_flight: usize, time: Duration) -> Outcome {
        let begin = Instant::now();
        let publishers: Vec<_> = (0..in_flight)
            .map(|_| {
                let (url, http) = (self.url.clone(), self.http.clone());
                let (pending, published) = (Arc::clone(&self.pending), Arc::clone(&self.published));
                let count = self.count;
                tokio::spawn(async move {
                    let mut latencies = Histogram::<u64>::new(3).unwrap();
                    while begin.elapsed() < time {
                        let id = format!("bench-{}", published.fetch_add(1, Ordering::Relaxed));
                        let body = event(&id);
                        let (done, last) = oneshot::channel();
                        pending.0.lock().unwrap().insert(id, (count, Some(done)));
                        let start = Instant::now();
                        let request = http.post(&url).header("Content-Type", "application/json");
                        let answer = request.body(body).send().await.unwrap();
                        assert_eq!(answer.status(), 202);
                        let waited = tokio::time::timeout(Duration::from_secs(30), last).await;
                        let last = waited.expect("every delivery comes").unwrap();
                        let latency = last.duration_since(start).as_micros();
                        latencies.record(u64::try_from(latency).unwrap()).unwrap();
                    }
                    latencies
                })
            })
            .collect();
        let mut outcome = Outcome::default();
        for publisher in publishers {
            outcome.latencies.add(publisher.await.unwrap()).unwrap();
        }
        outcome.elapsed = begin.elapsed();
        outcome.deliveries = outcome.latencies.len() * self.count as u64;
        outcome
    }
}

fn id_of(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(r#""id":"bench-"#)?;
    let end = rest.find('"')?;
    let begin = text.len() - rest.len() - "bench-".len();
    text.get(begin..begin + "bench-".len() + end)
}

/// A notification of 1 KB.
fn event(id: &str) -> String {
    let event = |padding: &str| {
        format!(
            r#"{{"timestamp":"2026-03-01T09:30:00.000Z","id":"{id}","event":{{"hub.topic":"bench","hub.event":"Patient-open","context":[{{"key":"patient","resource":{{"resourceType":"Patient","id":"p1","identifier":[{{"system":"urn:oid:2.999.1","value":"{padding}"}}]}}}}]}}}}"#
        )
    };
    let padding = 1_024_usize.saturating_sub(event("").len());
    event(&"x".repeat(padding))
}
