//! Owns the way from a blocking caller to sqlx's asynchronous interface. Knows nothing of what is asked.

use std::panic::resume_unwind;
use std::thread;

use tokio::runtime::Builder;

use crate::Error;

/// Runs `work` to its end on a thread and runtime of its own, since the caller, an asynchronous test for instance, may be
/// inside a runtime, where blocking on a second one panics.
pub(crate) fn blocking<T: Send>(work: impl AsyncFnOnce() -> Result<T, Error> + Send) -> Result<T, Error> {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(Error::system("start a runtime"))?
                .block_on(work())
        });
        worker.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}
