//! Every contrast of `dashboard.md` §8, computed from the style sheet's own tokens, in both themes.

use std::collections::BTreeMap;

use super::super::assets;

type Colour = [f64; 3];

/// Token → light and dark.
fn tokens() -> BTreeMap<String, [Colour; 2]> {
    let css = assets::text_of("trackway.css");
    let mut out = BTreeMap::new();
    for line in css.lines() {
        let Some((name, rest)) = line.trim().strip_prefix("--").and_then(|l| l.split_once(": light-dark("))
        else {
            continue;
        };
        let (light, dark) = rest.trim_end_matches(");").split_once(", ").unwrap();
        out.insert(name.to_owned(), [colour(light), colour(dark)]);
    }
    out
}

fn colour(hex: &str) -> Colour {
    let hex = hex.strip_prefix('#').unwrap();
    [0, 2, 4].map(|i| f64::from(u8::from_str_radix(&hex[i..i + 2], 16).unwrap()) / 255.0)
}

fn luminance(colour: Colour) -> f64 {
    let [r, g, b] = colour.map(|c| if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Colour, b: Colour) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn text_and_marks_can_be_read_in_both_themes() {
    let tokens = tokens();
    assert!(tokens.len() >= 23, "{}", tokens.len());
    let rows = ["surface", "bg", "hover", "selected", "raised"];
    let mut cases: Vec<(&str, &str, f64)> = Vec::new();
    for row in rows {
        cases.extend(["text", "text-2", "text-3", "accent", "fail"].map(|t| (t, row, 4.5)));
    }
    for (ink, soft) in
        [("fail", "fail-soft"), ("warn", "warn-soft"), ("info", "info-soft"), ("good", "good-soft")]
    {
        cases.push((ink, soft, 4.5));
        cases.push((ink, "surface", 4.5));
    }
    cases.push(("on-accent", "accent", 4.5));
    cases.extend([
        ("line-2", "surface", 3.0),
        ("line-2", "bg", 3.0),
        ("s1", "surface", 3.0),
        ("focus", "bg", 3.0),
    ]);
    for (ink, ground, least) in cases {
        for (i, theme) in ["light", "dark"].into_iter().enumerate() {
            let got = contrast(tokens[ink][i], tokens[ground][i]);
            assert!(got >= least, "{ink} on {ground}, {theme}: {got:.2} < {least}");
        }
    }
}
