//! Conditions (dashboard §3) as SQL, in one place; values are always bound. On a list of sessions a condition on events
//! means "has an event that"; all such conditions are asked of one and the same event, but for negations, which must hold
//! for every event.

use std::sync::Arc;

use rusqlite::params_from_iter;
use trackway_core::filter::{Condition, Field, Filter, Op};

pub(super) use super::filter_what::Target;
use super::filter_what::{Form, Level, What, asked_signals, of_event, told, whole};
use super::{Reader, Sql};
use crate::sqlite::control::sql;
use crate::sqlite::search;
use crate::{Result, StoreError};

/// Most matches of a free text that are looked at, the newest.
const MATCHES: usize = 1_000;
/// Sessions up to which it is better to look into each than to walk the period.
const FEW: i64 = 1_000;

/// Adds ` AND …` for every condition and the free text.
pub(super) fn add(reader: &Reader, sql: &mut Sql, filter: &Filter, target: Target) -> Result<()> {
    let mut of_events = Vec::new();
    for condition in &filter.conditions {
        let what = What::of(condition, target);
        if target == Target::Events || what.level == Level::Session {
            sql.push(" AND ");
            predicate(sql, condition, &what)?;
        } else if negative(condition.op) {
            let positive = Condition { op: positive(condition.op), ..condition.clone() };
            sql.push(" AND NOT EXISTS (SELECT 1 FROM event e WHERE e.session IN (SELECT s.row UNION ALL SELECT m.row FROM session m WHERE m.head = s.row) AND ");
            predicate(sql, &positive, &what)?;
            sql.push(")");
        } else {
            of_events.push((condition, what));
        }
    }
    if !of_events.is_empty() {
        sql.push(" AND EXISTS (SELECT 1 FROM event e WHERE e.session IN (SELECT s.row UNION ALL SELECT m.row FROM session m WHERE m.head = s.row)");
        for (condition, what) in of_events {
            sql.push(" AND ");
            predicate(sql, condition, &what)?;
        }
        sql.push(")");
    }
    match &filter.text {
        Some(text) => free_text(reader, sql, text, target),
        None => Ok(()),
    }
}

/// Where the filter asks for people whose sessions are few: adds that an event lies in one of these, or in none, which holds
/// anyway and lets the planner look there instead of walking the period.
pub(super) fn narrow(reader: &Reader, sql: &mut Sql, filter: &Filter) -> Result<()> {
    let named = |c: &&Condition| c.field == Field::Person && matches!(c.op, Op::Eq | Op::In);
    let Some(condition) = filter.conditions.iter().find(named) else { return Ok(()) };
    let mut ask = Sql::new("");
    for (before, table) in [("", "person_session"), (" UNION ALL ", "nameless")] {
        ask.push(before).push("SELECT session FROM ").push(table).push(" WHERE person").push(HIT);
        text(&mut ask, condition, "id")?;
        ask.push(HIT_END);
    }
    ask.push(" LIMIT ").bind(FEW + 1);
    let mut statement = reader.conn.prepare_cached(&ask.text)?;
    let rows = statement.query_map(params_from_iter(&ask.values), |r| r.get::<_, i64>(0))?;
    let sessions: Vec<i64> = rows.collect::<rusqlite::Result<_>>()?;
    if sessions.len() as i64 <= FEW {
        let list = serde_json::to_string(&sessions).expect("numbers are JSON");
        sql.push(" AND (e.session IN (SELECT value FROM json_each(").bind(list);
        sql.push(")) OR e.session IS NULL)");
    }
    Ok(())
}

/// What a list says when the free text has more matches than are looked at.
pub(super) fn cut_matches(reader: &Reader, filter: &Filter) -> Result<Option<String>> {
    let Some(words) = filter.text.as_deref().and_then(search::words) else { return Ok(None) };
    let found = matches(reader, words)?.len();
    Ok((found > MATCHES).then(|| {
        format!(
            "more than {MATCHES} events match the text; only the newest are looked at, add words or filters"
        )
    }))
}

/// The newest events that match words, one more than are looked at. A question asks the index once.
fn matches(reader: &Reader, words: String) -> Result<Arc<Vec<i64>>> {
    let mut known = reader.matches.borrow_mut();
    if let Some((asked, found)) = known.as_ref()
        && *asked == words
    {
        return Ok(found.clone());
    }
    let mut statement = reader.conn.prepare_cached(sql!("search.newest"))?;
    let rows = statement.query_map((&words, MATCHES as i64 + 1), |r| r.get(0))?;
    let found = Arc::new(rows.collect::<rusqlite::Result<Vec<i64>>>()?);
    *known = Some((words, found.clone()));
    Ok(found)
}

