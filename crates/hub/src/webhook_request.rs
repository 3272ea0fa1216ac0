//! A subscription or unsubscribe request for a callback, read from its form (STU1 and STU2, Subscription Request).

use super::version_profile::VersionProfile;
use crate::protocol::{EventName, FormError, FormParameters, Mode, check_number_of_events};

/// The channel type that means a callback.
pub const WEBHOOK: &str = "webhook";

const REQUEST: &str = "FHIRcast STU3, 2.4 Subscription Request";

/// A secret has fewer bytes than this.
const SECRET_BOUND: usize = 200;

/// A request whose notifications go, or went, to a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRequest {
    /// `hub.mode`.
    pub mode: Mode,
    /// `hub.topic`: the session.
    pub topic: String,
    /// `hub.callback`, as it was written, its own query string included.
    pub callback: String,
    /// `hub.secret`: the key of the signatures.
    pub secret: Option<String>,
    /// `hub.events`, wildcards expanded; an unsubscribe may be without.
    pub events: Option<Vec<EventName>>,
    /// `hub.lease_seconds` that the subscriber would like, in seconds.
    pub lease_seconds: Option<u64>,
    /// `subscriber.name`, which the older versions do not know, for SyncErrors about this subscriber.
    pub subscriber_name: Option<String>,
}

impl WebhookRequest {
    /// Reads the body of a request (`application/x-www-form-urlencoded`); `None` where it means no callback, but a WebSocket
    /// or nothing that the version knows.
    ///
    /// # Errors
    /// When a parameter is missing, stands twice, or has a value that the specification does not allow.
    pub fn from_form(
        body: &[u8],
        profile: &VersionProfile,
        checks_secret: bool,
    ) -> Result<Option<Self>, FormError> {
        let parameters = FormParameters::read(body)?;
        let find = |name: &str| parameters.get(name).map(str::to_owned);
        if profile.channel_type && find("hub.channel.type").as_deref() != Some(WEBHOOK) {
            return Ok(None);
        }
        parameters.check_each_stands_once(REQUEST)?;
        let missing = |parameter| FormError::Missing {
            parameter,
            section: REQUEST,
        };
        let invalid = |parameter, value: &str, rule: String| FormError::Invalid {
            parameter,
            value: value.to_owned(),
            rule,
            section: REQUEST,
        };
        let callback = find("hub.callback").ok_or_else(|| missing("hub.callback"))?;
        check_callback(&callback).map_err(|rule| invalid("hub.callback", &callback, rule))?;
        let mode = find("hub.mode").ok_or_else(|| missing("hub.mode"))?;
        let mode = [Mode::Subscribe, Mode::Unsubscribe]
            .into_iter()
            .find(|known| known.as_str() == mode)
            .ok_or_else(|| {
                let rule = "must be the literal 'subscribe' or 'unsubscribe'".to_owned();
                invalid("hub.mode", &mode, rule)
            })?;
        let topic = find("hub.topic").ok_or_else(|| missing("hub.topic"))?;
        let secret = find("hub.secret");
        if let Some(secret) = secret
            .as_ref()
            .filter(|secret| checks_secret && secret.len() >= SECRET_BOUND)
        {
            // A secret is not repeated in an answer.
            let told = format!("{} bytes", secret.len());
            let rule = format!("must be shorter than {SECRET_BOUND} bytes");
            return Err(invalid("hub.secret", &told, rule));
        }
        if profile.secret_required && mode == Mode::Subscribe && secret.is_none() {
            return Err(missing("hub.secret"));
        }
        let events = find("hub.events")
            .map(|text| {
                check_number_of_events(&text)?;
                profile.read_events(&text).map_err(|error| {
                    let rule = format!("must be a comma-separated list of event names ({error})");
                    invalid("hub.events", &text, rule)
                })
            })
            .transpose()?;
        if mode == Mode::Subscribe && events.is_none() {
            return Err(missing("hub.events"));
        }
        let lease_seconds = find("hub.lease_seconds").filter(|_| mode == Mode::Subscribe);
        let lease_seconds = lease_seconds
            .map(|text| match text.parse::<u64>() {
                Ok(seconds) if seconds > 0 && text.bytes().all(|b| b.is_ascii_digit()) => Ok(seconds),
                _ => {
                    let rule = "must be a positive decimal integer".to_owned();
                    Err(invalid("hub.lease_seconds", &text, rule))
                }
            })
            .transpose()?;
        Ok(Some(Self {
            mode,
            topic,
            callback,
            secret,
            events,
            lease_seconds,
            subscriber_name: find("subscriber.name"),
        }))
    }
}

