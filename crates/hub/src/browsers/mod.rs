//! Browsers: whose pages may use the hub, and under which names it is found.
//!
//! A page of any site can send requests to the machine that it is read on. [`Origins`] lists the pages that may;
//! [`Browsers`] refuses the others, answers preflights, and takes no request for another host's name where the hub is for
//! this machine alone. The room knows nothing of what is asked for.

mod guard;
mod origins;

pub use guard::Browsers;
pub use origins::{Origin, OriginError, Origins};
