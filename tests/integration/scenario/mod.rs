//! The scenario language: its errors, its JSON Schema, what its steps mean.

mod errors;
mod schema;
mod whether;