/// Intent, error message and tool by the index; the person by name or id.
fn free_text(reader: &Reader, sql: &mut Sql, text: &str, target: Target) -> Result<()> {
    let people = format!("%{}%", escape_like(text));
    let (column, person) = match target {
        Target::Events => ("e.seq", "coalesce(e.person, s.attributed)"),
        Target::Sessions => ("s.row", "s.person"),
    };
    sql.push(" AND (");
    if let Some(words) = search::words(text) {
        sql.push(column).push(" IN (");
        if target == Target::Sessions {
            sql.push("SELECT coalesce(h.head, h.row) FROM event v JOIN session h ON h.row = v.session WHERE v.seq IN (");
        }
        let found = matches(reader, words)?;
        let newest = found.get(..found.len().min(MATCHES)).unwrap_or_default();
        sql.push("SELECT value FROM json_each(")
            .bind(serde_json::to_string(newest).expect("numbers are JSON"));
        sql.push("))");
        if target == Target::Sessions {
            sql.push(")");
        }
        sql.push(" OR ");
    }
    sql.push(person).push(HIT).push("name LIKE ").bind(people.clone());
    sql.push(" ESCAPE '\\' OR id LIKE ").bind(people).push(" ESCAPE '\\'").push(HIT_END).push(")");
    Ok(())
}

/// Every id of the people one of whose ids meets what stands between. Index person_root.
const HIT: &str = " IN (WITH hit (row) AS (SELECT coalesce(root, row) FROM person WHERE ";
const HIT_END: &str =
    ") SELECT row FROM hit UNION ALL SELECT m.row FROM hit JOIN person m ON m.root = hit.row)";

const fn negative(op: Op) -> bool {
    matches!(op, Op::Ne | Op::Nin | Op::Nhas | Op::Unset)
}

const fn positive(op: Op) -> Op {
    match op {
        Op::Ne => Op::Eq,
        Op::Nin => Op::In,
        Op::Nhas => Op::Has,
        Op::Unset => Op::Set,
        Op::Eq | Op::In | Op::Has | Op::Re | Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Set => op,
    }
}

