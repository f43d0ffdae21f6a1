//! softstop's own certificates on a real API server: what happens to the creation of pods meanwhile. Each pod needs three
//! replicas, each call makes a handshake, and `failurePolicy` is `Fail`.
//!
//! On an API server of their own, since one case restarts it, and one after the other, since some have a time limit.

mod account;
mod objects;
mod site;

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;
use softstop_availability::{Creations, Load};
use softstop_rig::{Assets, Rig};
use tokio::sync::Mutex;
use tokio::time::sleep;

use site::{Site, within};

static RIG: LazyLock<Mutex<Rig>> = LazyLock::new(|| {
    let assets = Assets::find_or_build().expect("the programs of the rig");
    Mutex::new(Rig::start(&assets).expect("a running API server"))
});

const THREE: [&[&str]; 3] = [&[]; 3];

/// A year in 40 s, a week in 5 s.
const SHORT: [&[&str]; 3] = [&["--test-ca-life=40", "--test-certificate-life=5"]; 3];

/// Ends the load and prints the row of the table in docs/reliability.md.
#[allow(clippy::print_stdout, reason = "shown by --nocapture")]
async fn end(load: Load, case: &str) -> Creations {
    let creations = load.finish().await.unwrap();
    println!(
        "| {case} | {} ({:.1}) | {} | {:.2} s | {} |",
        creations.tried,
        creations.rate(),
        creations.refused.len(),
        creations.longest_refusal().as_secs_f32(),
        creations.unready.len() + creations.unreachable.len(),
    );
    assert!(creations.rate() >= 20.0, "{}", creations.rate());
    assert_eq!(creations.unchanged, [Duration::ZERO; 0]);
    creations
}

/// The same, where every pod has to be created.
async fn end_without_loss(load: Load, case: &str) {
    let creations = end(load, case).await;
    assert_eq!(creations.changed, creations.tried, "{creations:?}");
}

