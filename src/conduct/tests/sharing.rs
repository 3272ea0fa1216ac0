//! Content sharing and selections.
