//! Packets that come in one piece, as a system with segmentation offload leaves them (SEMANTICS.md section 3.3).

/// What one read of a device stands for: packets of one flow, each of which is written where it is needed.
pub trait Segments {
    /// How many packets it stands for, at least one.
    fn count(&self) -> usize;
    /// How many of them, from the first on, differ in nothing that rules ask about, and are not longer than the first.
    fn alike(&self) -> usize;
    /// Bytes of one of them.
    fn length(&self, number: usize) -> usize;
    /// Writes one of them, complete with checksums, into as many bytes. False when there is no such packet.
    fn write(&self, number: usize, into: &mut [u8]) -> bool;
    /// One of them, complete, until the next is asked for.
    fn packet(&mut self, number: usize) -> &[u8];
}

/// One packet that came alone.
pub struct Single<'a>(pub &'a [u8]);

impl Segments for Single<'_> {
    fn count(&self) -> usize {
        1
    }

    fn alike(&self) -> usize {
        1
    }

    fn length(&self, _number: usize) -> usize {
        self.0.len()
    }

    fn write(&self, _number: usize, into: &mut [u8]) -> bool {
        let fits = into.len() == self.0.len();
        if fits {
            into.copy_from_slice(self.0);
        }
        fits
    }

    fn packet(&mut self, _number: usize) -> &[u8] {
        self.0
    }
}