/// Deletes the Secret, and waits until a replica has made another.
async fn delete_secret_thrice(site: &Site) {
    for _ in 0..3 {
        sleep(Duration::from_secs(2)).await;
        site.delete_secret().await;
        within(Duration::from_secs(5), async || site.secret().await).await;
    }
    sleep(Duration::from_secs(2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_replicas_start_from_nothing() {
    let rig = RIG.lock().await;
    let mut site = Site::start(&rig, "bootstrap", &THREE).await;
    let took = site.ready().await;
    assert!(took < Duration::from_secs(10), "ready only after {took:?}");
    let load = site.load();
    sleep(Duration::from_secs(6)).await;
    end_without_loss(load, "three replicas start from nothing, at once").await;
    assert_eq!(site.authorities().await, 1);
    assert_eq!(site.bundles().await, [1; 4]);
    let matches = format!(
        "softstop_tls_ca_bundle_matches{{configuration=\"{}\"}}",
        "bootstrap"
    );
    within(Duration::from_secs(15), async || {
        (site.metric(&matches).await >= 3.0).then_some(())
    })
    .await;
    site.assert_alive();
}

#[tokio::test(flavor = "multi_thread")]
async fn cas_are_rotated() {
    let rig = RIG.lock().await;
    let site = Site::start(&rig, "rotation", &SHORT).await;
    site.ready().await;
    let first = site.secret().await.unwrap();
    let load = site.load();
    sleep(Duration::from_secs(60)).await;
    end_without_loss(load, "two CA rotations; a new certificate every 3 s").await;
    let made = site
        .metric("softstop_tls_rotations_total{object=\"ca\",result=\"done\"}")
        .await;
    assert!(made >= 3.0, "only {made}");
    assert_ne!(site.secret().await.unwrap()["data"], first["data"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_deleted() {
    let rig = RIG.lock().await;
    let site = Site::start(&rig, "deleted", &THREE).await;
    site.ready().await;
    let load = site.load();
    delete_secret_thrice(&site).await;
    end_without_loss(load, "Secret deleted, 3 times").await;
    // Of what an installer applies to it, such as labels, nothing is taken.
    let made = site.secret().await.unwrap();
    let owned = &made["metadata"]["managedFields"][0]["fieldsV1"];
    assert_eq!(owned["f:metadata"], Value::Null, "{owned}");
    // What is served is still signed by the first.
    assert_eq!(site.authorities().await, 1);
    within(Duration::from_secs(5), async || {
        (site.bundles().await == [4; 4]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bundle_is_blanked() {
    let rig = RIG.lock().await;
    let site = Site::start(&rig, "blanked", &THREE).await;
    site.ready().await;
    let load = site.load();
    let mut blank = site.webhooks().await;
    for webhook in blank.as_array_mut().unwrap() {
        webhook["clientConfig"]["caBundle"] = "".into();
    }
    let mut longest = Duration::ZERO;
    for _ in 0..5 {
        sleep(Duration::from_secs(2)).await;
        site.restore_webhooks(&blank).await;
        let blanked = Instant::now();
        within(Duration::from_secs(1), async || {
            (site.bundles().await == [1; 4]).then_some(())
        })
        .await;
        longest = longest.max(blanked.elapsed());
    }
    sleep(Duration::from_secs(2)).await;
    let case = format!(
        "`caBundle` blanked, 5 times; written again within {:.2} s",
        longest.as_secs_f32()
    );
    let creations = end(load, &case).await;
    let refused = creations.longest_refusal();
    assert!(refused <= Duration::from_secs(1), "{refused:?}");
    assert_eq!(creations.changed + creations.refused.len(), creations.tried);
}

#[tokio::test(flavor = "multi_thread")]
async fn secret_and_bundle_are_restored() {
    let rig = RIG.lock().await;
    let site = Site::start(&rig, "restored", &SHORT).await;
    site.ready().await;
    let (secret, webhooks) = (site.secret().await.unwrap(), site.webhooks().await);
    let load = site.load();
    // The second CA comes after two thirds of 40 s, and is forgotten.
    within(Duration::from_secs(40), async || {
        (site.bundles().await == [2; 4]).then_some(())
    })
    .await;
    sleep(Duration::from_secs(1)).await;
    site.restore_secret(&secret).await;
    site.restore_webhooks(&webhooks).await;
    within(Duration::from_secs(5), async || {
        (site.authorities().await == 2).then_some(())
    })
    .await;
    sleep(Duration::from_secs(18)).await;
    end_without_loss(load, "Secret and `caBundle` restored from an old backup").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_differ() {
    let rig = RIG.lock().await;
    let flags: [&[&str]; 3] = [
        &["--test-clock-offset=600"],
        &[],
        &["--test-clock-offset=-600"],
    ];
    let site = Site::start(&rig, "clocks", &flags).await;
    site.ready().await;
    let load = site.load();
    // Whoever is first makes the next CA, by its own clock.
    delete_secret_thrice(&site).await;
    let case = "clocks of two replicas 10 min ahead and behind; Secret deleted 3 times";
    end_without_loss(load, case).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_restarts() {
    let mut rig = RIG.lock().await;
    let mut site = Site::start(&rig, "restarted", &THREE).await;
    site.ready().await;
    let load = site.load();
    sleep(Duration::from_secs(2)).await;
    rig.restart_apiserver().unwrap();
    // Its watches are taken up again.
    sleep(Duration::from_secs(3)).await;
    site.delete_secret().await;
    within(Duration::from_secs(10), async || site.secret().await).await;
    sleep(Duration::from_secs(2)).await;
    let case = "API server killed and started again; then Secret deleted";
    let creations = end(load, case).await;
    assert_eq!(creations.refused.len(), 0, "{creations:?}");
    assert!(!creations.unreachable.is_empty(), "it was never away");
    site.assert_alive();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_nothing() {
    let rig = RIG.lock().await;
    // No certificate can say that year: making one panics.
    let flags: [&[&str]; 1] = [&["--test-clock-offset=1000000000000000"]];
    let mut site = Site::start(&rig, "panics", &flags).await;
    within(Duration::from_secs(30), async || {
        (site.metric("softstop_tls_rotation_panics_total").await >= 2.0).then_some(())
    })
    .await;
    site.assert_alive();
    assert_eq!(site.bundles().await, [0; 2]);
}
