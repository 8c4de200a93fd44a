//! Parquet: a column for what people ask about, and `more` for the rest of an event, so that a file is good for analysis and
//! still holds everything.
//!
//! A column either holds a member of the event, which is then not in `more`, or shows a part of one that is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::reader::ColumnReaderImpl;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use serde_json::value::{RawValue, to_raw_value};
use trackway_event::{Event, Input, Timestamp};
use trackway_store::query::Exported;

use super::{Read, Sink, unwritable};
use crate::failure::{Exit, Failure, Result};

/// Rows kept in memory until they are written as a row group.
const GROUP_ROWS: usize = 10_000;
/// Bytes of payloads after which a row group is written though it has fewer rows.
const GROUP_BYTES: usize = 32 * 1024 * 1024;
/// Most rows of a row group that are read at once.
const READ_ROWS: usize = 1_000;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A text member of the event.
    Text,
    /// A number member of the event.
    Number,
    /// A member of the event as JSON.
    Json,
    /// A text inside of a member: it stands in `more` too.
    TextIn(&'static str),
    /// A number inside of a member: it stands in `more` too.
    NumberIn(&'static str),
    /// A time beside those in `more`, µs since 1970.
    Time,
    /// A text of the export itself.
    Own,
    /// Everything else of the event, as JSON.
    More,
    /// The body as it came, as JSON.
    Raw,
}

use Holds::{Json, More, Number, NumberIn, Own, Raw, Text, TextIn, Time};

/// The columns: name, what it holds, and the member inside where it shows a part.
const COLUMNS: &[(&str, Holds)] = &[
    ("id", Text),
    ("kind", Text),
    ("name", Text),
    ("started_at", Time),
    ("received_at", Time),
    ("raw_time", Time),
    ("input", Own),
    ("duration_us", Number),
    ("status", Text),
    ("session_id", Text),
    ("session_source", Text),
    ("conversation_id", Text),
    ("tool", Text),
    ("resource", Text),
    ("intent", Text),
    ("intent_source", Text),
    ("actor_id", TextIn("/actor/id")),
    ("actor_name", TextIn("/actor/name")),
    ("client_name", TextIn("/client/name")),
    ("client_version", TextIn("/client/version")),
    ("server_name", TextIn("/server/name")),
    ("server_version", TextIn("/server/version")),
    ("sdk_name", TextIn("/sdk/name")),
    ("sdk_version", TextIn("/sdk/version")),
    ("protocol_version", Text),
    ("model", Text),
    ("error_type", TextIn("/error/type")),
    ("error_message", TextIn("/error/message")),
    ("error_code", Number),
    ("bytes_in", Number),
    ("bytes_out", Number),
    ("tokens_in", NumberIn("/tokens/input")),
    ("tokens_out", NumberIn("/tokens/output")),
    ("arguments", Json),
    ("result", Json),
    ("more", More),
    ("raw", Raw),
];

impl Holds {
    fn is_number(self) -> bool {
        matches!(self, Number | NumberIn(_) | Time)
    }
}

fn schema() -> String {
    let column = |(name, holds): &(&str, Holds)| match holds {
        Text | TextIn(_) | Own => format!("optional binary {name} (STRING);"),
        Number | NumberIn(_) => format!("optional int64 {name};"),
        Time => format!("optional int64 {name} (TIMESTAMP(MICROS,true));"),
        Json | More | Raw => format!("optional binary {name} (JSON);"),
    };
    format!("message trackway_event {{ {} }}", COLUMNS.iter().map(column).collect::<Vec<_>>().join(" "))
}

/// One event's value in a column.
enum Value {
    Bytes(Option<Vec<u8>>),
    Number(Option<i64>),
}

type Members = BTreeMap<String, Box<RawValue>>;

/// The values of an event, in the order of [`COLUMNS`].
fn row(exported: &Exported) -> serde_json::Result<Vec<Value>> {
    let text = serde_json::to_string(&exported.event)?;
    let whole: serde_json::Value = serde_json::from_str(&text)?;
    let mut members: Members = serde_json::from_str(&text)?;
    members.remove("started_at");
    // Taken out first, so that `more` holds what is left.
    let mut held: BTreeMap<&str, Box<RawValue>> = BTreeMap::new();
    for (name, holds) in COLUMNS {
        if matches!(holds, Text | Number | Json)
            && let Some(value) = members.remove(*name)
        {
            held.insert(name, value);
        }
    }
    let text = |text: Option<&str>| Value::Bytes(text.map(|t| t.as_bytes().to_vec()));
    let json = |value: Option<&RawValue>| text(value.map(RawValue::get));
    COLUMNS
        .iter()
        .map(|(name, holds)| {
            let value = held.get(name);
            Ok(match holds {
                Text => text(value.map(|v| serde_json::from_str::<String>(v.get())).transpose()?.as_deref()),
                Number => Value::Number(value.map(|v| serde_json::from_str(v.get())).transpose()?),
                Json => json(value.map(|v| &**v)),
                TextIn(path) => text(whole.pointer(path).and_then(|v| v.as_str())),
                NumberIn(path) => Value::Number(whole.pointer(path).and_then(serde_json::Value::as_i64)),
                Time if *name == "started_at" => Value::Number(Some(exported.event.started_at.micros())),
                Time if *name == "raw_time" => Value::Number(exported.raw_time_us),
                Time => Value::Number(Some(exported.received_at.micros())),
                Own => text(Some(exported.input.as_str())),
                More => json(Some(&to_raw_value(&members)?)),
                Raw => json(exported.raw.as_deref()),
            })
        })
        .collect()
}

/// The event of these values.
fn event_of(values: Vec<Value>) -> std::result::Result<Exported, String> {
    let mut members = Members::new();
    let (mut started, mut received, mut raw_time_us, mut input, mut raw) = (None, None, None, None, None);
    let json = |bytes: Vec<u8>| {
        let text = String::from_utf8(bytes).map_err(|_| "a text is not UTF-8".to_owned())?;
        RawValue::from_string(text).map_err(|e| e.to_string())
    };
    for ((name, holds), value) in COLUMNS.iter().zip(values) {
        match (holds, value) {
            (Text, Value::Bytes(Some(bytes))) => {
                let text = String::from_utf8(bytes).map_err(|_| format!("{name} is not UTF-8"))?;
                members.insert((*name).into(), to_raw_value(&text).map_err(|e| e.to_string())?);
            }
            (Number, Value::Number(Some(n))) => {
                members.insert((*name).into(), to_raw_value(&n).map_err(|e| e.to_string())?);
            }
            (Json, Value::Bytes(Some(bytes))) => drop(members.insert((*name).into(), json(bytes)?)),
            (More, Value::Bytes(Some(bytes))) => {
                let more: Members = serde_json::from_slice(&bytes).map_err(|e| format!("more: {e}"))?;
                members.extend(more);
            }
            (Raw, Value::Bytes(Some(bytes))) => raw = Some(json(bytes)?),
            (Time, Value::Number(Some(us))) if *name == "started_at" => started = Some(us),
            (Time, Value::Number(us)) if *name == "raw_time" => raw_time_us = us,
            (Time, Value::Number(Some(us))) => received = Some(us),
            (Own, Value::Bytes(Some(bytes))) => {
                input = std::str::from_utf8(&bytes).ok().and_then(Input::parse)
            }
            (_, _) => {}
        }
    }
    let at = started.map(Timestamp::from_micros).ok_or("started_at is missing")?;
    members.insert("started_at".into(), to_raw_value(&at).map_err(|e| e.to_string())?);
    let text = serde_json::to_string(&members).map_err(|e| e.to_string())?;
    let event: Event = serde_json::from_str(&text).map_err(|e| e.to_string())?;
    let received_at = received.map(Timestamp::from_micros).ok_or("received_at is missing")?;
    let input = input.ok_or("input is missing")?;
    Ok(Exported { seq: 0, received_at, input, raw_time_us, event, raw })
}

pub(super) struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

impl<W: Write + Send> Writer<W> {
    pub(super) fn new(out: W) -> Result<Self> {
        let schema = Arc::new(parse_message_type(&schema()).map_err(unwritable)?);
        let level = ZstdLevel::try_new(3).map_err(unwritable)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_created_by(format!("trackway {}", env!("CARGO_PKG_VERSION")))
            .build();
        let file = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(unwritable)?;
        Ok(Self { file, rows: Vec::new(), bytes: 0 })
    }

    fn group(&mut self) -> std::result::Result<(), ParquetError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let mut group = self.file.next_row_group()?;
        let mut columns: Vec<std::vec::IntoIter<Value>> = rows.into_iter().map(Vec::into_iter).collect();
        for (_, holds) in COLUMNS {
            let Some(mut writer) = group.next_column()? else { break };
            let values = columns.iter_mut().filter_map(Iterator::next);
            if holds.is_number() {
                let (mut levels, mut numbers) = (Vec::new(), Vec::new());
                for value in values {
                    let number = if let Value::Number(n) = value { n } else { None };
                    levels.push(i16::from(number.is_some()));
                    numbers.extend(number);
                }
                writer.typed::<Int64Type>().write_batch(&numbers, Some(&levels), None)?;
            } else {
                let (mut levels, mut texts) = (Vec::new(), Vec::new());
                for value in values {
                    let bytes = if let Value::Bytes(b) = value { b } else { None };
                    levels.push(i16::from(bytes.is_some()));
                    texts.extend(bytes.map(ByteArray::from));
                }
                writer.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None)?;
            }
            writer.close()?;
        }
        group.close()?;
        Ok(())
    }
}

