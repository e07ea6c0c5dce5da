/** Flows that a data plane remembers at once, if nothing else is said. */
export const FLOWS_DEFAULT = 65_536;

/** As many as can be asked for: 100 bytes each, or 180 of IPv6, in the native data plane. */
export const FLOWS_MAX = 1_048_576;
