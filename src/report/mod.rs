#![allow(missing_docs, clippy::print_stdout)]
//! interim
use crate::outcome::*;
use std::io::Write;
pub struct ConsoleSettings { pub terminal: bool, pub colour: bool, pub quiet: bool, pub strict: bool }
pub struct Console<W>(W);
impl<W: Write> Console<W> {
    pub fn new(w: W, _s: ConsoleSettings) -> Self { Self(w) }
    pub fn event(&mut self, e: &RunEvent) -> std::io::Result<()> {
        match e {
            RunEvent::CheckJudged(c) if c.verdict != Verdict::Pass => { writeln!(self.0, "{:12} {} {}\n     {}\n     exp {:?}\n     obs {:?}", c.verdict, c.id, c.level, c.message, c.expected, c.observed)?; }
            RunEvent::ScenarioEnded(s) if s.disposition != Disposition::Completed => writeln!(self.0, "## {} {:?}", s.scenario, s.disposition)?,
            RunEvent::Observed(o) => writeln!(self.0, "~~ {} {}: {}", o.scenario, o.subject, o.reading)?,
            RunEvent::HubLost(l) => writeln!(self.0, "!! {l:?}")?,
            RunEvent::ScenarioEnded(s) if s.duration.as_millis() > 1000 => writeln!(self.0, "slow {} {:?}", s.scenario, s.duration)?,
            RunEvent::RunEnded(r) => writeln!(self.0, "{:?} {:?}", r.summary, r.duration)?,
            _ => {}
        }
        Ok(())
    }
}
pub struct Reports;
impl Reports {
    pub fn new(_p: &std::path::Path, _s: bool) -> Result<Self, std::io::Error> { Ok(Self) }
    pub fn event(&mut self, _e: &RunEvent) -> Result<(), std::io::Error> { Ok(()) }
}
