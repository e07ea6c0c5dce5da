import { DividedPackets, type ModelPart } from "./divided.ts";
import { isIcmp, type ModelRule, matches, type Way } from "./model-rules.ts";

/**
 * What section 4 of SEMANTICS.md says about the firewall, a second time and as short as it goes: written from that page, sharing no code with either
 * data plane. It knows packets by their fields, addresses as text, and forgets nothing before it must.
 */
export type ModelProgram = Readonly<Record<Way, readonly ModelRule[]>>;

export interface ModelPacket {
  readonly way: Way;
  readonly local: string;
  readonly remote: string;
  readonly protocol: number;
  /** 0 where the protocol has none; the remote one of an echo is its identifier. */
  readonly localPort: number;
  readonly remotePort: number;
  readonly icmpType: number;
  readonly tcpFlags: number;
  readonly part?: ModelPart | undefined;
  /** What an ICMP error is about. */
  readonly quote?: ModelPacket | undefined;
}

/** What is judged: the fields of a key, with the rest of a divided packet that nobody knows the first of. */
type Identity = Pick<ModelPacket, "local" | "remote" | "protocol" | "localPort" | "remotePort"> & {
  readonly letIn: number;
  readonly isRest: boolean;
};

interface Remembered {
  readonly opened: Way;
  epoch: number;
  policy: number;
  used: number;
  fins: ReadonlySet<Way>;
  ended: { readonly at: number; readonly by: "fins" | Way } | undefined;
}

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];
const ERRORS = { 4: [3, 11, 12], 6: [1, 2, 3, 4] };
const PAIRS = [8, 0, 13, 14, 15, 16, 17, 18];

export class FirewallModel {
  timeouts: { tcpMs: number; udpMs: number; otherMs: number } = { tcpMs: 0, udpMs: 0, otherMs: 0 };
  readonly #programs = new Map<number, ModelProgram>();
  readonly #policies = new Map<number, number>();
  readonly #divided = new DividedPackets();
  readonly #peers: readonly (readonly string[])[];
  readonly #own: readonly string[];
  readonly #flows = new Map<string, Remembered>();
  #epoch = 0;

  /** Which addresses each peer may speak for, and our own. */
  constructor(peers: readonly (readonly string[])[], own: readonly string[]) {
    this.#peers = peers;
    this.#own = own;
  }

  apply(id: number, program: ModelProgram): void {
    this.#programs.set(id, program);
  }

  raiseEpoch(): void {
    this.#epoch++;
  }

  bind(session: number, policy: number): void {
    this.#policies.set(session, policy);
  }

  /** "allowed", or why not. */
  judge(packet: ModelPacket, session: number, now: number): string {
    const { way, part, local, remote } = packet;
    if (way === "inbound" && !this.#peers[session]!.includes(remote)) return "remote-address";
    if (!this.#own.includes(local)) return "local-address";
    if (this.#isAboutFlow(packet, session, now)) return "allowed";
    const known = part ? this.#divided.came(packet, part, session, now) : packet;
    const identity = known
      ? identityOf(known)
      : { ...identityOf(packet), localPort: 0, remotePort: 0, letIn: 0, isRest: true };
    if (this.#flow(identity, packet, session, now))
      return !part || this.#divided.goesOn(packet, part, session, now) ? "allowed" : "fragment-overlap";
    if (part) this.#divided.refused(packet, part, session);
    return known ? "no-matching-rule" : "fragment";
  }

  /** An ICMP error about a packet that went the other way in a flow that is remembered and still allowed. */
  #isAboutFlow({ way, icmpType, local, remote, quote }: ModelPacket, session: number, now: number): boolean {
    if (!quote || !ERRORS[local.includes(":") ? 6 : 4].includes(icmpType) || quote.way === way) return false;
    if (way === "inbound" ? quote.local !== local : quote.remote !== remote) return false;
    if (!this.#peers[session]!.includes(quote.remote)) return false;
    const flow = this.#flows.get(keyOf(identityOf(quote)));
    if (!flow || this.#isGone(flow, quote.protocol, now)) return false;
    return this.#isStillAllowed(flow, identityOf(quote), session);
  }

  #flow(identity: Identity, { way, tcpFlags, part }: ModelPacket, session: number, now: number): boolean {
    const key = keyOf(identity);
    const flags = identity.protocol !== 6 || (part && part.from > 0) ? 0 : tcpFlags;
    const isOpening = (flags & (SYN | ACK | RST)) === SYN;
    let flow = this.#flows.get(key);
    if (!flow || this.#isGone(flow, identity.protocol, now) || (flow.ended && isOpening))
      flow = { opened: way, epoch: -1, policy: 0, used: now, fins: new Set(), ended: undefined };
    if (!this.#isStillAllowed(flow, identity, session)) return false;
    flow.used = now;
    passTcp(flow, way, flags, now);
    this.#flows.set(key, flow);
    return true;
  }

  #isStillAllowed(flow: Remembered, identity: Identity, session: number): boolean {
    const policy = this.#policies.get(session) ?? 0;
    if (flow.epoch === this.#epoch && flow.policy === policy) return true;
    const rules = this.#programs.get(policy)?.[flow.opened] ?? [];
    const types = { inbound: identity.letIn, outbound: answerOf(identity.local, identity.letIn) };
    if (!rules.some((rule) => matches(rule, { ...identity, way: flow.opened, icmpType: types[flow.opened] })))
      return false;
    Object.assign(flow, { epoch: this.#epoch, policy });
    return true;
  }

  #isGone({ used, ended }: Remembered, protocol: number, now: number): boolean {
    const { tcpMs, udpMs, otherMs } = this.timeouts;
    const timeout = protocol === 6 ? tcpMs : protocol === 17 ? udpMs : otherMs;
    return now - used > timeout || (ended !== undefined && now - ended.at > 10_000);
  }
}

function passTcp(flow: Remembered, way: Way, flags: number, now: number): void {
  if (way === "outbound" && !(flags & RST) && flow.ended?.by === "inbound") flow.ended = undefined;
  if ((flags & (SYN | ACK | RST)) === SYN) flow.fins = new Set();
  if (flags & FIN) flow.fins = new Set([...flow.fins, way]);
  if (flow.fins.size === 2) flow.ended ??= { at: now, by: "fins" };
  if (flags & RST) flow.ended ??= { at: now, by: way };
}

function identityOf({ way, local, remote, protocol, localPort, remotePort, icmpType }: ModelPacket): Identity {
  const letIn = way === "inbound" ? icmpType : answerOf(local, icmpType);
  return { local, remote, protocol, localPort, remotePort, letIn: isIcmp(protocol) ? letIn : 0, isRest: false };
}

function keyOf({ local, remote, protocol, localPort, remotePort, letIn, isRest }: Identity): string {
  return [local, remote, protocol, localPort, remotePort, letIn, isRest].join(" ");
}

/** The type that comes back for a type. */
function answerOf(local: string, type: number): number {
  if (local.includes(":")) return type === 128 || type === 129 ? 257 - type : type;
  const at = PAIRS.indexOf(type);
  return at < 0 ? type : PAIRS[at ^ 1]!;
}
