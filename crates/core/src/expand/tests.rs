use proptest::prelude::*;

use super::*;

fn environment(name: &str) -> Variable<'static> {
    match name {
        "CMD" => Variable::Value("app --flag"),
        "EMPTY" => Variable::Value(""),
        "NESTED" => Variable::Value("$(CMD) $$"),
        "a b.c" => Variable::Value("relaxed"),
        "POD" => Variable::Plain,
        "SECRET" => Variable::Hidden,
        _ => Variable::Undeclared,
    }
}

fn text(raw: &str) -> String {
    expand(raw, environment).text
}

#[test]
fn expands_as_the_kubelet_does() {
    for (raw, expected) in [
        ("", ""),
        ("plain", "plain"),
        ("$(CMD)", "app --flag"),
        ("a$(EMPTY)b", "ab"),
        ("$$", "$"),
        ("$$$$", "$$"),
        ("$$(CMD)", "$(CMD)"),
        ("$$$(CMD)", "$app --flag"),
        ("$(NESTED)", "$(CMD) $$"),
        ("$(a b.c)", "relaxed"),
        ("$(POD)", "x0"),
        ("$(date)", "$(date)"),
        ("$()", "$()"),
        ("$(CMD", "$(CMD"),
        ("$(", "$("),
        ("$", "$"),
        ("a$", "a$"),
        ("$CMD ${CMD}", "$CMD ${CMD}"),
        ("$x$(CMD)", "$xapp --flag"),
        ("$($(CMD)", "$($(CMD)"),
        ("$(date $(CMD))", "$(date $(CMD))"),
        ("é$(CMD)é", "éapp --flagé"),
    ] {
        assert_eq!(text(raw), expected, "{raw}");
    }
}

#[test]
fn what_nobody_can_see_is_unreadable() {
    let reason = |raw| expand(raw, environment).unreadable;
    assert_eq!(
        reason("a $(SECRET) $(SECRET)"),
        Some((Unreadable::HiddenVariable, 2..11))
    );
    assert_eq!(
        reason("a $é $(SECRET)"),
        Some((Unreadable::DollarBeforeNonAscii, 2..5))
    );
    assert_eq!(reason("$$é $(CMD)"), None, "the dollar sign is escaped");
    assert_eq!(reason("$$(SECRET) $(SECRET"), None);
}

#[test]
fn offsets_lead_back_to_the_raw_text() {
    let expanded = expand("a$$b $(CMD) c $(EMPTY)d", environment);
    assert_eq!(expanded.text, "a$b app --flag c d");
    for (offset, raw) in [
        (0, Some(0)),
        (1, Some(1)),
        (2, Some(3)),
        (4, Some(5)),
        (5, None),
        (8, None),
        (14, Some(11)),
        (15, Some(12)),
        (17, Some(22)),
        (18, Some(23)),
        (19, None),
    ] {
        assert_eq!(expanded.insertion(offset), raw, "{offset}");
    }
    assert_eq!(expanded.raw(0..1), 0..1);
    assert_eq!(expanded.raw(1..2), 1..3);
    assert_eq!(expanded.raw(5..6), 5..11, "the whole region");
    assert_eq!(expanded.raw(3..16), 4..13);
    assert_eq!(expanded.raw(0..18), 0..23);
}

#[test]
fn a_name_that_never_ends_costs_linear_time() {
    let unclosed = format!("){}", "$(".repeat(500_000));
    let started = std::time::Instant::now();
    assert_eq!(text(&unclosed), unclosed);
    assert!(started.elapsed().as_secs() < 2);
}

/// The documented rules, character by character: `(text, raw range of each text byte, unreadable)`.
fn naive(raw: &str) -> (String, Vec<(Range<usize>, bool)>, bool) {
    let chars: Vec<(usize, char)> = raw.char_indices().collect();
    let (mut out, mut from, mut unreadable) = (String::new(), Vec::new(), false);
    let mut put = |s: &str, range: Range<usize>, substituted: bool| {
        out.push_str(s);
        for index in 0..s.len() {
            from.push(if substituted {
                (range.clone(), true)
            } else {
                (range.start + index..range.start + index + 1, false)
            });
        }
    };
    let mut i = 0;
    while i < chars.len() {
        let (at, c) = chars[i];
        let next = chars.get(i + 1).map(|x| x.1);
        let close = (i + 2..chars.len()).find(|&j| chars[j].1 == ')');
        match (c, next, close) {
            ('$', Some('$'), _) => {
                put("$", at..at + 2, true);
                i += 2;
            }
            ('$', Some('('), Some(j)) => {
                let name: String = chars[i + 2..j].iter().map(|x| x.1).collect();
                let end = chars[j].0 + 1;
                match environment(&name) {
                    Variable::Value(value) => put(value, at..end, true),
                    Variable::Plain => put("x0", at..end, true),
                    Variable::Hidden => {
                        unreadable = true;
                        put("x0", at..end, true);
                    }
                    Variable::Undeclared => put(&raw[at..end], at..end, false),
                }
                i = j + 1;
            }
            ('$', Some(n), _) => {
                unreadable |= !n.is_ascii();
                put(
                    &raw[at..at + 1 + n.len_utf8()],
                    at..at + 1 + n.len_utf8(),
                    false,
                );
                i += 2;
            }
            _ => {
                put(&raw[at..at + c.len_utf8()], at..at + c.len_utf8(), false);
                i += 1;
            }
        }
    }
    (out, from, unreadable)
}

fn raw_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("$".to_owned()),
        Just("(".to_owned()),
        Just(")".to_owned()),
        Just("$$".to_owned()),
        Just("$(CMD)".to_owned()),
        Just("$(EMPTY)".to_owned()),
        Just("$(SECRET)".to_owned()),
        Just("$(POD)".to_owned()),
        Just("é".to_owned()),
        "[ a-z$()]{0,3}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn equals_the_documented_rules(raw in raw_text()) {
        let expanded = expand(&raw, environment);
        let (text, from, unreadable) = naive(&raw);
        prop_assert_eq!(&expanded.text, &text);
        prop_assert_eq!(expanded.unreadable.is_some(), unreadable);
        for (offset, (range, substituted)) in from.iter().enumerate() {
            let starts = offset == 0 || from[offset - 1].0 != *range;
            let expected = (!substituted || starts).then_some(range.start);
            prop_assert_eq!(expanded.insertion(offset), expected, "offset {}", offset);
            prop_assert_eq!(expanded.raw(offset..offset + 1), range.clone());
        }
    }

    #[test]
    fn inserting_before_or_after_expansion_is_the_same(raw in raw_text(), offset in 0_usize..40) {
        let expanded = expand(&raw, environment);
        // What is inserted goes before a word; a word never starts behind a dollar sign.
        let word = expanded.text.is_char_boundary(offset) && !expanded.text[..offset].ends_with('$');
        if let Some(at) = expanded.insertion(offset) && word {
            let mut before = raw.clone();
            before.insert_str(at, "exec ");
            let mut after = expanded.text.clone();
            after.insert_str(offset, "exec ");
            // Undeclared names are text: something inserted into one may stay one, or not.
            if !raw.contains("$(") || !after.contains("$(") {
                prop_assert_eq!(text(&before), after);
            }
        }
    }

    #[test]
    fn any_text_and_any_offset_are_fine(raw in ".*", start in 0_usize..60, end in 0_usize..60) {
        let expanded = expand(&raw, environment);
        let range = expanded.raw(start..end);
        prop_assert!(range.start <= range.end && range.end <= raw.len());
        if let Some(at) = expanded.insertion(start) {
            prop_assert!(at <= raw.len());
        }
    }
}
