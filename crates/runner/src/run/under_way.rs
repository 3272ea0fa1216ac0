//! Requests under way, so that a scenario which is to end half way ends between two of them: only of what was answered is it
//! known what must be ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// The requests of one scenario that wait for their answers.
#[derive(Debug, Clone)]
pub struct UnderWay(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    number: watch::Sender<usize>,
    is_closed: AtomicBool,
}

/// A request that waits for its answer.
#[derive(Debug)]
pub struct Waiting<'a>(&'a UnderWay);

impl Default for UnderWay {
    fn default() -> Self {
        Self(Arc::new(Shared {
            number: watch::Sender::new(0),
            is_closed: AtomicBool::new(false),
        }))
    }
}

impl UnderWay {
    /// Begins a request. Where none is to be begun any more, this does not come back.
    pub async fn begin(&self) -> Waiting<'_> {
        if self.0.is_closed.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        self.0.number.send_modify(|number| *number += 1);
        Waiting(self)
    }

    /// Comes back when the run is to stop and no request is under way; where one hangs, or the hub asks for patience, so long
    /// after that.
    pub async fn closed_by(&self, stop: &mut watch::Receiver<bool>, patience: Duration) {
        // A sender that is gone will never stop anything.
        if stop.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
        let _ = tokio::time::timeout(patience, self.close()).await;
    }

    /// Lets no request begin from now on, and waits until all that have begun are answered.
    async fn close(&self) {
        self.0.is_closed.store(true, Ordering::SeqCst);
        let mut number = self.0.number.subscribe();
        // The sender lives as long as this does.
        let _ = number.wait_for(|number| *number == 0).await;
    }

    /// Lets requests begin again: those that end what was begun.
    pub fn reopen(&self) {
        self.0.is_closed.store(false, Ordering::SeqCst);
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0
            .0
            .number
            .send_modify(|number| *number = number.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn closing_waits_for_what_has_begun_and_lets_nothing_begin() {
        let under_way = UnderWay::default();
        let first = under_way.begin().await;
        let closing = tokio::spawn({
            let under_way = under_way.clone();
            async move { under_way.close().await }
        });
        tokio::task::yield_now().await;
        assert!(!closing.is_finished());
        let late = tokio::time::timeout(Duration::ZERO, under_way.begin()).await;
        assert!(late.is_err(), "nothing begins once it is closed");
        drop(first);
        closing.await.unwrap();
        under_way.reopen();
        drop(under_way.begin().await);
    }
}
