//! A hub that accepts every subscription and then sends without end.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// What it sends without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flood {
    /// WebSocket messages that say nothing.
    EmptyObjects,
    /// Notifications as they should be, of 3 kB.
    Notifications,
    Pings,
    /// One message, in ever more fragments.
    OneMessage,
    /// The body of its answer to every POST.
    Body,
    /// Calls of a callback, once it has agreed.
    Calls,
}

/// The topic and the events of each endpoint, by its path.
type Endpoints = Arc<Mutex<HashMap<String, (String, String)>>>;

/// Starts the hub, which lives as long as the tests; its URL.
pub fn start(flood: Flood) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let endpoints = Endpoints::default();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let endpoints = Arc::clone(&endpoints);
            // Whoever is flooded goes away sooner or later: that ends the thread.
            std::thread::spawn(move || serve(stream, flood, &endpoints));
        }
    });
    format!("http://{address}/fhircast")
}

struct Request {
    line: String,
    headers: HashMap<String, String>,
    body: String,
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut headers = HashMap::new();
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).unwrap();
    Some(Request { line, headers, body })
}

fn serve(mut stream: TcpStream, flood: Flood, endpoints: &Endpoints) -> Option<()> {
    let own = stream.local_addr().unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let request = read(&mut reader)?;
        let path = request.line.split(' ').nth(1).unwrap().to_owned();
        if let Some(key) = request.headers.get("sec-websocket-key") {
            let accept = derive_accept_key(key.as_bytes());
            let head = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accept}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).ok()?;
            let (topic, events) = endpoints.lock().unwrap().get(&path).cloned()?;
            return flood_socket(&mut stream, flood, &topic, &events);
        }
        if flood == Flood::Body && request.line.starts_with("POST") {
            stream
                .write_all(b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n")
                .ok()?;
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x1_0000));
            loop {
                stream.write_all(chunk.as_bytes()).ok()?;
            }
        }
        let form: HashMap<String, String> = url::form_urlencoded::parse(request.body.as_bytes())
            .into_owned()
            .collect();
        let (status, body) = match form.get("hub.topic") {
            Some(topic) => {
                let mut endpoints = endpoints.lock().unwrap();
                let path = format!("/endpoint/{}", endpoints.len());
                let events = form.get("hub.events").cloned().unwrap_or_default();
                endpoints.insert(path.clone(), (topic.clone(), events));
                let endpoint = format!("ws://{own}{path}");
                (
                    "202 Accepted",
                    json!({"hub.channel.endpoint": endpoint}).to_string(),
                )
            }
            None if request.line.starts_with("GET") => ("404 Not Found", String::new()),
            None => ("202 Accepted", String::new()),
        };
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).ok()?;
        if flood == Flood::Calls && form.get("hub.mode").is_some_and(|mode| mode == "subscribe") {
            let callback = form.get("hub.callback")?.clone();
            let (topic, events) = (form["hub.topic"].clone(), form["hub.events"].clone());
            std::thread::spawn(move || flood_callback(&callback, &topic, &events));
        }
    }
}

fn notification(topic: &str, number: usize) -> String {
    let patient = json!({"resourceType": "Patient", "id": "p", "identifier": [{"value": "x".repeat(3_000)}]});
    json!({
        "timestamp": "2026-03-01T09:30:00.000Z",
        "id": format!("flood-{number}"),
        "event": {"hub.topic": topic, "hub.event": "Patient-open", "context": [{"key": "patient", "resource": patient}]},
    })
    .to_string()
}

/// The head of a frame and the message, not masked.
fn frame(first: u8, message: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match message.len() {
        length @ 0..126 => frame.push(length as u8),
        length @ 126..0x1_0000 => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(message);
    frame
}

fn flood_socket(stream: &mut TcpStream, flood: Flood, topic: &str, events: &str) -> Option<()> {
    const TEXT: u8 = 0x81;
    const PING: u8 = 0x89;
    let confirmation =
        json!({"hub.mode": "subscribe", "hub.topic": topic, "hub.events": events, "hub.lease_seconds": 7200});
    stream
        .write_all(&frame(TEXT, confirmation.to_string().as_bytes()))
        .ok()?;
    let endless = match flood {
        Flood::EmptyObjects => frame(TEXT, b"{}").repeat(10_000),
        Flood::Notifications => (0..100)
            .flat_map(|number| frame(TEXT, notification(topic, number).as_bytes()))
            .collect(),
        Flood::Pings => frame(PING, &[0; 100]).repeat(1_000),
        Flood::OneMessage => {
            stream.write_all(&frame(0x01, &vec![b'x'; 1 << 16])).ok()?;
            frame(0x00, &vec![b'x'; 1 << 16])
        }
        Flood::Body | Flood::Calls => return None,
    };
    loop {
        stream.write_all(&endless).ok()?;
    }
}

fn flood_callback(callback: &str, topic: &str, events: &str) -> Option<()> {
    let url = url::Url::parse(callback).unwrap();
    let mut stream = TcpStream::connect(url.socket_addrs(|| None).unwrap()[0]).ok()?;
    let host = url.authority().to_owned();
    let question = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.topic", topic)
        .append_pair("hub.events", events)
        .append_pair("hub.challenge", "challenge")
        .append_pair("hub.lease_seconds", "7200")
        .finish();
    let verification = format!("GET {}?{question} HTTP/1.1\r\nHost: {host}\r\n\r\n", url.path());
    stream.write_all(verification.as_bytes()).ok()?;
    let mut answers = stream.try_clone().unwrap();
    std::thread::spawn(move || std::io::copy(&mut answers, &mut std::io::sink()));
    // Far more than is borne with, and not for ever: each callback has a thread of its own.
    for number in 0..6_000 {
        let body = notification(topic, number);
        let call = format!(
            "POST {} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            url.path(),
            body.len()
        );
        stream.write_all(call.as_bytes()).ok()?;
    }
    None
}