fn check_callback(callback: &str) -> Result<(), String> {
    let url = url::Url::parse(callback).map_err(|error| format!("must be an absolute URL ({error})"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must be an http or https URL".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must have no fragment, to which no query string can be appended".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Version, join_events};

    fn read(version: Version, form: &str) -> Result<Option<WebhookRequest>, FormError> {
        WebhookRequest::from_form(form.as_bytes(), VersionProfile::of(version), true)
    }

    const CALLBACK: &str = "hub.callback=https%3A%2F%2Fapp.example.com%2Fc%3Fa%3Db%2520c";

    #[test]
    fn a_request_is_read_with_its_callback_as_written() {
        let form = format!(
            "hub.channel.type=webhook&{CALLBACK}&hub.mode=subscribe&hub.topic=t&hub.secret=s&hub.events=patient-*&hub.lease_seconds=60"
        );
        let request = read(Version::Stu2, &form).unwrap().unwrap();
        assert_eq!(request.callback, "https://app.example.com/c?a=b%20c");
        assert_eq!(
            join_events(&request.events.unwrap()),
            "patient-open,patient-close"
        );
        assert_eq!(request.lease_seconds, Some(60));
        let form = format!("{CALLBACK}&hub.mode=unsubscribe&hub.topic=t&hub.lease_seconds=x");
        let request = read(Version::Stu1, &form).unwrap().unwrap();
        assert_eq!((request.events, request.lease_seconds), (None, None));
    }

    proptest::proptest! {
        #[test]
        fn no_form_is_too_strange(form in "(hub\\.(callback|mode|events|secret|lease_seconds|topic|channel\\.type)=[a-z:/?#%&0-9*,-]{0,20}&){0,8}.{0,9}") {
            for version in Version::ALL {
                if let Ok(Some(request)) = read(version, &form) {
                    assert!(!request.topic.is_empty());
                    assert!(request.callback.starts_with("http"));
                }
            }
        }
    }

    #[test]
    fn what_means_no_callback_is_left_to_others() {
        for channel in [
            "",
            "hub.channel.type=&",
            "hub.channel.type=websocket&",
            "hub.channel.type=x&",
        ] {
            let form = format!("{channel}{CALLBACK}&hub.mode=subscribe&hub.topic=t&hub.events=patient-open");
            assert_eq!(read(Version::Stu2, &form), Ok(None), "{channel}");
        }
    }

    #[test]
    fn the_broken_rule_is_named_and_a_secret_never_told() {
        let long = "x".repeat(200);
        for (form, says) in [
            ("hub.mode=subscribe".to_owned(), "hub.callback is required"),
            (
                "hub.callback=%2Fc".to_owned(),
                "hub.callback must be an absolute URL",
            ),
            (
                "hub.callback=ws%3A%2F%2Fh".to_owned(),
                "hub.callback must be an http",
            ),
            ("hub.callback=http%3A%2F%2Fh%23f".to_owned(), "no fragment"),
            (CALLBACK.to_owned(), "hub.mode is required"),
            (format!("{CALLBACK}&hub.mode=x"), "hub.mode must be"),
            (format!("{CALLBACK}&hub.mode=subscribe"), "hub.topic is required"),
            (
                format!("{CALLBACK}&hub.mode=subscribe&hub.topic=t&hub.events=patient-open"),
                "hub.secret is required",
            ),
            (
                format!("{CALLBACK}&hub.mode=subscribe&hub.topic=t&hub.secret={long}"),
                "hub.secret must be shorter than 200 bytes, and is '200 bytes'",
            ),
            (
                format!("{CALLBACK}&hub.mode=subscribe&hub.topic=t&hub.secret=s"),
                "hub.events is required",
            ),
            (
                format!("{CALLBACK}&hub.mode=subscribe&hub.topic=t&hub.secret=s&hub.events=*-open"),
                "hub.events must be",
            ),
            (
                format!(
                    "{CALLBACK}&hub.mode=subscribe&hub.topic=t&hub.secret=s&hub.events=a-open&hub.lease_seconds=0"
                ),
                "hub.lease_seconds must be",
            ),
            (format!("{CALLBACK}&{CALLBACK}"), "hub.callback appears 2 times"),
        ] {
            let error = read(Version::Stu1, &form).unwrap_err().to_string();
            assert!(error.contains(says), "{form}: {error}");
            assert!(!error.contains(&long), "{error}");
        }
        let short = "x".repeat(199);
        let form =
            format!("{CALLBACK}&hub.mode=subscribe&hub.topic=t&hub.secret={short}&hub.events=patient-open");
        assert!(read(Version::Stu1, &form).is_ok());
    }
}
