//! The hosts whose callbacks a hub calls: whoever can subscribe must not choose whom the hub talks to.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use castspec_fhircast::is_loopback;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::refusal::Refusal;

/// The number of hosts that are looked at for each callback.
const MOST: usize = 1_000;

/// A host that callbacks may be at, with a port or at any, or `*` for all hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackHost(Option<(Host, Option<u16>)>);

/// Why a text is no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a host is a name or an address, and may have a port, such as app.example.com, 192.0.2.1:8080 or [2001:db8::1]:8080; * is all of them"
)]
pub struct CallbackHostError;

impl FromStr for CallbackHost {
    type Err = CallbackHostError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "*" {
            return Ok(Self(None));
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| CallbackHostError)?))
            }
            _ => (text, None),
        };
        let host = Host::parse(host).map_err(|_| CallbackHostError)?;
        Ok(Self(Some((host, port))))
    }
}

/// The hosts whose callbacks a hub calls: this machine, and what was added.
#[derive(Debug, Clone, Default)]
pub struct CallbackHosts {
    all: bool,
    named: Vec<(Host, Option<u16>)>,
}

impl CallbackHosts {
    /// All hosts.
    pub fn everywhere() -> Self {
        Self {
            all: true,
            named: Vec::new(),
        }
    }

    /// This machine and these.
    pub fn with(added: impl IntoIterator<Item = CallbackHost>) -> Self {
        let mut hosts = Self::default();
        for host in added.into_iter().take(MOST) {
            match host.0 {
                Some(named) => hosts.named.push(named),
                None => hosts.all = true,
            }
        }
        hosts
    }

    /// Whether a callback may be at this URL.
    pub(super) fn allow(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let is_named = |(host, at): &(Host, Option<u16>)| {
            url.host() == Some(borrowed(host)) && at.is_none_or(|at| Some(at) == port)
        };
        self.all || is_loopback(url) || self.named.iter().any(is_named)
    }

    /// Refuses a callback that is elsewhere.
    ///
    /// # Errors
    /// When the hub does not call this host.
    pub(super) fn check(&self, callback: &str) -> Result<(), Refusal> {
        match Url::parse(callback) {
            Ok(url) if !self.allow(&url) => Err(Refusal::new(
                403,
                format!(
                    "hub.callback: this hub calls no callback at '{}': it calls this machine alone, and the hosts that castspec \
                     hub --callbacks-to HOST names",
                    url.host_str().unwrap_or_default()
                ),
            )),
            // What is no URL is refused as that.
            _ => Ok(()),
        }
    }

    fn names(&self, name: &str) -> bool {
        self.named
            .iter()
            .any(|(host, _)| matches!(host, Host::Domain(domain) if domain.eq_ignore_ascii_case(name)))
    }
}

fn borrowed(host: &Host) -> Host<&str> {
    match host {
        Host::Domain(name) => Host::Domain(name),
        Host::Ipv4(address) => Host::Ipv4(*address),
        Host::Ipv6(address) => Host::Ipv6(*address),
    }
}

/// Names of this machine are this machine, whatever a name server says; of others those alone are looked up that were named.
impl Resolve for CallbackHosts {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_ascii_lowercase();
        if name == "localhost" || name.ends_with(".localhost") {
            // The port is the URL's (RFC 6761, 6.3).
            let own = [
                SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
            ];
            return Box::pin(async move { Ok::<Addrs, _>(Box::new(own.into_iter())) });
        }
        let may = self.all || self.names(&name);
        Box::pin(async move {
            if !may {
                return Err("this hub calls no callback at this host".into());
            }
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok::<Addrs, _>(Box::new(found.into_iter()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(added: &[&str]) -> CallbackHosts {
        CallbackHosts::with(added.iter().map(|text| text.parse().unwrap()))
    }

    #[test]
    fn callbacks_are_on_this_machine_or_at_a_host_that_was_named() {
        let named = [
            "app.example.com",
            "192.0.2.1:8080",
            "[2001:db8::1]:8080",
            "Viewer.example.com:443",
        ];
        for (url, at_first, when_named) in [
            ("http://127.0.0.1:9/c", true, true),
            ("https://localhost/c", true, true),
            ("http://app.localhost:9/c", true, true),
            ("http://[::1]:9/c", true, true),
            ("https://app.example.com/c", false, true),
            ("http://app.example.com:99/c", false, true),
            ("http://192.0.2.1:8080/c", false, true),
            ("http://192.0.2.1/c", false, false),
            ("http://[2001:db8::1]:8080/c", false, true),
            ("http://[2001:db8::1]/c", false, false),
            ("https://viewer.example.com/c", false, true),
            ("http://viewer.example.com/c", false, false),
            ("http://10.0.0.1/c", false, false),
            ("http://169.254.169.254/latest", false, false),
            ("http://0.0.0.0/c", false, false),
            ("http://[::ffff:10.0.0.1]/c", false, false),
            ("http://localhost.example.com/c", false, false),
            ("http://app.example.com.evil.example/c", false, false),
            ("http://localhost@evil.example/c", false, false),
        ] {
            assert_eq!(hosts(&[]).check(url).is_ok(), at_first, "{url}");
            assert_eq!(hosts(&named).check(url).is_ok(), when_named, "{url}");
            assert!(hosts(&["*"]).check(url).is_ok(), "{url}");
        }
        let refusal = hosts(&[]).check("http://10.0.0.1/c?token=hush").unwrap_err();
        assert_eq!(refusal.status, 403);
        assert!(
            refusal.reason.contains("'10.0.0.1'") && !refusal.reason.contains("hush"),
            "{refusal}"
        );
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "http://app.example.com",
            "app.example.com/c",
            "app.example.com:x",
            "app.example.com:70000",
            ":80",
            "a b",
            "2001:db8::1",
        ] {
            assert_eq!(text.parse::<CallbackHost>(), Err(CallbackHostError), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_this_machine_and_others_are_not_looked_up() {
        for (name, is_resolved) in [
            ("localhost", true),
            ("App.localhost", true),
            ("evil.example", false),
        ] {
            match hosts(&["app.example.com"]).resolve(name.parse().unwrap()).await {
                Ok(addresses) => {
                    let addresses: Vec<_> = addresses.collect();
                    assert!(is_resolved && !addresses.is_empty(), "{name}");
                    assert!(
                        addresses.iter().all(|address| address.ip().is_loopback()),
                        "{addresses:?}"
                    );
                }
                Err(error) => assert!(!is_resolved, "{name}: {error}"),
            }
        }
    }
}
