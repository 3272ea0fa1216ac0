//! Timestamps of events (2.5): ISO 8601 in UTC, kept as they were written and compared as instants.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// How a timestamp says that it is in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// By `Z`.
    Designated,
    /// By an offset of zero.
    ZeroOffset,
    /// It says nothing; most of the specification's own examples do so, and it is read as UTC.
    Implied,
    /// It does not: it has another offset.
    Other,
}

/// A timestamp: its text, the instant, and how it names its zone.
#[derive(Debug, Clone)]
pub struct Timestamp {
    text: String,
    instant: jiff::Timestamp,
    zone: Zone,
}

/// The text is no ISO 8601 date and time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not an ISO 8601 date and time in UTC such as 2026-03-01T09:30:00.000Z")]
pub struct TimestampError {
    /// The text.
    pub text: String,
}

impl Timestamp {
    /// A timestamp with milliseconds and `Z`.
    pub fn from_instant(instant: jiff::Timestamp) -> Self {
        Self {
            text: format!("{instant:.3}"),
            instant,
            zone: Zone::Designated,
        }
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The instant that it names.
    pub fn instant(&self) -> jiff::Timestamp {
        self.instant
    }

    /// How it names its zone.
    pub fn zone(&self) -> Zone {
        self.zone
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || TimestampError {
            text: text.to_owned(),
        };
        // jiff also takes a bare date, a space in place of the T, and zone names in brackets: none is ISO 8601 with a time.
        if !text.is_ascii() || text.contains(['[', ' ']) {
            return Err(error());
        }
        let (_, time) = text.split_once(['T', 't']).ok_or_else(error)?;
        let zone = if time.ends_with(['Z', 'z']) {
            Zone::Designated
        } else if let Some(at) = time.rfind(['+', '-']) {
            let zero = time
                .get(at + 1..)
                .is_some_and(|offset| offset.bytes().all(|b| b == b'0' || b == b':'));
            if zero { Zone::ZeroOffset } else { Zone::Other }
        } else {
            Zone::Implied
        };
        let instant = if zone == Zone::Implied {
            let civil: DateTime = text.parse().map_err(|_| error())?;
            civil.to_zoned(TimeZone::UTC).map_err(|_| error())?.timestamp()
        } else {
            text.parse().map_err(|_| error())?
        };
        Ok(Self {
            text: text.to_owned(),
            instant,
            zone,
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.instant == other.instant
    }
}

impl Eq for Timestamp {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_compared_and_not_texts() {
        let one: Timestamp = "2018-01-08T01:37:05.14".parse().unwrap();
        let other: Timestamp = "2018-01-08T01:37:05.140+00:00".parse().unwrap();
        assert_eq!(one, other);
        assert_eq!(one.zone(), Zone::Implied);
        assert_eq!(other.zone(), Zone::ZeroOffset);
        let east: Timestamp = "2018-01-08T03:37:05.14+02:00".parse().unwrap();
        assert_eq!(east.zone(), Zone::Other);
        assert_eq!(east, one);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2023-04-01",
            "2023-04-01T010:38:04.16",
            "2023-04-01 10:38:04Z",
            "2023-13-01T10:00:00Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    #[test]
    fn our_own_have_milliseconds_and_a_designator() {
        let timestamp = Timestamp::from_instant("2026-03-01T09:30:00Z".parse().unwrap());
        assert_eq!(timestamp.as_str(), "2026-03-01T09:30:00.000Z");
    }
}
