//! Reads a request's body under caps: bytes on the wire, bytes after decompression, time (AC R33, D1).
//!
//! Invariants: no more than [`SMALL_BODY`] is held for a request without one of the few permits for big bodies, so
//! hostile bodies cost a bounded amount of memory however many arrive; a body over its cap is read to its end without
//! being kept, so that the client gets the answer instead of a broken pipe.

use std::io::Read;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::sync::OwnedSemaphorePermit;
use trackway_event::limits;

use crate::state::AppState;

/// Bytes of a body that needs no permit, on the wire and inflated.
pub(crate) const SMALL_BODY: usize = 512 * 1024;
/// Bytes of an oversized body that are read and thrown away before the answer.
const DISCARDED: usize = 64 * 1024 * 1024;
/// Largest window of a zstd stream, as a power of two: 8 MiB.
const ZSTD_WINDOW: u32 = 23;

/// A body, decoded.
pub(crate) struct Incoming {
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
    /// Bytes on the wire.
    pub(crate) wire: usize,
    /// Held while a big body is in memory.
    pub(crate) _permit: Option<OwnedSemaphorePermit>,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// Over a cap.
    TooLarge,
    /// It did not arrive in time.
    Slow,
    /// The connection broke.
    Broken,
    /// An encoding we do not read.
    Encoding,
    /// It is not what its encoding says.
    Corrupt,
    /// Too many big bodies at once.
    NoRoom,
}

/// How a wire's bodies are read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// Bytes on the wire.
    pub(crate) wire: usize,
    /// Bytes after decompression.
    pub(crate) inflated: usize,
    /// How a body is compressed.
    pub(crate) encoding: fn(&HeaderMap, &[u8]) -> Result<Option<Encoding>, BodyError>,
}

impl Default for Reading {
    fn default() -> Self {
        let encoding = |headers: &HeaderMap, _: &[u8]| encoding_of(headers);
        Self { wire: limits::WIRE_BYTES, inflated: limits::INFLATED_BYTES, encoding }
    }
}

/// Reads and decodes a body.
pub(crate) async fn read(state: &AppState, headers: &HeaderMap, body: Body) -> Result<Incoming, BodyError> {
    read_with(state, headers, body, Reading::default()).await
}

/// Reads and decodes a body of a wire with caps of its own.
pub(crate) async fn read_with(
    state: &AppState,
    headers: &HeaderMap,
    body: Body,
    how: Reading,
) -> Result<Incoming, BodyError> {
    let reading = raw(state, headers, body, how.wire);
    let (wire, mut permit) =
        tokio::time::timeout(limits::BODY_TIMEOUT, reading).await.map_err(|_| BodyError::Slow)??;
    let wire_len = wire.len();
    let Some(encoding) = (how.encoding)(headers, &wire)? else {
        return Ok(Incoming { bytes: wire, wire: wire_len, _permit: permit });
    };
    if wire_len <= SMALL_BODY {
        match inflate(encoding, &wire, SMALL_BODY) {
            Err(BodyError::TooLarge) => {}
            other => return other.map(|bytes| Incoming { bytes, wire: wire_len, _permit: permit }),
        }
    }
    if permit.is_none() {
        permit = Some(state.big_body().await.ok_or(BodyError::NoRoom)?);
    }
    let bytes = tokio::task::spawn_blocking(move || inflate(encoding, &wire, how.inflated))
        .await
        .map_err(|_| BodyError::Corrupt)??;
    Ok(Incoming { bytes, wire: wire_len, _permit: permit })
}

async fn raw(
    state: &AppState,
    headers: &HeaderMap,
    mut body: Body,
    cap: usize,
) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), BodyError> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<usize>().ok());
    let mut bytes = Vec::with_capacity(announced.unwrap_or(0).min(SMALL_BODY));
    let mut permit = None;
    let mut total = 0usize;
    let too_large = announced.is_some_and(|n| n > cap);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        let data: Bytes = data;
        total += data.len();
        if too_large || total > cap {
            bytes = Vec::new();
            permit = None;
            if total > DISCARDED {
                return Err(BodyError::TooLarge);
            }
            continue;
        }
        if permit.is_none() && total > SMALL_BODY {
            permit = Some(state.big_body().await.ok_or(BodyError::NoRoom)?);
        }
        bytes.extend_from_slice(&data);
    }
    if too_large || total > cap { Err(BodyError::TooLarge) } else { Ok((bytes, permit)) }
}

