//! Every form of a value, right and wrong.

use super::*;

#[test]
fn durations() {
    for (text, seconds) in [
        ("0", 0),
        ("5", 5),
        ("5s", 5),
        (" 2m ", 120),
        ("1m30s", 90),
        ("24h", 86_400),
        ("86400", 86_400),
        ("1h0m1s", 3601),
    ] {
        assert_eq!(duration(text), Ok(seconds), "{text}");
    }
    for text in [
        "",
        " ",
        "-1",
        "+5",
        "1.5",
        "5 s",
        "5x",
        "5ms",
        "s",
        "1s1m",
        "1s1s",
        "30m30",
        "25h",
        "86401",
        "4294967296",
        "99999999999999h",
        "5s5",
        "é",
        "５",
    ] {
        assert!(duration(text).is_err(), "{text:?}");
    }
}

#[test]
fn pre_stop_hooks() {
    assert_eq!(
        PreStop::parse(r#"["/bin/x","-a"]"#),
        Ok(PreStop::Exec(vec!["/bin/x".into(), "-a".into()]))
    );
    let get = |port: &str, path: &str| {
        Ok(PreStop::HttpGet {
            port: port.into(),
            path: path.into(),
        })
    };
    assert_eq!(
        PreStop::parse("GET :8080/drain?now=1"),
        get("8080", "/drain?now=1")
    );
    assert_eq!(PreStop::parse("GET :http"), get("http", "/"));
    for text in [
        "",
        "[]",
        r#"[""]"#,
        "[1]",
        "/bin/x",
        "{}",
        "GET 8080/x",
        "GET :0/x",
        "GET :70000/",
        "GET :/x",
        "POST :80/x",
        "GET :80/a b",
        "GET :Http/x",
        "GET :a--b/",
    ] {
        assert!(PreStop::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn writable_paths() {
    assert_eq!(writable("/run"), Ok(vec!["/run".into()]));
    assert_eq!(
        writable("/run/, /var/tmp"),
        Ok(vec!["/run".into(), "/var/tmp".into()])
    );
    for text in ["", "/", "run", "/a/../b", "/a//b", "/a:b", "/run,", "/a\nb"] {
        assert!(writable(text).is_err(), "{text:?}");
    }
}

#[test]
fn signals_that_nothing_can_catch_are_refused() {
    assert!(stop_signal("SIGQUIT").is_ok());
    for text in ["SIGKILL", "9", "SIGSTOP", "19", "", "TERMINATE"] {
        assert!(stop_signal(text).is_err(), "{text:?}");
    }
}

#[test]
fn every_setting_has_its_key() {
    for setting in Setting::ALL {
        assert_eq!(Setting::from_key(setting.key()), Some(setting));
    }
}