/// One condition as an expression. A negation is true of what is absent.
fn predicate(sql: &mut Sql, condition: &Condition, what: &What) -> Result<()> {
    if negative(condition.op) {
        // `IS NOT TRUE`: what is absent compares as unknown, and passes.
        sql.push("(");
        predicate(sql, &Condition { op: positive(condition.op), ..condition.clone() }, what)?;
        sql.push(") IS NOT TRUE");
        return Ok(());
    }
    let values = &condition.values;
    match &what.form {
        Form::Flag(expression) => {
            let wanted = match (condition.op, values.first().map(String::as_str)) {
                (Op::Set, _) | (Op::Eq, Some("true")) => "TRUE",
                (Op::Eq, Some("false")) => "FALSE",
                (Op::Eq | Op::In | Op::Has | Op::Re | Op::Gt | Op::Gte | Op::Lt | Op::Lte, _) => {
                    return Err(bad(condition, "compare it with eq:true or eq:false"));
                }
                (Op::Ne | Op::Nin | Op::Nhas | Op::Unset, _) => return Ok(()),
            };
            sql.push(expression).push(" IS ").push(wanted);
        }
        Form::Number(expression, unit) => {
            if condition.op == Op::Set {
                sql.push(expression).push(" IS NOT NULL");
                return Ok(());
            }
            let number = |text: &String| {
                let n = text.trim().parse::<f64>().ok().filter(|n| n.is_finite());
                n.map(|n| n * unit).ok_or_else(|| bad(condition, "it is compared with numbers"))
            };
            match condition.op {
                Op::In => {
                    sql.push(expression).push(" IN (");
                    for (i, value) in values.iter().enumerate() {
                        sql.push(if i == 0 { "" } else { ", " }).bind(number(value)?);
                    }
                    sql.push(")");
                }
                op => {
                    let sign = compare(op).ok_or_else(|| bad(condition, "it is a number"))?;
                    let value = values.first().ok_or_else(|| bad(condition, "a value is missing"))?;
                    sql.push(expression).push(sign).bind(number(value)?);
                }
            }
        }
        Form::Code(column, parse) => {
            if condition.op == Op::Set {
                sql.push(column).push(" IS NOT NULL");
                return Ok(());
            }
            if !matches!(condition.op, Op::Eq | Op::In) {
                return Err(bad(condition, "it has a closed list of values; use eq, ne, in or nin"));
            }
            sql.push(column).push(" IN (");
            for (i, value) in values.iter().enumerate() {
                let code = parse(value)
                    .ok_or_else(|| bad(condition, &format!("{value:?} is none of its values")))?;
                sql.push(if i == 0 { "" } else { ", " }).bind(code);
            }
            sql.push(")");
        }
        Form::Text(column) => {
            if condition.op == Op::Set {
                sql.push(column).push(" IS NOT NULL");
                return Ok(());
            }
            text(sql, condition, column)?;
        }
        Form::Dict(column, table, key, column_text) => {
            if condition.op == Op::Set {
                sql.push(column).push(" IS NOT NULL");
                return Ok(());
            }
            sql.push(column).push(" IN (SELECT ").push(key).push(" FROM ").push(table).push(" WHERE ");
            text(sql, condition, column_text)?;
            sql.push(")");
        }
        Form::Trait(column, key) => {
            let path = format!("$.{}", serde_json::Value::from(key.as_str()));
            sql.push("(SELECT ");
            let value = "json_extract(r.traits, ";
            match compare(condition.op).filter(|_| condition.op != Op::Eq) {
                Some(sign) => {
                    let number = condition.values.first().and_then(|v| v.trim().parse::<f64>().ok());
                    let number = number.filter(|n| n.is_finite());
                    let number = number.ok_or_else(|| bad(condition, "it is compared with numbers"))?;
                    sql.push("json_type(r.traits, ").bind(path.clone()).push(") IN ('integer', 'real') AND ");
                    sql.push(value).bind(path).push(")").push(sign).bind(number);
                }
                None if condition.op == Op::Set => drop(sql.push(value).bind(path).push(") IS NOT NULL")),
                None => {
                    // Texts, so that a number or a truth compares with what was written.
                    let mut asked = Sql { text: String::new(), values: std::mem::take(&mut sql.values) };
                    asked.push("(CASE json_type(r.traits, ").bind(path.clone());
                    asked.push(") WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE CAST(");
                    asked.push(value).bind(path).push(") AS TEXT) END)");
                    sql.values = asked.values;
                    text(sql, condition, &asked.text)?;
                }
            }
            sql.push(" FROM person q JOIN person r ON r.row = coalesce(q.root, q.row) AND r.known = 1 WHERE q.row = ");
            sql.push(column).push(")");
        }
        Form::Group(rows, kind) => {
            sql.push("EXISTS (SELECT 1 FROM ").push(rows).push(" AND a.type = ").bind(kind.clone());
            if condition.op != Op::Set {
                sql.push(" AND ");
                text(sql, condition, "a.key")?;
            }
            sql.push(")");
        }
        Form::Person(column) => {
            if condition.op == Op::Set {
                sql.push(column).push(" IN (SELECT row FROM person WHERE known = 1)");
                return Ok(());
            }
            sql.push(column).push(HIT);
            text(sql, condition, "id")?;
            sql.push(HIT_END);
        }
        Form::Payload(piece, path) => {
            let mut column = Sql { text: String::new(), values: std::mem::take(&mut sql.values) };
            // a block is read and inflated once for all of its events
            column.push("(CASE WHEN has_block(e.block) THEN payload(e.block, e.offset, e.length, ");
            column.bind(*piece).push(", ").bind(path.clone()).push(", NULL)");
            column
                .push(" ELSE payload(e.block, e.offset, e.length, ")
                .bind(*piece)
                .push(", ")
                .bind(path.clone());
            column.push(", (SELECT data FROM block WHERE id = e.block)) END)");
            sql.values = column.values;
            match compare(condition.op).filter(|_| condition.op != Op::Eq) {
                Some(sign) => {
                    let number = condition.values.first().and_then(|v| v.trim().parse::<f64>().ok());
                    let number = number.filter(|n| n.is_finite());
                    let number = number.ok_or_else(|| bad(condition, "it is compared with numbers"))?;
                    sql.push("typeof(").push(&column.text).push(") IN ('integer', 'real') AND ");
                    sql.push(&column.text).push(sign).bind(number);
                }
                None if condition.op == Op::Set => drop(sql.push(&column.text).push(" IS NOT NULL")),
                None => text(sql, condition, &format!("CAST({} AS TEXT)", column.text))?,
            }
        }
        Form::Catalog(whole) => {
            sql.push("EXISTS (SELECT 1 FROM event x JOIN catalog y ON y.row = x.catalog WHERE ");
            sql.push("x.catalog IS NOT NULL AND x.session IN ").push(whole.parts);
            if condition.op != Op::Set {
                for (i, value) in values.iter().enumerate() {
                    sql.push(if i == 0 { " AND (" } else { " OR " }).push("y.hash LIKE ");
                    sql.bind(format!("{}%", escape_like(value))).push(" ESCAPE '\\'");
                }
                sql.push(")");
            }
            sql.push(")");
        }
        Form::Ending(whole) => {
            sql.push("(CASE WHEN is_quiet(").push(whole.last_at).push(") THEN ");
            let words = ["done", "failed", "idle", "partial", "stuck"];
            let asked = values.iter().map(String::as_str);
            let asked: Vec<&str> = if condition.op == Op::Set { words.to_vec() } else { asked.collect() };
            sql.push("(SELECT ");
            for (i, word) in asked.iter().enumerate() {
                sql.push(if i == 0 { "" } else { " OR " }).push("told = ").bind((*word).to_owned());
                sql.push(" OR told LIKE ").bind(format!("{word} %"));
            }
            sql.push(" FROM ").push(&told(whole)).push(") END)");
        }
        Form::Signal(target) => {
            for (i, word) in asked_signals(condition).into_iter().enumerate() {
                sql.push(if i == 0 { "(" } else { " OR " });
                match (of_event(word), *target) {
                    (Some(of_event), Target::Events) => drop(sql.push(of_event)),
                    (Some(of_event), Target::Sessions) => {
                        sql.push("EXISTS (SELECT 1 FROM event e WHERE e.session IN ")
                            .push(whole(*target).parts);
                        sql.push(" AND ").push(of_event).push(")");
                    }
                    (None, target) => {
                        sql.push("(SELECT told || ' ' LIKE ").bind(format!("% {word} %"));
                        sql.push(" FROM ").push(&told(&whole(target))).push(")");
                    }
                }
            }
            sql.push(")");
        }
        Form::Tag(tag) => {
            let path = format!("$.{}", serde_json::Value::from(tag.as_str()));
            let mut column = Sql { text: String::new(), values: std::mem::take(&mut sql.values) };
            column.push("json_extract(e.tags, ").bind(path).push(")");
            sql.values = column.values;
            if condition.op == Op::Set {
                sql.push(&column.text).push(" IS NOT NULL");
                return Ok(());
            }
            text(sql, condition, &column.text)?;
        }
    }
    Ok(())
}