impl<W: Write + Send> Sink for Writer<W> {
    fn add(&mut self, events: Vec<Exported>) -> Result<()> {
        for event in events {
            let row = row(&event).map_err(unwritable)?;
            let bytes = |v: &Value| if let Value::Bytes(Some(b)) = v { b.len() } else { 8 };
            self.bytes += row.iter().map(bytes).sum::<usize>();
            self.rows.push(row);
            if self.rows.len() >= GROUP_ROWS || self.bytes >= GROUP_BYTES {
                self.group().map_err(unwritable)?;
            }
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        if !self.rows.is_empty() {
            self.group().map_err(unwritable)?;
        }
        self.file.close().map(drop).map_err(unwritable)
    }
}

/// The events of a Parquet file.
pub(crate) struct Table {
    file: SerializedFileReader<File>,
    /// The next row group.
    group: usize,
    columns: Vec<Column>,
    /// Rows of the open row group that were not read yet.
    left: usize,
    ready: std::vec::IntoIter<Vec<Value>>,
    number: u64,
    broken: bool,
}

enum Column {
    Bytes(ColumnReaderImpl<ByteArrayType>),
    Number(ColumnReaderImpl<Int64Type>),
}

impl Table {
    /// Opens a file that an export wrote.
    ///
    /// # Errors
    /// When it is no Parquet file or has not the export's columns.
    pub(crate) fn open(file: File) -> Result<Self> {
        let foreign =
            |why: String| Failure::new(Exit::Data, "this is no Parquet file of `trackway export`").why(why);
        let file = SerializedFileReader::new(file).map_err(|e| foreign(e.to_string()))?;
        let expected = parse_message_type(&schema()).map_err(|e| foreign(e.to_string()))?;
        if file.metadata().file_metadata().schema().get_fields() != expected.get_fields() {
            return Err(foreign("its columns are others".into()));
        }
        Ok(Self {
            file,
            group: 0,
            columns: Vec::new(),
            left: 0,
            ready: Vec::new().into_iter(),
            number: 0,
            broken: false,
        })
    }

