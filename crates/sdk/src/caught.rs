//! The error behind an answer (SDK-100): a tool that answers `isError` has turned its error into text; what it was is told beside
//! the answer. Kept for the running call alone, and only used where the call failed.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use trackway_event::ErrorInfo;
use trackway_event::event::Cause;

/// Causes of an error that are kept (SDK-96).
const CAUSES: usize = 10;

/// Where the error of a running call waits for its end.
pub(crate) type Caught = Arc<Mutex<Option<Box<ErrorInfo>>>>;

tokio::task_local! {
    static CAUGHT: Caught;
}

/// Tells what went wrong in the tool call that is running: its type, its message and at most ten causes stand beside the answer
/// that the agent gets. The last error told holds; where the call does not fail, and outside of a call, nothing happens.
///
/// ```
/// use rmcp::model::{CallToolResult, ContentBlock};
///
/// fn order(id: u64) -> Result<String, std::io::Error> {
///     Err(std::io::Error::other(format!("no shelf for {id}")))
/// }
///
/// // inside of a tool
/// let answer = match order(7) {
///     Ok(text) => CallToolResult::success(vec![ContentBlock::text(text)]),
///     Err(error) => {
///         trackway::capture_error(&error);
///         CallToolResult::error(vec![ContentBlock::text("that order cannot be found")])
///     }
/// };
/// ```
pub fn capture_error<E: Error + 'static>(error: &E) {
    // Outside of a call there is nobody to tell.
    let _ = CAUGHT.try_with(|caught| {
        *caught.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(told(error)));
    });
}

/// Runs a call in which errors may be told.
pub(crate) async fn scope<T>(caught: &Caught, call: impl Future<Output = T>) -> T {
    CAUGHT.scope(Arc::clone(caught), call).await
}

/// What was told, once.
pub(crate) fn take(caught: &Caught) -> Option<Box<ErrorInfo>> {
    caught.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn told<E: Error + 'static>(error: &E) -> ErrorInfo {
    let path = std::any::type_name::<E>();
    // `anyhow::Error` and the like are no types of an error; a path without its generics reads best.
    let kind = path.split('<').next().and_then(|p| p.rsplit("::").next()).unwrap_or(path);
    ErrorInfo {
        kind: Some(kind.into()),
        message: error.to_string().into(),
        platform: Some("rust".into()),
        chain: causes(error),
        ..ErrorInfo::default()
    }
}

/// The causes, as far as they are new: one that leads back to an earlier one ends the chain.
fn causes<E: Error + 'static>(error: &E) -> Vec<Cause> {
    let place = |e: &(dyn Error + 'static)| std::ptr::from_ref(e).cast::<()>();
    let mut seen = vec![place(error)];
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next.filter(|e| causes.len() < CAUSES && !seen.contains(&place(*e))) {
        seen.push(place(cause));
        causes.push(Cause { message: cause.to_string().into(), ..Cause::default() });
        next = cause.source();
    }
    causes
}
