//! The bodies of requests, within the limits of size and time.

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::BytesMut;
use futures_util::StreamExt;

use super::registry::Registry;
use crate::refusal::Refusal;

/// Reads a body up to the limit, in the time that a client has. What comes beyond the limit is read and dropped for a
/// while, so that the client hears the answer.
///
/// # Errors
/// When it is too large (413), too late (408) or cannot be read (400).
pub(super) async fn read(hub: &Registry, headers: &HeaderMap, body: Body) -> Result<BytesMut, Refusal> {
    const PATIENCE: usize = 8;
    let limit = hub.settings.body_limit;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
        .unwrap_or(0);
    let too_large = || {
        Refusal::new(
            413,
            format!(
                "the body is larger than {limit} bytes, which is this hub's limit (FHIRcast STU3, 2.10 Number of Entries \
                 in Transaction Bundle)"
            ),
        )
    };
    let reading = async {
        let mut stream = body.into_data_stream();
        let mut read = BytesMut::with_capacity(announced.min(limit));
        let mut length = 0_usize;
        while let Some(chunk) = stream.next().await {
            let chunk =
                chunk.map_err(|error| Refusal::malformed(format!("the body could not be read: {error}")))?;
            length = length.saturating_add(chunk.len());
            if length <= limit {
                read.extend_from_slice(&chunk);
            } else if length > limit.saturating_mul(PATIENCE) {
                break;
            }
        }
        if length > limit {
            Err(too_large())
        } else {
            Ok(read)
        }
    };
    let timeout = hub.settings.request_timeout;
    match tokio::time::timeout(timeout, reading).await {
        Ok(read) => read,
        Err(_) if announced > limit => Err(too_large()),
        Err(_) => Err(Refusal::new(
            408,
            format!("the body did not come within {} seconds", timeout.as_secs_f64()),
        )),
    }
}
