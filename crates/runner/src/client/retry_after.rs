//! A hub that asks to be asked again later (429, 503 with `Retry-After`): for how long it is waited.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// How often one request waits.
pub const MOST_WAITS: usize = 5;
/// How often a request is sent again that a hub of few connections has dropped.
pub const MOST_DROPS: usize = 3;
/// The pause after each of these.
pub const AFTER_DROP: Duration = Duration::from_millis(200);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);
/// The wait where the hub asks for one and names none.
const UNNAMED: Duration = Duration::from_secs(1);

/// For how long an answer of this status, with this `Retry-After`, asks to wait.
pub fn asked_for(status: u16, retry_after: Option<&str>) -> Option<Duration> {
    match (status, retry_after) {
        (429 | 503, Some(value)) => Some(wait(value).unwrap_or(UNNAMED).min(LONGEST)),
        (429, None) => Some(UNNAMED),
        _ => None,
    }
}

/// Seconds, or a date.
fn wait(value: &str) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::DateTimeParser::new().parse_zoned(value).ok()?;
    let left = date.timestamp().duration_since(Timestamp::now());
    Some(Duration::try_from(left).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_to_wait_is_waited_for_and_nothing_else() {
        let seconds = Duration::from_secs;
        for (status, retry_after, expected) in [
            (429, Some("3"), Some(seconds(3))),
            (503, Some(" 2 "), Some(seconds(2))),
            (429, Some("86400"), Some(LONGEST)),
            (429, Some("Thu, 01 Jan 2099 00:00:00 GMT"), Some(LONGEST)),
            (429, Some("Thu, 01 Jan 1998 00:00:00 GMT"), Some(seconds(0))),
            (429, Some("soon"), Some(UNNAMED)),
            (429, None, Some(UNNAMED)),
            (503, None, None),
            (500, Some("1"), None),
            (202, Some("1"), None),
        ] {
            assert_eq!(
                asked_for(status, retry_after),
                expected,
                "{status} {retry_after:?}"
            );
        }
    }
}
