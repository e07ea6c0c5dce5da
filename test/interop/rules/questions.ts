import type { Order, OwnOrder } from "./orders.ts";
import { PROBES, PROBES_V6 } from "./probes.ts";

/** Of the host that is judged. */
export const OWN_ADDRESSES: readonly string[] = ["10.77.0.2/24", "fd77::2/64"];
const [OWN, OWN6, BEHIND] = ["10.77.0.2", "fd77::2", "192.168.7.1"];

/** Its peers. `authority`: 0 is Alpha, 1 is Beta. */
export const PEERS = [
  { name: "p1", authority: 0, overlay: ["10.77.0.11/24", "fd77::b/64"], groups: ["web"] },
  { name: "p2", authority: 0, overlay: ["10.77.0.12/24", "fd77::c/64"], groups: ["web", "db"] },
  { name: "p3", authority: 1, overlay: ["10.77.0.13/24", "fd77::d/64"], groups: ["admin"] },
  { name: "p4", authority: 1, overlay: ["10.77.0.14/24", "fd77::e/64"], groups: [], unsafe: ["172.20.0.0/16"] },
];
const BEHIND_P4 = { peer: 3, address: "172.20.0.9" };

/** A packet whose way through a judged host is the question. */
export interface Question {
  readonly direction: "inbound" | "outbound";
  /** For people. */
  readonly what: string;
  /** Of an echo request over IPv6: the peer's address. */
  readonly echo6: string | undefined;
}

/** To be sent by peers. */
export function inboundQuestions(): readonly (Question & { readonly order: Omit<Order, "host" | "mark"> })[] {
  const ways = PEERS.flatMap(({ overlay }, peer) => {
    const [v4 = "", v6 = ""] = overlay.map((address) => address.replace(/\/.*/, ""));
    return [
      { peer, from: v4, to: OWN, probes: PROBES },
      { peer, from: v4, to: BEHIND, probes: PROBES },
      { peer, from: v6, to: OWN6, probes: PROBES_V6 },
      // What no certificate and no rule may let through.
      { peer, from: "10.77.0.99", to: OWN, probes: PROBES.slice(0, 1) },
      { peer, from: v4, to: "10.77.0.77", probes: PROBES.slice(0, 1) },
    ];
  });
  ways.push({ peer: BEHIND_P4.peer, from: BEHIND_P4.address, to: OWN, probes: PROBES });
  ways.push({ peer: BEHIND_P4.peer, from: BEHIND_P4.address, to: BEHIND, probes: PROBES });
  return ways.flatMap(({ peer, from, to, probes }) =>
    probes.map((probe) => ({
      direction: "inbound" as const,
      what: `${PEERS[peer]?.name} ${from} -> ${to} ${probe.what}`,
      echo6: from.includes(":") && probe.what === "echo request" ? from : undefined,
      order: { peer, probe, from, to },
    })),
  );
}

/** To be sent by the judged host itself. */
export function outboundQuestions(): readonly (Question & { readonly order: Omit<OwnOrder, "mark"> })[] {
  const ways = PEERS.flatMap(({ overlay }) => {
    const [v4 = "", v6 = ""] = overlay.map((address) => address.replace(/\/.*/, ""));
    return [
      { from: OWN, to: v4 },
      { from: BEHIND, to: v4 },
      { from: OWN6, to: v6 },
    ];
  });
  ways.push({ from: OWN, to: BEHIND_P4.address });
  return ways.flatMap(({ from, to }) =>
    OUTBOUND.map(([what, port]) => ({
      direction: "outbound" as const,
      what: `${from} -> ${to} ${what} ${port}`,
      echo6: to.includes(":") && what === "echo" ? to : undefined,
      order: { what, from, to, port },
    })),
  );
}

const OUTBOUND = [
  ["tcp", 443],
  ["udp", 53],
  ["udp", 8080],
  ["echo", 0],
] as const;
