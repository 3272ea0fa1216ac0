//! (room: subscriber)