    /// Reads the next rows. `false`: there are no more.
    fn fill(&mut self) -> std::result::Result<bool, ParquetError> {
        while self.left == 0 {
            if self.group == self.file.num_row_groups() {
                return Ok(false);
            }
            let group = self.file.get_row_group(self.group)?;
            self.group += 1;
            self.left = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
            self.columns.clear();
            for (i, (_, holds)) in COLUMNS.iter().enumerate() {
                let reader = group.get_column_reader(i)?;
                self.columns.push(if holds.is_number() {
                    Column::Number(get_typed_column_reader(reader))
                } else {
                    Column::Bytes(get_typed_column_reader(reader))
                });
            }
        }
        let count = self.left.min(READ_ROWS);
        let mut rows: Vec<Vec<Value>> = (0..count).map(|_| Vec::with_capacity(COLUMNS.len())).collect();
        for column in &mut self.columns {
            match column {
                Column::Bytes(reader) => {
                    let texts = cells(reader, count)?.into_iter();
                    let values = texts.map(|t| Value::Bytes(t.map(|t| t.data().to_vec())));
                    rows.iter_mut().zip(values).for_each(|(row, value)| row.push(value));
                }
                Column::Number(reader) => {
                    let values = cells(reader, count)?.into_iter().map(Value::Number);
                    rows.iter_mut().zip(values).for_each(|(row, value)| row.push(value));
                }
            }
        }
        self.left -= count;
        self.ready = rows.into_iter();
        Ok(true)
    }
}

/// The next cells of a column.
fn cells<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    count: usize,
) -> std::result::Result<Vec<Option<T::T>>, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (rows, _, _) = reader.read_records(count, Some(&mut levels), None, &mut values)?;
    if rows != count || levels.len() != count {
        return Err(ParquetError::General("a column has fewer rows than its row group".into()));
    }
    let mut values = values.into_iter();
    Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
}

impl Iterator for Table {
    type Item = Read;

    fn next(&mut self) -> Option<Read> {
        if self.broken {
            return None;
        }
        loop {
            if let Some(values) = self.ready.next() {
                self.number += 1;
                return Some(
                    event_of(values).map(Box::new).map_err(|why| format!("row {}: {why}", self.number)),
                );
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    // Nothing behind a broken page can be told apart.
                    self.broken = true;
                    return Some(Err(format!("after row {}: {error}", self.number)));
                }
            }
        }
    }
}
