//! Connections over TLS: what is reused, what is closed, and when.

use std::time::{Duration, Instant};

use axum::body::Body;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use softstop::server::Limits;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::harness::{
    AMPLE, Reply, Server, UID, connector_of, engine, http1, patient, pod, review,
};
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};

#[tokio::test]
async fn http1_reuses_a_connection() {
    let server = Server::start(engine(), patient()).await;
    for alpn in [&["http/1.1"][..], &[]] {
        let mut stream = server.connect(alpn).await;
        for _ in 0..3 {
            stream.write_all(&http1(&review(&pod()))).await.unwrap();
            let reply = Reply::read(&mut stream).await.expect("an answer");
            assert_eq!(reply.status, 200);
            assert_eq!(reply.headers.get("connection"), None);
            let body: Value = serde_json::from_str(&reply.body).unwrap();
            assert_eq!(body["response"]["uid"], UID);
        }
    }
}

#[tokio::test]
async fn tls_1_2_is_refused() {
    let server = Server::start(engine(), patient()).await;
    let attempt = async |version| {
        let stream = TcpStream::connect(server.addr).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        connector_of(&server.ca, &[], &[version])
            .connect(name, stream)
            .await
            .map(drop)
    };
    attempt(&TLS13).await.expect("TLS 1.3");
    let refused = attempt(&TLS12).await.unwrap_err().to_string();
    assert!(refused.contains("ProtocolVersion"), "{refused}");
}

fn request() -> Request<Body> {
    Request::post("https://localhost/mutate?timeout=10s")
        .header("content-type", "application/json")
        .body(Body::from(review(&pod()).to_string()))
        .unwrap()
}

#[tokio::test]
async fn http2_shares_a_connection() {
    let server = Server::start(engine(), patient()).await;
    let stream = server.connect(&["h2", "http/1.1"]).await;
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let (mut one, mut two) = (sender.clone(), sender);
    let (one, two) = tokio::join!(one.send_request(request()), two.send_request(request()));
    for response in [one.unwrap(), two.unwrap()] {
        assert_eq!(response.status(), StatusCode::OK);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(
            serde_json::from_slice::<Value>(&body).unwrap()["response"]["uid"],
            UID
        );
    }
}

/// What a limit is set to where it should come into play. All others are far away, so whatever ends a connection
/// soon is that limit; how soon depends on how busy the machine is.
const BRIEF: Duration = Duration::from_millis(300);

/// How long the server leaves this connection open from now on.
async fn time_to_close(stream: &mut (impl AsyncRead + Unpin)) -> Duration {
    let started = Instant::now();
    let mut rest = Vec::new();
    timeout(AMPLE / 2, stream.read_to_end(&mut rest))
        .await
        .expect("the end")
        .ok();
    started.elapsed()
}

#[tokio::test]
async fn a_handshake_that_stalls_is_given_up() {
    let server = Server::start(
        engine(),
        Limits {
            handshake: BRIEF,
            ..patient()
        },
    )
    .await;
    let mut silent = TcpStream::connect(server.addr).await.unwrap();
    assert!(time_to_close(&mut silent).await >= BRIEF / 2);

    // The beginning of a ClientHello, and never the rest.
    let mut stalled = TcpStream::connect(server.addr).await.unwrap();
    stalled.write_all(&[0x16, 3, 1, 2, 0, 1]).await.unwrap();
    assert!(time_to_close(&mut stalled).await >= BRIEF / 2);
}

#[tokio::test]
async fn handshakes_that_stall_do_not_keep_others_out_for_long() {
    let handshake = Duration::from_secs(2);
    let server = Server::start(
        engine(),
        Limits {
            handshakes: 1,
            handshake,
            ..patient()
        },
    )
    .await;
    let stalled = TcpStream::connect(server.addr).await.unwrap();
    sleep(handshake * 3 / 4).await;
    // It waits for its turn, which comes when the other's time is over and its own is not.
    let mut stream = server.connect(&[]).await;
    stream.write_all(&http1(&review(&pod()))).await.unwrap();
    assert_eq!(
        Reply::read(&mut stream).await.expect("an answer").status,
        200
    );
    drop(stalled);
}

