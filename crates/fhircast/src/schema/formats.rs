//! The formats that the schemas name and JSON Schema does not know: `event-name`, `timestamp` and the like.

use jiff::fmt::temporal::{Pieces, PiecesOffset};
use url::Url;

use super::resource_types::resource_type;

/// Says whether a string has a form.
type Check = fn(&str) -> bool;

/// Names and checks of all formats.
pub(super) const FORMATS: &[(&str, Check)] = &[
    ("websocket-url", is_websocket_url),
    ("comma-separated", is_comma_separated),
    ("event-list", is_event_list),
    ("event-name", is_event_name),
    ("event-name-of-stu1-or-stu2", is_event_name_of_earlier_versions),
    ("event-list-of-stu1-or-stu2", is_event_list_of_earlier_versions),
    ("event-of-known-resource", is_event_of_known_resource),
    ("event-in-upper-camel-case", is_in_upper_camel_case),
    ("proprietary-event-without-dash", is_proprietary_without_dash),
    ("update-event", is_update_event),
    ("resource-type-or-empty", is_resource_type_or_empty),
    ("timestamp", is_timestamp),
    ("timestamp-not-of-another-zone", is_timestamp_not_of_another_zone),
    ("timestamp-with-zone", is_timestamp_with_zone),
    ("timestamp-with-fraction", is_timestamp_with_fraction),
    ("http-url", is_http_url),
    ("less-than-200-bytes", is_less_than_200_bytes),
];

const INFRASTRUCTURE_EVENTS: [&str; 4] = ["SyncError", "UserLogout", "UserHibernate", "Home-open"];
const SUFFIXES: [&str; 4] = ["open", "close", "update", "select"];

/// The parts of a `<resource>-<suffix>` name; `None` for infrastructure and proprietary events.
pub(super) fn resource_event(name: &str) -> Option<(&str, &str)> {
    if name.contains('.')
        || INFRASTRUCTURE_EVENTS
            .iter()
            .any(|event| event.eq_ignore_ascii_case(name))
    {
        return None;
    }
    let (resource, suffix) = name.rsplit_once('-')?;
    let known = SUFFIXES.iter().any(|known| known.eq_ignore_ascii_case(suffix));
    let is_word = !resource.is_empty() && resource.chars().all(|c| c.is_ascii_alphanumeric());
    (known && is_word).then_some((resource, suffix))
}

fn is_infrastructure(name: &str) -> bool {
    INFRASTRUCTURE_EVENTS
        .iter()
        .any(|event| event.eq_ignore_ascii_case(name))
}

/// Whether the name is in reverse domain notation: at least two labels, joined by dots.
pub(super) fn is_proprietary(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_alphanumeric() || c == '-' || c == '_' || c == '*')
    };
    name.contains('.') && name.split('.').all(label)
}

fn is_event_name(name: &str) -> bool {
    // An asterisk breaks a requirement of its own.
    name.contains('*') || is_infrastructure(name) || is_proprietary(name) || resource_event(name).is_some()
}

/// STU1 and STU2: a resource with `open` or `close`, asterisks in the place of either, or what STU3 knows as well.
fn is_event_name_of_earlier_versions(name: &str) -> bool {
    if is_infrastructure(name) || is_proprietary(name) {
        return true;
    }
    let Some((resource, action)) = name.rsplit_once('-') else {
        return false;
    };
    let is_action = action == "*"
        || ["open", "close"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(action));
    let is_resource =
        resource == "*" || !resource.is_empty() && resource.chars().all(|c| c.is_ascii_alphanumeric());
    is_action && is_resource
}

fn is_event_of_known_resource(name: &str) -> bool {
    resource_event(name).is_none_or(|(resource, _)| resource_type(resource).is_some())
}

fn is_in_upper_camel_case(name: &str) -> bool {
    if is_infrastructure(name) {
        return INFRASTRUCTURE_EVENTS.contains(&name);
    }
    resource_event(name).is_none_or(|(resource, suffix)| {
        SUFFIXES.contains(&suffix) && resource_type(resource).is_none_or(|known| known == resource)
    })
}

fn is_proprietary_without_dash(name: &str) -> bool {
    !is_proprietary(name) || !name.contains('-')
}

pub(super) fn is_update_event(name: &str) -> bool {
    resource_event(name).is_some_and(|(_, suffix)| suffix.eq_ignore_ascii_case("update"))
}

fn is_resource_type_or_empty(name: &str) -> bool {
    // Home-open has no resource; a hub may still say that Home is what is open.
    name.is_empty() || name == "Home" || resource_type(name) == Some(name)
}

fn is_comma_separated(list: &str) -> bool {
    list.is_empty() || list.split(',').all(|part| !part.trim().is_empty())
}

fn is_event_list(list: &str) -> bool {
    list.split(',').all(|name| is_event_name(name.trim()))
}

fn is_event_list_of_earlier_versions(list: &str) -> bool {
    // An empty name breaks a requirement of its own.
    list.split(',')
        .map(str::trim)
        .all(|name| name.is_empty() || is_event_name_of_earlier_versions(name))
}

fn is_websocket_url(text: &str) -> bool {
    Url::parse(text.trim()).is_ok_and(|url| matches!(url.scheme(), "ws" | "wss") && url.has_host())
}

