//! What a subscriber sends has each member of an object once.

use super::findings::Breach;
use super::record::Place;
use crate::protocol::repeated_members;
use crate::schema::Unmet;

/// The breach where a member stands twice in one object of this message. RFC 8259, section 4 has a SHOULD: it warns
/// (ambiguities, 92).
pub(super) fn repeated_member(text: &str, sequence: usize) -> Option<Breach> {
    let pointer = repeated_members(text).into_iter().next()?;
    let message =
        format!("{pointer} stands more than once in one object; send each name once (RFC 8259, section 4)");
    let places = vec![Place::within(sequence, &pointer)];
    Some(Breach::new(message, places).softened(Unmet::Warn))
}
