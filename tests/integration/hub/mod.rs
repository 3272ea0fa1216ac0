//! The hub simulator over real sockets.

mod authorization;
mod bad_input;
mod browsers;
mod command;
mod control;
mod defects;
mod endings;
mod launches;
mod schemas;
mod session;
mod subscriber_checks;
mod subscriber_checks_of_versions;
mod webhooks;