/// A comparison of texts.
fn text(sql: &mut Sql, condition: &Condition, column: &str) -> Result<()> {
    let values = &condition.values;
    match condition.op {
        Op::Has => {
            let value = values.first().ok_or_else(|| bad(condition, "a value is missing"))?;
            sql.push(column).push(" LIKE ").bind(format!("%{}%", escape_like(value))).push(" ESCAPE '\\'");
        }
        Op::Re => {
            let value = values.first().ok_or_else(|| bad(condition, "a value is missing"))?;
            trackway_core::filter::pattern(value).map_err(|why| bad(condition, &why))?;
            sql.push("matches(").bind(value.clone()).push(", ").push(column).push(")");
        }
        Op::Eq | Op::In => {
            sql.push(column).push(" IN (");
            for (i, value) in values.iter().enumerate() {
                sql.push(if i == 0 { "" } else { ", " }).bind(value.clone());
            }
            sql.push(")");
        }
        Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Set | Op::Ne | Op::Nin | Op::Nhas | Op::Unset => {
            return Err(bad(condition, "it is a text; use eq, ne, in, nin, has, nhas or re"));
        }
    }
    Ok(())
}

const fn compare(op: Op) -> Option<&'static str> {
    match op {
        Op::Eq => Some(" = "),
        Op::Gt => Some(" > "),
        Op::Gte => Some(" >= "),
        Op::Lt => Some(" < "),
        Op::Lte => Some(" <= "),
        Op::Ne | Op::In | Op::Nin | Op::Has | Op::Nhas | Op::Re | Op::Set | Op::Unset => None,
    }
}

fn escape_like(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn bad(condition: &Condition, why: &str) -> StoreError {
    StoreError::BadQuestion(format!("the condition on {:?} cannot be asked: {why}", condition.field))
}
