//! What several targets share: the embedded catalogue and schemas, and the messages that conversations are made of.

mod embedded;
mod messages;

pub use embedded::{CATALOGUE, schemas, version};
pub use messages::{Ack, Body, Channel, Event, Form, HUB, Subject, TOPICS};
