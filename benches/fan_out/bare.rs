//! The bare broadcaster: what is posted goes to every socket, as fast as axum can, and nothing else is done. It shares
//! the hub's manner of writing (all that waits for a socket in one go), so that the comparison is about the rest.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use axum::extract::{State, WebSocketUpgrade};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{any, post};
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use castspec_certificates::Authority;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;

/// What makes this program the broadcaster.
pub const ARGUMENT: &str = "--bare-broadcaster";

type Sockets = Arc<Mutex<Vec<mpsc::Sender<Utf8Bytes>>>>;

pub fn main(plaintext: bool) {
    tokio::runtime::Runtime::new().unwrap().block_on(serve(plaintext));
}

async fn serve(plaintext: bool) {
    let router = Router::new()
        .route("/publish", post(publish))
        .route("/socket", any(connect))
        .with_state(Sockets::default())
        .into_make_service();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let server = axum_server::from_tcp(listener).unwrap();
    let scheme = if plaintext { "http" } else { "https" };
    let say = || println!("listening on {scheme}://{address}/publish");
    if plaintext {
        say();
        server
            .acceptor(NoDelayAcceptor::new())
            .serve(router)
            .await
            .unwrap();
        return;
    }
    let authority = Authority::generate(address.ip()).unwrap();
    let out = std::env::args()
        .skip_while(|argument| argument != "--ca-out")
        .nth(1);
    std::fs::write(out.unwrap(), authority.pem()).unwrap();
    let tls = RustlsAcceptor::new(RustlsConfig::from_config(authority.server_config()));
    say();
    server
        .acceptor(tls.acceptor(NoDelayAcceptor::new()))
        .serve(router)
        .await
        .unwrap();
}

async fn publish(State(sockets): State<Sockets>, body: String) -> StatusCode {
    let text = Utf8Bytes::from(body);
    sockets
        .lock()
        .unwrap()
        .retain(|socket| socket.try_send(text.clone()).is_ok());
    StatusCode::ACCEPTED
}

async fn connect(State(sockets): State<Sockets>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(move |socket| async move {
        let (sender, queue) = mpsc::channel(1_024);
        sockets.lock().unwrap().push(sender);
        pump(socket, queue).await;
    })
}

async fn pump(socket: WebSocket, mut queue: mpsc::Receiver<Utf8Bytes>) {
    let (mut sink, mut stream) = socket.split();
    let writing = async {
        while let Some(text) = queue.recv().await {
            sink.feed(Message::Text(text)).await?;
            while let Ok(more) = queue.try_recv() {
                sink.feed(Message::Text(more)).await?;
            }
            sink.flush().await?;
        }
        Ok::<_, axum::Error>(())
    };
    let reading = async { while let Some(Ok(_)) = stream.next().await {} };
    tokio::select! {
        _ = writing => {}
        () = reading => {}
    }
}
