use super::*;
use proptest::prelude::*;

/// Words of a line; those with a `$` are not known.
fn words(line: &str) -> Vec<Word> {
    line.split_whitespace()
        .map(|text| Word {
            text: text.into(),
            known: !text.contains('$'),
        })
        .collect()
}

/// The names of the peeled launchers and what is left.
fn peeled(line: &str) -> (Vec<&'static str>, String) {
    let argv = words(line);
    let peeled = peel(&argv);
    assert_eq!(peeled.unread, None, "{line}");
    let rest: Vec<_> = argv[peeled.rest..]
        .iter()
        .map(|w| w.text.as_str())
        .collect();
    (
        peeled.launchers.iter().map(|p| p.launcher.name).collect(),
        rest.join(" "),
    )
}

#[test]
fn launchers_are_peeled() {
    for (line, launchers, rest) in [
        ("gunicorn app", &[][..], "gunicorn app"),
        ("", &[], ""),
        ("/usr/bin/env python app.py", &["env"], "python app.py"),
        ("env -i A=b C=$D app -x", &["env"], "app -x"),
        ("env", &["env"], ""),
        ("/sbin/tini -s -- app", &["tini"], "app"),
        ("tini -p SIGKILL -sv app", &["tini"], "app"),
        ("tini -e 143 -e143 app", &["tini"], "app"),
        ("docker-init -- sh -c x", &["docker-init"], "sh -c x"),
        ("catatonit -g -- app", &["catatonit"], "app"),
        (
            "dumb-init --rewrite 15:3 --verbose app",
            &["dumb-init"],
            "app",
        ),
        (
            "nice -n 5 nohup stdbuf -oL app",
            &["nice", "nohup", "stdbuf"],
            "app",
        ),
        ("nice --adjustment=5 app", &["nice"], "app"),
        (
            "setpriv --reuid=1000 --regid 1000 --clear-groups app",
            &["setpriv"],
            "app",
        ),
        ("chroot --userspec=a:b / app", &["chroot"], "app"),
        ("gosu $USER app", &["gosu"], "app"),
        ("su-exec 1000:1000 tini -- app", &["su-exec", "tini"], "app"),
        ("chpst -u www -m 1000 app", &["chpst"], "app"),
        ("timeout -s INT 30 app", &["timeout"], "app"),
        ("sudo -EH -u www FOO=1 app", &["sudo"], "app"),
        ("poetry run gunicorn app", &["poetry"], "gunicorn app"),
        ("uv run --frozen --project=x gunicorn", &["uv"], "gunicorn"),
        ("bundle exec puma -t 5", &["bundle"], "puma -t 5"),
        (
            "newrelic-admin run-program ddtrace-run app",
            &["newrelic-admin", "ddtrace-run"],
            "app",
        ),
        (
            "opentelemetry-instrument --service_name a app",
            &["opentelemetry-instrument"],
            "app",
        ),
        ("/vault/vault-env app", &["vault-env"], "app"),
        ("$DIR/tini -- $VENV/bin/app", &["tini"], "$VENV/bin/app"),
        ("flock -n /lock app", &["flock"], "app"),
        ("runuser -u www -- app", &["runuser"], "app"),
        ("setsid -w app", &["setsid"], "app"),
    ] {
        assert_eq!(
            peeled(line),
            (launchers.to_vec(), rest.to_owned()),
            "{line}"
        );
    }
}

#[test]
fn what_is_not_understood_is_not_peeled() {
    for (line, unread, rest) in [
        ("env -u HOME app", "env", 0),
        ("env -S app", "env", 0),
        ("env A=b -i app", "env", 0),
        ("tini --nope app", "tini", 0),
        ("tini -h", "tini", 0),
        ("tini -p", "tini", 0),
        ("tini - app", "tini", 0),
        ("tini -$X app", "tini", 0),
        ("gosu -- www app", "gosu", 0),
        ("gosu", "gosu", 0),
        ("timeout -k 5 30 app", "timeout", 0),
        ("timeout 30 --foreground app", "timeout", 0),
        ("dumb-init --rewrite 15 app", "dumb-init", 0),
        ("dumb-init --rewrite=$X app", "dumb-init", 0),
        ("bundle install", "bundle", 0),
        ("poetry -C /app run app", "poetry", 0),
        ("sudo -i", "sudo", 0),
        ("tini -- su -c app", "su", 2),
        ("env npm start", "npm", 1),
        ("flock /lock -c app", "flock", 0),
        (
            "/tekton/bin/entrypoint -entrypoint app",
            "/tekton/bin/entrypoint",
            0,
        ),
        ("/var/run/argo/argoexec emissary -- app", "argoexec", 0),
    ] {
        let peeled = peel(&words(line));
        assert_eq!(peeled.unread.map(|l| l.name), Some(unread), "{line}");
        assert_eq!(peeled.rest, rest, "{line}");
    }
}

