//! Requests at a steady rate, each on a connection of its own, whatever becomes of the ones before (open loop).

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::ensure;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::row::Protocol;
use crate::{fastcgi, postgres, redis};

/// Between two requests of one stream.
const PERIOD: Duration = Duration::from_millis(300);

/// A request takes one second; what takes this long never ends.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request, and what came of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// When its connection was begun.
    pub(crate) at: Instant,
    /// Whether the client read the right answer.
    pub(crate) served: bool,
}

/// Waits until `target` answers: the Service of a pod that is ready hears of it a moment later.
pub(crate) async fn answers(target: SocketAddr, protocol: Protocol) -> bool {
    let asked = async {
        while !matches!(order(target, protocol, 0).await, Ok(true)) {
            sleep(PERIOD).await;
        }
    };
    timeout(PATIENCE, asked).await.is_ok()
}

/// Sends requests to `target` until `until` says so, then waits for those under way.
pub(crate) async fn stream(
    target: SocketAddr,
    protocol: Protocol,
    until: impl Fn(Instant) -> bool,
) -> Vec<Sent> {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut requests = JoinSet::new();
    let number = Arc::new(AtomicU64::new(0));
    loop {
        ticks.tick().await;
        let at = Instant::now();
        if until(at) {
            break;
        }
        let number = number.fetch_add(1, Ordering::Relaxed);
        requests.spawn(async move {
            let served = matches!(
                timeout(PATIENCE, order(target, protocol, number)).await,
                Ok(Ok(true))
            );
            Sent { at, served }
        });
    }
    requests.join_all().await
}

/// One request on a new connection: whether the answer is `ok` and the order's number.
async fn order(target: SocketAddr, protocol: Protocol, number: u64) -> anyhow::Result<bool> {
    let stream = TcpStream::connect(target).await?;
    stream.set_nodelay(true)?;
    let body = match protocol {
        Protocol::Http => http(stream, target, number).await?,
        Protocol::FastCgi(script) => fastcgi::post(stream, script, &format!("id={number}")).await?,
        Protocol::Postgres => postgres::select(stream, number).await?,
        Protocol::Redis => redis::wait(stream, number).await?,
    };
    Ok(body == format!("ok {number}\n"))
}

async fn http(stream: TcpStream, target: SocketAddr, number: u64) -> anyhow::Result<String> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let request = Request::post(format!("/orders?id={number}"))
        .header(HOST, target.to_string())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let body = response.into_body().collect().await?.to_bytes();
    connection.abort();
    ensure!(status == StatusCode::OK, "{status}");
    Ok(String::from_utf8(body.into())?)
}
