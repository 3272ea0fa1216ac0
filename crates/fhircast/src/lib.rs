//! HL7 FHIRcast itself: its messages as types, the JSON schemas that judge them, the catalogue of requirements, base FHIR.
//!
//! Nothing here does I/O or knows a clock: text and values go in, typed values and judgements come out.
//!
//! ```
//! use castspec_fhircast::protocol::{EventName, Version};
//!
//! let event: EventName = "Patient-open".parse().unwrap();
//! assert_eq!(event.to_string(), "Patient-open");
//! assert_eq!(Version::Stu3.name(), "STU3");
//! ```

pub mod fhir;
pub mod json_pointer;
mod likeness;
mod loopback;
pub mod protocol;
pub mod requirement;
pub mod schema;

pub use loopback::is_loopback;
