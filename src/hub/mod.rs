//! (room: hub)
