//! (room: schema)
