//! What mode `audit` would change and what it found, by namespace: the figures that say whether to enforce.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::admission::Reviewed;

/// Namespaces that are told apart; each may bring a series per code. All further ones are counted together.
const NAMESPACES: usize = 100;

const OTHERS: &str = "(others)";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct PodLabels {
    namespace: String,
    would_be: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FindingLabels {
    namespace: String,
    code: &'static str,
    repaired: &'static str,
}

/// Counted for pods of mode `audit` only.
#[derive(Debug, Default)]
pub(super) struct AuditMetrics {
    pods: Family<PodLabels, Counter>,
    findings: Family<FindingLabels, Counter>,
    namespaces: Mutex<HashSet<String>>,
}

impl AuditMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "audit_pods",
            "Pods of mode audit, by namespace and by what enforce would make of them (patched, unchanged)",
            self.pods.clone(),
        );
        registry.register(
            "audit_findings",
            "Findings in pods of mode audit, by namespace and code, and whether enforce would repair them",
            self.findings.clone(),
        );
    }

    /// Counts the review, if the mode was `audit`.
    pub(super) fn review(&self, reviewed: &Reviewed) {
        let Some(enforced) = reviewed.enforced else {
            return;
        };
        let namespace = self.name(&reviewed.subject.namespace);
        self.pods
            .get_or_create(&PodLabels {
                namespace: namespace.clone(),
                would_be: enforced.as_str(),
            })
            .inc();
        for (code, repaired) in &reviewed.findings {
            self.findings
                .get_or_create(&FindingLabels {
                    namespace: namespace.clone(),
                    code: code.0,
                    repaired: if *repaired { "true" } else { "false" },
                })
                .inc();
        }
    }

    fn name(&self, namespace: &str) -> String {
        let mut known = self
            .namespaces
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if known.contains(namespace) || known.len() < NAMESPACES {
            known.insert(namespace.to_owned());
            namespace.to_owned()
        } else {
            OTHERS.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_without_end_do_not_make_series_without_end() {
        let metrics = AuditMetrics::default();
        let names = |from: usize| (from..from + NAMESPACES).map(|index| index.to_string());
        for name in names(0) {
            assert_eq!(metrics.name(&name), name);
        }
        for name in names(NAMESPACES) {
            assert_eq!(metrics.name(&name), OTHERS);
        }
        assert_eq!(metrics.name("7"), "7");
    }
}
