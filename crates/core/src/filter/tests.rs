//! The grammar by case, and parsing what was printed.

use proptest::prelude::*;

use super::super::fields;
use super::*;

#[test]
fn conditions_are_read() {
    #[rustfmt::skip]
    let cases: &[(&str, Field, Op, &[&str])] = &[
        ("tool:eq:search", Field::Tool, Op::Eq, &["search"]),
        ("tool:in:a,b", Field::Tool, Op::In, &["a", "b"]),
        (r"tool:in:a\,b,c\\", Field::Tool, Op::In, &["a,b", r"c\"]),
        (r"resource:eq:C:\temp\x", Field::Resource, Op::Eq, &[r"C:\temp\x"]),
        ("tool:eq:", Field::Tool, Op::Eq, &[""]),
        ("error:has:a:b", Field::Error, Op::Has, &["a:b"]),
        ("person:set", Field::Person, Op::Set, &[]),
        ("duration:gte:12.5", Field::Duration, Op::Gte, &["12.5"]),
        ("status:nin:ok,timeout", Field::Status, Op::Nin, &["ok", "timeout"]),
        ("failed:eq:true", Field::Failed, Op::Eq, &["true"]),
        ("intent_source:eq:none", Field::IntentSource, Op::Eq, &["none"]),
        ("tag.env:eq:prod", Field::Tag("env".into()), Op::Eq, &["prod"]),
        (r"tag.a\:b\.c:eq:x", Field::Tag("a:b.c".into()), Op::Eq, &["x"]),
        ("tag.a.b:unset", Field::Tag("a.b".into()), Op::Unset, &[]),
        ("trait.plan:eq:pro", Field::Trait("plan".into()), Op::Eq, &["pro"]),
        ("trait.seats:gte:5", Field::Trait("seats".into()), Op::Gte, &["5"]),
        ("prop.plan.tier:gt:2", Field::Prop("plan.tier".into()), Op::Gt, &["2"]),
        (r"tool:re:^get_(run|job)\.v2$", Field::Tool, Op::Re, &[r"^get_(run|job)\.v2$"]),
        (r"error:re:a{1\,3}", Field::Error, Op::Re, &["a{1,3}"]),
        ("ending:in:stuck,failed", Field::Ending, Op::In, &["stuck", "failed"]),
        ("signal:eq:loop", Field::Signal, Op::Eq, &["loop"]),
        ("catalog:eq:8f3a", Field::Catalog, Op::Eq, &["8f3a"]),
        ("client_raw:eq:x", Field::ClientRaw, Op::Eq, &["x"]),
        ("transport:eq:stdio", Field::Transport, Op::Eq, &["stdio"]),
        ("group.organization:in:acme,shop", Field::Group("organization".into()), Op::In, &["acme", "shop"]),
    ];
    for (text, field, op, values) in cases {
        let got = Condition::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!((&got.field, got.op), (field, *op), "{text}");
        assert_eq!(got.values, *values, "{text}");
    }
}

#[test]
fn refusals_say_what_to_write() {
    for (text, expect) in [
        ("tool", "is no condition"),
        ("", "is no condition"),
        ("tol:eq:x", "did you mean \"tool\"?"),
        ("Status:eq:ok", "did you mean \"status\"?"),
        ("tag.:eq:x", "did you mean \"tag.<key>\"?"),
        ("goal:eq:x", "search intent:has"),
        ("field.plan:eq:x", "use prop.<path>"),
        ("prop.:eq:x", "did you mean \"prop.<path>\"?"),
        ("prop.plan:gt:x", "write a number"),
        ("signal:eq:lop", "write one of missing, feedback, loop"),
        ("ending:eq:open", "write one of idle, done, partial, failed, stuck"),
        ("kind:eq:tool_cal", "did you mean \"tool_call\"?"),
        ("catalog:eq:8f", "the first four"),
        ("catalog:has:8f3a", "has cannot be asked of catalog"),
        ("duration:re:1", "re cannot be asked of duration"),
        ("tool:re:(", "is no pattern"),
        ("tool:re:(?=a)", "is no pattern"),
        ("tool:re:((((a{99}){99}){99}){99})", "is no pattern"),
        ("tool:re:", "is no pattern"),
        ("unknown_tool:eq:maybe", "write true or false"),
        ("tokens:gt:many", "write a number"),
        ("trait.seats:gt:many", "write a number"),
        ("group.:eq:x", "did you mean \"group.<type>\"?"),
        ("tool:equals:x", "did you mean \"eq\"?"),
        ("tool:gt:x", "gt cannot be asked of tool"),
        ("duration:has:1", "has cannot be asked of duration"),
        ("duration:gt:fast", "write a number"),
        ("duration:gt:inf", "write a number"),
        ("status:eq:failed", "write one of ok, tool_error"),
        ("failed:eq:yes", "write true or false"),
        ("issue:eq:x", "the issue's number"),
        ("tool:eq:a,b", "use in or nin"),
        ("tool:eq", "exactly one value"),
        ("tool:set:x", "takes no value"),
        ("tool:in", "1 to 50 values"),
    ] {
        let error = Condition::parse(text).map(|c| c.to_string()).expect_err(text).to_string();
        assert!(error.contains(expect), "{text}: {error}");
    }
    let many = vec!["tool:set"; 21];
    assert_eq!(Filter::parse(many, None), Err(FilterError::TooMany));
    let values = format!("tool:in:{}", vec!["x"; 51].join(","));
    assert!(Condition::parse(&values).is_err());
}

#[test]
fn the_typed_form_means_the_same() {
    for (typed, conditions, text) in [
        (
            "tool:search status:tool_error client:\"Claude Code\" -person:test@ duration:>500 intent:~deploy",
            vec![
                "tool:eq:search",
                "status:eq:tool_error",
                "client:eq:Claude Code",
                "person:ne:test@",
                "duration:gt:500",
                "intent:has:deploy",
            ],
            None,
        ),
        ("refund order", vec![], Some("refund order")),
        ("\"a:b\" tool:x", vec!["tool:eq:x"], Some("a:b")),
        (
            "-intent:~x -tool:a,b person:* -person:*",
            vec!["intent:nhas:x", "tool:nin:a,b", "person:set", "person:unset"],
            None,
        ),
        ("-duration:>=5 tool:\"~x,y\"", vec!["duration:lt:5", "tool:eq:~x\\,y"], None),
        (
            "error:/time(d)?\\sout/ tool:/a,b/ tag.path:\"/api/\"",
            vec!["error:re:time(d)?\\\\sout", r"tool:re:a\,b", "tag.path:eq:/api/"],
            None,
        ),
        ("  ", vec![], None),
    ] {
        assert_eq!(Filter::parse_typed(typed), Filter::parse(conditions, text), "{typed}");
    }
    assert!(Filter::parse_typed("-tool:/x/").unwrap_err().to_string().contains("no opposite"));
    assert!(Filter::parse_typed("tol:x").unwrap_err().to_string().contains("\"tool\""));
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let key = || "[a-zA-Z0-9$_.:\\\\-][a-zA-Z0-9$_.:\\\\ -]{0,10}";
    let known: Vec<Field> = fields::FIELDS.iter().map(|(_, f, _)| f.clone()).collect();
    let field = prop_oneof![
        3 => proptest::sample::select(known),
        1 => key().prop_map(Field::Tag),
        1 => key().prop_map(Field::Prop),
        1 => key().prop_map(Field::Trait),
        1 => key().prop_map(Field::Group),
    ];
    let ops: Vec<Op> = fields::OPS.iter().map(|(_, op)| *op).collect();
    let value = "\\PC{0,8}|[,:\\\\]{0,4}|ok|true|12.5|7|given|stuck|loop|8f3ac41d|[a-c(|)*+,\\\\.]{1,8}";
    let values = proptest::collection::vec(value, 0..4);
    (field, proptest::sample::select(ops), values).prop_map(|(field, op, values)| Condition {
        field,
        op,
        values,
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_read_again(condition in any_condition()) {
        let Ok(condition) = condition.checked() else { return Ok(()) };
        prop_assert_eq!(Condition::parse(&condition.to_string()), Ok(condition));
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,60}") {
        let _ = Condition::parse(&text);
        let _ = Filter::parse_typed(&text);
    }
}
