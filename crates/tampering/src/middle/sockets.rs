//! WebSockets: both ways message by message, and what comes from the hub altered.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use futures_util::{SinkExt, StreamExt};
use http::{HeaderName, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::{Fate, Leaked, OVERTAKEN, Shared, answer};
use crate::message::MessageKind;

type Hub = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Headers that a WebSocket's own handshake writes.
const OF_THE_HANDSHAKE: [&str; 8] = [
    "host",
    "connection",
    "upgrade",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-extensions",
    "sec-websocket-protocol",
    "content-length",
];

/// Opens a WebSocket at the hub, and then the subscriber's.
pub(super) async fn open(shared: Arc<Shared>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let upgrade = match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(upgrade) => upgrade,
        Err(rejection) => return rejection.into_response(),
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let request = format!("ws://{}{path}", shared.hub).into_client_request();
    let Ok(mut request) = request else {
        return answer(StatusCode::BAD_REQUEST, "the endpoint is no URL");
    };
    for (name, value) in &parts.headers {
        let name: &HeaderName = name;
        if !OF_THE_HANDSHAKE.contains(&name.as_str()) {
            request.headers_mut().insert(name, value.clone());
        }
    }
    let hub = match connect_async(request).await {
        Ok((hub, _)) => hub,
        Err(tungstenite::Error::Http(refused)) => {
            let body = refused.body().clone().unwrap_or_default();
            return super::response(refused.status(), refused.headers().clone(), body);
        }
        Err(error) => return answer(StatusCode::BAD_GATEWAY, &error.to_string()),
    };
    let number = shared.sockets.fetch_add(1, Ordering::Relaxed);
    upgrade.on_upgrade(move |subscriber| async move {
        between(&shared, hub, subscriber, number).await;
    })
}

async fn between(shared: &Shared, hub: Hub, subscriber: WebSocket, number: usize) {
    let (mut to_hub, mut from_hub) = hub.split();
    let (mut to_subscriber, mut from_subscriber) = subscriber.split();
    let (late, mut overtaken) = mpsc::unbounded_channel::<Message>();
    let mut leaks = shared.leaks.subscribe();
    let mut topic = String::new();
    loop {
        let message = tokio::select! {
            message = from_subscriber.next() => match message {
                Some(Ok(message)) => {
                    let is_end = matches!(message, Message::Close(_));
                    if to_hub.send(outward(message)).await.is_err() {
                        return;
                    }
                    if !is_end {
                        continue;
                    }
                    // The hub answers a close, and that is the end.
                    if let Some(Ok(message)) = from_hub.next().await {
                        let _ = to_subscriber.send(inward(message)).await;
                    }
                    return;
                }
                _ => {
                    let _ = to_hub.close().await;
                    return;
                }
            },
            message = from_hub.next() => match message {
                Some(Ok(message)) => inward(message),
                _ => {
                    let _ = to_subscriber.close().await;
                    return;
                }
            },
            Some(message) = overtaken.recv() => {
                if to_subscriber.send(message).await.is_err() {
                    return;
                }
                continue;
            }
            Ok(leaked) = leaks.recv() => {
                if !topic.is_empty() && leaked.topic != topic
                    && to_subscriber.send(Message::Text(leaked.text.into())).await.is_err()
                {
                    return;
                }
                continue;
            }
        };
        let is_end = matches!(message, Message::Close(_));
        let fate = match &message {
            Message::Text(text) => match serde_json::from_str::<Value>(text) {
                Ok(json) => {
                    if let Some(named) = json.get("hub.topic").and_then(Value::as_str) {
                        named.clone_into(&mut topic);
                    }
                    let kind = MessageKind::of_message(&json);
                    kind.map_or(Fate::Untouched, |kind| shared.fate(kind, &json, number))
                }
                Err(_) => Fate::Untouched,
            },
            _ => Fate::Untouched,
        };
        let passed: Vec<Message> = match fate {
            Fate::Untouched => vec![message],
            Fate::Altered(altered) => vec![Message::Text(altered.to_string().into())],
            Fate::Dropped => {
                // The hub is to believe that it arrived.
                if let Some(taken) = acknowledgement(&message)
                    && to_hub.send(taken).await.is_err()
                {
                    return;
                }
                Vec::new()
            }
            Fate::Twice => vec![message.clone(), message],
            Fate::After(time) => {
                tokio::time::sleep(time).await;
                vec![message]
            }
            Fate::Overtaken => {
                let late = late.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(OVERTAKEN).await;
                    // The WebSocket may be closed by then.
                    let _ = late.send(message);
                });
                Vec::new()
            }
            Fate::Leaks => {
                if let Message::Text(text) = &message {
                    // Nobody else may be there.
                    let _ = shared.leaks.send(Leaked {
                        topic: topic.clone(),
                        text: text.to_string(),
                    });
                }
                vec![message]
            }
        };
        for message in passed {
            if to_subscriber.send(message).await.is_err() {
                return;
            }
        }
        if is_end {
            // The subscriber answers the close.
            let _ = from_subscriber.next().await;
            let _ = to_hub.close().await;
            return;
        }
    }
}

/// The acknowledgement of an event.
fn acknowledgement(message: &Message) -> Option<tungstenite::Message> {
    let Message::Text(text) = message else {
        return None;
    };
    let message: Value = serde_json::from_str(text).ok()?;
    message.get("event")?;
    let taken = json!({"id": message.get("id")?, "status": 200});
    Some(tungstenite::Message::Text(taken.to_string().into()))
}

fn outward(message: Message) -> tungstenite::Message {
    match message {
        Message::Text(text) => tungstenite::Message::Text(text.as_str().into()),
        Message::Binary(bytes) => tungstenite::Message::Binary(bytes),
        Message::Ping(bytes) => tungstenite::Message::Ping(bytes),
        Message::Pong(bytes) => tungstenite::Message::Pong(bytes),
        Message::Close(frame) => {
            tungstenite::Message::Close(frame.map(|frame| tungstenite::protocol::CloseFrame {
                code: frame.code.into(),
                reason: frame.reason.as_str().into(),
            }))
        }
    }
}

fn inward(message: tungstenite::Message) -> Message {
    match message {
        tungstenite::Message::Text(text) => Message::Text(text.as_str().into()),
        tungstenite::Message::Binary(bytes) => Message::Binary(bytes),
        tungstenite::Message::Ping(bytes) => Message::Ping(bytes),
        tungstenite::Message::Pong(bytes) => Message::Pong(bytes),
        tungstenite::Message::Close(frame) => Message::Close(frame.map(|frame| CloseFrame {
            code: frame.code.into(),
            reason: frame.reason.as_str().into(),
        })),
        // Only whole messages are read.
        tungstenite::Message::Frame(_) => Message::Close(None),
    }
}
