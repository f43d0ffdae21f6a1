//! One connection: HTTP over a stream, until the peer, the limits or the end of the server end it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};
use tower::ServiceExt as _;

use super::activity::{Activity, Watched};
use super::limits::Limits;
use super::shutdown::{Lifecycle, Phase};

/// Streams that one HTTP/2 connection may have open; the API server uses HTTP/1.1 but for loopback addresses.
const STREAMS: u32 = 100;

/// What a connection may hold that nobody has read yet, in bytes: a large body waits at its sender's until there is room for it.
const UNREAD: u32 = 64 * 1024;

/// Which protocol a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Serves the connection to its end.
pub(super) async fn serve<I>(
    io: I,
    protocol: Protocol,
    router: Router,
    lifecycle: Lifecycle,
    limits: &Limits,
) where
    I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let activity = Activity::new(limits);
    let retires = Instant::now() + limits.random_age();
    let watched = (protocol == Protocol::Http1).then(|| Arc::clone(&activity));
    let io = TokioIo::new(Watched {
        io,
        activity: watched,
    });

    let service = service_fn(|request: Request<Incoming>| {
        let in_flight = activity.request();
        let answer = answer(router.clone(), lifecycle.clone(), retires, request);
        async move {
            let answer = answer.await;
            drop(in_flight);
            answer
        }
    });

    let mut builder = auto::Builder::new(TokioExecutor::new());
    // Times are kept by `Activity`.
    builder
        .http1()
        .timer(TokioTimer::new())
        .max_buf_size(UNREAD as usize)
        .header_read_timeout(None);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(UNREAD)
        .initial_connection_window_size(UNREAD)
        .max_header_list_size(16 * 1024);
    let builder = match protocol {
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    };
    let mut connection = pin!(builder.serve_connection(io, service));

    let mut quiet = pin!(sleep_until(Instant::now()));
    let mut leave = pin!(time_to_leave(protocol, &lifecycle, &activity, retires));
    let mut leaving = false;
    loop {
        let ended = poll_fn(|cx| {
            if connection.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let Some(deadline) = activity.deadline() else {
                return Poll::Pending;
            };
            if quiet.deadline() != deadline {
                quiet.as_mut().reset(deadline);
            }
            quiet.as_mut().poll(cx)
        });
        tokio::select! {
            () = ended => return,
            () = &mut leave, if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Waits until the connection should end with what it is doing now.
///
/// HTTP/2 has GOAWAY, which sends the peer elsewhere while what it has begun is finished: it is sent as soon as the
/// connection is old enough, or the server drains and the connection has had a request. HTTP/1.1 has only
/// `Connection: close` on an answer: a connection that is idle waits for that until the server closes, because a
/// request may be on its way.
async fn time_to_leave(
    protocol: Protocol,
    lifecycle: &Lifecycle,
    activity: &Activity,
    retires: Instant,
) {
    let goaway = async {
        tokio::select! {
            () = lifecycle.reached(Phase::Draining) => {}
            () = sleep_until(retires) => {}
        }
        activity.used().await;
    };
    tokio::select! {
        () = goaway, if protocol == Protocol::Http2 => {}
        () = lifecycle.reached(Phase::Closing) => {}
    }
}

async fn answer(
    router: Router,
    lifecycle: Lifecycle,
    retires: Instant,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let version = request.version();
    let mut response = router.oneshot(request.map(Body::new)).await?;
    let headers = response.headers_mut();
    if version == Version::HTTP_2 {
        // HTTP/2 has no such header; there the connection is told by GOAWAY.
        headers.remove(CONNECTION);
    } else if lifecycle.phase() >= Phase::Draining || Instant::now() >= retires {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}
