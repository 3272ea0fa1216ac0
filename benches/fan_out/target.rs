//! A server in a process of its own, and how to speak to it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_tungstenite::Connector;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Hub,
    Bare,
}

pub struct Target {
    pub kind: Kind,
    pub url: String,
    pub http: reqwest::Client,
    pub connector: Connector,
    process: Child,
}

impl Drop for Target {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Target {
    pub async fn start(kind: Kind, plaintext: bool) -> Self {
        let authority =
            std::env::temp_dir().join(format!("castspec-bench-{}-{kind:?}.pem", std::process::id()));
        let mut command = match kind {
            Kind::Hub => {
                let mut command = Command::new(env!("CARGO_BIN_EXE_castspec"));
                command.args(["hub", "--ack-timeout", "600"]);
                command
            }
            Kind::Bare => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.arg(super::bare::ARGUMENT);
                command
            }
        };
        if plaintext {
            command.arg("--plaintext");
        } else {
            command.arg("--ca-out").arg(&authority);
        }
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();

        let mut roots = rustls::RootCertStore::empty();
        let mut http = reqwest::Client::builder().tls_backend_rustls().tcp_nodelay(true);
        if !plaintext {
            let pem = std::fs::read(&authority).unwrap();
            std::fs::remove_file(&authority).unwrap();
            roots.add(CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
            http = http.tls_certs_only([reqwest::Certificate::from_pem(&pem).unwrap()]);
        }
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self {
            kind,
            url,
            http: http.build().unwrap(),
            connector: if plaintext {
                Connector::Plain
            } else {
                Connector::Rustls(Arc::new(config))
            },
            process,
        }
    }

    /// Where a new subscriber connects.
    pub async fn endpoint(&self) -> String {
        if self.kind == Kind::Bare {
            return self.url.replacen("http", "ws", 1).replace("/publish", "/socket");
        }
        let form = [
            ("hub.channel.type", "websocket"),
            ("hub.mode", "subscribe"),
            ("hub.topic", "bench"),
            ("hub.events", "Patient-open"),
        ];
        let answer = self.http.post(&self.url).form(&form).send().await.unwrap();
        let answer: serde_json::Value = answer.json().await.unwrap();
        answer["hub.channel.endpoint"].as_str().unwrap().to_owned()
    }

    /// VmRSS of the server; 0 where the operating system does not tell.
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.process.id());
        let status = std::fs::read_to_string(path).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kibibytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kibibytes.unwrap_or(0) * 1_024
    }
}