fn is_http_url(text: &str) -> bool {
    Url::parse(text.trim()).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_less_than_200_bytes(text: &str) -> bool {
    text.len() < 200
}

/// The offset of a timestamp: `Err` where it is none, `None` where it has no designator.
fn offset(text: &str) -> Result<Option<PiecesOffset>, ()> {
    // A date alone is no timestamp, and an annotation in brackets is no ISO 8601.
    if !text.contains('T') || text.contains('[') {
        return Err(());
    }
    let pieces = Pieces::parse(text).map_err(|_| ())?;
    pieces.time().ok_or(())?;
    Ok(pieces.offset())
}

fn is_timestamp(text: &str) -> bool {
    offset(text).is_ok()
}

fn is_timestamp_not_of_another_zone(text: &str) -> bool {
    match offset(text) {
        Ok(Some(PiecesOffset::Numeric(numeric))) => numeric.offset().is_zero(),
        _ => true,
    }
}

fn is_timestamp_with_zone(text: &str) -> bool {
    !matches!(offset(text), Ok(None))
}

/// Whether the seconds have a fraction; what is no timestamp breaks a requirement of its own.
fn is_timestamp_with_fraction(text: &str) -> bool {
    if !is_timestamp(text) {
        return true;
    }
    let time = text.split_once('T').map_or("", |(_, time)| time);
    let seconds = time.split(['Z', '+', '-']).next().unwrap_or_default();
    seconds
        .split_once(['.', ','])
        .is_some_and(|(_, fraction)| !fraction.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps() {
        for (text, form, utc, zone) in [
            ("2026-01-31T10:38:04.160Z", true, true, true),
            ("2026-01-31T10:38:04Z", true, true, true),
            ("2026-01-31T10:38:04.16", true, true, false),
            ("2018-01-08T01:37:05", true, true, false),
            ("2026-01-31T10:38:04+00:00", true, true, true),
            ("2026-01-31T10:38:04-00:00", true, true, true),
            ("2026-01-31T10:38:04+02:00", true, false, true),
            ("20260131T103804Z", true, true, true),
            ("2026-01-31T10:38Z", true, true, true),
            ("2023-04-01T010:38:04.16", false, true, true),
            ("2023-02-30T10:38:04Z", false, true, true),
            ("2023-02-28T24:38:04Z", false, true, true),
            ("2026-01-31", false, true, true),
            ("yesterday", false, true, true),
            ("", false, true, true),
            ("1769855884", false, true, true),
            ("2026-01-31T10:38:04Z[Europe/Berlin]", false, true, true),
        ] {
            assert_eq!(is_timestamp(text), form, "form of {text}");
            assert_eq!(is_timestamp_not_of_another_zone(text), utc, "UTC of {text}");
            assert_eq!(is_timestamp_with_zone(text), zone, "zone of {text}");
        }
    }

    #[test]
    fn event_names() {
        for name in [
            "Patient-open",
            "patient-OPEN",
            "home-open",
            "userLogout",
            "org.example.patient_transmogrify",
        ] {
            assert!(is_event_name(name), "{name}");
        }
        for name in [
            "",
            "Patient",
            "Patient-opened",
            "-open",
            "open-patient",
            "transmogrify",
            "a..b",
            "Pat ient-open",
        ] {
            assert!(!is_event_name(name), "{name}");
        }
        assert!(
            is_event_of_known_resource("imagingstudy-open") && !is_event_of_known_resource("Viewer-open")
        );
        assert!(is_in_upper_camel_case("ImagingStudy-open") && !is_in_upper_camel_case("Imagingstudy-open"));
        assert!(is_update_event("diagnosticreport-Update") && !is_update_event("org.example-update"));
    }

    #[test]
    fn event_names_of_earlier_versions() {
        for name in [
            "patient-open",
            "ImagingStudy-CLOSE",
            "*-open",
            "patient-*",
            "*-*",
            "syncerror",
            "userLogout",
            "org.example.patient_transmogrify",
        ] {
            assert!(is_event_name_of_earlier_versions(name), "{name}");
        }
        for name in [
            "",
            "close-patient-chart",
            "DiagnosticReport-update",
            "patient",
            "-open",
            "*",
            "pat ient-open",
        ] {
            assert!(!is_event_name_of_earlier_versions(name), "{name}");
        }
    }

    #[test]
    fn fractions_of_a_second() {
        for text in [
            "2018-01-08T01:37:05.14",
            "2018-01-08T01:37:05,14Z",
            "2018-01-08T01:37:05.140+00:00",
            "no time",
        ] {
            assert!(is_timestamp_with_fraction(text), "{text}");
        }
        for text in [
            "2018-01-08T01:37:05Z",
            "2018-01-08T01:37:05",
            "2018-01-08T01:37:05-05:00",
        ] {
            assert!(!is_timestamp_with_fraction(text), "{text}");
        }
    }

    #[test]
    fn callbacks_and_secrets() {
        assert!(is_http_url("https://app.example.com/callback?x=1") && is_http_url("http://127.0.0.1:8080/"));
        assert!(!is_http_url("wss://app.example.com/") && !is_http_url("/callback") && !is_http_url(""));
        assert!(is_less_than_200_bytes(&"x".repeat(199)) && !is_less_than_200_bytes(&"x".repeat(200)));
        assert!(
            !is_less_than_200_bytes(&"é".repeat(100)),
            "bytes count, not letters"
        );
    }

    #[test]
    fn websocket_urls() {
        for url in [
            "wss://hub.example.com/x",
            "ws://127.0.0.1:9000/x",
            "WSS://h/x",
            " wss://h/x\n",
        ] {
            assert!(is_websocket_url(url), "{url}");
        }
        for url in [
            "",
            "https://hub.example.com/x",
            "hub.example.com/x",
            "wss://",
            "/x",
        ] {
            assert!(!is_websocket_url(url), "{url}");
        }
    }
}
