//! What stands before the routes: pages of other origins, and requests for another host's name, go no further.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use castspec_fhircast::is_loopback;
use tower_http::cors::{AllowHeaders, AllowOrigin, Cors};
use tower_service::Service;
use url::Url;

use super::origins::Origins;

/// How long a browser may remember the answer to a preflight.
const REMEMBERED: Duration = Duration::from_secs(600);

/// The rules for requests of browsers.
#[derive(Debug, Clone)]
pub struct Browsers(Arc<Rules>);

#[derive(Debug)]
struct Rules {
    origins: Origins,
    /// Whether it is for this machine alone, so that another name for it was made up by somebody.
    is_local: bool,
}

impl Browsers {
    /// Rules for pages of these origins; `is_local`, where the server listens on loopback.
    pub fn new(origins: Origins, is_local: bool) -> Self {
        Self(Arc::new(Rules { origins, is_local }))
    }

    /// The same origins, at a server that listens on loopback.
    pub(crate) fn locally(&self) -> Self {
        Self::new(self.0.origins.clone(), true)
    }

    /// Refuses what these rules refuse, before it comes to the routes.
    pub(crate) fn guard(&self, routes: Router) -> Router {
        let browsers = self.clone();
        routes.layer(middleware::from_fn(move |request: Request, next: Next| {
            let browsers = browsers.clone();
            async move {
                match browsers.refuse(request.uri(), request.headers()) {
                    Some(reason) => {
                        tracing::debug!(reason, "refused a browser");
                        let text = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
                        (StatusCode::FORBIDDEN, text, format!("{reason}\n")).into_response()
                    }
                    None => next.run(request).await,
                }
            }
        }))
    }

    /// Lets pages of the allowed origins read the answers of these routes, and answers their preflights.
    pub(crate) fn share(&self, routes: Router) -> Router {
        let browsers = self.clone();
        routes.layer(middleware::from_fn(move |request: Request, next: Next| {
            let browsers = browsers.clone();
            async move {
                // A request of no page is answered as ever, one for OPTIONS too.
                if request.headers().contains_key(header::ORIGIN) {
                    browsers.cors(request, next).await
                } else {
                    next.run(request).await
                }
            }
        }))
    }

    async fn cors(&self, request: Request, next: Next) -> Response {
        let rules = Arc::clone(&self.0);
        let allowed = AllowOrigin::predicate(move |origin, _| {
            origin.to_str().is_ok_and(|origin| rules.origins.allow(origin))
        });
        let mut cors = Cors::new(next)
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([header::WWW_AUTHENTICATE, header::ALLOW])
            .allow_private_network(true)
            .max_age(REMEMBERED);
        match cors.call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }

    /// The reason why a request goes no further; `None` where it may.
    fn refuse(&self, uri: &Uri, headers: &HeaderMap) -> Option<&'static str> {
        let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
        // HTTP/2, and requests to a proxy, have the name in the URL.
        let asked = uri.authority().map(|authority| authority.as_str().to_owned());
        let mut hosts = asked
            .into_iter()
            .chain(headers.get_all(header::HOST).iter().map(text));
        if self.0.is_local && !hosts.all(|host| names_this_machine(&host)) {
            return Some(
                "Host: the name is none of this machine, and this server listens on loopback alone: use localhost, a name that \
                 ends in .localhost, 127.0.0.1 or [::1], or listen on another address (castspec hub --bind); a page of the web \
                 that gives this machine a name of its own is kept out so (DNS rebinding)",
            );
        }
        let mut origins = headers.get_all(header::ORIGIN).iter().map(text);
        let host = headers.get(header::HOST).map(text);
        let own = uri
            .authority()
            .map(|authority| authority.as_str().to_owned())
            .or(host);
        let is_own = |origin: &str| own.as_deref().is_some_and(|own| is_of_address(origin, own));
        if !origins.all(|origin| self.0.origins.allow(&origin) || is_own(&origin)) {
            return Some(
                "Origin: pages of this origin may not use the hub; pages of this machine (http or https, localhost, 127.0.0.1 \
                 or [::1], any port) may, and castspec hub --allow-origin ORIGIN lets others in",
            );
        }
        None
    }
}

