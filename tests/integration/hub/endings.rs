//! Connections and requests that end in time, whatever clients do.

use std::time::{Duration, Instant};

use crate::hub_support::Hub;
use castspec_fhircast::protocol::Version;
use castspec_hub::{Settings, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn an_idle_connection_of_either_http_is_ended() {
    let idle_timeout = Duration::from_millis(300);
    let settings = Settings {
        idle_timeout,
        ..Settings::default()
    };
    let hub = Hub::start(settings, Transport::Plaintext).await;
    // The preface and empty settings; in HTTP/1 a request.
    let http2 = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], b"\0\0\0\x04\0\0\0\0\0"].concat();
    let http1 = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_vec();
    for hello in [http2, http1] {
        let began = Instant::now();
        let mut connection = TcpStream::connect(hub.server.address()).await.unwrap();
        connection.write_all(&hello).await.unwrap();
        let mut answer = Vec::new();
        let ended = connection.read_to_end(&mut answer);
        let ended = tokio::time::timeout(Duration::from_secs(20), ended).await;
        ended.expect("the hub ends it").unwrap();
        assert!(!answer.is_empty(), "the hub had spoken");
        assert!(began.elapsed() >= idle_timeout, "and not at once");
    }
}

#[tokio::test]
async fn a_form_with_too_much_in_it_is_refused_at_once() {
    for version in Version::ALL {
        let settings = Settings {
            version,
            ..Settings::default()
        };
        let hub = Hub::start(settings, Transport::Plaintext).await;
        let form = "hub.channel.type=websocket&hub.mode=subscribe&hub.topic=t&hub.callback=http://127.0.0.1/&hub.secret=s";
        let many = |piece: &dyn Fn(usize) -> String| (0..60_000).map(piece).collect::<String>();
        for (form, says) in [
            (
                format!(
                    "{form}&hub.events=Patient-open{}",
                    many(&|at| format!("&p{at}=1"))
                ),
                "parameters",
            ),
            (
                format!(
                    "{form}&hub.events=Patient-open{}",
                    many(&|at| format!(",a.b{at}"))
                ),
                "hub.events: there are 60001",
            ),
            (
                format!("{form}&hub.events=Patient-open{}", many(&|_| ",*-*".to_owned())),
                "hub.events: there are 60001",
            ),
        ] {
            let began = Instant::now();
            let (status, body) = hub.post(FORM, form).await;
            assert_eq!(status, 400, "{version}: {body}");
            assert!(body.contains(says), "{version}: {body}");
            // A quadratic reader takes ten seconds and more.
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{version}: {:?}",
                began.elapsed()
            );
        }
        let some: String = (0..100).map(|at| format!(",a.b{at}")).collect();
        let (status, body) = hub
            .post(FORM, format!("{form}&hub.events=Patient-open{some}"))
            .await;
        assert_eq!(status, 202, "{version}: {body}");
    }
}
