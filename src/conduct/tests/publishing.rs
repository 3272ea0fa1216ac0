//! Requested changes: ids, repetitions, agreement with what was opened.
