//! Base FHIR R4: its schema, its validator, and what a run says of it.

mod observed;
mod schema;
mod validator;
