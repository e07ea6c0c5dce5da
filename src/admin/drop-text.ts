import type { DropReason } from "../core/drop-reason.ts";

/** What a drop reason tells the operator of this host, and what to do when there are many. */
export interface DropText {
  readonly why: string;
  readonly todo: string;
  /** Fewer than these are no news: every start of a host has a few. */
  readonly from?: number;
}

/** Drops that belong to a healthy mesh; counted, but no matter of health. */
export const expectedDrops: ReadonlySet<DropReason> = new Set([
  "punch",
  "flow-evicted",
  "multicast",
  "broadcast",
  "reject-limited",
]);

const stranger = "somebody sends what is not the mesh's protocol to this port; harmless";
const watch = "nothing, unless there are many";

export const dropText: Readonly<Record<DropReason, DropText>> = {
  punch: { why: "a peer keeps a path through a NAT open", todo: "nothing" },
  "short-header": { why: stranger, todo: "nothing" },
  "bad-version": { why: stranger, todo: "nothing" },
  "unknown-type": { why: stranger, todo: "nothing" },
  oversized: { why: "a datagram longer than the protocol allows", todo: watch },
  "overlay-source": {
    why: "the underlay packet came out of the overlay itself, which would be a loop",
    todo: "keep overlay addresses out of static_host_map and advertise_addrs",
  },
  "bad-handshake": { why: stranger, todo: "nothing" },
  "handshake-limited": {
    why: "more handshakes arrived than are answered in a second",
    todo: "nothing, if many hosts just started; otherwise somebody floods this port",
  },
  "bad-recv-error": { why: stranger, todo: "nothing" },
  "recv-error-limited": { why: "more tunnel-unknown notices arrived than are heeded in a second", todo: watch },
  "unknown-index": {
    why: "packets of a tunnel that this host no longer has, as after a restart",
    todo: "nothing: the peer is told and calls again",
    from: 20,
  },
  "short-packet": { why: stranger, todo: "nothing" },
  replayed: { why: "the same packet came twice, or very late", todo: watch },
  "not-authentic": {
    why: "packets that were changed on the way or do not belong to the tunnel they name",
    todo: "if it goes on: the same cipher must be set on every host",
  },
  "bad-packet": { why: "not a well-formed IP packet", todo: watch },
  fragment: {
    why: "fragments whose first part came later or never, or was refused",
    todo: "if there are many: a rule with port any or fragment lets them pass",
  },
  multicast: { why: "multicast is not carried (tun.drop_multicast)", todo: "nothing" },
  broadcast: { why: "broadcast is not carried (tun.drop_local_broadcast)", todo: "nothing" },
  "own-address": { why: "packets to this host's own address came out of its own device", todo: watch },
  "local-address": {
    why: "the address on this host's side is not one in its certificate",
    todo: "let programs bind to the overlay address, and look for a route that sends other traffic into the device",
    from: 20,
  },
  "remote-address": {
    why: "a peer sent from an address that is not in its certificate",
    todo: "look at that peer: it may be misconfigured or forging",
  },
  "no-route": {
    why: "the destination is in no network of this host's certificate",
    todo: "look for a route that sends other traffic into the device",
    from: 20,
  },
  "no-matching-rule": {
    why: "no firewall rule allows them",
    todo: "lacis flows --denied says which; to let them through, add a rule under firewall, then: lacis reload",
  },
  "counter-exhausted": { why: "a session has used up its message numbers", todo: "nothing: it is being replaced" },
  "no-path": { why: "the peer's endpoint is not known any more", todo: "lacis ping it" },
  "no-device": { why: "this host has no TUN device (tun.disabled)", todo: "nothing on a lighthouse" },
  "parked-full": { why: "too many packets waited for a tunnel that is being built", todo: watch },
  "parked-expired": {
    why: "no tunnel came about in time for the packets that waited for it",
    todo: "lacis ping the destination",
  },
  "parked-dropped": {
    why: "the packets waited for a tunnel that could not be built",
    todo: "lacis ping the destination",
  },
  "flow-evicted": { why: "the table of flows is full; no packet was lost", todo: "nothing" },
  "message-limited": {
    why: "a peer sent more lighthouse, test or control messages than any honest host does",
    todo: "look at that peer: it may be broken or hostile",
  },
  "bad-fragment": { why: "fragments that no honest host makes", todo: "look at that peer: it may be probing" },
  "fragment-overlap": {
    why: "fragments that overlap others of their packet",
    todo: "look at that peer: it may be probing",
  },
  "fragment-limited": {
    why: "a peer has more packets under way of which parts are missing than is left for others",
    todo: "look for loss on the way to it, or let the application send packets that fit tun.mtu",
  },
  "bad-source": { why: "a datagram came from port 0, where nothing can be sent back", todo: "nothing" },
  "unknown-relay": {
    why: "relayed packets for a way through this host that is not set up, as after a restart",
    todo: "nothing: it is asked for again",
    from: 20,
  },
  "relay-mismatch": {
    why: "a relay brought what is not from the peer that it was asked to relay for",
    todo: "look at that relay: it may be broken or hostile",
  },
  "relay-limited": {
    why: "a peer had more relayed through this host than one peer may",
    todo: "raise the limit if this host can carry more",
  },
  "icmp-error-limited": {
    why: "a peer sent more ICMP errors about its flows than any network causes, and no rule allows them",
    todo: "look at that peer: it may be broken or hostile",
  },
  "reject-limited": {
    why: "more packets were refused than are answered; each is counted under why it was refused",
    todo: "look for a port scan, or for a program that goes on trying",
  },
  "bad-path-probe": {
    why: "a peer measured a path with what no honest host sends",
    todo: "look at that peer: it may be probing",
  },
  "path-not-allowed": {
    why: "a peer measured a path from where lighthouse.remote_allow_list does not let it be",
    todo: "nothing, or allow the address in lighthouse.remote_allow_list",
  },
  "too-big": {
    why: "packets were longer than the way to their peer carries; their senders were told how long they may be",
    todo: "nothing: senders that listen send shorter ones",
    from: 20,
  },
  "left-unread": {
    why: "hosts asked for more at once than this host could answer; what had waited for a second was left out, and is asked again",
    todo: "nothing if it was once; else run another lighthouse, or give this one more processor time",
  },
  other: {
    why: "the data plane names a reason that this lacis does not know",
    todo: "update lacis to the same version",
  },
  "send-failed": { why: "the operating system could not send them", todo: "check this host's network and routes" },
};
