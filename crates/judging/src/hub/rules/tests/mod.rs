//! Every ambient rule in both directions: conversations that break it, and lawful ones beside them that do not.

mod acceptance;
mod alike;
mod answers;
mod callbacks;
mod calls;
mod challenges;
mod copies;
mod current;
mod deliveries;
mod denials;
mod diagnostics;
mod ends;
mod frames;
mod intents;
mod leases;
mod members;
mod notifications;
mod order;
mod publishing;
mod signatures;
mod sync_errors;
mod transport;
mod unique_ids;
mod unique_members;
mod untold;

use crate::outcome::Verdict;

const PASS: Option<Verdict> = Some(Verdict::Pass);
const WARN: Option<Verdict> = Some(Verdict::Warn);
const FAIL: Option<Verdict> = Some(Verdict::Fail);
