//! A hub on a real port, and clients for it.

use std::net::SocketAddr;
use std::sync::Arc;

use castspec_hub::{Server, Settings, Transport};
use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream};

pub const TOPIC: &str = "topic 1/ü";

pub struct Hub {
    pub server: Server,
    pub http: reqwest::Client,
    connector: Connector,
}

pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Hub {
    pub async fn start(settings: Settings, transport: Transport) -> Self {
        // A second test in the same process finds the provider installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listen: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let server = Server::start(settings, listen, transport).await.unwrap();
        let mut roots = rustls::RootCertStore::empty();
        let mut http = reqwest::Client::builder().tls_backend_rustls();
        if let Some(pem) = server.authority_pem() {
            roots
                .add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
                .unwrap();
            http = http.tls_certs_only([reqwest::Certificate::from_pem(pem.as_bytes()).unwrap()]);
        }
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = match transport {
            Transport::Tls => Connector::Rustls(Arc::new(config)),
            Transport::Plaintext => Connector::Plain,
        };
        Self {
            server,
            http: http.build().unwrap(),
            connector,
        }
    }

    pub async fn plain() -> Self {
        Self::start(Settings::default(), Transport::Plaintext).await
    }

    pub fn url(&self) -> &str {
        self.server.url()
    }

    pub async fn form(&self, form: &[(&str, &str)]) -> (u16, String) {
        let answer = self.http.post(self.url()).form(form).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub async fn subscribe(&self, topic: &str, events: &str) -> String {
        let (status, body) = self
            .form(&[
                ("hub.channel.type", "websocket"),
                ("hub.mode", "subscribe"),
                ("hub.topic", topic),
                ("hub.events", events),
            ])
            .await;
        assert_eq!(status, 202, "{body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        body["hub.channel.endpoint"].as_str().unwrap().to_owned()
    }

    pub async fn connect(&self, endpoint: &str) -> Result<Socket, u16> {
        let connecting = tokio_tungstenite::connect_async_tls_with_config(
            endpoint,
            None,
            true,
            Some(self.connector.clone()),
        );
        match connecting.await {
            Ok((socket, _)) => Ok(Socket(socket)),
            Err(tokio_tungstenite::tungstenite::Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        }
    }

    /// Subscribes, connects and takes the confirmation.
    pub async fn join(&self, topic: &str, events: &str) -> Socket {
        let endpoint = self.subscribe(topic, events).await;
        let mut socket = self.connect(&endpoint).await.unwrap();
        assert_eq!(socket.next().await["hub.mode"], "subscribe");
        socket
    }

    pub async fn publish(&self, event: &Value) -> (u16, String) {
        self.post("application/json", event.to_string()).await
    }

    pub async fn post(&self, content_type: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
        let request = self.http.post(self.url()).header("Content-Type", content_type);
        let answer = request.body(body).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

impl Socket {
    /// The next text.
    pub async fn text(&mut self) -> String {
        loop {
            match self.0.next().await.expect("the socket is open").unwrap() {
                Message::Text(text) => return text.to_string(),
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    pub async fn next(&mut self) -> Value {
        serde_json::from_str(&self.text().await).unwrap()
    }

    /// The code with which the hub closes; whatever came before is skipped, and the closing handshake is finished.
    pub async fn closed(&mut self) -> Option<u16> {
        let mut code = None;
        while let Some(message) = self.0.next().await {
            if let Ok(Message::Close(frame)) = message {
                code = frame.map(|frame| frame.code.into());
            }
        }
        code
    }

    pub async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    pub async fn answer(&mut self, event: &str, status: u16) {
        self.send(Message::text(json!({"id": event, "status": status}).to_string()))
            .await;
    }
}

pub fn patient_open(id: &str, topic: &str) -> Value {
    json!({
        "timestamp": "2026-03-01T09:29:00.000Z",
        "id": id,
        "event": {
            "hub.topic": topic,
            "hub.event": "Patient-open",
            "context": [{"key": "patient", "resource": {"resourceType": "Patient", "id": "p"}}],
        },
    })
}
