//! The time in which a hub is gone: what it seems to have died of, and waiting until it is back.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::client::{HttpClient, Log, OutgoingRequest};
use crate::redaction::Redactor;

/// How often a hub that is gone is asked whether it is back.
const BETWEEN: Duration = Duration::from_millis(200);

/// The request that went unanswered, and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// Method, URL and the beginning of the body.
    pub request: String,
    /// What happened.
    pub problem: String,
}

/// Whether the hub is there, as all scenarios see it.
#[derive(Debug, Default)]
pub struct Outage {
    lost: Mutex<Option<Lost>>,
}

impl Outage {
    /// The hub is gone; the first to notice says what it was doing.
    pub fn begin(&self, request: &str, problem: &str) {
        self.lost().get_or_insert_with(|| Lost {
            request: request.to_owned(),
            problem: problem.to_owned(),
        });
    }

    /// What the hub seems to have died of, while it is gone.
    pub fn now(&self) -> Option<Lost> {
        self.lost().clone()
    }

    /// Waits for at most so long until something answers at this URL again, whatever it says; whether it does.
    pub async fn is_over(&self, http: &HttpClient, url: &str, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let log = Log::new(Redactor::default());
            let request = OutgoingRequest::get(url);
            let asked = http.send(&log, "castspec", &request);
            let asked = tokio::time::timeout(BETWEEN.max(patience), asked).await;
            if matches!(asked, Ok(Ok(_))) {
                *self.lost() = None;
                return true;
            }
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(BETWEEN).await;
        }
    }

    fn lost(&self) -> MutexGuard<'_, Option<Lost>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_to_notice_names_the_request() {
        let outage = Outage::default();
        assert_eq!(outage.now(), None);
        outage.begin("POST /", "connection reset");
        outage.begin("GET /", "connection refused");
        assert_eq!(outage.now().map(|lost| lost.request).as_deref(), Some("POST /"));
    }
}
