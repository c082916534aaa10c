//! What gate and validation say to each other, as JSON: bytes are base64 (RFC 4648, 4), unknown fields are refused.
//!
//! Documents travel as the bytes they were stored as, outside of this module. Knows nothing of HTTP.

mod base64;
mod claim;
mod gate;
mod guests;

pub use base64::Base64;
pub use claim::{AskClaim, ClaimAnswered};
pub use gate::{
    AskTime, Enrol, Enrolled, LoggedIn, Login, MAX_ROWS_PER_UPLOAD, Nonce, RequestNonce, RowOutcome, RowResult,
    SignedCheckpoint, TimeAnswer, Upload, Uploaded, UploadedRow, paths,
};
pub use guests::{Guest, GuestCursor, GuestPage, InvalidGuestCursor, MAX_GUESTS_PER_PAGE};
