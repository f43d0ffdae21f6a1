//! softstop in the cluster, as its users install it.

use std::path::Path;

use softstop_availability::Options;
use softstop_rig::Node;

use crate::manifest;

/// Installs softstop by its chart, from the image in this OCI archive, with injection switched on; and the policy of [`crate::Mode::Policy`].
pub fn install(node: &Node, image: &Path) -> anyhow::Result<()> {
    node.import_archive(image)?;
    let options = Options {
        // It is not softstop's own availability that is measured here, and the machine is small.
        replicas: 1,
        failure_policy: "Ignore",
        set: vec![
            "injection.enabled=true".to_owned(),
            // Two seconds are enough on a machine that is not crowded; a pod that is created without softstop would be counted as softstop's.
            "webhook.timeoutSeconds=10".to_owned(),
        ],
    };
    softstop_availability::install(node, &options)?;
    node.apply(&manifest::policy())
}
