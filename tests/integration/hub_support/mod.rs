//! A hub on a real port, clients for it, and a callback that it calls.

pub mod callback;
mod hub;

pub use hub::{Hub, Socket, TOPIC, patient_open};
