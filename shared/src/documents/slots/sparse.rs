//! What is said of few slots among many: a CBOR map by slot, sorted, held as it travels.

use minicbor::{Decode, Encode};

use crate::id::Slot;

/// Values by slot, ascending, each slot once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sparse<V>(Vec<(Slot, V)>);

impl<V> Sparse<V> {
    /// From pairs that ascend; whoever decodes checks that they do.
    pub(super) fn ascending(pairs: Vec<(Slot, V)>) -> Self {
        Self(pairs)
    }

    pub(super) fn pairs(&self) -> &[(Slot, V)] {
        &self.0
    }

    pub(super) fn is_ascending(&self) -> bool {
        self.0.is_sorted_by(|(a, _), (b, _)| a < b)
    }
}

impl<C, V: Encode<C>> Encode<C> for Sparse<V> {
    fn encode<W: minicbor::encode::Write>(
        &self,
        encoder: &mut minicbor::Encoder<W>,
        context: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        encoder.map(self.0.len() as u64)?;
        for (slot, value) in &self.0 {
            encoder.u32(slot.0)?.encode_with(value, context)?;
        }
        Ok(())
    }
}

impl<'b, C, V: Decode<'b, C>> Decode<'b, C> for Sparse<V> {
    fn decode(decoder: &mut minicbor::Decoder<'b>, context: &mut C) -> Result<Self, minicbor::decode::Error> {
        decoder.map_iter_with(context)?.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slot_comes_once_and_in_order() {
        let ascends = |slots: &[u32]| Sparse(slots.iter().map(|slot| (Slot(*slot), 0_u8)).collect()).is_ascending();
        assert!(ascends(&[]) && ascends(&[3]) && ascends(&[1, 2, 9]));
        assert!(!ascends(&[1, 1]) && !ascends(&[2, 1]) && !ascends(&[1, 3, 2]));
    }
}
