//! The commands of the program, as people and scripts run them.

mod ci;
mod defects;
mod demanded_tokens;
mod endings;
mod errors;
mod expect;
mod field_cases;
mod init;
mod junit_cases;
#[cfg(unix)]
mod record;
mod replay_webhooks;
mod report;
mod reproduce;
mod retries;
mod run;
mod secrets;
mod selfcheck;
mod signing;
mod subscriber;
mod target;
mod validate;
#[cfg(unix)]
mod validate_conversation;
mod versions;
mod webhooks;
