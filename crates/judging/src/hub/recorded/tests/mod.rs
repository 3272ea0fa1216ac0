//! Recorded hubs in both directions: captures of hubs that break a rule, and lawful ones beside them.

mod calls;
mod copies;
mod exchanges;
mod recording;
mod refusals;
mod sockets;

use crate::outcome::Verdict;

const PASS: Option<Verdict> = Some(Verdict::Pass);
const WARN: Option<Verdict> = Some(Verdict::Warn);
const FAIL: Option<Verdict> = Some(Verdict::Fail);
