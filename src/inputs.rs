//! Files that stand in for the cluster: `--policy-file`, `--namespace-file`, `--facts-file`.