/// Whether an origin is that of the server itself, which was asked under an address: programs that are no pages send it. A name
/// would not do, as whoever has a name may have it lead here.
fn is_of_address(origin: &str, host: &str) -> bool {
    let (Some((scheme, of_origin)), Ok(own)) =
        (origin.split_once("://"), Url::parse(&format!("http://{host}/")))
    else {
        return false;
    };
    let is_address = matches!(own.host(), Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)));
    matches!(scheme, "http" | "https") && is_address && of_origin.eq_ignore_ascii_case(host)
}

/// Whether the value of a Host header names the loopback.
fn names_this_machine(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !host.is_empty()
        && host.bytes().all(plain)
        && Url::parse(&format!("http://{host}/")).is_ok_and(|url| is_loopback(&url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn refused(is_local: bool, uri: &str, sent: &[(HeaderName, &str)]) -> bool {
        let named = "https://viewer.example.com".parse().unwrap();
        let browsers = Browsers::new(Origins::with([named]), is_local);
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(name, value.parse().unwrap());
        }
        browsers.refuse(&uri.parse().unwrap(), &headers).is_some()
    }

    #[test]
    fn the_host_is_this_machine_where_the_server_is_for_it_alone() {
        for (host, is_own) in [
            ("localhost", true),
            ("LOCALHOST:8443", true),
            ("hub.localhost:8443", true),
            ("127.0.0.1:8443", true),
            ("127.8.8.8", true),
            ("[::1]:8443", true),
            ("evil.example", false),
            ("localhost.evil.example:8443", false),
            ("10.0.0.1", false),
            ("0.0.0.0:8443", false),
            ("[::ffff:10.0.0.1]", false),
            ("evil.example@127.0.0.1", false),
            ("127.0.0.1@evil.example", false),
            ("127.0.0.1/evil", false),
            ("", false),
        ] {
            assert_eq!(
                refused(true, "/fhircast", &[(header::HOST, host)]),
                !is_own,
                "{host}"
            );
            assert!(!refused(false, "/fhircast", &[(header::HOST, host)]), "{host}");
        }
        assert!(!refused(true, "/fhircast", &[]), "HTTP/1.0 has none");
        assert!(refused(
            true,
            "https://evil.example/fhircast",
            &[(header::HOST, "localhost")]
        ));
        assert!(!refused(true, "https://localhost:8443/fhircast", &[]));
        let both = [(header::HOST, "localhost"), (header::HOST, "evil.example")];
        assert!(refused(true, "/fhircast", &both));
    }

    #[test]
    fn a_program_that_names_the_address_of_the_hub_as_its_origin_is_no_foreign_page() {
        for (host, origin, may) in [
            ("10.0.0.5:8443", "https://10.0.0.5:8443", true),
            ("[2001:db8::1]:8443", "https://[2001:db8::1]:8443", true),
            ("10.0.0.5:8443", "https://10.0.0.5", false),
            ("10.0.0.5:8443", "https://10.0.0.6:8443", false),
            ("10.0.0.5:8443", "https://10.0.0.5:8443.evil.example", false),
            // Whoever owns the name may have it lead here.
            ("evil.example:8443", "https://evil.example:8443", false),
        ] {
            let sent = [(header::HOST, host), (header::ORIGIN, origin)];
            assert_eq!(refused(false, "/fhircast", &sent), !may, "{origin} at {host}");
        }
    }

    #[test]
    fn pages_of_other_origins_are_refused_and_requests_of_no_page_are_not() {
        for is_local in [true, false] {
            for (origin, may) in [
                ("http://localhost:4200", true),
                ("https://viewer.example.com", true),
                ("https://evil.example", false),
                ("null", false),
            ] {
                let sent = [(header::HOST, "localhost"), (header::ORIGIN, origin)];
                assert_eq!(refused(is_local, "/fhircast", &sent), !may, "{origin}");
            }
            let both = [
                (header::ORIGIN, "http://localhost"),
                (header::ORIGIN, "https://evil.example"),
            ];
            assert!(refused(is_local, "/fhircast", &both));
        }
    }
}
