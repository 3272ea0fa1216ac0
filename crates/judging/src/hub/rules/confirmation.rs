//! Confirmations over a WebSocket that was opened at the endpoint which the hub gave.

use crate::hub::{Breach, Place};

/// The breach of a hub that gave an endpoint and took no WebSocket there.
pub fn not_connected(problem: &str, places: Vec<Place>) -> Breach {
    let message = format!(
        "the hub accepted a subscription, but took no WebSocket at the endpoint that it gave: {problem}"
    );
    Breach::new(message, places)
        .expecting("a WebSocket, and the confirmation over it")
        .observing(problem)
}

/// The breach of a hub that took a WebSocket and sent no confirmation.
pub fn not_confirmed(observed: &str, places: Vec<Place>) -> Breach {
    Breach::new(
        "the hub sent no confirmation after the WebSocket was opened",
        places,
    )
    .expecting("a confirmation with hub.mode 'subscribe'")
    .observing(observed)
}
