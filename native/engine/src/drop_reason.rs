//! Why a packet was dropped: the one closed list, the same as `src/core/drop-reason.ts`.

macro_rules! drop_reasons {
    ($($variant:ident = $name:literal,)*) => {
        /// One name of the closed list. Where each one applies: SEMANTICS.md.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum DropReason { $($variant,)* }

        impl DropReason {
    /// Whether it says of the flow of a packet that it may not pass, or cannot: such drops are recorded flow by flow.
    pub const fn ends_flow(self) -> bool {
        matches!(
            self,
            Self::Fragment
                | Self::OwnAddress
                | Self::LocalAddress
                | Self::RemoteAddress
                | Self::NoRoute
                | Self::NoMatchingRule
                | Self::CounterExhausted
                | Self::NoPath
                | Self::NoDevice
                | Self::ParkedFull
                | Self::FragmentOverlap
                | Self::FragmentLimited
                | Self::IcmpErrorLimited
        )
    }

            /// Every reason, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name on the contract, in metrics and in logs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

drop_reasons! {
    Punch = "punch",
    ShortHeader = "short-header",
    BadVersion = "bad-version",
    UnknownType = "unknown-type",
    Oversized = "oversized",
    OverlaySource = "overlay-source",
    BadHandshake = "bad-handshake",
    HandshakeLimited = "handshake-limited",
    BadRecvError = "bad-recv-error",
    RecvErrorLimited = "recv-error-limited",
    UnknownIndex = "unknown-index",
    ShortPacket = "short-packet",
    Replayed = "replayed",
    NotAuthentic = "not-authentic",
    BadPacket = "bad-packet",
    Fragment = "fragment",
    Multicast = "multicast",
    Broadcast = "broadcast",
    OwnAddress = "own-address",
    LocalAddress = "local-address",
    RemoteAddress = "remote-address",
    NoRoute = "no-route",
    NoMatchingRule = "no-matching-rule",
    CounterExhausted = "counter-exhausted",
    NoPath = "no-path",
    NoDevice = "no-device",
    ParkedFull = "parked-full",
    ParkedExpired = "parked-expired",
    ParkedDropped = "parked-dropped",
    FlowEvicted = "flow-evicted",
    SendFailed = "send-failed",
    MessageLimited = "message-limited",
    BadSource = "bad-source",
    UnknownRelay = "unknown-relay",
    RelayMismatch = "relay-mismatch",
    RelayLimited = "relay-limited",
    BadFragment = "bad-fragment",
    FragmentOverlap = "fragment-overlap",
    FragmentLimited = "fragment-limited",
    IcmpErrorLimited = "icmp-error-limited",
    RejectLimited = "reject-limited",
    BadPathProbe = "bad-path-probe",
    PathNotAllowed = "path-not-allowed",
    TooBig = "too-big",
    LeftUnread = "left-unread",
}

impl DropReason {
    /// Whether single packets are worth telling about: a punch is no loss, and the others were caused by the control plane
    /// itself or lost no packet.
    pub const fn is_sampled(self) -> bool {
        !matches!(
            self,
            Self::Punch | Self::ParkedExpired | Self::ParkedDropped | Self::FlowEvicted | Self::RejectLimited
        )
    }
}
