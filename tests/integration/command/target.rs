//! What a target file says of the way to a hub: a proxy, a client certificate, headers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::command_support::{ClosedPort, Ended, HubProcess, report};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

fn copy(mut from: impl Read, mut to: impl Write) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(count) = from.read(&mut bytes)
        && count > 0
        && to.write_all(&bytes[..count]).is_ok()
        && to.flush().is_ok()
    {}
}

/// A proxy that lets CONNECT through for who knows the password, and counts.
fn proxy() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (mut client, counted) = (client.unwrap(), counted.clone());
            std::thread::spawn(move || {
                let mut lines = Vec::new();
                let mut reader = BufReader::new(client.try_clone().unwrap());
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if line.trim().is_empty() {
                        break;
                    }
                    lines.push(line.trim().to_ascii_lowercase());
                }
                // somebody:pass
                if !lines.contains(&"proxy-authorization: basic c29tzwjvzhk6cgfzcw==".to_owned()) {
                    let _ = client.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
                    return;
                }
                let authority = lines[0].split(' ').nth(1).unwrap().to_owned();
                let hub = TcpStream::connect(&authority).unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                client
                    .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    .unwrap();
                let (back, from) = (client.try_clone().unwrap(), hub.try_clone().unwrap());
                std::thread::spawn(move || copy(from, back));
                copy(client, hub);
            });
        }
    });
    (address, count)
}

#[test]
fn requests_and_websockets_go_through_the_proxy_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let hub = HubProcess::start(&["--ca-out", folder.path().join("ca.pem").to_str().unwrap()]);
    let (address, count) = proxy();
    let run = |password: &str| {
        let target = folder.path().join("target.toml");
        let text = format!(
            "hub_url = \"{}\"\nca_cert = \"ca.pem\"\nproxy = \"http://somebody:{password}@{address}\"\n",
            hub.url
        );
        std::fs::write(&target, text).unwrap();
        let reports = folder.path().join("reports");
        Ended::with(&[
            "run",
            "subscribing/accepted",
            "--target",
            target.to_str().unwrap(),
            "--reports",
            reports.to_str().unwrap(),
        ])
    };
    let ended = run("pass");
    assert_eq!(ended.code, Some(0), "{}{}", ended.out, ended.error);
    assert!(
        count.load(Ordering::SeqCst) >= 2,
        "the requests, and the WebSocket"
    );
    let ended = run("wrong");
    ended.says(&["cannot be reached"]);
    assert!(!ended.error.contains("wrong"), "{}", ended.error);
}

/// Speaks TLS with who shows a certificate of this authority, writes down what is said, and passes it on to a plain hub.
fn gate(hub: &str, authority: &str, certificate: &str, key: &str) -> (SocketAddr, Arc<Mutex<String>>) {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .unwrap();
    let settings = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap(),
        )
        .unwrap();
    let settings = Arc::new(settings);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let hub = hub.to_owned();
    let said = Arc::new(Mutex::new(String::new()));
    let written = said.clone();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, settings) = (client.unwrap(), settings.clone());
            let (hub, written) = (hub.clone(), written.clone());
            std::thread::spawn(move || {
                let mut client = StreamOwned::new(ServerConnection::new(settings).unwrap(), client);
                let mut hub = TcpStream::connect(&hub).unwrap();
                let mut bytes = [0; 64 * 1024];
                // One request and its answer after the other, each small enough for one read.
                while let Ok(count) = client.read(&mut bytes)
                    && count > 0
                {
                    written
                        .lock()
                        .unwrap()
                        .push_str(&String::from_utf8_lossy(&bytes[..count]));
                    hub.write_all(&bytes[..count]).unwrap();
                    let count = hub.read(&mut bytes).unwrap();
                    client.write_all(&bytes[..count]).unwrap();
                    client.flush().unwrap();
                }
            });
        }
    });
    (address, said)
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[test]
fn a_client_certificate_and_headers_are_shown_to_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let certify = || {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let (gate_certificate, gate_key) = certify();
    let (shown, shown_key) = certify();
    write(folder, "ca.pem", &authority.pem());
    write(folder, "client.pem", &format!("{shown}{shown_key}"));
    let hub = HubProcess::start(&["--plaintext"]);
    let (address, said) = gate(
        &format!("127.0.0.1:{}", hub.port()),
        &authority.pem(),
        &gate_certificate,
        &gate_key,
    );
    let run = |further: &str| {
        let text = format!(
            "hub_url = \"https://{address}/fhircast\"\nca_cert = \"ca.pem\"\n{further}\n[headers]\nX-Gateway = \"ward-7\"\n"
        );
        write(folder, "target.toml", &text);
        let target = folder.join("target.toml");
        let reports = folder.join("reports");
        Ended::with(&[
            "run",
            "subscribing/accepted",
            "--target",
            target.to_str().unwrap(),
            "--reports",
            reports.to_str().unwrap(),
        ])
    };
    run("").says(&["cannot be reached"]);
    let ended = run("client_cert = \"client.pem\"");
    // The plain hub behind the gate hands out a plain endpoint, and is blamed for it: it was reached.
    assert_eq!(ended.code, Some(1), "{}{}", ended.out, ended.error);
    let judged = report(&folder.join("reports"));
    let accepted = judged["checks"]
        .as_array()
        .unwrap()
        .iter()
        .any(|check| check["requirement"] == "subscribe.answered" && check["verdict"] == "pass");
    assert!(accepted, "{}", ended.out);
    let said = said.lock().unwrap().to_ascii_lowercase();
    assert!(said.contains("x-gateway: ward-7"), "{said}");
    run("client_key = \"client.pem\"").says(&["client_key", "client_cert"]);
    run("client_cert = \"missing.pem\"").says(&["missing.pem", "client certificate"]);
}

#[test]
fn a_hub_that_does_not_come_is_waited_for_as_long_as_is_said() {
    let port = ClosedPort::reserve();
    let url = format!("http://127.0.0.1:{}/fhircast", port.number());
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().to_str().unwrap();
    let began = std::time::Instant::now();
    let arguments = [
        "run",
        "--hub",
        &url,
        "--reports",
        reports,
        "--wait-for-hub",
        "0.6",
    ];
    let never = Ended::with(&arguments);
    assert_eq!(never.code, Some(2), "{}", never.out);
    never.begins(&["cannot be reached"]);
    assert!(began.elapsed() >= std::time::Duration::from_millis(600));
}
