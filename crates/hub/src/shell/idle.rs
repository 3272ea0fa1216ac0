//! HTTP/2 connections on which nothing passes end after a while, as those of HTTP/1 do. A WebSocket may be quiet for as long as its
//! lease, and goes over HTTP/1.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

/// What every client of HTTP/2 sends first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Accepts through another acceptor, which comes to what is spoken in plain.
#[derive(Debug, Clone)]
pub(super) struct IdleAcceptor<A> {
    inner: A,
    idle: Duration,
}

impl<A> IdleAcceptor<A> {
    pub(super) fn new(inner: A, idle: Duration) -> Self {
        Self { inner, idle }
    }
}

impl<A, I, S> Accept<I, S> for IdleAcceptor<A>
where
    A: Accept<I, S>,
    A::Future: Send + 'static,
{
    type Stream = Idle<A::Stream>;
    type Service = A::Service;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, Self::Service)>> + Send>>;

    fn accept(&self, stream: I, service: S) -> Self::Future {
        let accepting = self.inner.accept(stream, service);
        let idle = self.idle;
        Box::pin(async move {
            let (stream, service) = accepting.await?;
            Ok((Idle::new(stream, idle), service))
        })
    }
}

/// What a connection speaks.
#[derive(Debug)]
enum Spoken {
    /// So many bytes of the preface have come.
    Unknown(usize),
    Http2 {
        last: Instant,
        timer: Pin<Box<Sleep>>,
    },
    Other,
}

/// A connection that ends, as if its client had ended it, when nothing has passed in HTTP/2 for so long.
#[derive(Debug)]
pub(super) struct Idle<S> {
    stream: S,
    idle: Duration,
    spoken: Spoken,
}

impl<S> Idle<S> {
    fn new(stream: S, idle: Duration) -> Self {
        Self {
            stream,
            idle,
            spoken: Spoken::Unknown(0),
        }
    }

    fn came(&mut self, bytes: &[u8]) {
        match &mut self.spoken {
            Spoken::Unknown(seen) => {
                let awaited = PREFACE.get(*seen..).unwrap_or_default();
                let compared = bytes.len().min(awaited.len());
                self.spoken = if bytes[..compared] != awaited[..compared] {
                    Spoken::Other
                } else if compared == awaited.len() {
                    let timer = Box::pin(tokio::time::sleep(self.idle));
                    Spoken::Http2 {
                        last: Instant::now(),
                        timer,
                    }
                } else {
                    Spoken::Unknown(*seen + compared)
                };
            }
            Spoken::Http2 { last, .. } => *last = Instant::now(),
            Spoken::Other => {}
        }
    }

    fn went(&mut self) {
        if let Spoken::Http2 { last, .. } = &mut self.spoken {
            *last = Instant::now();
        }
    }

    /// Ready once nothing has passed for too long.
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Spoken::Http2 { last, timer } = &mut self.spoken else {
            return Poll::Pending;
        };
        loop {
            ready!(timer.as_mut().poll(context));
            let end = *last + self.idle;
            if end <= Instant::now() {
                return Poll::Ready(());
            }
            // What has passed meanwhile did not touch the timer: that would cost something each time.
            timer.as_mut().reset(end);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Idle<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(context, buf) {
            Poll::Ready(read) => {
                self.came(&buf.filled()[before..]);
                Poll::Ready(read)
            }
            Poll::Pending => self.poll_idle(context).map(Ok),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Idle<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, buf));
        self.went();
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, bufs));
        self.went();
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    use super::*;

    const IDLE: Duration = Duration::from_secs(10);

    fn pair() -> (DuplexStream, Idle<DuplexStream>) {
        let (client, server) = duplex(1 << 10);
        (client, Idle::new(server, IDLE))
    }

    /// Reads until the connection ends; the time that this took, or `None` where it goes on.
    async fn end_of(server: &mut Idle<DuplexStream>) -> Option<Duration> {
        let began = Instant::now();
        let mut all = Vec::new();
        timeout(IDLE * 5, server.read_to_end(&mut all))
            .await
            .ok()?
            .unwrap();
        Some(began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn http2_ends_when_nothing_has_passed_for_so_long() {
        let (mut client, mut server) = pair();
        // However the preface comes in parts.
        client.write_all(&PREFACE[..5]).await.unwrap();
        let mut part = [0; 5];
        server.read_exact(&mut part).await.unwrap();
        client.write_all(&PREFACE[5..]).await.unwrap();
        let ended = end_of(&mut server).await.unwrap();
        assert!(ended >= IDLE && ended < IDLE * 2, "{ended:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_either_way_keeps_http2_alive() {
        let (mut client, mut server) = pair();
        client.write_all(PREFACE).await.unwrap();
        let mut preface = vec![0; PREFACE.len()];
        server.read_exact(&mut preface).await.unwrap();
        for _ in 0..3 {
            assert!(timeout(IDLE * 2 / 3, server.read_u8()).await.is_err());
            client.write_u8(1).await.unwrap();
            assert_eq!(server.read_u8().await.unwrap(), 1);
            assert!(timeout(IDLE * 2 / 3, server.read_u8()).await.is_err());
            server.write_u8(1).await.unwrap();
        }
        assert!(end_of(&mut server).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn other_connections_may_be_quiet() {
        for first in [&b"GET /socket/1 HTTP/1.1\r\n"[..], b"PRI ", b""] {
            let (mut client, mut server) = pair();
            client.write_all(first).await.unwrap();
            assert_eq!(end_of(&mut server).await, None);
        }
    }
}
