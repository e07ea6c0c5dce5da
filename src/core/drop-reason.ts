/**
 * Why a packet was dropped: the one closed list, the same in TypeScript, Rust, metrics, logs and `lacis status`.
 * Where each one applies: native/contract/SEMANTICS.md.
 */
export const DropReason = {
  punch: "punch",
  shortHeader: "short-header",
  badVersion: "bad-version",
  unknownType: "unknown-type",
  oversized: "oversized",
  overlaySource: "overlay-source",
  badHandshake: "bad-handshake",
  handshakeLimited: "handshake-limited",
  badRecvError: "bad-recv-error",
  recvErrorLimited: "recv-error-limited",
  unknownIndex: "unknown-index",
  shortPacket: "short-packet",
  replayed: "replayed",
  notAuthentic: "not-authentic",
  badPacket: "bad-packet",
  fragment: "fragment",
  multicast: "multicast",
  broadcast: "broadcast",
  ownAddress: "own-address",
  localAddress: "local-address",
  remoteAddress: "remote-address",
  noRoute: "no-route",
  noMatchingRule: "no-matching-rule",
  counterExhausted: "counter-exhausted",
  noPath: "no-path",
  noDevice: "no-device",
  parkedFull: "parked-full",
  parkedExpired: "parked-expired",
  parkedDropped: "parked-dropped",
  flowEvicted: "flow-evicted",
  sendFailed: "send-failed",
  messageLimited: "message-limited",
  badSource: "bad-source",
  unknownRelay: "unknown-relay",
  relayMismatch: "relay-mismatch",
  relayLimited: "relay-limited",
  badFragment: "bad-fragment",
  fragmentOverlap: "fragment-overlap",
  fragmentLimited: "fragment-limited",
  icmpErrorLimited: "icmp-error-limited",
  rejectLimited: "reject-limited",
  badPathProbe: "bad-path-probe",
  pathNotAllowed: "path-not-allowed",
  tooBig: "too-big",
  leftUnread: "left-unread",
  /** What a data plane of a later version calls by a name that is not known here. */
  other: "other",
} as const;

/** One name of the closed list. */
export type DropReason = (typeof DropReason)[keyof typeof DropReason];

/** Those that say of the flow of a packet that it may not pass, or cannot: such drops are recorded flow by flow. */
export const ENDS_FLOW: ReadonlySet<DropReason> = new Set([
  DropReason.fragment,
  DropReason.ownAddress,
  DropReason.localAddress,
  DropReason.remoteAddress,
  DropReason.noRoute,
  DropReason.noMatchingRule,
  DropReason.counterExhausted,
  DropReason.noPath,
  DropReason.noDevice,
  DropReason.parkedFull,
  DropReason.fragmentOverlap,
  DropReason.fragmentLimited,
  DropReason.icmpErrorLimited,
]);
