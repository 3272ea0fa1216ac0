//! Challenges of intent verifications (STU1 and STU2): no two callbacks are asked with the same one.

use crate::hub::control::{Control, control_received};
use crate::hub::{Breach, Channel, Conversation, Issued, Judge, Place, ids};

/// Judges every challenge against those that the hub has issued so far.
pub fn judge_challenges(conversation: &Conversation, issued: &mut Issued, judge: &mut Judge) {
    for subscriber in conversation.subscribers.values() {
        let Channel::Webhook { callback, .. } = &subscriber.channel else {
            continue;
        };
        for received in &subscriber.received {
            let asks = control_received(received) == Some(Control::Verification);
            let query = received.json.as_deref().filter(|_| asks);
            let challenge = query.and_then(|query| query.get("hub.challenge")?.as_str());
            let Some(challenge) = challenge else { continue };
            let breach = (!issued.is_new_challenge(challenge, callback)).then(|| {
                let place = Place::within(received.spot.sequence, "/hub.challenge");
                Breach::new("the hub asks two callbacks with the same challenge", vec![place])
                    .expecting("a random challenge for each verification")
                    .observing(challenge)
            });
            judge.tried(ids::CHALLENGE_RANDOM, breach);
        }
    }
}
