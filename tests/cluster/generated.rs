//! A thousand pods of every shape: none that the API server takes is refused because of softstop, and nothing of it changes but what
//! softstop is there to change.

mod difference;
mod pods;

use std::cell::Cell;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use serde_json::Value;

use crate::client::Client;
use crate::fixture::{cluster, runtime};
use crate::normal::normal;
use difference::unexpected;

/// Half of them are the same every time, so that a failure can be met again; half are new.
const CASES: u32 = 500;

#[test]
fn the_same_pods_every_time() {
    run(RngSeed::Fixed(0x736f_6674));
}

#[test]
fn new_pods_each_time() {
    run(RngSeed::Random);
}

fn run(seed: RngSeed) {
    let runtime = runtime();
    let client = runtime.block_on(cluster().client());
    let config = Config {
        cases: CASES,
        rng_seed: seed,
        // A pod that the API server refuses anyway is no case.
        max_global_rejects: CASES * 4,
        max_shrink_iters: 300,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let changed = Cell::new(0);
    match runner.run(&pods::pod(), |pod| {
        changed.set(changed.get() + u32::from(runtime.block_on(check(&client, &pod))?));
        Ok(())
    }) {
        // Otherwise there was nothing to see.
        Ok(()) => assert!(
            changed.get() > CASES / 4,
            "only {} of {CASES} were changed",
            changed.get()
        ),
        Err(TestError::Fail(reason, pod)) => panic!("{reason}\n{pod:#}"),
        Err(error) => panic!("{error}"),
    }
}

/// Whether softstop changed it.
async fn check(client: &Client, pod: &Value) -> Result<bool, TestCaseError> {
    let without = client.try_pod("bare", pod).await;
    if without.status >= 300 {
        return Err(TestCaseError::reject("refused without softstop"));
    }
    let with = client.try_pod("generated", pod).await;
    if with.status >= 300 {
        return Err(TestCaseError::fail(format!(
            "refused with softstop: {}",
            with.body["message"]
        )));
    }
    let (without, with) = (normal(&without.body), normal(&with.body));
    if let Some(difference) = unexpected(&without, &with) {
        return Err(TestCaseError::fail(difference));
    }
    let again = client.try_pod("generated", &with).await;
    if again.status >= 300 || normal(&again.body) != with {
        return Err(TestCaseError::fail(format!(
            "not the same the second time: {}",
            again.body
        )));
    }
    Ok(with != without)
}
