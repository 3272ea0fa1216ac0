//! Leases: a subscription lasts as long as it was granted, and no longer than the access token.

use std::time::Duration;

use crate::Spot;
use crate::hub::control::control_received;
use crate::hub::{Breach, Control, Judge, Place, Publication, Subscriber, Subscription, cause, ids};

/// How far the hub's clock and its rounding may be from ours.
const CLOCKS: Duration = Duration::from_secs(2);

/// The lease had run out, or was about to, when the event was taken: what the hub does with the
/// subscription then is judged for itself.
pub fn has_run_out(subscription: &Subscription, publication: &Publication) -> bool {
    subscription
        .leased_since()
        .is_some_and(|(lease, since)| publication.answered.at.saturating_sub(since.at) > safe_part_of(lease))
}

/// The part of a lease in which it has not run out for anybody: near its end, nobody can tell what came first.
pub fn safe_part_of(lease: Duration) -> Duration {
    lease.saturating_sub(Duration::from_secs(1).min(lease.mul_f64(0.2)))
}

/// Whether a subscription whose lease began here at the earliest, and that ended there, lasted as long as its lease, or nearly
/// so.
pub fn lasted_its_lease(lease: Duration, since: Spot, closed: Spot) -> bool {
    let lasted = closed.at.saturating_sub(since.at);
    let tolerance = Duration::from_secs(1).min(lease.mul_f64(0.4));
    lasted.saturating_add(tolerance) >= lease
}

/// How a WebSocket came through a time in which nothing passed over it.
#[derive(Debug, Clone)]
pub enum Silence {
    /// It is open, or ended with its lease.
    Borne,
    /// The hub denied the subscription first, as it may at any time (2.4).
    Denied,
    /// The hub ended it before its lease had run out (ambiguities, 91).
    Cut(Breach),
}

/// What became of the subscriber's WebSocket since nothing passed over it.
pub fn after_silence(subscriber: &Subscriber, since: Spot) -> Silence {
    let Some(subscription) = subscriber.subscription() else {
        return Silence::Borne;
    };
    let of_it = |socket: usize| Some(socket) == subscription.socket;
    let mut closed = subscriber.closed.iter();
    let Some(closed) = closed.find(|closed| of_it(closed.socket) && closed.by_hub) else {
        return Silence::Borne;
    };
    let is_denied = subscriber.received.iter().any(|received| {
        of_it(received.socket)
            && received.spot.sequence >= since.sequence
            && control_received(received) == Some(Control::Denial)
    });
    if is_denied {
        return Silence::Denied;
    }
    let Some((lease, began)) = subscription.leased_since() else {
        return Silence::Borne;
    };
    if lasted_its_lease(lease, began, closed.spot) {
        return Silence::Borne;
    }
    let how = closed.code.map_or_else(
        || "the connection ended without a close frame".to_owned(),
        |code| format!("the hub closed it (code {code})"),
    );
    let silence = closed.spot.at.saturating_sub(since.at).as_secs_f64();
    let name = &subscriber.name;
    let message =
        format!("the WebSocket of {name}, over which nothing passed, ended before its lease had run out");
    let breach = Breach::new(
        message,
        vec![Place::at(began.sequence), Place::at(closed.spot.sequence)],
    )
    .expecting(format!("an open WebSocket for the lease of {lease:?}"))
    .observing(format!("{how} after {silence:.1} s of silence"));
    Silence::Cut(breach)
}

/// The breach of a hub that sends nothing more over a WebSocket which is open, once nothing has passed over it for so long.
pub fn deaf_after_silence(name: &str, silence: Duration, publication: &Publication) -> Breach {
    let silence = silence.as_secs_f64();
    let message =
        format!("{name} receives nothing more once nothing has passed over its WebSocket for {silence:.0} s");
    Breach::new(message, cause(publication))
        .expecting(format!("a notification of {}", publication.event))
        .observing("nothing, over an open WebSocket")
}

/// The breach of a hub that ended a subscription before its lease had run out.
pub fn ended_early(name: &str, lease: Duration, since: Spot, closed: Spot) -> Breach {
    let lasted = closed.at.saturating_sub(since.at);
    let message = format!("the hub ended the subscription of {name} before its lease had run out");
    Breach::new(
        message,
        vec![Place::at(since.sequence), Place::at(closed.sequence)],
    )
    .expecting(format!("at least {lease:?} after the request"))
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
