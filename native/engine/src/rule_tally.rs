//! What the rules of one id have allowed.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::policy::AllowedBy;

/// Counts of the rules of one id. A flow holds on to those of the rule that allows it.
#[derive(Debug)]
pub struct RuleTally {
    /// Whose rules.
    pub by: AllowedBy,
    flows: AtomicU64,
    packets: AtomicU64,
    bytes: AtomicU64,
    /// Flows and packets when they were told of.
    told: [AtomicU64; 2],
}

/// Totals since the program was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct RuleTotals {
    pub flows: u64,
    pub packets: u64,
    pub bytes: u64,
}

impl RuleTally {
    /// Nothing allowed yet.
    pub fn new(by: AllowedBy) -> Self {
        let zero = || AtomicU64::new(0);
        Self { by, flows: zero(), packets: zero(), bytes: zero(), told: [zero(), zero()] }
    }

    /// A flow has been opened.
    pub fn opened(&self) {
        self.flows.fetch_add(1, Ordering::Relaxed);
    }

    /// Packets of its flows have passed.
    pub fn passed(&self, packets: u64, bytes: u64) {
        self.packets.fetch_add(packets, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether [`Self::take`] has anything to tell.
    pub fn has_news(&self) -> bool {
        let [flows, packets] = &self.told;
        self.flows.load(Ordering::Relaxed) != flows.load(Ordering::Relaxed)
            || self.packets.load(Ordering::Relaxed) != packets.load(Ordering::Relaxed)
    }

    /// The totals, if they have changed since they were told of.
    pub fn take(&self) -> Option<RuleTotals> {
        let totals = RuleTotals {
            flows: self.flows.load(Ordering::Relaxed),
            packets: self.packets.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        };
        let [flows, packets] = &self.told;
        let is_new = flows.swap(totals.flows, Ordering::Relaxed) != totals.flows;
        (packets.swap(totals.packets, Ordering::Relaxed) != totals.packets || is_new).then_some(totals)
    }
}
