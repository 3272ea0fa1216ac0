//! Topics: generated, or lent from those that the hub knows.

use std::sync::Arc;

use tokio::sync::{Mutex, Notify};
use uuid::Uuid;

/// Where scenarios get their topics from.
#[derive(Debug, Clone)]
pub struct Topics(Option<Arc<Pool>>);

#[derive(Debug)]
struct Pool {
    size: usize,
    free: Mutex<Vec<String>>,
    returned: Notify,
}

/// The hub knows fewer topics than the scenario plays with.
#[derive(Debug, thiserror::Error)]
#[error("the scenario needs {needed} topics at once, and the target names {known}")]
pub struct TooFew {
    needed: usize,
    known: usize,
}

impl Topics {
    /// Generated, or from this list.
    pub fn new(known: Option<&[String]>) -> Self {
        Self(known.map(|known| {
            let free = Mutex::new(known.iter().rev().cloned().collect());
            Arc::new(Pool {
                size: known.len(),
                free,
                returned: Notify::new(),
            })
        }))
    }

    /// A topic that nobody has.
    pub fn made_up() -> String {
        format!("castspec-{}", Uuid::new_v4())
    }

    /// Whether topics are lent from a list, and so have a history.
    pub fn are_lent(&self) -> bool {
        self.0.is_some()
    }

    /// Takes this many topics, waiting until they are free.
    ///
    /// # Errors
    /// When the list has fewer.
    pub async fn take(&self, needed: usize) -> Result<Vec<String>, TooFew> {
        let Some(pool) = &self.0 else {
            return Ok((0..needed).map(|_| Self::made_up()).collect());
        };
        if needed > pool.size {
            return Err(TooFew {
                needed,
                known: pool.size,
            });
        }
        loop {
            let returned = pool.returned.notified();
            tokio::pin!(returned);
            returned.as_mut().enable();
            {
                let mut free = pool.free.lock().await;
                if free.len() >= needed {
                    let rest = free.len() - needed;
                    return Ok(free.split_off(rest));
                }
            }
            returned.await;
        }
    }

    /// Gives topics back.
    pub async fn give_back(&self, topics: Vec<String>) {
        if let Some(pool) = &self.0 {
            pool.free.lock().await.extend(topics);
            pool.returned.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn topics_of_a_list_are_lent_and_come_back() {
        let known = ["a".to_owned(), "b".to_owned()];
        let topics = Topics::new(Some(&known));
        assert!(topics.take(3).await.is_err());
        let first = topics.take(2).await.unwrap();
        let waiting = tokio::spawn({
            let topics = topics.clone();
            async move { topics.take(1).await.unwrap() }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        topics.give_back(first).await;
        assert_eq!(waiting.await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn generated_topics_differ() {
        let taken = Topics::new(None).take(2).await.unwrap();
        assert_ne!(taken[0], taken[1]);
    }
}
