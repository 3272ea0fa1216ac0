//! FHIRcast's own words as Rust types, with exact parsing and writing. No I/O, no clock.
//!
//! Reading is strict and tells which member or parameter broke which rule; writing keeps every member that castspec does
//! not know, and the raw text of the FHIR resources, so that what passes through is what came.

mod acknowledgement;
mod callback_message;
mod configuration;
mod current_context;
mod event_name;
mod form_parameters;
mod members;
mod notification;
mod repeated_members;
mod resource_type;
mod scope;
pub mod signature;
mod subscription;
mod sync_error;
mod timestamp;
mod version;

pub use acknowledgement::{Acknowledgement, Status};
pub use callback_message::{CallMessage, parameters_of};
pub use configuration::{Capabilities, Configuration, WELL_KNOWN_PATH};
pub use current_context::CurrentContext;
pub use event_name::{Action, EventKind, EventName, EventNameError};
pub use form_parameters::{FormParameters, MOST_EVENTS, MOST_PARAMETERS};
pub use members::{Members, MessageError};
pub use notification::{ContextEntry, Notification};
pub use repeated_members::repeated_members;
pub use resource_type::{anchor_key, canonical_resource_type};
pub use scope::{Access, FhircastScope, ScopeError, Scopes};
pub use subscription::{
    Confirmation, Denial, FormError, Mode, SubscriptionRequest, SubscriptionResponse, WEBSOCKET,
    check_number_of_events, join_events, parse_events,
};
pub use sync_error::{
    EVENT_ID_SYSTEM, EVENT_NAME_SYSTEM, SUBSCRIBER_NAME_SYSTEM, SUBSCRIBER_SYSTEM, SyncErrorCause,
};
pub use timestamp::{Timestamp, TimestampError, Zone};
pub use version::{UnknownVersion, Version};
