//! (room: outcome)
