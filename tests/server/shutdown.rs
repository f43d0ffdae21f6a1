//! The end: nothing that has been sent, or is on its way, is lost.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use softstop::server::{Limits, Phase};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::harness::{AMPLE, Held, Reply, Server, engine, http1, patient, pod, review};

#[tokio::test]
async fn draining_serves_on_and_closes_each_connection_with_its_answer() {
    let server = Server::start(engine(), patient()).await;
    assert_eq!(server.admin("/ready").await.status, 200);
    let mut old = server.connect(&["http/1.1"]).await;
    old.write_all(&http1(&review(&pod()))).await.unwrap();
    assert_eq!(
        Reply::read(&mut old)
            .await
            .expect("an answer")
            .headers
            .get("connection"),
        None
    );

    server.lifecycle.enter(Phase::Draining);
    assert_eq!(server.admin("/ready").await.status, 503);
    assert_eq!(server.admin("/live").await.status, 200);
    sleep(Duration::from_millis(50)).await;
    // Not only the connection that is there already: new ones come as long as the endpoints say so.
    let mut new = server.connect(&["http/1.1"]).await;
    for stream in [&mut old, &mut new] {
        stream.write_all(&http1(&review(&pod()))).await.unwrap();
        let reply = Reply::read(stream).await.expect("an answer");
        assert_eq!(
            (reply.status, reply.headers["connection"].as_str()),
            (200, "close")
        );
        assert_eq!(
            stream.read(&mut [0; 1]).await.unwrap(),
            0,
            "closed in order"
        );
    }

    let mut idle = server.connect(&["http/1.1"]).await;
    server.lifecycle.enter(Phase::Closing);
    assert_eq!(
        timeout(AMPLE, idle.read(&mut [0; 1]))
            .await
            .unwrap()
            .unwrap(),
        0
    );
    assert!(timeout(AMPLE, server.ended).await.unwrap().unwrap());
    assert!(
        TcpStream::connect(server.addr).await.is_err(),
        "nobody listens any more"
    );
}

#[tokio::test]
async fn draining_sends_http2_elsewhere() {
    let server = Server::start(engine(), patient()).await;
    let stream = server.connect(&["h2"]).await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    let request = || {
        Request::post("https://localhost/mutate")
            .header("content-type", "application/json")
            .body(Body::from(review(&pod()).to_string()))
            .unwrap()
    };
    let response = sender.send_request(request()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    drop(response);
    server.lifecycle.enter(Phase::Draining);
    timeout(AMPLE, connection)
        .await
        .expect("GOAWAY")
        .unwrap()
        .unwrap();

    // Who does not know yet and comes anew is served all the same, even if it waits before its first request.
    for pause in [0, 50] {
        let stream = server.connect(&["h2"]).await;
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
        let connection = tokio::spawn(connection);
        sleep(Duration::from_millis(pause)).await;
        assert_eq!(
            sender.send_request(request()).await.unwrap().status(),
            StatusCode::OK
        );
        timeout(AMPLE, connection)
            .await
            .expect("GOAWAY")
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn what_is_under_way_is_finished() {
    let (planner, release) = Held::planner();
    let server = Server::start(
        planner,
        Limits {
            on_the_spot: 0,
            ..patient()
        },
    )
    .await;
    let mut stream = server.connect(&["http/1.1"]).await;
    stream.write_all(&http1(&review(&pod()))).await.unwrap();
    release.begun(1).await;
    server.lifecycle.enter(Phase::Closing);
    sleep(Duration::from_millis(50)).await;
    assert!(!server.ended.is_finished());
    drop(release);
    let reply = Reply::read(&mut stream).await.expect("an answer");
    assert_eq!(
        (reply.status, reply.headers["connection"].as_str()),
        (200, "close")
    );
    assert!(server.ended.await.unwrap());
}

#[tokio::test]
async fn phases_only_move_on() {
    let server = Server::start(engine(), patient()).await;
    server.lifecycle.enter(Phase::Draining);
    server.lifecycle.enter(Phase::Running);
    assert_eq!(server.lifecycle.phase(), Phase::Draining);
}
