//! The typed form of a filter, for search box and terminal: `tool:search -person:test duration:>500 intent:~deploy refund`.
//!
//! `field:value` is `eq`, `field:a,b` is `in`, `~` is `has`, `/…/` is `re`, `> >= < <=` compare, `*` is `set`; a `-` in front turns each
//! into its opposite. Values with blanks stand in double quotes. Words without a field are the free text.

use super::{Condition, Field, Filter, FilterError, Op};

impl Filter {
    /// Reads the typed form.
    pub fn parse_typed(text: &str) -> Result<Self, FilterError> {
        let mut filter = Self::default();
        let mut words: Vec<String> = Vec::new();
        for token in tokens(text) {
            match token.colon {
                Some(colon) => filter.conditions.push(condition(&token, colon)?),
                None => words.push(token.text),
            }
        }
        filter.text = (!words.is_empty()).then(|| words.join(" "));
        filter.bounded()
    }
}

fn condition(token: &Token, colon: usize) -> Result<Condition, FilterError> {
    let (name, value) = token.text.split_at(colon);
    let value = value.strip_prefix(':').unwrap_or(value);
    let (name, negated) = match name.strip_prefix('-') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let field = Field::parse(name)?;
    let pick = |plain: Op, opposite: Op| if negated { opposite } else { plain };
    let compared =
        [(">=", Op::Gte, Op::Lt), ("<=", Op::Lte, Op::Gt), (">", Op::Gt, Op::Lte), ("<", Op::Lt, Op::Gte)];
    let compared =
        compared.into_iter().find_map(|(sign, op, not)| Some((pick(op, not), value.strip_prefix(sign)?)));
    let one = |text: &str| vec![text.to_owned()];
    let (op, values) = if token.quoted_value {
        (pick(Op::Eq, Op::Ne), one(value))
    } else if value == "*" {
        (pick(Op::Set, Op::Unset), Vec::new())
    } else if let Some(part) = value.strip_prefix('~') {
        (pick(Op::Has, Op::Nhas), one(part))
    } else if let Some(part) = value.strip_prefix('/').and_then(|v| v.strip_suffix('/')) {
        if negated {
            return Err(FilterError::NoOpposite(token.text.clone()));
        }
        (Op::Re, one(part))
    } else if let Some((op, number)) = compared {
        (op, one(number))
    } else if value.contains(',') {
        (pick(Op::In, Op::Nin), value.split(',').map(str::to_owned).collect())
    } else {
        (pick(Op::Eq, Op::Ne), one(value))
    };
    Condition { field, op, values }.checked()
}

/// One word of the typed form, quotes taken off.
#[derive(Default)]
struct Token {
    text: String,
    /// Where the field ends.
    colon: Option<usize>,
    /// Whether the value began with a quote, so that nothing in it is an operator.
    quoted_value: bool,
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut token: Option<Token> = None;
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => {
                let open = token.get_or_insert_default();
                open.quoted_value |= !quoted && open.colon.is_some_and(|colon| colon + 1 == open.text.len());
                quoted = !quoted;
            }
            c if c.is_whitespace() && !quoted => tokens.extend(token.take()),
            c => {
                let open = token.get_or_insert_default();
                if c == ':' && !quoted && open.colon.is_none() && !open.text.is_empty() {
                    open.colon = Some(open.text.len());
                }
                open.text.push(c);
            }
        }
    }
    tokens.extend(token);
    tokens.retain(|t| !t.text.is_empty());
    tokens
}
