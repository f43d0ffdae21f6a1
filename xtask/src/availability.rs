//! `cargo xtask availability`: what becomes of pod creations while something fails.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use softstop_availability::{
    Failure, INSTALLED, Options, Outcome, SCENARIOS, Scenario, install, page,
};
use softstop_rig::{Node, NodeAssets};

#[derive(Debug, clap::Args)]
pub(crate) struct Task {
    /// What is to happen, everything if nothing is named; only a run of everything writes docs/availability.md
    scenarios: Vec<String>,
    /// How often softstop is rolled out
    #[arg(long, value_name = "N", default_value_t = 20)]
    times: u32,
    /// softstop's image as an OCI archive, instead of building it
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
}

pub(crate) fn run(task: &Task) -> anyhow::Result<ExitCode> {
    let chosen = chosen(&task.scenarios)?;
    let image = match &task.image {
        Some(image) => image.clone(),
        None => crate::image::built()?,
    };
    let mut node = Node::start(&NodeAssets::find_or_build()?)?;
    node.import_archive(&image)?;
    let options = Options {
        replicas: 3,
        failure_policy: "Ignore",
        set: Vec::new(),
    };
    let installed = install(&node, &options)?.took;
    println!("installed: the first pod changed after {installed:.1?}");

    let mut outcomes = Vec::new();
    for scenario in chosen {
        let outcome = scenario.run(&mut node, task.times)?;
        tell(scenario, &outcome);
        outcomes.push((scenario, outcome));
    }
    let broken =
        |(scenario, outcome): &(&Scenario, Outcome)| outcome.broken(scenario.promise).is_some();
    let code = if outcomes.iter().any(broken) || installed > INSTALLED {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    };
    if task.scenarios.is_empty() {
        crate::write("docs/availability.md", &page(installed, &outcomes))?;
    }
    Ok(code)
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Scenario>> {
    if names.is_empty() {
        return Ok(SCENARIOS.iter().collect());
    }
    let find = |name: &String| {
        let found = SCENARIOS.iter().find(|scenario| scenario.name == name);
        let Some(found) = found else {
            let names: Vec<_> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
            bail!("there is no {name}; there are {}", names.join(", "));
        };
        Ok(found)
    };
    names.iter().map(find).collect()
}

fn tell(scenario: &Scenario, outcome: &Outcome) {
    let creations = &outcome.creations;
    println!(
        "{:12} {:6} tried {} ({:.1} a second), changed {}, unchanged {}, refused {}, not ready {}, not there {}, slowest {:.2?}, restarts {}. {}",
        scenario.name,
        scenario.failure_policy,
        creations.tried,
        creations.rate(),
        creations.changed,
        creations.unchanged.len(),
        creations.refused.len(),
        creations.unready.len(),
        creations.unreachable.len(),
        creations.slowest,
        outcome.restarts,
        outcome.seen,
    );
    for failures in [
        &creations.refused,
        &creations.unready,
        &creations.unreachable,
    ] {
        for Failure { at, error } in failures.iter().take(2) {
            println!("    after {at:.1?}: {error}");
        }
    }
    if let Some(broken) = outcome.broken(scenario.promise) {
        println!("!!! PROMISE BROKEN: {broken}");
    }
}