/// A compression we read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
    /// RFC 1950, or the bare stream.
    Deflate,
    /// RFC 7932.
    Brotli,
}

/// The compression that the first bytes give away; brotli and a bare deflate stream have no such bytes.
pub(crate) fn by_magic(bytes: &[u8]) -> Option<Encoding> {
    match bytes {
        [0x1f, 0x8b, ..] => Some(Encoding::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Encoding::Zstd),
        [first @ 0x78, second, ..] if (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31) => {
            Some(Encoding::Deflate)
        }
        _ => None,
    }
}

/// What the header says.
pub(crate) fn encoding_of(headers: &HeaderMap) -> Result<Option<Encoding>, BodyError> {
    let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let text = value.to_str().map_err(|_| BodyError::Encoding)?.trim().to_ascii_lowercase();
    if values.next().is_some() {
        return Err(BodyError::Encoding);
    }
    match text.as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Encoding::Gzip)),
        "zstd" => Ok(Some(Encoding::Zstd)),
        "deflate" => Ok(Some(Encoding::Deflate)),
        "br" => Ok(Some(Encoding::Brotli)),
        _ => Err(BodyError::Encoding),
    }
}

/// Inflates to at most `cap` bytes; memory grows with what comes out, never with what a header promises.
pub(crate) fn inflate(encoding: Encoding, wire: &[u8], cap: usize) -> Result<Vec<u8>, BodyError> {
    match encoding {
        Encoding::Gzip => capped(flate2::read::MultiGzDecoder::new(wire), cap),
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(wire).map_err(|_| BodyError::Corrupt)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(|_| BodyError::Corrupt)?;
            capped(decoder, cap)
        }
        // "deflate" means zlib, yet some clients send the bare stream.
        Encoding::Deflate => match capped(flate2::read::ZlibDecoder::new(wire), cap) {
            Err(BodyError::Corrupt) => capped(flate2::read::DeflateDecoder::new(wire), cap),
            other => other,
        },
        Encoding::Brotli => capped(brotli_decompressor::Decompressor::new(wire, 16 * 1024), cap),
    }
}

fn capped(decoder: impl Read, cap: usize) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    decoder.take(cap as u64 + 1).read_to_end(&mut bytes).map_err(|_| BodyError::Corrupt)?;
    if bytes.len() > cap { Err(BodyError::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(data: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_encoding_comes_back() {
        let data = b"{\"a\":1}".repeat(50);
        let zlib = {
            let mut e = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            e.write_all(&data).unwrap();
            e.finish().unwrap()
        };
        let bare = {
            let mut e = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
            e.write_all(&data).unwrap();
            e.finish().unwrap()
        };
        let zstd = zstd::stream::encode_all(&data[..], 3).unwrap();
        for (encoding, wire) in [
            (Encoding::Gzip, gzip(&data)),
            (Encoding::Deflate, zlib),
            (Encoding::Deflate, bare),
            (Encoding::Zstd, zstd),
        ] {
            assert_eq!(inflate(encoding, &wire, 1_000).unwrap(), data);
        }
        // "hello\n" as brotli writes it uncompressed.
        let brotli = [0x8b, 0x02, 0x80, b'h', b'e', b'l', b'l', b'o', b'\n', 0x03];
        assert_eq!(inflate(Encoding::Brotli, &brotli, 100).unwrap(), b"hello\n");
    }

    #[test]
    fn bombs_and_rubbish_stop_at_the_cap() {
        let bomb = gzip(&vec![0; 30 * 1024 * 1024]);
        assert!(bomb.len() < 64 * 1024);
        assert_eq!(inflate(Encoding::Gzip, &bomb, SMALL_BODY), Err(BodyError::TooLarge));
        assert_eq!(inflate(Encoding::Gzip, &bomb, limits::INFLATED_BYTES), Err(BodyError::TooLarge));
        for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Deflate, Encoding::Brotli] {
            assert_eq!(inflate(encoding, b"\xff\xff rubbish", 100), Err(BodyError::Corrupt));
        }
    }
}