#[tokio::test]
async fn headers_that_trickle_in_are_given_up() {
    let server = Server::start(
        engine(),
        Limits {
            headers: BRIEF,
            ..patient()
        },
    )
    .await;
    // The first request of a connection is due even if nothing of it has come yet.
    for alpn in [&["http/1.1"][..], &["h2"]] {
        let mut stream = server.connect(alpn).await;
        time_to_close(&mut stream).await;
    }
    let stream = server.connect(&["http/1.1"]).await;
    let (mut read, mut write) = tokio::io::split(stream);
    let trickle = tokio::spawn(async move {
        write.write_all(b"POST /mutate HTTP/1.1\r\n").await.unwrap();
        while write.write_all(b"a: b\r\n").await.is_ok() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    time_to_close(&mut read).await;
    trickle.await.unwrap();
}

#[tokio::test]
async fn an_idle_connection_lives_longer_than_headers_may_take() {
    let limits = Limits {
        headers: BRIEF,
        idle: Duration::from_secs(2),
        ..patient()
    };
    let server = Server::start(engine(), limits).await;
    let mut stream = server.connect(&["http/1.1"]).await;
    for _ in 0..2 {
        stream.write_all(&http1(&review(&pod()))).await.unwrap();
        assert_eq!(
            Reply::read(&mut stream).await.expect("an answer").status,
            200
        );
        sleep(BRIEF * 2).await;
    }
    assert!(time_to_close(&mut stream).await >= Duration::from_secs(1));

    // Also between two requests headers have to come at once, once they have begun.
    let server = Server::start(
        engine(),
        Limits {
            headers: BRIEF,
            ..patient()
        },
    )
    .await;
    let mut stream = server.connect(&["http/1.1"]).await;
    stream.write_all(&http1(&review(&pod()))).await.unwrap();
    Reply::read(&mut stream).await.expect("an answer");
    stream.write_all(b"POST /mu").await.unwrap();
    time_to_close(&mut stream).await;
}

#[tokio::test]
async fn an_old_connection_is_closed_with_an_answer() {
    let age = Duration::from_secs(1);
    let limits = Limits {
        age: age..=age,
        ..patient()
    };
    let server = Server::start(engine(), limits).await;
    let mut http1_1 = server.connect(&["http/1.1"]).await;
    let http2 = server.connect(&["h2"]).await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(http2))
        .await
        .unwrap();
    let connection = tokio::spawn(connection);
    for expected in [None, Some("close")] {
        http1_1.write_all(&http1(&review(&pod()))).await.unwrap();
        let reply = Reply::read(&mut http1_1).await.expect("an answer");
        assert_eq!(
            reply.headers.get("connection").map(String::as_str),
            expected
        );
        assert_eq!(connection.is_finished(), expected.is_some());
        if expected.is_none() {
            assert_eq!(
                sender.send_request(request()).await.unwrap().status(),
                StatusCode::OK
            );
            sleep(age).await;
        }
    }
}

#[tokio::test]
async fn a_connection_too_many_waits_for_its_turn() {
    let limits = Limits {
        connections: 1,
        ..patient()
    };
    let server = Server::start(engine(), limits).await;
    let first = server.connect(&["http/1.1"]).await;
    assert!(
        timeout(Duration::from_millis(200), server.connect(&["http/1.1"]))
            .await
            .is_err()
    );
    assert!(
        server.metrics.encode().contains("softstop_connections 1\n"),
        "{}",
        server.metrics.encode()
    );
    drop(first);
    let mut second = timeout(AMPLE, server.connect(&["http/1.1"]))
        .await
        .expect("its turn");
    second.write_all(&http1(&review(&pod()))).await.unwrap();
    assert_eq!(
        Reply::read(&mut second).await.expect("an answer").status,
        200
    );
}

#[tokio::test]
async fn what_is_too_large_is_refused_before_it_has_come() {
    let server = Server::start(
        engine(),
        Limits {
            body: 1024,
            ..patient()
        },
    )
    .await;
    let mut stream = server.connect(&["http/1.1"]).await;
    let head = "POST /mutate HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("{:x}\r\n{}\r\n", 2048, " ".repeat(2048));
    stream.write_all(chunk.as_bytes()).await.unwrap();
    let reply = Reply::read(&mut stream).await.expect("an answer");
    assert_eq!(reply.status, 413, "{reply:?}");
    assert_eq!(reply.headers["connection"], "close");
}

#[tokio::test]
async fn what_is_too_large_is_refused_over_http2_too() {
    let server = Server::start(
        engine(),
        Limits {
            body: 1024,
            ..patient()
        },
    )
    .await;
    let stream = server.connect(&["h2"]).await;
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = Request::post("https://localhost/mutate")
        .header("content-type", "application/json")
        .body(Body::from(vec![b' '; 10_000_000]))
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(serde_json::from_slice::<Value>(&body).unwrap()["hint"].is_string());
}

#[tokio::test]
async fn garbage_and_broken_requests_end_only_their_connection() {
    let server = Server::start(engine(), patient()).await;
    for garbage in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "POST /mutate HTTP/9.9\r\n\r\n",
    ] {
        let mut stream = server.connect(&["http/1.1"]).await;
        stream.write_all(garbage.as_bytes()).await.unwrap();
        time_to_close(&mut stream).await;
    }
    // A body that ends before its time.
    let mut stream = server.connect(&["http/1.1"]).await;
    let request = http1(&review(&pod()));
    stream
        .write_all(&request[..request.len() - 10])
        .await
        .unwrap();
    stream.shutdown().await.unwrap();
    time_to_close(&mut stream).await;
    // Plain HTTP where TLS is spoken.
    let mut plain = TcpStream::connect(server.addr).await.unwrap();
    plain.write_all(&request).await.unwrap();
    time_to_close(&mut plain).await;

    let mut stream = server.connect(&["http/1.1"]).await;
    stream.write_all(&request).await.unwrap();
    assert_eq!(
        Reply::read(&mut stream).await.expect("an answer").status,
        200
    );
}
