//! The decisions, one by one.

use super::*;

const NOW: i64 = 1_800_000_000;

/// Made that many days ago.
fn ca(name: &str, days: i64) -> Ca {
    let created = NOW - days * DAY;
    Ca {
        created,
        expires: created + Lives::default().ca,
        der: name.into(),
    }
}

fn served(issuer: &Ca, days: i64) -> Issued {
    let since = NOW - days * DAY;
    Issued {
        issuer: issuer.clone(),
        renew: since + 4 * DAY,
        expires: (since + 7 * DAY).min(issuer.expires),
    }
}

fn bundle(ours: &[&Ca]) -> Bundle {
    Bundle {
        ours: ours.iter().copied().cloned().collect(),
        foreign: false,
    }
}

/// The Secret, the bundles, what is served; the bundle that should be, who signs, whether a CA is appended.
type Case<'a> = (
    &'a str,
    &'a [&'a Ca],
    &'a [Bundle],
    Option<Issued>,
    &'a [&'a Ca],
    Option<&'a Ca>,
    bool,
);

#[test]
#[allow(clippy::too_many_lines, reason = "a flat table")]
fn each_state_of_the_cluster_has_its_answer() {
    let (first, second, fresh) = (ca("first", 250), ca("second", 6), ca("fresh", 0));
    let (ending, over, long_over) = (ca("ending", 360), ca("over", 365), ca("long over", 366));
    let early = Ca {
        created: NOW + 2 * HOUR,
        expires: NOW + DAY,
        der: b"early".to_vec(),
    };
    let (young, old) = (served(&second, 1), served(&second, 5));
    let both = bundle(&[&first, &second]);
    let cases: &[Case<'_>] = &[
        ("nothing at all", &[], &[], None, &[], None, true),
        (
            "just made",
            &[&fresh],
            &[bundle(&[])],
            None,
            &[&fresh],
            Some(&fresh),
            false,
        ),
        (
            "made, no configuration yet",
            &[&fresh],
            &[],
            None,
            &[&fresh],
            Some(&fresh),
            false,
        ),
        (
            "all is well",
            &[&second],
            &[bundle(&[&second])],
            Some(young.clone()),
            &[&second],
            None,
            false,
        ),
        (
            "due",
            &[&second],
            &[bundle(&[&second])],
            Some(old.clone()),
            &[&second],
            Some(&second),
            false,
        ),
        (
            "due, but nobody would trust it",
            &[&second],
            &[bundle(&[])],
            Some(old.clone()),
            &[&second],
            None,
            false,
        ),
        (
            "due, trusted by one of two",
            &[&second],
            &[bundle(&[&second]), bundle(&[])],
            Some(old.clone()),
            &[&second],
            None,
            false,
        ),
        (
            "expired, and nobody would trust it",
            &[&second],
            &[bundle(&[])],
            Some(served(&second, 7)),
            &[&second],
            Some(&second),
            false,
        ),
        (
            "two thirds are over",
            &[&first],
            &[bundle(&[&first])],
            Some(served(&first, 1)),
            &[&first],
            None,
            true,
        ),
        (
            "the old one signs on",
            &[&first, &second],
            std::slice::from_ref(&both),
            None,
            &[&first, &second],
            Some(&first),
            false,
        ),
        (
            "... until it ends before the certificate",
            &[&ending, &second],
            &[bundle(&[&ending, &second])],
            None,
            &[&ending, &second],
            Some(&second),
            false,
        ),
        (
            "... and longer, if the new one is not trusted",
            &[&ending, &second],
            &[bundle(&[&ending])],
            None,
            &[&ending, &second],
            Some(&ending),
            false,
        ),
        (
            "over: trusted for an hour more",
            &[&over, &second],
            &[bundle(&[&over, &second])],
            None,
            &[&over, &second],
            Some(&second),
            false,
        ),
        (
            "over: not added",
            &[&over, &second],
            &[bundle(&[&second])],
            None,
            &[&second],
            Some(&second),
            false,
        ),
        (
            "long over",
            &[&long_over, &second],
            &[bundle(&[&long_over, &second])],
            None,
            &[&second],
            Some(&second),
            false,
        ),
        (
            "blanked",
            &[&second],
            &[bundle(&[])],
            Some(young.clone()),
            &[&second],
            None,
            false,
        ),
        (
            "Secret deleted",
            &[],
            &[bundle(&[&second])],
            Some(young.clone()),
            &[&second],
            None,
            true,
        ),
        (
            "... made anew",
            &[&fresh],
            &[bundle(&[&second])],
            Some(young.clone()),
            &[&second, &fresh],
            None,
            false,
        ),
        (
            "... and trusted: the other one works, too",
            &[&fresh],
            &[bundle(&[&second, &fresh])],
            Some(young.clone()),
            &[&second, &fresh],
            None,
            false,
        ),
        (
            "... for a while: what was lost is replaced",
            &[&second],
            &[bundle(&[&second, &first])],
            Some(served(&first, 1)),
            &[&first, &second],
            Some(&second),
            false,
        ),
        (
            "... unless nobody would trust it",
            &[&second],
            &[bundle(&[&first])],
            Some(served(&first, 1)),
            &[&first, &second],
            None,
            false,
        ),
        (
            "... also for one who starts",
            &[&fresh],
            &[bundle(&[&second, &fresh])],
            None,
            &[&second, &fresh],
            Some(&fresh),
            false,
        ),
        (
            "Secret from a backup",
            &[&first],
            std::slice::from_ref(&both),
            Some(young.clone()),
            &[&first, &second],
            Some(&first),
            true,
        ),
        (
            "Secret and bundle from a backup",
            &[&first],
            &[bundle(&[&first])],
            Some(young.clone()),
            &[&first, &second],
            Some(&first),
            true,
        ),
        (
            "made by a clock that is hours ahead",
            &[&early],
            &[bundle(&[&early])],
            None,
            &[&early],
            None,
            true,
        ),
        (
            "... beside a good one",
            &[&early, &second],
            &[bundle(&[&early, &second])],
            None,
            &[&early, &second],
            Some(&second),
            false,
        ),
    ];
    for (name, list, bundles, served, wanted, sign, append) in cases {
        let list: Vec<_> = list.iter().copied().cloned().collect();
        let decision = decide(&View {
            list: &list,
            bundles,
            served: served.as_ref(),
            now: NOW,
            lives: Lives::default(),
        });
        let mut wanted: Vec<_> = wanted.iter().copied().cloned().collect();
        wanted.sort();
        assert_eq!(decision.bundle, wanted, "{name}");
        assert_eq!(decision.sign.as_ref(), *sign, "{name}");
        assert_eq!(decision.append, *append, "{name}");
    }
}

