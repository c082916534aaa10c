//! Lines from a pipe. Owns the reading; what a line is, [`framing`](super::framing) says.

use std::io::{self, Read};

use super::framing::LineSplitter;
use super::{Intake, LedgerGone, ScannedText, Source};

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
    fn the_last_line_needs_no_end() {
        assert_eq!(lines(vec![b"a\r\nb c\rd\n\n\r\ne".to_vec()]), ["a", "b c", "d", "e"].map(whole));
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
