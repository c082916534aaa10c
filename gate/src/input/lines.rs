//! Lines, as every serial scanner and every pipe sends them: ended by CR, LF or both.

use std::io::{self, Read};

use super::{Intake, LedgerGone, ScannedText, Source};

/// A longer line is no ticket of any kind; its rest is skipped.
const MAX_LINE: usize = 4096;

/// Reads lines until the input ends or the ledger does.
pub(crate) fn read_lines(mut input: impl Read, intake: &Intake) -> io::Result<()> {
    let mut splitter = LineSplitter::default();
    let mut buffer = [0; 4096];
    loop {
        let length = match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        for byte in buffer.iter().take(length) {
            if splitter.push(*byte).is_some_and(|line| hand_over(line, intake).is_err()) {
                return Ok(());
            }
        }
    }
    if let Some(line) = splitter.end() {
        // The ledger being gone, there is nobody to tell.
        hand_over(line, intake).unwrap_or_default();
    }
    Ok(())
}

fn hand_over(line: ScannedText, intake: &Intake) -> Result<(), LedgerGone> {
    intake.hand_over(Source::Lines, line, intake.stamp())
}

/// Bytes to lines. Empty lines are nothing shown, which also makes CR LF one end.
#[derive(Default)]
struct LineSplitter {
    line: Vec<u8>,
    overlong: bool,
}

impl LineSplitter {
    fn push(&mut self, byte: u8) -> Option<ScannedText> {
        match byte {
            b'\r' | b'\n' => self.end(),
            _ if self.line.len() < MAX_LINE => {
                self.line.push(byte);
                None
            }
            _ => {
                self.overlong = true;
                None
            }
        }
    }

    fn end(&mut self) -> Option<ScannedText> {
        let overlong = std::mem::take(&mut self.overlong);
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return None;
        }
        let legible = |bytes: &[u8]| ScannedText::Damaged(String::from_utf8_lossy(bytes).into_owned());
        if overlong {
            return Some(legible(&line));
        }
        Some(String::from_utf8(line).map_or_else(|error| legible(error.as_bytes()), ScannedText::Whole))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::devices::{Device, DeviceKind, Post};
    use crate::ledger::Work;
    use countermark_shared::id::LaneId;
    use proptest::prelude::*;
    use tokio::sync::{mpsc, watch};

    /// Gives its chunks one at a time, as a serial line does.
    struct Chunks(std::vec::IntoIter<Vec<u8>>);

    impl Read for Chunks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let chunk = self.0.next().unwrap_or_default();
            buffer[..chunk.len()].copy_from_slice(&chunk);
            Ok(chunk.len())
        }
    }

    fn lines(chunks: Vec<Vec<u8>>) -> Vec<ScannedText> {
        let (ledger, mut scans) = mpsc::channel(1000);
        let intake = Intake {
            lane: LaneId(1),
            ledger,
            clock: Clock::start(),
            post: Post::new(Device::only(DeviceKind::Lines), LaneId(1), watch::Sender::default()),
        };
        read_lines(Chunks(chunks.into_iter()), &intake).unwrap();
        let mut lines = Vec::new();
        while let Ok(work) = scans.try_recv() {
            let Work::Scan(scan) = work else { panic!("only scans come from an input") };
            lines.push(scan.text);
        }
        lines
    }

    fn whole(text: &str) -> ScannedText {
        ScannedText::Whole(text.to_owned())
    }

    #[test]
    fn every_ending_ends_a_line_once() {
        let expected = [whole("a"), whole("b c"), whole("d"), whole("e")];
        assert_eq!(lines(vec![b"a\r\nb c\rd\n\n\r\ne".to_vec()]), expected);
    }

    #[test]
    fn a_bad_line_spoils_none_after_it() {
        let long = "x".repeat(MAX_LINE);
        let input = [long.as_bytes(), b"\n", long.as_bytes(), b"y\n", b"\xff\xfe\n", b"good\n"].concat();
        let damaged = |text: &str| ScannedText::Damaged(text.to_owned());
        let expected = [whole(&long), damaged(&long), damaged("\u{fffd}\u{fffd}"), whole("good")];
        assert_eq!(lines(input.chunks(4096).map(<[u8]>::to_vec).collect()), expected);
    }

    proptest! {
        #[test]
        fn chunks_make_no_difference(
            text in "[a-c\\r\\n]{0,60}",
            cuts in proptest::collection::vec(1_usize..7, 1..60),
        ) {
            let mut rest = text.as_bytes();
            let mut chunks = Vec::new();
            for cut in cuts {
                if rest.is_empty() {
                    break;
                }
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                chunks.push(chunk.to_vec());
                rest = after;
            }
            if !rest.is_empty() {
                chunks.push(rest.to_vec());
            }
            let expected: Vec<_> =
                text.split(['\r', '\n']).filter(|line| !line.is_empty()).map(whole).collect();
            prop_assert_eq!(lines(chunks), expected);
        }
    }
}
