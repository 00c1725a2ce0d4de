//! HTTP messages between their frames and their plain form.

use charmkeeper_base::{
    ErrorKind,
    http::{CallError, HttpRequest, HttpResponse, Redirect},
};
use serde::Deserialize;
use serde_json::json;

use crate::frames::{MAX_PAYLOAD, join_head, split_head};

/// Room in a frame for the head of a response.
const HEAD_ROOM: usize = 256 * 1024;

#[derive(Deserialize)]
struct Head {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    redirect: Redirect,
}

/// Reads a request; `None` when the frame holds none.
pub(super) fn request(payload: &[u8]) -> Option<HttpRequest> {
    let (head, body) = split_head(payload)?;
    let head: Head = serde_json::from_str(head).ok()?;
    Some(HttpRequest {
        method: head.method,
        url: head.url,
        headers: head.headers,
        body: body.to_vec(),
        redirect: head.redirect,
    })
}

/// The answer to a fetch, for the worker.
pub(super) fn answer(result: Result<HttpResponse, CallError>) -> Vec<u8> {
    match result {
        Ok(response) if response.body.len() + HEAD_ROOM > MAX_PAYLOAD => failure(&CallError {
            kind: ErrorKind::Charm,
            message: format!(
                "the response is larger than a charm can take ({} of {} bytes)",
                response.body.len(),
                MAX_PAYLOAD - HEAD_ROOM
            ),
            retry_at: None,
        }),
        Ok(response) => {
            let head = json!({
                "status": response.status,
                "statusText": response.status_text,
                "url": response.url,
                "redirected": response.redirected,
                "headers": response.headers,
            });
            join_head(&head.to_string(), &response.body)
        }
        Err(error) => failure(&error),
    }
}

fn failure(error: &CallError) -> Vec<u8> {
    let retry_at = error.retry_at.map(|at| at.0);
    let head = json!({"error": {
        "kind": error.kind, "message": error.message, "retry_at_ms": retry_at,
    }});
    join_head(&head.to_string(), &[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(body: Vec<u8>) -> HttpResponse {
        HttpResponse {
            status: 200,
            status_text: "OK".into(),
            url: "https://a.test/".into(),
            redirected: false,
            headers: vec![("content-type".into(), "text/plain".into())],
            body,
        }
    }

    #[test]
    fn a_request_is_read_and_junk_is_not() {
        let head = r#"{"id":1,"method":"PUT","url":"https://a.test/","headers":[["A","b"]]}"#;
        let read = request(&join_head(head, b"body")).unwrap();
        assert_eq!(
            (read.method.as_str(), read.body.as_slice()),
            ("PUT", &b"body"[..])
        );
        assert_eq!(read.redirect, Redirect::Follow);
        for junk in [
            &b""[..],
            b"\x01\0\0\0",
            &join_head("{}", b""),
            &join_head("[1]", b""),
        ] {
            assert!(request(junk).is_none());
        }
    }

    #[test]
    fn a_response_that_fits_no_frame_becomes_an_error() {
        let packed = answer(Ok(response(vec![7; MAX_PAYLOAD])));
        let (head, body) = split_head(&packed).unwrap();
        assert!(
            head.contains("larger than a charm can take") && body.is_empty(),
            "{head}"
        );
        let packed = answer(Ok(response(b"hi".to_vec())));
        let (head, body) = split_head(&packed).unwrap();
        assert!(head.contains("\"status\":200") && body == b"hi", "{head}");
    }

    #[test]
    fn a_failed_call_keeps_its_kind() {
        let error = CallError {
            kind: ErrorKind::Offline,
            message: "no network".into(),
            retry_at: None,
        };
        let packed = answer(Err(error));
        assert!(
            split_head(&packed)
                .unwrap()
                .0
                .contains("\"kind\":\"offline\"")
        );
    }
}
