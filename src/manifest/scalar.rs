//! What an unquoted word of YAML means to `kubectl`.
//!
//! `kubectl` and its kin read YAML through sigs.k8s.io/yaml, a YAML 1.1 parser: `yes` and `on` are booleans, `0755` is
//! octal, and a float without a fraction becomes an integer on the way to JSON. The table is that of its
//! `goyaml.v2/resolve.go`; the tests were compared with kubectl.

use serde_json::{Number, Value};

/// The value of a plain scalar.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

/// The value of a scalar with a tag of YAML's own (`!!int`): `None` where text and tag do not agree.
pub(super) fn tagged(tag: &str, text: &str) -> Option<Value> {
    let value = plain(text);
    match tag {
        "int" => value.is_i64().then_some(value),
        "float" => value.is_number().then_some(value),
        "bool" => value.is_boolean().then_some(value),
        "null" => value.is_null().then_some(value),
        _ => Some(Value::String(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Number> {
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return None;
    }
    let digits = if text.starts_with('.') {
        text.to_owned()
    } else {
        text.replace('_', "")
    };
    integer(&digits).or_else(|| is_float(&digits).then(|| float(&digits)).flatten())
}

/// Go's `ParseInt` with base 0: the prefix decides.
fn integer(text: &str) -> Option<Number> {
    let (negative, magnitude) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match magnitude.get(..2) {
        Some("0x" | "0X") => (16, &magnitude[2..]),
        Some("0o" | "0O") => (8, &magnitude[2..]),
        Some("0b" | "0B") => (2, &magnitude[2..]),
        Some(_) if magnitude.starts_with('0') => (8, &magnitude[1..]),
        _ => (10, magnitude),
    };
    if !digits.starts_with(|c: char| c.is_digit(radix)) {
        return None; // a second sign, which from_str_radix would accept
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        0i64.checked_sub_unsigned(magnitude).map(Number::from)
    } else {
        Some(Number::from(magnitude))
    }
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (
            mantissa,
            Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)),
        ),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole)
        && all_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(|exponent| !exponent.is_empty() && all_digits(exponent))
}

fn float(text: &str) -> Option<Number> {
    let value: f64 = text.parse().ok()?;
    // Beyond 2^53 a float is not an integer that anybody wrote.
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        #[expect(clippy::cast_possible_truncation, reason = "whole, and small enough")]
        return Some(Number::from(value as i64));
    }
    Number::from_f64(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn as_kubectl_reads_them() {
        for (text, value) in [
            ("y", json!(true)),
            ("ON", json!(true)),
            ("yEs", json!("yEs")),
            ("n", json!(false)),
            ("off", json!(false)),
            ("~", json!(null)),
            ("", json!(null)),
            ("030", json!(24)),
            ("0o17", json!(15)),
            ("08", json!(8)),
            ("0", json!(0)),
            ("0x1F", json!(31)),
            ("0b11", json!(3)),
            ("-0b11", json!(-3)),
            ("+5", json!(5)),
            ("+-5", json!("+-5")),
            ("1_000", json!(1000)),
            ("1__0", json!(10)),
            ("_1", json!("_1")),
            ("1e3", json!(1000)),
            ("1.0", json!(1)),
            ("3.", json!(3)),
            (".5", json!(0.5)),
            (".", json!(".")),
            ("1.5.2", json!("1.5.2")),
            ("1.27-alpine", json!("1.27-alpine")),
            ("5s", json!("5s")),
            ("--workers", json!("--workers")),
            ("-", json!("-")),
            ("2001-01-01", json!("2001-01-01")),
            (
                "12345678901234567890",
                json!(12_345_678_901_234_567_890_u64),
            ),
            (
                "123456789012345678901234567890",
                json!(1.234_567_890_123_456_8e29),
            ),
            ("1e400", json!("1e400")),
            ("-9223372036854775808", json!(i64::MIN)),
            ("infinity", json!("infinity")),
        ] {
            assert_eq!(plain(text), value, "{text:?}");
        }
    }

    #[test]
    fn tags_decide() {
        assert_eq!(tagged("str", "5"), Some(json!("5")));
        assert_eq!(tagged("int", "7"), Some(json!(7)));
        assert_eq!(tagged("int", "x"), None);
        assert_eq!(tagged("float", "3"), Some(json!(3)));
        assert_eq!(tagged("bool", "yes"), Some(json!(true)));
        assert_eq!(tagged("null", ""), Some(json!(null)));
    }
}
