//! The certificate: checked before it is served, replaced while it is.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, KeyPair};
use softstop::certs::{CertError, Files, Pair, Served};
use softstop::telemetry::Metrics;
use tokio::time::{sleep, timeout};

use crate::harness::AMPLE;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A self-signed certificate and its key.
fn make(from: SystemTime, until: SystemTime) -> (String, String) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = from.into();
    params.not_after = until.into();
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn good() -> (String, String) {
    make(SystemTime::now() - DAY, SystemTime::now() + DAY)
}

fn check(cert: &str, key: &str) -> Result<Pair, CertError> {
    Pair::check(
        (Path::new("tls.crt"), cert.as_bytes()),
        (Path::new("tls.key"), key.as_bytes()),
        SystemTime::now(),
    )
}

#[test]
fn only_a_usable_pair_is_served() {
    let now = SystemTime::now();
    let (cert, key) = good();
    let (other_cert, other_key) = good();
    let (old, old_key) = make(now - 2 * DAY, now - DAY);
    let (early, early_key) = make(now + DAY, now + 2 * DAY);
    let chain = format!("{cert}{other_cert}");
    check(&cert, &key).expect("a good pair");
    check(&chain, &key).expect("a chain");
    check(&format!("text before\n{cert}"), &format!("{key}\n")).expect("with other text around");
    for (cert, key, message) in [
        ("", &key, "tls.crt holds no certificate in PEM form"),
        (&key, &key, "tls.crt holds no certificate in PEM form"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &key,
            "tls.crt is damaged PEM",
        ),
        (&cert[..cert.len() / 2], &key, "tls.crt"),
        (&cert, &String::new(), "tls.key holds no private key"),
        (&cert, &cert, "tls.key holds no private key"),
        (
            &cert,
            &other_key,
            "the key in tls.key does not belong to the first certificate in tls.crt",
        ),
        (
            &format!("{other_cert}{cert}"),
            &key,
            "the key in tls.key does not belong",
        ),
        (&old, &old_key, "the certificate in tls.crt expired at"),
        (
            &early,
            &early_key,
            "the certificate in tls.crt is valid only from",
        ),
    ] {
        let error = check(cert, key).expect_err(message).to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let missing = Files::load("/nonexistent/tls.crt".into(), "/nonexistent/tls.key".into())
        .expect_err("no file");
    assert!(
        missing
            .to_string()
            .starts_with("cannot read /nonexistent/tls.crt"),
        "{missing}"
    );
}

#[tokio::test]
async fn a_new_pair_is_served_and_a_bad_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (cert_path, key_path) = (dir.path().join("tls.crt"), dir.path().join("tls.key"));
    let write = |(cert, key): &(String, String)| {
        std::fs::write(&key_path, key).unwrap();
        std::fs::write(&cert_path, cert).unwrap();
    };
    let (first, second, third) = (good(), good(), good());
    write(&first);
    let (files, pair) = Files::load(cert_path.clone(), key_path.clone()).unwrap();
    let served = Served::new(&pair);
    let metrics = Arc::new(Metrics::default());
    let following = tokio::spawn(files.follow(
        Arc::clone(&served),
        Arc::clone(&metrics),
        Duration::from_millis(20),
    ));

    let arrives = |(cert, key): &(String, String)| {
        let expected = check(cert, key).unwrap().certified;
        let served = Arc::clone(&served);
        async move {
            while served.current().unwrap().cert != expected.cert {
                sleep(Duration::from_millis(5)).await;
            }
        }
    };
    let soon = AMPLE;
    timeout(soon, arrives(&first))
        .await
        .expect("the first pair");
    write(&second);
    timeout(soon, arrives(&second))
        .await
        .expect("the second pair");

    // Not the key of that certificate; then nothing at all.
    let refused = || {
        let text = metrics.encode();
        let count = text
            .lines()
            .find_map(|line| line.split_once(r#"reloads_total{result="refused"} "#));
        count.map_or(0, |(_, count)| count.parse::<u32>().unwrap())
    };
    let refused_again = async || {
        let before = refused();
        while refused() == before {
            sleep(Duration::from_millis(5)).await;
        }
    };
    let (mismatch, ()) = tokio::join!(timeout(soon, refused_again()), async {
        write(&(third.0.clone(), first.1.clone()));
    });
    mismatch.expect("to be refused");
    std::fs::remove_file(&cert_path).unwrap();
    timeout(soon, refused_again()).await.expect("to be refused");
    timeout(soon, arrives(&second))
        .await
        .expect("still the second pair");

    write(&third);
    timeout(soon, arrives(&third))
        .await
        .expect("the third pair");
    assert!(!following.is_finished());
    following.abort();
}
