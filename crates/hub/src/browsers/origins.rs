//! The origins of pages that may use a hub (RFC 6454; Fetch, Origin header).

use std::fmt;
use std::str::FromStr;

use castspec_fhircast::is_loopback;
use url::Url;

/// The number of origins that are looked at for each request.
const MOST: usize = 1_000;

/// The origin of a page that may use a hub: as a browser writes it, or `*` for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// Why a text is no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It has another form.
    #[error(
        "an origin is a scheme, a host and a port, such as https://viewer.example.com:8080, or * for all, and nothing more"
    )]
    Form,
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            // "null" and "file://": what programs send that show pages of their own, from files.
            "*" | "null" | "file://" => Ok(Self(text.to_owned())),
            _ => read(text)
                .map(|(origin, _)| Self(origin))
                .ok_or(OriginError::Form),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The pages that may use a hub: those of this machine, and what was added.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<String>);

impl Origins {
    /// Those of this machine and these.
    pub fn with(added: impl IntoIterator<Item = Origin>) -> Self {
        Self(added.into_iter().map(|origin| origin.0).take(MOST).collect())
    }

    /// Whether a page with this value of `Origin` may.
    pub fn allow(&self, header: &str) -> bool {
        if self.0.iter().any(|origin| origin == "*") {
            return true;
        }
        match read(header) {
            Some((origin, is_of_this_machine)) => is_of_this_machine || self.0.contains(&origin),
            // "null": of a file, a sandbox, or whatever does not say. It may where it is named.
            None => matches!(header, "null" | "file://") && self.0.iter().any(|origin| origin == header),
        }
    }
}

/// The origin as it is compared, and whether it is one of http or https on this machine.
fn read(text: &str) -> Option<(String, bool)> {
    let url = Url::parse(text).ok()?;
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare {
        return None;
    }
    let origin = match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    };
    let is_web = matches!(url.scheme(), "http" | "https");
    Some((origin, is_web && is_loopback(&url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(added: &[&str]) -> Origins {
        Origins::with(added.iter().map(|text| text.parse().unwrap()))
    }

    #[test]
    fn pages_of_this_machine_may_and_others_where_they_are_named() {
        let foreign = [
            "https://evil.example",
            "http://localhost.evil.example:80",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "https://viewer.example.com:8443",
            "app://localhost",
            "null",
            "",
            "localhost",
            "http://127.0.0.1@evil.example",
            "http://127.0.0.1/page",
        ];
        let own = [
            "http://localhost",
            "https://localhost:4200",
            "http://127.0.0.1:8080",
            "https://[::1]:3000",
            "http://viewer.localhost:3000",
        ];
        for origin in own {
            assert!(
                origins(&[]).allow(origin) && origins(&["*"]).allow(origin),
                "{origin}"
            );
        }
        for origin in foreign {
            assert!(!origins(&[]).allow(origin), "{origin}");
            assert!(
                !origins(&["https://viewer.example.com"]).allow(origin),
                "{origin}"
            );
            assert!(origins(&["*"]).allow(origin), "{origin}");
        }
        let named = origins(&[
            "https://Viewer.example.com:443/",
            "http://evil.example:8080",
            "app://viewer",
        ]);
        for origin in [
            "https://viewer.example.com",
            "http://evil.example:8080",
            "app://viewer",
            own[0],
        ] {
            assert!(named.allow(origin), "{origin}");
        }
        for origin in ["http://viewer.example.com", "http://evil.example", "app://other"] {
            assert!(!named.allow(origin), "{origin}");
        }
    }

    #[test]
    fn pages_from_files_may_where_they_are_named() {
        for origin in ["null", "file://"] {
            assert!(origins(&[origin]).allow(origin));
            assert!(!origins(&[]).allow(origin) && !origins(&[origin]).allow("https://evil.example"));
        }
        assert!(!origins(&["null"]).allow("file://"));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for text in [
            "viewer.example.com",
            "https://viewer.example.com/app",
            "https://*.example.com/x",
            "https://viewer.example.com?x",
            "https://me@viewer.example.com",
            "data:text/plain,x",
            "file:///page.html",
            "",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError::Form), "{text}");
        }
        assert_eq!(
            "HTTPS://Viewer.example.com:443"
                .parse::<Origin>()
                .unwrap()
                .to_string(),
            "https://viewer.example.com"
        );
    }
}
