//! Signatures of notifications to callbacks (STU1 and STU2, `X-Hub-Signature`).

use crate::hub::publication::is_foreign;
use crate::hub::{Breach, Conversation, Judge, Place, Subscriber, ids};
use crate::protocol::signature::SIGNATURE_HEADER;
use crate::{Call, Received, Signature};

/// Judges the signature by the secret of the subscription (ambiguities, 71); while a re-subscription is under way, either
/// secret will do.
pub(super) fn judge_signature(
    conversation: &Conversation,
    subscriber: &Subscriber,
    received: &Received,
    call: &Call,
    judge: &mut Judge,
) {
    let Some(subscription) = subscriber.subscriptions.of(received) else {
        return;
    };
    // It came by a leak, whose signature is somebody else's.
    let is_leak = |message| is_foreign(message, &subscriber.topic);
    if received.message().is_some_and(is_leak) {
        return;
    }
    let Some(secret) = subscription.secret else { return };
    let origin = conversation.origin(received);
    let published = origin.and_then(|position| conversation.publications.get(position));
    let since = published.map_or(received.spot.sequence, |publication| {
        publication.requested.sequence
    });
    let settled = subscription.replaced.iter().all(|spot| spot.sequence < since);
    let mut say = |requirement: &'static str, problem: Option<&str>| {
        let breach = problem.map(|problem| {
            let stated = call.header(SIGNATURE_HEADER).unwrap_or("no such header");
            Breach::new(
                format!("the notification {problem}"),
                vec![Place::at(received.spot.sequence)],
            )
            .expecting("X-Hub-Signature: sha256= and the HMAC of the body with hub.secret, in hexadecimal")
            .observing(stated)
        });
        judge.tried(requirement, breach);
    };
    let signature = &call.signature;
    let missing = *signature == Signature::Missing;
    say(
        ids::SIGNATURE_SENT,
        missing.then_some("has no signature, though hub.secret was given"),
    );
    if missing {
        return;
    }
    let malformed = *signature == Signature::Malformed;
    say(
        ids::SIGNATURE_FORM,
        malformed.then_some("has a signature that is not written as method=signature in hexadecimal"),
    );
    if malformed {
        return;
    }
    let unknown = *signature == Signature::UnknownMethod;
    say(
        ids::SIGNATURE_METHOD,
        unknown.then_some("is signed by a method that is none of sha1, sha256, sha384 and sha512"),
    );
    match signature {
        Signature::Right(position) if *position == secret || !settled => say(ids::SIGNATURE_MATCHES, None),
        Signature::Right(_) => say(
            ids::SIGNATURE_MATCHES,
            Some("is signed with the secret of an earlier subscription"),
        ),
        Signature::Wrong => say(
            ids::SIGNATURE_MATCHES,
            Some("has a signature that is not the HMAC of its bytes with hub.secret"),
        ),
        Signature::Missing | Signature::Malformed | Signature::UnknownMethod | Signature::Unverifiable => {}
    }
}
