//! The catalogue of requirements, and what covers it.

mod catalogue_cover;
mod catalogue_versions;
mod subscriber_cover;
