//! Memory that the kernel maps by the huge page.

use std::mem::MaybeUninit;

/// Wishes for huge pages under memory that is going to be used from end to end. Where there are none, it is memory as any other.
pub fn wish_huge_pages(memory: &mut [MaybeUninit<u8>]) {
    // SAFETY: the memory is that long and ours alone. MADV_HUGEPAGE changes nothing of what lies there.
    unsafe { libc::madvise(memory.as_mut_ptr().cast(), memory.len(), libc::MADV_HUGEPAGE) };
}
