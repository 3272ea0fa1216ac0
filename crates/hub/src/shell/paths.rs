//! The paths of the hub, each behind the prefix of its version where a server has several.

/// The path of `hub.url`.
pub(super) const HUB_PATH: &str = "/fhircast";
/// The beginning of the paths of endpoints.
pub(super) const SOCKET_PATH: &str = "/socket/";
