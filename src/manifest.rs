//! YAML and JSON manifests: documents, positions, pods inside of workloads.
