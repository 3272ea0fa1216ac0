//! Tells an observer of every exchange, in the order in which they happen here; it judges nothing and changes nothing.
//!
//! Requests are told once their body is read and before anything is done with them, answers before they are sent, frames
//! from the hub before they are written and frames from a subscriber before its session sees them. Calls to callbacks are told
//! before they are made, and their answers before the session sees them.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::authorization::{Authorization, Witnessed};
use crate::protocol::Version;
use castspec_judging::subscriber::{CallEnd, Exchange, Frame, Observed};

/// How many bytes may wait for the observer, beside the texts that are shared.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// How many texts that go to several subscribers at a time are known.
const SHARED_TEXTS: usize = 16;
/// What an exchange costs beside its texts, in bytes.
const OVERHEAD: usize = 256;

/// The time that the rest of a body may take where the hub did not read it.
const REST: Duration = Duration::from_secs(1);

/// Takes exchanges away from the hub; the hub never waits for it.
#[derive(Debug, Clone)]
pub struct Observer {
    version: Version,
    exchanges: mpsc::Sender<Told>,
    waiting: Arc<AtomicUsize>,
    /// Where the last texts from the hub lie: those that are sent the same share it.
    last_texts: Arc<Mutex<VecDeque<usize>>>,
    missed: Arc<AtomicBool>,
    counter: Arc<AtomicU64>,
    start: Instant,
}

/// An exchange, and the bytes that it holds.
#[derive(Debug)]
struct Told {
    exchange: Exchange,
    bytes: usize,
}

/// Where the exchanges come out.
#[derive(Debug)]
pub struct Exchanges {
    told: mpsc::Receiver<Told>,
    waiting: Arc<AtomicUsize>,
    /// Empty between two calls; its memory is used again.
    gathered: Vec<Told>,
}

impl Exchanges {
    /// Waits for the next exchange, and adds it and those that wait behind it to `taken`, at most so many. How many were added:
    /// none when the hub and all that observe it are gone.
    pub async fn recv_many(&mut self, taken: &mut Vec<Exchange>, most: usize) -> usize {
        let number = self.told.recv_many(&mut self.gathered, most).await;
        let mut bytes = 0;
        for told in self.gathered.drain(..) {
            bytes += told.bytes;
            taken.push(told.exchange);
        }
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        number
    }

    /// The next exchange, where one waits.
    pub fn try_recv(&mut self) -> Option<Exchange> {
        let told = self.told.try_recv().ok()?;
        self.waiting.fetch_sub(told.bytes, Ordering::Relaxed);
        Some(told.exchange)
    }
}

impl Observer {
    /// An observer of what is spoken in one version, and where the exchanges come out. When so many wait there, or many bytes,
    /// further ones are dropped, and a [`Observed::Gap`] tells so.
    pub fn new(version: Version, capacity: usize) -> (Self, Exchanges) {
        let (exchanges, told) = mpsc::channel(capacity.max(1));
        let waiting = Arc::<AtomicUsize>::default();
        let observer = Self {
            version,
            exchanges,
            waiting: Arc::clone(&waiting),
            last_texts: Arc::default(),
            missed: Arc::default(),
            counter: Arc::default(),
            start: Instant::now(),
        };
        let exchanges = Exchanges {
            told,
            waiting,
            gathered: Vec::new(),
        };
        (observer, exchanges)
    }

    /// The time since it began to observe: that of an exchange that happens now.
    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    pub(super) fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn tell(&self, observed: Observed) {
        if self.missed.load(Ordering::Acquire) {
            if !self.try_tell(Observed::Gap) {
                return;
            }
            self.missed.store(false, Ordering::Release);
        }
        if !self.try_tell(observed) {
            self.missed.store(true, Ordering::Release);
        }
    }

