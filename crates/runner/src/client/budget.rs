//! How much a hub may send in one scenario. Whoever sends more floods, and is listened to no further: a run keeps its memory
//! and its time, whatever the hub does.
//!
//! What is allowed grows with what the hub is asked and with the time, so that no honest hub meets it.

use std::time::Duration;

/// Messages that a hub may send unasked.
const MESSAGES: u64 = 2_000;
/// Further messages for each request to it: sixteen subscribers may each be sent four of them.
const MESSAGES_A_REQUEST: u64 = 64;
/// Further messages for each second: a sign of life every twenty milliseconds is far more than any hub sends.
const MESSAGES_A_SECOND: u64 = 50;
/// Bytes that a hub may send unasked.
const BYTES: u64 = 3 * 1024 * 1024;
/// Further bytes for each request: some servers answer what they do not like with a page of their own.
const BYTES_A_REQUEST: u64 = 160 * 1024;
/// Further bytes for each second.
const BYTES_A_SECOND: u64 = 64 * 1024;
/// Further bytes for each byte that is sent to it.
const BYTES_A_BYTE: u64 = 32;
/// The bytes of a single message or body that has nothing to do with what was sent before.
const ONE_MESSAGE: u64 = 2 * 1024 * 1024;

/// What a hub has been asked in a scenario, and what it has sent.
#[derive(Debug, Default)]
pub(super) struct Budget {
    requests: u64,
    requested_bytes: u64,
    messages: u64,
    bytes: u64,
}

impl Budget {
    /// The hub was sent a request of so many bytes.
    pub(super) fn ask(&mut self, bytes: usize) {
        self.requests += 1;
        self.requested_bytes = self.requested_bytes.saturating_add(bytes as u64);
    }

    /// The hub sends a message of so many bytes, so long after the beginning. Whether it is taken.
    ///
    /// # Errors
    /// What the hub does, in words, where it floods.
    pub(super) fn take(&mut self, bytes: usize, elapsed: Duration) -> Result<(), String> {
        self.messages += 1;
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let messages = MESSAGES
            .saturating_add(self.requests.saturating_mul(MESSAGES_A_REQUEST))
            .saturating_add(elapsed.as_secs().saturating_mul(MESSAGES_A_SECOND));
        let allowed = BYTES
            .saturating_add(self.requests.saturating_mul(BYTES_A_REQUEST))
            .saturating_add(elapsed.as_secs().saturating_mul(BYTES_A_SECOND))
            .saturating_add(self.requested_bytes.saturating_mul(BYTES_A_BYTE));
        if self.messages <= messages && self.bytes <= allowed {
            return Ok(());
        }
        Err(format!(
            "the hub floods: {} messages of {} bytes in {:.1} s, after {} {}",
            self.messages,
            self.bytes,
            elapsed.as_secs_f64(),
            self.requests,
            if self.requests == 1 { "request" } else { "requests" },
        ))
    }

    /// The bytes that a single body or frame may have.
    pub(super) fn longest_message(&self) -> usize {
        let allowed = ONE_MESSAGE.saturating_add(self.requested_bytes.saturating_mul(BYTES_A_BYTE));
        usize::try_from(allowed).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Duration = Duration::ZERO;

    #[test]
    fn a_hub_that_sends_without_end_floods() {
        let mut budget = Budget::default();
        let mut taken = 0;
        while budget.take(2, NOTHING).is_ok() {
            taken += 1;
        }
        assert_eq!(taken, MESSAGES);
        let told = budget.take(2, Duration::from_millis(300)).unwrap_err();
        assert_eq!(
            told,
            "the hub floods: 2002 messages of 4004 bytes in 0.3 s, after 0 requests"
        );
    }

    #[test]
    fn a_hub_that_sends_much_at_a_time_floods() {
        let mut budget = Budget::default();
        assert_eq!(budget.take(1 << 20, NOTHING), Ok(()));
        assert!(budget.take(1 << 22, NOTHING).is_err());
    }

    #[test]
    fn a_hub_that_passes_on_what_it_is_sent_never_floods() {
        let mut budget = Budget::default();
        for _ in 0..10_000 {
            budget.ask(5_000);
            for _ in 0..16 {
                assert_eq!(budget.take(6_000, NOTHING), Ok(()));
            }
            assert_eq!(budget.take(200, NOTHING), Ok(()));
        }
    }

    #[test]
    fn signs_of_life_are_no_flood() {
        let mut budget = Budget::default();
        for tenths in 0..100_000 {
            assert_eq!(budget.take(1_000, Duration::from_millis(100 * tenths)), Ok(()));
        }
    }

    #[test]
    fn a_message_may_be_as_long_as_what_was_sent_lets_expect() {
        let mut budget = Budget::default();
        let before = budget.longest_message();
        budget.ask(1 << 20);
        assert_eq!(budget.longest_message() - before, 32 << 20);
    }
}
