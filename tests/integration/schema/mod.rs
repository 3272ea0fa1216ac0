//! The message schemas, by the messages of `tests/messages`.

mod messages;
mod mutations;
