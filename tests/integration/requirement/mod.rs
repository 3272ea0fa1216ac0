//! The catalogue of requirements, and what covers it.

mod catalogue_cover;
mod subscriber_cover;