#[test]
fn a_user_program_of_a_common_name_is_no_launcher() {
    for line in [
        "/entrypoint app",
        "$LAUNCHER app",
        "/opt/$X app",
        "tini$X app",
    ] {
        assert_eq!(peel(&words(line)), Peeled::default(), "{line}");
    }
}

#[test]
fn options_and_variables_change_what_is_passed_on() {
    use Passing::{Forwards, GroupInit, Init, Replaces, Swallows};
    let group = ("TINI_KILL_PROCESS_GROUP", "");
    let child = ("DUMB_INIT_SETSID", "0");
    for (line, variable, expected) in [
        ("tini app", ("", ""), Init),
        ("tini -g app", ("", ""), GroupInit),
        ("tini -vg -- app", ("", ""), GroupInit),
        ("tini -- app -g", ("", ""), Init),
        ("tini app", group, GroupInit),
        ("dumb-init app", ("", ""), GroupInit),
        ("dumb-init app", group, GroupInit),
        ("dumb-init -c app", ("", ""), Init),
        ("dumb-init -vc app", ("", ""), Init),
        ("dumb-init --single-child app", ("", ""), Init),
        ("dumb-init app", child, Init),
        ("dumb-init app", ("DUMB_INIT_SETSID", "1"), GroupInit),
        ("dumb-init -r 15:0 app", child, Swallows),
        ("timeout 5 app", ("", ""), GroupInit),
        ("timeout --foreground 5 app", ("", ""), Forwards),
        ("catatonit -g app", ("", ""), GroupInit),
        ("env app", group, Replaces),
    ] {
        let peeled = peel(&words(line));
        let passing = peeled.launchers[0].passing_in(|n| (n == variable.0).then_some(variable.1));
        assert_eq!(passing, expected, "{line} {variable:?}");
    }
}

#[test]
fn rewritten_signals_are_seen() {
    for (line, signal) in [
        ("dumb-init app", None),
        ("dumb-init --rewrite 15:3 app", Some(Signal::QUIT)),
        ("dumb-init --rewrite=15:2 app", Some(Signal::INT)),
        ("dumb-init -r15:2 -r 15:3 app", Some(Signal::QUIT)),
        ("dumb-init -r 2:3 app", None),
        ("dumb-init -r 15:0 app", None),
    ] {
        assert_eq!(
            peel(&words(line)).launchers[0].term_becomes,
            signal,
            "{line}"
        );
    }
}

#[test]
fn assignments_are_found() {
    let peeled = peel(&words("nice env -i A=b C=d app E=f"));
    assert_eq!(peeled.launchers[1].at, 1);
    assert_eq!(peeled.launchers[1].assignments, (3, 5));
    assert_eq!(peel(&words("env A=b")).rest, 2);
    assert_eq!(
        peel(&words("env $X=b app")).rest,
        1,
        "nobody knows what this word is"
    );
}

proptest! {
    #[test]
    fn any_line_is_peeled_to_the_end(
        argv in proptest::collection::vec(
            (prop_oneof![
                "\\PC{0,6}", "-{0,2}[a-zA-Z=:$0-9]{0,4}",
                Just("env".to_owned()), Just("tini".to_owned()), Just("timeout".to_owned()),
                Just("dumb-init".to_owned()), Just("sudo".to_owned()), Just("uv".to_owned()),
                Just("run".to_owned()), Just("--".to_owned()), Just("A=b".to_owned()),
            ], any::<bool>()).prop_map(|(text, known)| Word { text, known }),
            0..10,
        ),
    ) {
        let peeled = peel(&argv);
        prop_assert!(peeled.rest <= argv.len());
        prop_assert!(peeled.launchers.is_sorted_by_key(|p| p.at));
        prop_assert!(peeled.launchers.iter().all(|p| p.at < peeled.rest && p.assignments.1 <= peeled.rest));
        let again = peel(&argv[peeled.rest..]);
        prop_assert!(again.launchers.is_empty() && again.rest == 0);
        prop_assert_eq!(again.unread, peeled.unread);
    }
}
