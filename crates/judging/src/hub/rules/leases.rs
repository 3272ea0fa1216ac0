//! Leases: a subscription lasts as long as it was granted, and no longer than the access token.

use std::time::Duration;

use crate::Spot;
use crate::hub::{Breach, Judge, Place, Publication, Subscription, ids};

/// How far the hub's clock and its rounding may be from ours.
const CLOCKS: Duration = Duration::from_secs(2);

/// The lease that was granted at `since` had run out, or was about to, when the event was taken: what the hub does with the
/// subscription then is judged for itself.
pub fn has_run_out(subscription: &Subscription, since: Spot, publication: &Publication) -> bool {
    let lease = subscription
        .lease
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    // Near its end, nobody can tell what came first.
    let safe = |lease: Duration| lease.saturating_sub(Duration::from_secs(1).min(lease.mul_f64(0.2)));
    lease.is_some_and(|lease| publication.answered.at.saturating_sub(since.at) > safe(lease))
}

/// Whether a subscription that was confirmed at one place and closed at another lasted as long as its lease, or nearly so.
pub fn lasted_its_lease(lease: Duration, confirmed: Spot, closed: Spot) -> bool {
    let lasted = closed.at.saturating_sub(confirmed.at);
    let tolerance = Duration::from_secs(1).min(lease.mul_f64(0.4));
    lasted.saturating_add(tolerance) >= lease
}

/// The breach of a hub that ended a subscription before its lease had run out.
pub fn ended_early(name: &str, lease: Duration, confirmed: Spot, closed: Spot) -> Breach {
    let lasted = closed.at.saturating_sub(confirmed.at);
    let message = format!("the hub ended the subscription of {name} before its lease had run out");
    Breach::new(
        message,
        vec![Place::at(confirmed.sequence), Place::at(closed.sequence)],
    )
    .expecting(format!("at least {lease:?} after the confirmation"))
    .observing(format!("closed after {lasted:?}"))
}

/// A lease, in seconds, ends no later than the token that it was asked for with, of whose life so much was left (2.4
/// Subscription Request).
pub fn within_token(name: &str, lease: f64, left: Duration, granted: Spot, judge: &mut Judge) {
    let breach = (lease > (left + CLOCKS).as_secs_f64()).then(|| {
        let message = format!("{name} was granted a lease that outlives its access token");
        Breach::new(message, vec![Place::at(granted.sequence)])
            .expecting(format!("a lease of at most {} s", left.as_secs()))
            .observing(format!("a lease of {lease} s"))
    });
    judge.tried(ids::LEASE_WITHIN_TOKEN, breach);
}
