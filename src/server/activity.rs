//! When a connection has been quiet for too long.
//!
//! hyper's own header timeout also runs while a kept-alive connection waits for its next request, so it cannot be
//! 5 s and let an idle connection live for 120 s. This one knows the difference.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::Limits;

/// What a connection is doing. Shared by its reader, its service and its watchdog.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    used: Notify,
}

#[derive(Debug)]
struct State {
    /// Requests being answered.
    in_flight: usize,
    /// When the connection is given up while none is.
    deadline: Instant,
    /// The first bytes of a request have come and its headers are not complete.
    reading_headers: bool,
    headers: Duration,
    idle: Duration,
}

impl Activity {
    /// A new connection: its first request is due as soon as if its first byte had come.
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        let state = State {
            in_flight: 0,
            deadline: Instant::now() + limits.headers,
            reading_headers: true,
            headers: limits.headers,
            idle: limits.idle,
        };
        Arc::new(Self {
            state: Mutex::new(state),
            used: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have come.
    fn received(&self) {
        let mut state = self.state();
        if state.in_flight == 0 && !state.reading_headers {
            state.reading_headers = true;
            state.deadline = Instant::now() + state.headers;
        }
    }

    /// The headers of a request are complete; it is in flight until the guard is dropped.
    pub(super) fn request(self: &Arc<Self>) -> InFlight {
        let mut state = self.state();
        state.in_flight += 1;
        state.reading_headers = false;
        self.used.notify_one();
        InFlight(Arc::clone(self))
    }

    /// Waits for the first request. For one waiter, once.
    pub(super) async fn used(&self) {
        self.used.notified().await;
    }

    /// When to give the connection up, as things are; `None` while a request is in flight (it has its own deadline).
    pub(super) fn deadline(&self) -> Option<Instant> {
        let state = self.state();
        (state.in_flight == 0).then_some(state.deadline)
    }
}

/// A request in flight.
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight -= 1;
        state.deadline = Instant::now() + state.idle;
    }
}

/// A stream that reports what it reads. HTTP/2 has frames outside of requests (pings, settings): there only the first
/// request counts, and idleness.
pub(super) struct Watched<I> {
    pub(super) io: I,
    pub(super) activity: Option<Arc<Activity>>,
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.io).poll_read(cx, buf);
        if buf.filled().len() > before
            && let Some(activity) = &self.activity
        {
            activity.received();
        }
        polled
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}
