//! interim
#![allow(missing_docs)]
use super::*;
pub struct Conclusion { fail: bool, any: bool }
impl Conclusion {
    pub fn new(_s: bool) -> Self { Self { fail: false, any: false } }
    pub fn event(&mut self, e: &RunEvent) { if let RunEvent::CheckJudged(c) = e { self.any |= c.verdict == Verdict::Pass; self.fail |= c.verdict == Verdict::Fail || (c.verdict == Verdict::Inconclusive && c.level == crate::requirement::Level::Shall); } }
    pub fn exit_code(&self) -> u8 { if self.fail { 1 } else { 0 } }
}
