//! All rules over one conversation.

use super::alike::judge_alike;
use super::calls::judge_calls;
use super::current::judge_reads;
use super::deliveries::{judge_deliveries, judge_late_refusals};
use super::denials::{judge_denials, judge_denied};
use super::diagnostics::judge_diagnostics;
use super::ends::judge_ends;
use super::events::received_events;
use super::frames::judge_frames;
use super::notifications::judge_notification;
use super::order::judge_order;
use super::owed::Owed;
use super::sync_errors::{judge_repeated, judge_sync_errors};
use super::transport::judge_transport;
use super::unique_ids::judge_ids;
use super::unique_members::judge_members;
use super::untold::judge_untold;
use crate::hub::{Conversation, Judge};

/// Judges all that passed; `owed` is who had to be sent which publication. Challenges are judged for themselves, by
/// [`super::judge_challenges`], as they are compared with those of other conversations.
pub fn judge_conversation(conversation: &Conversation, owed: &[Owed], judge: &mut Judge) {
    for subscriber in conversation.subscribers.values() {
        judge_frames(subscriber, judge);
        judge_calls(conversation, subscriber, judge);
        judge_denials(conversation, subscriber, judge);
        judge_denied(conversation, subscriber, judge);
    }
    judge_transport(conversation, judge);
    judge_ends(conversation, judge);
    judge_members(conversation, judge);
    let events = received_events(conversation);
    for event in &events {
        judge_notification(conversation, event, judge);
    }
    judge_ids(&events, judge);
    judge_alike(conversation, &events, judge);
    judge_deliveries(conversation, &events, owed, judge);
    judge_late_refusals(conversation, &events, judge);
    judge_order(conversation, &events, judge);
    judge_reads(conversation, judge);
    judge_sync_errors(conversation, &events, judge);
    judge_repeated(&events, judge);
    judge_diagnostics(conversation, &events, judge);
    judge_untold(conversation, &events, judge);
}
