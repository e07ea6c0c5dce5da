/** An accident that a mesh has to survive. */
export interface FaultKind {
  readonly number: number;
  readonly what: string;
  /** For how long at most nothing gets through; what else has to hold is in the title of the test. */
  readonly limit: string;
}

/** Those of networks and of processes; accidents of files, clocks, certificates and memory have tests of their own. */
export const FAULTS: readonly FaultKind[] = [
  { number: 1, what: "every lighthouse is killed while tunnels live", limit: "0 s" },
  {
    number: 2,
    what: "every lighthouse is down: pairs that talk, pairs seen before, pairs never seen",
    limit: "0 s / 3 s / fails fast",
  },
  { number: 3, what: "a lighthouse comes back and knows nobody", limit: "10 s" },
  { number: 4, what: "a lighthouse answers with stale, private, hostile or far too many addresses", limit: "5 s" },
  { number: 5, what: "public hosts, full and address-restricted cones, in all pairs", limit: "1.5 s, direct" },
  { number: 6, what: "port-restricted cones, also such that keep no port", limit: "2 s, direct" },
  { number: 7, what: "symmetric with public, full, address-restricted", limit: "3 s, direct" },
  { number: 8, what: "symmetric with port-restricted and with symmetric, and a relay", limit: "1 s" },
  { number: 9, what: "port-restricted routers without guard", limit: "3 s" },
  { number: 10, what: "a carrier's translator without and with hairpin, two translators in a row", limit: "1 s / 3 s" },
  {
    number: 11,
    what: "mappings that expire after five seconds, a minute without traffic, then a call from outside",
    limit: "3 s",
  },
  {
    number: 12,
    what: "a router forgets its mappings: on the side that sends, on the side that only listened",
    limit: "0 s / 5 s",
  },
  { number: 13, what: "the public address changes", limit: "5 s" },
  { number: 14, what: "a host's own address changes", limit: "3 s" },
  { number: 15, what: "the underlay's cable is pulled and plugged twenty times", limit: "3 s after the last time" },
  { number: 16, what: "UDP is blocked for thirty seconds", limit: "5 s after its end" },
  { number: 17, what: "5, 20 and 40 % loss", limit: "first contact in 1.5 s at 20 %" },
  {
    number: 18,
    what: "150 ms of delay, 60 more or less, and a quarter of the packets overtakes",
    limit: "nothing lost",
  },
  { number: 19, what: "every packet arrives four times", limit: "nothing twice" },
  { number: 20, what: "5 and 30 % of the packets are damaged", limit: "first contact in 2 s" },
  { number: 21, what: "bursts of loss", limit: "TCP comes through whole" },
  { number: 22, what: "one direction of the way is dead; 50 Mbit/s one way and 1 the other", limit: "8 s" },
  { number: 23, what: "the path swallows what is long", limit: "3 s" },
  {
    number: 33,
    what: "a peer is killed and comes back after two seconds, on the same or another port",
    limit: "3 s / 5 s after it is back",
  },
  {
    number: 34,
    what: "a process is stopped for fifteen seconds: the control plane, the data plane",
    limit: "0 s / 1 s after it goes on",
  },
  { number: 38, what: "a relay is killed: one of two, the only one for three seconds", limit: "3 s / 5 s" },
];
