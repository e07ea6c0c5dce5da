//! Processors that this one can pretend to be, by hiding features of its own from whoever asks: the processor faults at the question
//! (`ARCH_SET_CPUID`), and the fault is answered. What is measured then is this processor's speed with the code for lesser ones.

/// What a processor has for AES.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Vector AES, 64 bytes wide.
    Avx512,
    /// Vector AES, 32 bytes wide.
    Avx2,
    /// AES of one block at a time.
    AesNi,
}

/// Of CPUID leaf 7: AVX-512 (F, DQ, IFMA, CD, BW, VL) in EBX, AVX-512 (VBMI, VBMI2, VNNI, BITALG, VPOPCNTDQ) and vector AES and multiplication in ECX.
const AVX512_EBX: u32 = 0xd023_0000;
const AVX512_ECX: u32 = 0x5842;
const VECTOR_AES_ECX: u32 = 0x600;

impl Kind {
    /// From the best.
    pub const ALL: [Self; 3] = [Self::Avx512, Self::Avx2, Self::AesNi];

    /// For the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::AesNi => "aes-ni",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Avx512 => "vector AES and AVX-512",
            Self::Avx2 => "vector AES and AVX2",
            Self::AesNi => "AES-NI only",
        }
    }

    /// What is hidden, of EBX and of ECX.
    fn hidden(self) -> (u32, u32) {
        match self {
            Self::Avx512 => (0, 0),
            Self::Avx2 => (AVX512_EBX, AVX512_ECX),
            Self::AesNi => (AVX512_EBX, AVX512_ECX | VECTOR_AES_ECX),
        }
    }

    /// AWS-LC asks before anything of ours runs, but leaves out what the environment says.
    pub fn mask_for_aws_lc(self) -> Option<String> {
        let (ebx, ecx) = self.hidden();
        ((ebx, ecx) != (0, 0)).then(|| format!(":~{:#x}", u64::from(ecx) << 32 | u64::from(ebx)))
    }
}

pub use system::{model, pretend};

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod system {
    use std::arch::x86_64::__cpuid_count;
    use std::io::{self, Error};
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::Kind;

    const ARCH_SET_CPUID: libc::c_int = 0x1012;
    /// The instruction, and its length.
    const CPUID: [u8; 2] = [0x0f, 0xa2];
    const FEATURES_LEAF: u32 = 7;

    static HIDDEN_EBX: AtomicU32 = AtomicU32::new(0);
    static HIDDEN_ECX: AtomicU32 = AtomicU32::new(0);

    impl Kind {
        /// Whether this processor has all that one of this kind has.
        pub fn is_within_reach(self) -> bool {
            let has_vectors =
                std::arch::is_x86_feature_detected!("vaes") && std::arch::is_x86_feature_detected!("avx2");
            match self {
                Self::Avx512 => has_vectors && std::arch::is_x86_feature_detected!("avx512vl"),
                Self::Avx2 => has_vectors,
                Self::AesNi => std::arch::is_x86_feature_detected!("aes"),
            }
        }
    }

    /// What the processor calls itself.
    pub fn model() -> String {
        let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = about.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("unknown processor");
        model.trim_start_matches([':', ' ', '\t']).to_owned()
    }

    /// Hides from this thread what a processor of this kind does not have.
    pub fn pretend(kind: Kind) -> io::Result<()> {
        let (ebx, ecx) = kind.hidden();
        HIDDEN_EBX.store(ebx, Ordering::Relaxed);
        HIDDEN_ECX.store(ecx, Ordering::Relaxed);
        if (ebx, ecx) == (0, 0) {
            return Ok(());
        }
        // SAFETY: all zeros is a sigaction; the handler touches nothing but the registers that it is given and two atomics.
        let set = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = answer as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            libc::sigaction(libc::SIGSEGV, &action, std::ptr::null_mut())
        };
        if set == 0 && may_ask(false) == 0 { Ok(()) } else { Err(Error::last_os_error()) }
    }

    fn may_ask(yes: bool) -> libc::c_long {
        // SAFETY: a system call with two numbers.
        unsafe { libc::syscall(libc::SYS_arch_prctl, ARCH_SET_CPUID, libc::c_ulong::from(yes)) }
    }

    extern "C" fn answer(_signal: libc::c_int, _about: *mut libc::siginfo_t, context: *mut libc::c_void) {
        // SAFETY: the kernel hands over the context of the interrupted thread, which is this one's until it returns.
        let registers = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs };
        let register = |number: libc::c_int| usize::try_from(number).unwrap_or_default();
        let [rip, rax, rbx, rcx, rdx] =
            [libc::REG_RIP, libc::REG_RAX, libc::REG_RBX, libc::REG_RCX, libc::REG_RDX].map(register);
        // SAFETY: the instruction that faulted could be read, or it would not have been one.
        if unsafe { *(registers[rip] as *const [u8; 2]) } != CPUID {
            // SAFETY: ends the process, as an invalid access would have.
            unsafe { libc::abort() };
        }
        let (leaf, subleaf) = (registers[rax] as u32, registers[rcx] as u32);
        may_ask(true);
        let mut found = __cpuid_count(leaf, subleaf);
        may_ask(false);
        if (leaf, subleaf) == (FEATURES_LEAF, 0) {
            found.ebx &= !HIDDEN_EBX.load(Ordering::Relaxed);
            found.ecx &= !HIDDEN_ECX.load(Ordering::Relaxed);
        }
        for (register, value) in [(rax, found.eax), (rbx, found.ebx), (rcx, found.ecx), (rdx, found.edx)] {
            registers[register] = value.into();
        }
        registers[rip] += CPUID.len() as libc::greg_t;
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod system {
    use std::io;

    use super::Kind;

    impl Kind {
        /// Only what this processor is.
        pub fn is_within_reach(self) -> bool {
            self == Self::ALL[0]
        }
    }

    /// Not known here.
    pub fn model() -> String {
        std::env::consts::ARCH.to_owned()
    }

    /// Nothing is hidden, and nothing but the first kind is asked for.
    pub fn pretend(_kind: Kind) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tests {
    use std::arch::x86_64::__cpuid_count;

    use super::*;

    #[test]
    fn what_lesser_processors_lack_is_hidden_from_who_asks_and_nothing_else() {
        let before = __cpuid_count(7, 0);
        // A processor or a kernel without the fault says so, and then nothing is hidden.
        let hidden = if pretend(Kind::AesNi).is_ok() { Kind::AesNi.hidden() } else { (0, 0) };
        let after = __cpuid_count(7, 0);
        assert_eq!((after.ebx, after.ecx), (before.ebx & !hidden.0, before.ecx & !hidden.1));
        assert_eq!((after.eax, after.edx), (before.eax, before.edx));
    }

    #[test]
    fn aws_lc_is_told_of_what_is_hidden_only() {
        assert_eq!(Kind::Avx512.mask_for_aws_lc(), None);
        assert_eq!(Kind::Avx2.mask_for_aws_lc().as_deref(), Some(":~0x5842d0230000"));
        assert_eq!(Kind::AesNi.mask_for_aws_lc().as_deref(), Some(":~0x5e42d0230000"));
    }
}
