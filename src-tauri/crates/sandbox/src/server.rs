//! HTTP: from a socket to a plain request, through faults and the journal, to
//! the service that answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::response::Response;
use bytes::Bytes;
use http::{StatusCode, header};

use crate::faults::{Fault, Hit};
use crate::journal::{LoggedRequest, clean_query, fingerprint};
use crate::listener::ResetHandle;
use crate::message::{Reply, Request};
use crate::oauth::{authorize, consent, page, token, userinfo};
use crate::shared::{Shared, is_this_machine};
use crate::{calendar, control, gmail};

/// The largest request body that is read; a batch of 100 parts is far smaller.
const BODY_LIMIT: usize = 4 * 1024 * 1024;
/// Bytes of padding in one piece.
const PAD_PIECE: u64 = 64 * 1024;

/// The one service: every path goes through the same gate.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new().fallback(handle).with_state(shared)
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<ResetHandle>,
    request: axum::extract::Request,
) -> Result<Response, Infallible> {
    let (head, body) = request.into_parts();
    let host = head.headers.get(header::HOST).and_then(|v| v.to_str().ok());
    let host = head.uri.host().or(host).unwrap_or("127.0.0.1");
    if !is_this_machine(without_port(host)) {
        // A name that is not ours leads here: DNS rebinding.
        return Ok(plain(Reply::text(
            StatusCode::FORBIDDEN,
            "The sandbox answers only on this machine.\n",
        )));
    }
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        return Ok(plain(Reply::text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request is too large.\n",
        )));
    };
    let request = Request {
        method: head.method.as_str().to_owned(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    let hit = take_fault(&shared, &request, false);
    if let Some(Hit { fault, .. }) = &hit
        && fault.delay_ms > 0
    {
        tokio::time::sleep(Duration::from_millis(fault.delay_ms)).await;
    }
    Ok(respond(&shared, &request, hit.as_ref(), &connection))
}

fn without_port(host: &str) -> &str {
    match host.rfind(':') {
        Some(i) if !host.ends_with(']') => &host[..i],
        _ => host,
    }
}

fn respond(
    shared: &Arc<Shared>,
    request: &Request,
    hit: Option<&Hit>,
    connection: &ResetHandle,
) -> Response {
    let fault = hit.map(|h| &h.fault);
    if fault.is_some_and(|f| f.reset && f.truncate.is_none()) {
        log(shared, request, 0, 0, hit, false);
        connection.reset();
        return Response::new(Body::empty());
    }
    let replaced = fault.and_then(|f| f.reply(&request.path, shared.clock.now()));
    let reply = replaced.unwrap_or_else(|| dispatch(shared, request));
    log(
        shared,
        request,
        reply.status.as_u16(),
        reply.body.len(),
        hit,
        false,
    );
    match fault {
        Some(f) if f.truncate.is_some() || f.drip.is_some() || f.pad > 0 => {
            damaged(reply, f, connection)
        }
        _ => plain(reply),
    }
}

fn take_fault(shared: &Shared, request: &Request, in_batch: bool) -> Option<Hit> {
    let account = request.bearer().and_then(|t| {
        let now = shared.clock.now();
        shared.lock().grants.access(&t, now).map(|a| a.email)
    });
    shared.faults().take(request, account, in_batch)
}

/// Answers one part of a batch: with its own fault, status and log entry.
pub(crate) fn answer_part(shared: &Shared, request: &Request) -> Reply {
    let hit = take_fault(shared, request, true);
    let replaced = hit
        .as_ref()
        .and_then(|h| h.fault.reply(&request.path, shared.clock.now()));
    let reply = replaced.unwrap_or_else(|| match request.path.starts_with("/gmail/v1/") {
        true => gmail::handle(shared, request),
        false => not_found(),
    });
    log(
        shared,
        request,
        reply.status.as_u16(),
        reply.body.len(),
        hit.as_ref(),
        true,
    );
    reply
}

fn dispatch(shared: &Arc<Shared>, request: &Request) -> Reply {
    let segments = request.segments();
    let path: Vec<_> = segments.iter().map(String::as_str).collect();
    let get = matches!(request.method.as_str(), "GET" | "HEAD");
    let post = request.method == "POST";
    match &path[..] {
        ["gmail", ..] => gmail::handle(shared, request),
        ["batch", "gmail", "v1"] => gmail::batch::handle(shared, request),
        ["calendar", "v3", ..] => calendar::handle(shared, request),
        ["o", "oauth2", "v2", "auth"] if get => authorize::show(shared, request),
        ["o", "oauth2", "v2", "auth", "consent"] if post => consent::decide(shared, request),
        ["token"] if post => token::token(shared, request),
        ["revoke"] if post => token::revoke(shared, request),
        ["v1", "userinfo"] => userinfo::userinfo(shared, request, true),
        ["oauth2", "v2", "userinfo"] => userinfo::userinfo(shared, request, false),
        ["oauth2", "v3", "userinfo"] => userinfo::userinfo(shared, request, true),
        ["sandbox", ..] => control::handle(shared, request, &path[1..]),
        [] if get => Reply::html(StatusCode::OK, page::root()),
        _ => not_found(),
    }
}

/// What Google says to an address that none of its services has: a page.
pub(crate) fn not_found() -> Reply {
    Reply::html(
        StatusCode::NOT_FOUND,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Error 404 (Not Found)</title>\
         <p><b>404.</b> The requested URL was not found on this server.</p></html>\n"
            .to_owned(),
    )
}

fn log(
    shared: &Shared,
    request: &Request,
    status: u16,
    bytes_out: usize,
    hit: Option<&Hit>,
    in_batch: bool,
) {
    if request.path.starts_with("/sandbox/") {
        return;
    }
    if matches!(request.path.as_str(), "/token" | "/revoke") {
        let (form, query) = (request.form(), request.params());
        let given = ["refresh_token", "token"]
            .iter()
            .filter_map(|n| form.given(n).or(query.given(n)));
        given.for_each(|t| shared.journal.note_token(t));
    }
    shared.journal.add(LoggedRequest {
        number: 0,
        at: shared.clock.now(),
        method: request.method.clone(),
        path: request.path.clone(),
        query: clean_query(&request.query),
        status,
        authorization: request.headers.contains_key(header::AUTHORIZATION),
        token_fingerprint: request.bearer().map(|t| fingerprint(&t)),
        in_batch,
        fault: hit.map(|h| h.id),
        bytes_in: request.body.len(),
        bytes_out,
    });
}

fn plain(mut reply: Reply) -> Response {
    let body = std::mem::take(&mut reply.body);
    with_body(&reply, Body::from(body))
}

fn with_body(reply: &Reply, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = reply.status;
    for (name, value) in &reply.headers {
        response.headers_mut().append(name, value.clone());
    }
    response
}

/// A body that is padded, slow, cut short, or all of it.
fn damaged(mut reply: Reply, fault: &Fault, connection: &ResetHandle) -> Response {
    let total = reply.body.len() as u64 + fault.pad;
    let stop = fault.truncate.map_or(total, |n| total.min(n as u64));
    let piece = fault.drip.map_or(usize::MAX, |d| d.bytes.max(1));
    let plan = Plan {
        body: std::mem::take(&mut reply.body),
        sent: 0,
        stop,
        cut: stop < total,
        piece,
        pause: Duration::from_millis(fault.drip.map_or(0, |d| d.every_ms)),
        reset: fault.reset.then(|| connection.clone()),
    };
    let stream = futures_util::stream::unfold(plan, |mut plan| async move {
        let next = plan.next().await?;
        Some((next, plan))
    });
    // The announced length is the whole one, so that a cut is noticed.
    let reply = reply.with("content-length", &total.to_string());
    with_body(&reply, Body::from_stream(stream))
}

struct Plan {
    body: Bytes,
    sent: u64,
    stop: u64,
    cut: bool,
    piece: usize,
    pause: Duration,
    reset: Option<ResetHandle>,
}

impl Plan {
    async fn next(&mut self) -> Option<Result<Bytes, std::io::Error>> {
        if self.sent >= self.stop {
            if !std::mem::take(&mut self.cut) {
                return None;
            }
            // Lets what was written so far leave before the end.
            tokio::time::sleep(Duration::from_millis(20)).await;
            if let Some(connection) = &self.reset {
                connection.reset();
            }
            return Some(Err(std::io::ErrorKind::ConnectionAborted.into()));
        }
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        let left = self.stop - self.sent;
        let piece = if self.body.is_empty() {
            let n = left.min(PAD_PIECE).min(self.piece as u64);
            Bytes::from(vec![b' '; usize::try_from(n).unwrap_or(0)])
        } else {
            let n = left.min(self.body.len() as u64).min(self.piece as u64);
            self.body.split_to(usize::try_from(n).unwrap_or(0))
        };
        self.sent += piece.len() as u64;
        Some(Ok(piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_host_is_cut_off_and_an_ipv6_address_stays() {
        assert_eq!(without_port("127.0.0.1:80"), "127.0.0.1");
        assert_eq!(without_port("[::1]:80"), "[::1]");
        assert_eq!(without_port("[::1]"), "[::1]");
        assert!(!is_this_machine(without_port("evil.example:80")));
    }
}
