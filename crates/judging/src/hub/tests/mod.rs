//! Parts of the judging of hubs, each on conversations that try it from all sides.

mod acknowledgements;
mod claims;
mod control;
mod conversation;
mod issued;
mod missing;
mod publication;
mod sameness;
mod selection;
mod subscription;
