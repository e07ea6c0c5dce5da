//! Where flows lie: memory by the chunk, so that it grows by little and nothing in it is ever moved.
//!
//! The first chunk of each part of a table stands alone. From the second on they are cut from pieces that the system can map as one huge page each: a processor
//! remembers the addresses of some thousand pages, and a million flows lie on thirty thousand ordinary ones.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::mem::MaybeUninit;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::Arc;

use crate::flow_entry::{CACHE_LINE, Place};
use crate::sync::{Mutex, lock};

/// Flows that lie together.
pub const CHUNK: usize = 256;
/// A huge page of x86-64, and of arm64 with pages of 4 KiB.
const PIECE_BYTES: usize = 2 << 20;

/// Hears of memory that is going to be used from end to end, before its first use: whoever knows the system tells it.
pub type Advise = fn(&mut [MaybeUninit<u8>]);

/// Gives chunks out. They go back when they are dropped.
pub struct FlowMemory {
    advise: Advise,
    /// What is left of the last piece.
    rest: Mutex<Option<Rest>>,
}

struct Rest {
    piece: Arc<Piece>,
    chunks_used: usize,
}

/// A chunk of places, free at first.
pub struct Chunk {
    piece: Arc<Piece>,
    number: usize,
}

/// Room for some chunks.
struct Piece {
    start: NonNull<Place>,
    layout: Layout,
}

// SAFETY: a piece is memory that it alone owns. It hands out nothing but addresses: what lies there belongs to chunks, each of which is the only one with its number.
unsafe impl Send for Piece {}
// SAFETY: as above.
unsafe impl Sync for Piece {}

impl FlowMemory {
    /// Nothing given out yet.
    pub fn new(advise: Advise) -> Self {
        Self { advise, rest: Mutex::new(None) }
    }

    /// A chunk that stands alone.
    pub fn first_chunk() -> Chunk {
        Chunk::cut(Arc::new(Piece::new(CHUNK, CACHE_LINE)), 0)
    }

    /// One of many.
    pub fn chunk(&self) -> Chunk {
        let places = PIECE_BYTES / size_of::<Place>();
        let mut rest = lock(&self.rest);
        let Rest { piece, chunks_used } = match rest.take() {
            Some(rest) => rest,
            None => {
                let piece = Piece::new(places, PIECE_BYTES);
                // SAFETY: the piece is that long, nobody else knows of it yet, and bytes that may be anything need no beginning.
                (self.advise)(unsafe { slice::from_raw_parts_mut(piece.start.as_ptr().cast(), piece.layout.size()) });
                Rest { piece: Arc::new(piece), chunks_used: 0 }
            }
        };
        let is_last = (chunks_used + 2) * CHUNK > places;
        *rest = (!is_last).then(|| Rest { piece: Arc::clone(&piece), chunks_used: chunks_used + 1 });
        Chunk::cut(piece, chunks_used)
    }
}

impl Chunk {
    /// Nobody else may have the chunk with this number, which lies in the piece.
    fn cut(piece: Arc<Piece>, number: usize) -> Self {
        let chunk = Self { piece, number };
        for at in 0..CHUNK {
            // SAFETY: the place lies in the piece and is this chunk's alone; nothing is there yet that would have to be dropped.
            unsafe { chunk.start().add(at).write(Place::Free) };
        }
        chunk
    }

    fn start(&self) -> *mut Place {
        self.piece.start.as_ptr().wrapping_add(self.number * CHUNK)
    }

    /// Its places.
    #[inline]
    pub fn places(&self) -> &[Place] {
        // SAFETY: `cut` has written so many places, and they are borrowed with the chunk that alone has them.
        unsafe { slice::from_raw_parts(self.start(), CHUNK) }
    }

    /// Its places, to be changed.
    #[inline]
    pub fn places_mut(&mut self) -> &mut [Place] {
        // SAFETY: as in `places`, and nobody else has the chunk.
        unsafe { slice::from_raw_parts_mut(self.start(), CHUNK) }
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: the places are this chunk's alone, and nobody uses them any more.
        unsafe { ptr::drop_in_place(self.places_mut()) };
    }
}

impl Piece {
    fn new(places: usize, align: usize) -> Self {
        let Ok(layout) = Layout::array::<Place>(places).and_then(|layout| layout.align_to(align)) else {
            handle_alloc_error(Layout::new::<Place>());
        };
        // SAFETY: there is at least one place, so it is not memory of no bytes.
        let start = unsafe { alloc(layout) };
        match NonNull::new(start.cast()) {
            Some(start) => Self { start, layout },
            None => handle_alloc_error(layout),
        }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and the last chunk that lay there is gone.
        unsafe { dealloc(self.start.as_ptr().cast(), self.layout) };
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    static ADVISED: AtomicUsize = AtomicUsize::new(0);

    fn note(piece: &mut [MaybeUninit<u8>]) {
        assert!(piece.len() == PIECE_BYTES && piece.as_ptr().addr().is_multiple_of(PIECE_BYTES));
        ADVISED.fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn chunks_are_cut_from_whole_pieces_and_no_two_overlap() {
        let memory = FlowMemory::new(note);
        let in_piece = PIECE_BYTES / size_of::<Place>() / CHUNK;
        let mut chunks: Vec<Chunk> = (0..2 * in_piece + 1).map(|_| memory.chunk()).collect();
        assert_eq!(ADVISED.load(Ordering::Relaxed), 3);
        chunks.push(FlowMemory::first_chunk());
        let mut ranges: Vec<_> = chunks.iter().map(|chunk| chunk.places().as_ptr_range()).collect();
        ranges.sort_unstable_by_key(|range| range.start);
        assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
        // Memory stays as long as any chunk of its piece.
        drop(memory);
        chunks.truncate(1);
        assert!(chunks[0].places_mut().iter().all(|place| matches!(place, Place::Free)));
    }
}
