//! The proof of the checks: the suite against the clean simulator and against each of its defects, and what came of it.
//!
//! A check that nothing can make fail proves nothing, and one that fails without cause proves the wrong thing. The matrix
//! shows both. This room starts simulators and runs scenarios at them; it knows nothing of arguments or terminals.

mod execution;
mod matrix;
mod page;
mod suite;
mod tampering;
mod text;

pub use execution::{Progress, SelfCheck, SelfCheckError, provable};
pub use matrix::{Claim, Clean, Finding, Matrix, Row, Seen, Summary};
pub use page::{PageError, render_page};
pub use suite::Suite;
pub use tampering::{Outcome, Tampering, TamperingMatrix, Tried, render_tampering};
pub use text::render_text;
