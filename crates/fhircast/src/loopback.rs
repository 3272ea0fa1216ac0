//! URLs of this machine.

use url::{Host, Url};

/// Whether a URL's host is this machine's loopback.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn loopback_is_an_address_or_a_name_of_this_machine() {
        for (url, wanted) in [
            ("http://127.0.0.1:8080/hub", true),
            ("http://127.8.8.8/hub", true),
            ("http://[::1]/hub", true),
            ("http://localhost/hub", true),
            ("http://hub.localhost/hub", true),
            ("http://10.0.0.1/hub", false),
            ("http://localhost.example.com/hub", false),
            ("http://notlocalhost/hub", false),
            ("data:text/plain,localhost", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), wanted, "{url}");
        }
    }
}
