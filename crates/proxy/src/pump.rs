//! One direction of the traffic: lines in, edited or as they are, out again at once; a copy to the recorder. The pumps know
//! nothing of what becomes of the copies (CAP §6.1).

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use trackway_capture::editor::{Editor, Verdict};
use trackway_capture::recorder::Way;
use trackway_event::limits;

use crate::asking::Asking;
use crate::lines::{Lines, Piece};
use crate::recording::Tap;

/// One end that messages are written to, one at a time, whoever writes them.
#[derive(Clone)]
pub(crate) struct Out {
    to: Arc<Mutex<Option<Box<dyn Write + Send>>>>,
    flow: Arc<Flow>,
}

/// Whether something moves there.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    writing: AtomicBool,
    moved: AtomicU64,
}

impl Flow {
    /// Whether a write is under way: the reader takes its time.
    pub(crate) fn is_writing(&self) -> bool {
        self.writing.load(Ordering::SeqCst)
    }

    /// A number that grows with every write.
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Ordering::SeqCst)
    }
}

type Held<'a> = MutexGuard<'a, Option<Box<dyn Write + Send>>>;

impl Out {
    pub(crate) fn new(to: impl Write + Send + 'static) -> Self {
        Self { to: Arc::new(Mutex::new(Some(Box::new(to)))), flow: Arc::default() }
    }

    /// Our standard output, without a buffer between.
    pub(crate) fn stdout() -> Self {
        #[cfg(unix)]
        if let Ok(own) = std::os::fd::AsFd::as_fd(&io::stdout()).try_clone_to_owned() {
            return Self::new(std::fs::File::from(own));
        }
        Self::new(io::stdout())
    }

    pub(crate) fn flow(&self) -> Arc<Flow> {
        Arc::clone(&self.flow)
    }

    /// Lets the reader of our standard output see its end. Where a write hangs there is nothing to close: the end of
    /// this process does it.
    pub(crate) fn close_stdout(&self) {
        let Ok(mut to) = self.to.try_lock() else { return };
        to.take();
        #[cfg(unix)]
        if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
            let _ = rustix::stdio::dup2_stdout(null);
        }
    }

    fn lock(&self) -> Held<'_> {
        self.to.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One write and one flush a message, so that a reader never waits for the rest of it.
    fn write(&self, held: &mut Held<'_>, parts: &[&[u8]]) -> io::Result<()> {
        let to = held.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        self.flow.writing.store(true, Ordering::SeqCst);
        let sent = match parts {
            [one] => to.write_all(one),
            many => to.write_all(&many.concat()),
        };
        let sent = sent.and_then(|()| to.flush());
        self.flow.moved.fetch_add(1, Ordering::SeqCst);
        self.flow.writing.store(false, Ordering::SeqCst);
        sent
    }
}

/// One direction.
pub(crate) struct Pump {
    pub(crate) way: Way,
    pub(crate) editor: Arc<Editor>,
    pub(crate) tap: Option<Tap>,
    /// Where answers of our own go.
    pub(crate) client: Out,
    /// What is asked of the server on our own account.
    pub(crate) asking: Arc<Asking>,
}

impl Pump {
    /// Runs to the end of `from`. When `to` takes nothing any more: a client's input is still read to its end, for only
    /// that says that the client has gone; a child's output is closed, as the client closed it.
    pub(crate) fn run(self, from: impl Read, to: &Out) {
        let mut lines = Lines::new(from, limits::INSPECT_BYTES);
        // Held from the first to the last part of a line, so that nothing gets in between.
        let mut held: Option<Held<'_>> = None;
        let mut broken = false;
        while let Ok(Some(piece)) = lines.next_piece() {
            if broken {
                continue;
            }
            let sent = match piece {
                Piece::Part(bytes) => {
                    let mut guard = held.take().unwrap_or_else(|| to.lock());
                    let sent = to.write(&mut guard, &[bytes]);
                    held = (!bytes.ends_with(b"\n")).then_some(guard);
                    sent
                }
                Piece::Line(line) => self.line(line, to),
            };
            if sent.is_err() {
                held = None;
                broken = true;
                match self.way {
                    Way::FromClient => {}
                    Way::FromServer => return,
                }
            }
        }
    }

    fn line(&self, line: &[u8], to: &Out) -> io::Result<()> {
        let end = line.strip_suffix(b"\n").map_or(line.len(), |l| l.strip_suffix(b"\r").unwrap_or(l).len());
        let (text, newline) = line.split_at(end);
        let at = Instant::now();
        // A mistake in the edits may cost the recording, never the message (CAP §2.1).
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match self.way {
            Way::FromClient => {
                let send = |ask: &[u8]| to.write(&mut to.lock(), &[ask]);
                self.asking.before(&self.editor, self.tap.as_ref(), text, send);
                Some(self.editor.from_client(text))
            }
            Way::FromServer if self.asking.takes(text) => None,
            Way::FromServer => Some(self.editor.from_server(text)),
        }));
        let Some(verdict) = looked.unwrap_or(Some(Verdict::Forward)) else { return Ok(()) };
        // Before the message goes out: a quick server's answer must not reach the recorder ahead of its request.
        if let Some(tap) = &self.tap {
            tap.see(self.way, at, text);
            if let Verdict::Answer { answer, .. } = &verdict {
                tap.see(Way::FromServer, Instant::now(), answer.strip_suffix(b"\n").unwrap_or(answer));
            }
        }
        match &verdict {
            Verdict::Forward => to.write(&mut to.lock(), &[line]),
            Verdict::Replace(with) => to.write(&mut to.lock(), &[with, newline]),
            Verdict::Answer { answer, forward } => {
                // A client that reads nothing any more says so by closing our input, not here.
                let _ = self.client.write(&mut self.client.lock(), &[answer]);
                match forward {
                    Some(rest) => to.write(&mut to.lock(), &[rest, newline]),
                    None => Ok(()),
                }
            }
        }
    }
}