    fn try_tell(&self, observed: Observed) -> bool {
        let bytes = OVERHEAD + self.own_bytes(&observed);
        if self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes > MOST_BYTES {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        let exchange = Exchange {
            at: self.elapsed(),
            // Which connection of which program belongs to which subscriber, HTTP does not tell.
            client: None,
            observed,
        };
        let told = self.exchanges.try_send(Told { exchange, bytes });
        if told.is_err() {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
        }
        told.is_ok()
    }

    /// The bytes of an exchange that it shares with none before.
    fn own_bytes(&self, observed: &Observed) -> usize {
        match observed {
            Observed::FromHub {
                frame: Frame::Text(text),
                ..
            } => {
                let address = text.as_ptr().addr();
                let mut last = self.last_texts.lock().unwrap_or_else(PoisonError::into_inner);
                if last.contains(&address) {
                    return 0;
                }
                if last.len() == SHARED_TEXTS {
                    last.pop_front();
                }
                last.push_back(address);
                text.len()
            }
            Observed::FromHub {
                frame: Frame::Binary(bytes),
                ..
            }
            | Observed::FromSubscriber {
                frame: Frame::Binary(bytes),
                ..
            } => bytes.len(),
            Observed::FromSubscriber {
                frame: Frame::Text(text),
                ..
            } => text.len(),
            Observed::Request { headers, body, .. }
            | Observed::Answer { headers, body, .. }
            | Observed::Called { headers, body, .. }
            | Observed::CallAnswered { headers, body, .. } => {
                let of_headers = headers.iter().map(|(name, value)| name.len() + value.len());
                body.len() + of_headers.sum::<usize>()
            }
            _ => 0,
        }
    }

    /// What took place at the authorization server beside the hub.
    pub(super) fn witness(&self, witnessed: Witnessed) {
        self.tell(match witnessed {
            Witnessed::Asked { application, scope } => Observed::ScopesAsked { application, scope },
            Witnessed::Granted(granted) => Observed::Launched {
                launch: granted.launch,
                application: granted.application,
                asked: granted.asked,
                answer: granted.answer,
            },
        });
    }

    /// Watches the requests to these routes, and their answers.
    pub(super) fn watch(&self, routes: Router, watched: Watched) -> Router {
        let (observer, watched) = (self.clone(), Arc::new(watched));
        routes.layer(middleware::from_fn(move |request: Request, next: Next| {
            let (observer, watched) = (observer.clone(), Arc::clone(&watched));
            async move { observer.exchange(request, next, &watched).await }
        }))
    }

    async fn exchange(&self, request: Request, next: Next, watched: &Watched) -> Response {
        let id = self.number();
        let (parts, body) = request.into_parts();
        let path = parts
            .uri
            .path_and_query()
            .map_or_else(String::new, ToString::to_string);
        let url = format!("{}{path}", watched.prefix);
        let draft = Observed::Request {
            id,
            method: parts.method.to_string(),
            url,
            headers: shown(&parts.headers),
            body: Bytes::new(),
            launch: watched.launch_of(&parts.headers),
        };
        if body.is_end_stream() {
            self.tell(draft);
            let response = next.run(Request::from_parts(parts, body)).await;
            return self.answered(id, response).await;
        }
        let copying = Copying(Arc::new(Mutex::new(Copied {
            stream: body.into_data_stream(),
            copy: BytesMut::new(),
            limit: watched.limit,
            draft: Some(draft),
            observer: self.clone(),
        })));
        let body = Body::from_stream(Copying(Arc::clone(&copying.0)));
        let response = next.run(Request::from_parts(parts, body)).await;
        // A client that was too slow for the hub is no faster now.
        if response.status() != StatusCode::REQUEST_TIMEOUT {
            copying.finish().await;
        }
        self.answered(id, response).await
    }

    async fn answered(&self, id: u64, response: Response) -> Response {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return response;
        }
        let (parts, body) = response.into_parts();
        // The hub's own answers are whole when they get here.
        let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
            return Response::from_parts(parts, Body::empty());
        };
        self.tell(Observed::Answer {
            id,
            status: parts.status.as_u16(),
            headers: shown(&parts.headers),
            body: body.clone(),
        });
        Response::from_parts(parts, Body::from(body))
    }

    /// A callback is about to be called.
    pub(super) fn call(&self, method: &str, url: &str, headers: &HeaderMap, body: Bytes) -> CallWatch {
        let id = self.number();
        self.tell(Observed::Called {
            id,
            method: method.to_owned(),
            url: url.to_owned(),
            headers: shown(headers),
            body,
        });
        CallWatch {
            observer: self.clone(),
            id,
        }
    }
}