#[test]
fn a_bundle_that_holds_the_same_is_left_alone() {
    let (first, second) = (ca("first", 250), ca("second", 6));
    let wanted = [first.clone(), second.clone()];
    assert!(bundle(&[&second, &first]).holds(&wanted));
    assert!(!bundle(&[&first]).holds(&wanted));
    assert!(!bundle(&[&first, &second, &ca("third", 1)]).holds(&wanted));
    let foreign = Bundle {
        foreign: true,
        ..bundle(&[&first, &second])
    };
    assert!(!foreign.holds(&wanted));
}

#[test]
fn lost_authorities_do_not_pile_up() {
    let current = ca("current", 0);
    let lost: Vec<_> = (1..100).map(|days| ca("lost", days)).collect();
    let oldest = lost.last().unwrap();
    let view = |served| {
        decide(&View {
            list: std::slice::from_ref(&current),
            bundles: &[bundle(&lost.iter().collect::<Vec<_>>())],
            served,
            now: NOW,
            lives: Lives::default(),
        })
        .bundle
    };
    let bundle = view(None);
    assert_eq!(bundle.len(), 33);
    assert!(bundle.contains(&current) && bundle.contains(&lost[0]) && !bundle.contains(oldest));
    // What is served here is needed, however old.
    assert!(view(Some(&served(oldest, 1))).contains(oldest));
}
