//! `POST /batch/gmail/v1`: several requests in one.

use http::{HeaderValue, StatusCode, header};

use super::multipart;
use crate::google_error::{ApiError, Style};
use crate::message::{Reply, Request};
use crate::server;
use crate::shared::Shared;

/// Answers a batch. Every part has its own status; the whole is refused only
/// when it cannot be read, or has too many parts.
pub(crate) fn handle(shared: &Shared, request: &Request) -> Reply {
    if request.method != "POST" {
        return server::not_found();
    }
    match answer(shared, request) {
        Ok(reply) => reply,
        Err(error) => error.reply(Style::Modern),
    }
}

fn answer(shared: &Shared, request: &Request) -> Result<Reply, ApiError> {
    let kind = request.header(header::CONTENT_TYPE).unwrap_or_default();
    let boundary = multipart::boundary(kind).ok_or_else(|| {
        ApiError::bad(
            "Failed to parse batch request, error: the content type must be multipart/mixed with \
             a boundary.",
        )
    })?;
    let body = String::from_utf8_lossy(&request.body);
    let parts = multipart::parse(&body, &boundary).map_err(ApiError::bad)?;
    let limit = shared.lock().behaviour.batch_limit;
    if parts.len() > limit {
        return Err(ApiError::bad(format!(
            "Inner request count exceeds the limit. Received: {}, Limit: {limit}",
            parts.len()
        )));
    }
    let outer = request.headers.get(header::AUTHORIZATION);
    let replies: Vec<_> = parts
        .into_iter()
        .map(|mut part| {
            inherit(&mut part.request, outer);
            (part.id, server::answer_part(shared, &part.request))
        })
        .collect();
    let boundary = format!("batch_{}", name(request));
    let kind = format!("multipart/mixed; boundary={boundary}");
    Ok(Reply::new(
        StatusCode::OK,
        &kind,
        multipart::write(&replies, &boundary),
    ))
}

/// A part without its own Authorization uses that of the whole.
fn inherit(part: &mut Request, outer: Option<&HeaderValue>) {
    if let (false, Some(value)) = (part.headers.contains_key(header::AUTHORIZATION), outer) {
        part.headers.insert(header::AUTHORIZATION, value.clone());
    }
}

/// A boundary that depends on the request, and does not occur in an answer.
fn name(request: &Request) -> String {
    let body = String::from_utf8_lossy(&request.body);
    format!("CkSbx_{}", crate::journal::fingerprint(&body))
}