/// The routes of a hub that are watched.
pub(super) struct Watched {
    /// What all their paths begin with.
    pub(super) prefix: String,
    /// Bodies beyond it are not told.
    pub(super) limit: usize,
    /// Who gave the tokens that requests bear.
    pub(super) authorization: Option<Arc<Authorization>>,
}

impl Watched {
    /// The launch whose token a request bears.
    fn launch_of(&self, headers: &HeaderMap) -> Option<u64> {
        let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let grant = self
            .authorization
            .as_ref()?
            .admit(Some(header), jiff::Timestamp::now());
        grant.ok()?.launch
    }
}

/// Names and values, without what gives access.
fn shown(headers: &HeaderMap) -> Vec<(String, String)> {
    let listed = headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = if *name == header::AUTHORIZATION || *name == header::PROXY_AUTHORIZATION {
            format!("{} …", value.split(' ').next().unwrap_or_default())
        } else if *name == header::COOKIE {
            "…".to_owned()
        } else {
            value.into_owned()
        };
        (name.to_string(), value)
    });
    listed.collect()
}

/// A body that is copied while it is read.
struct Copied {
    stream: BodyDataStream,
    copy: BytesMut,
    limit: usize,
    /// The request, until it is told or too large to be told.
    draft: Option<Observed>,
    observer: Observer,
}

struct Copying(Arc<Mutex<Copied>>);

impl Copying {
    /// Reads what the hub left unread, as when it refuses a content type.
    async fn finish(mut self) {
        let done = |copying: &Self| {
            let copying = copying.0.lock().unwrap_or_else(PoisonError::into_inner);
            copying.draft.is_none()
        };
        if done(&self) {
            return;
        }
        let rest = async {
            while !done(&self) {
                let next = std::future::poll_fn(|context| Pin::new(&mut self).poll_next(context)).await;
                if !matches!(next, Some(Ok(_))) {
                    return;
                }
            }
        };
        // A body that does not come is not told.
        let _ = tokio::time::timeout(REST, rest).await;
    }
}

impl Stream for Copying {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut copied = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Pin::new(&mut copied.stream).poll_next(context);
        match &next {
            Poll::Ready(Some(Ok(chunk))) => {
                if copied.copy.len().saturating_add(chunk.len()) > copied.limit {
                    copied.draft = None;
                } else if copied.draft.is_some() {
                    copied.copy.extend_from_slice(chunk);
                }
            }
            Poll::Ready(None) => {
                let copy = std::mem::take(&mut copied.copy).freeze();
                if let Some(mut observed) = copied.draft.take() {
                    if let Observed::Request { body, .. } = &mut observed {
                        *body = copy;
                    }
                    copied.observer.tell(observed);
                }
            }
            _ => {}
        }
        next
    }
}

/// A call to a callback, under way.
#[derive(Debug)]
pub(super) struct CallWatch {
    observer: Observer,
    id: u64,
}

impl CallWatch {
    pub(super) fn answered(&self, status: StatusCode, headers: &HeaderMap, body: Bytes) {
        self.observer.tell(Observed::CallAnswered {
            id: self.id,
            status: status.as_u16(),
            headers: shown(headers),
            body,
        });
    }

    pub(super) fn failed(&self, end: CallEnd, problem: &str) {
        self.observer.tell(Observed::CallFailed {
            id: self.id,
            end,
            problem: problem.to_owned(),
        });
    }
}
