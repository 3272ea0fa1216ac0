//! (room: scenario)
