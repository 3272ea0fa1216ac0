//! FHIRcast's own words as Rust types, with exact parsing and writing. No I/O, no clock.

mod version;

pub use version::{UnknownVersion, Version};
