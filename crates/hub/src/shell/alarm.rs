//! The alarm clock of a topic: it wakes the topic when the next of its deadlines has come.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// Sets the alarm clock. Dropping it ends the clock.
#[derive(Debug)]
pub(super) struct AlarmClock(watch::Sender<Option<Duration>>);

/// Waits for the alarm.
#[derive(Debug)]
pub(super) struct Alarm {
    deadline: watch::Receiver<Option<Duration>>,
    start: Instant,
}

impl AlarmClock {
    /// A clock whose deadlines are counted from this start.
    pub(super) fn new(start: Instant) -> (Self, Alarm) {
        let (sender, deadline) = watch::channel(None);
        (Self(sender), Alarm { deadline, start })
    }

    /// Lets the alarm go off at this time at the latest.
    pub(super) fn set(&self, deadline: Duration) {
        self.0.send_if_modified(|alarm| {
            let earlier = alarm.is_none_or(|alarm| deadline < alarm);
            if earlier {
                *alarm = Some(deadline);
            }
            earlier
        });
    }

    /// Takes note that the alarm went off; the next one is still to be set.
    pub(super) fn reset(&self) {
        self.0.send_replace(None);
    }
}

impl Alarm {
    /// Waits until the alarm goes off; `false` when the clock is gone. The clock is to be reset then.
    pub(super) async fn goes_off(&mut self) -> bool {
        loop {
            let deadline = *self.deadline.borrow_and_update();
            let changed = match deadline {
                None => self.deadline.changed().await,
                Some(deadline) => tokio::select! {
                    () = tokio::time::sleep_until(self.start + deadline) => return true,
                    changed = self.deadline.changed() => changed,
                },
            };
            if changed.is_err() {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_earliest_deadline_counts_until_the_clock_is_reset() {
        let start = Instant::now();
        let (clock, mut alarm) = AlarmClock::new(start);
        for seconds in [3, 1, 2] {
            clock.set(Duration::from_secs(seconds));
        }
        assert!(alarm.goes_off().await);
        assert_eq!(start.elapsed().as_secs(), 1);
        clock.reset();
        clock.set(Duration::from_secs(2));
        assert!(alarm.goes_off().await);
        assert_eq!(start.elapsed().as_secs(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_gone_ends_the_wait() {
        let (clock, mut alarm) = AlarmClock::new(Instant::now());
        let waiting = async {
            let ended = alarm.goes_off().await;
            assert!(!ended);
        };
        let dropping = async { drop(clock) };
        tokio::join!(waiting, dropping);
    }
}
