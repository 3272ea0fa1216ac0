//! A man in the middle between a hub and its subscribers: he passes everything on, and alters messages of one kind by one rule.
//!
//! With him before a correct hub, whatever the checks find was made by him, and whatever they do not find is a gap of theirs.
//! [`alteration`] and [`message`] are plain data and functions; [`middle`] is the only place with connections.

pub mod alteration;
mod change;
pub mod message;
pub mod middle;

pub use alteration::{Alteration, Deed, all};
pub use message::MessageKind;
pub use middle::{Middle, MiddleError};
