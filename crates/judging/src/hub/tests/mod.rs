//! Tests of what the rules build on: findings and their verdicts, subscriptions, selections, and messages that are missing.

mod judge;
mod missing;
mod selection;
mod subscriptions;
