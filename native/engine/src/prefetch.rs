//! Memory that is going to be looked at.

/// Has the processor fetch what lies there while it does something else. Changes nothing, and is nothing where there is no such instruction in reach.
#[inline]
pub fn prefetch<T>(what: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        const LINE_BYTES: usize = 64;
        for line in (0..size_of::<T>()).step_by(LINE_BYTES) {
            // SAFETY: every processor of this architecture has the instruction, and it reads nothing that the program could see.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(what).cast::<i8>().wrapping_add(line)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = what;
}
