/**
 * What section 4 of SEMANTICS.md says about the firewall, a second time and as short as it goes: written from that page, sharing no code with either
 * data plane. It knows packets by their fields, addresses as text, and forgets nothing before it must.
 */
export type Way = "inbound" | "outbound";

export interface ModelRule {
  readonly protocol: "any" | "tcp" | "udp" | "icmp";
  readonly portFirst: number;
  readonly portLast: number;
  readonly remote: readonly string[];
  readonly local: readonly string[];
  readonly icmpTypes: readonly number[];
  readonly fragment: boolean;
}

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
}

/** What is judged: the fields of a key, with the part that nobody knows the first of. */
type Identity = Omit<ModelPacket, "way" | "tcpFlags" | "icmpType"> & { readonly letIn: number; readonly part: boolean };

interface Remembered {
  readonly opened: Way;
  epoch: number;
  policy: number;
  used: number;
  fins: ReadonlySet<Way>;
  ended: { readonly at: number; readonly by: "fins" | Way } | undefined;
}

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];
const PAIRS = [8, 0, 13, 14, 15, 16, 17, 18];

export class FirewallModel {
  timeouts: { tcpMs: number; udpMs: number; otherMs: number } = { tcpMs: 0, udpMs: 0, otherMs: 0 };
  readonly #programs = new Map<number, ModelProgram>();
  readonly #policies = new Map<number, number>();
  readonly #flows = new Map<string, Remembered>();
  #epoch = 0;

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
    return this.#flow(identityOf(packet), packet, session, now) ? "allowed" : "no-matching-rule";
  }

  #flow(identity: Identity, { way, tcpFlags }: ModelPacket, session: number, now: number): boolean {
    const policy = this.#policies.get(session) ?? 0;
    const key = JSON.stringify(Object.values(identity));
    const isOpening = (tcpFlags & (SYN | ACK | RST)) === SYN;
    let flow = this.#flows.get(key);
    if (flow && (this.#isGone(flow, identity.protocol, now) || (flow.ended && isOpening))) flow = undefined;
    const asked = flow?.opened ?? way;
    if (flow?.epoch !== this.#epoch || flow.policy !== policy)
      if (!this.#programs.get(policy)?.[asked].some((rule) => matches(rule, identity, asked))) return false;
    flow ??= { opened: way, epoch: 0, policy: 0, used: 0, fins: new Set(), ended: undefined };
    Object.assign(flow, { epoch: this.#epoch, policy, used: now });
    if (identity.protocol === 6) passTcp(flow, way, tcpFlags, now);
    this.#flows.set(key, flow);
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
  if (flags & RST) flow.ended ??= { at: now, by: way };
  if (flow.fins.size === 2) flow.ended ??= { at: now, by: "fins" };
}

function identityOf(packet: ModelPacket): Identity {
  const { way, tcpFlags: _, icmpType, ...rest } = packet;
  const letIn = way === "inbound" ? icmpType : answerOf(packet.local, icmpType);
  return { ...rest, letIn: isIcmp(packet.protocol) ? letIn : 0, part: false };
}

/** The type that comes back for a type. */
function answerOf(local: string, type: number): number {
  if (local.includes(":")) return type === 128 || type === 129 ? 257 - type : type;
  const at = PAIRS.indexOf(type);
  return at < 0 ? type : PAIRS[at ^ 1]!;
}

function isIcmp(protocol: number): boolean {
  return protocol === 1 || protocol === 58;
}

function matches(rule: ModelRule, identity: Identity, way: Way): boolean {
  const { protocol, local, remote, localPort, remotePort, letIn, part } = identity;
  const isAnyPort = rule.portFirst === 0 && rule.portLast === 65_535;
  const port = way === "inbound" ? localPort : remotePort;
  if (rule.fragment && !part) return false;
  if (rule.protocol === "icmp") {
    if (!isIcmp(protocol)) return false;
    const type = (way === "inbound" ? letIn : answerOf(local, letIn)) + (protocol === 58 ? 256 : 0);
    if (rule.icmpTypes.length > 0 && (part || !rule.icmpTypes.includes(type))) return false;
  } else {
    if (rule.protocol !== "any" && protocol !== { tcp: 6, udp: 17 }[rule.protocol]) return false;
    const looksAtNoPort = isAnyPort || rule.fragment;
    if (!looksAtNoPort && (part || isIcmp(protocol) || port < rule.portFirst || port > rule.portLast)) return false;
  }
  return isAmong(rule.remote, remote) && isAmong(rule.local, local);
}

function isAmong(prefixes: readonly string[], address: string): boolean {
  const within = (prefix: string): boolean => {
    const [network, length] = prefix.split("/") as [string, string];
    return network.includes(":") === address.includes(":") && bits(address).startsWith(bits(network).slice(0, +length));
  };
  return prefixes.length === 0 || prefixes.some(within);
}

function bits(address: string): string {
  const isIpv4 = !address.includes(":");
  const [front = [], back = []] = address.split("::").map((half) => half.split(isIpv4 ? "." : ":").filter(Boolean));
  const middle = isIpv4 ? [] : Array.from({ length: 8 - front.length - back.length }, () => "0");
  const digits = (group: string): string => Number.parseInt(group, isIpv4 ? 10 : 16).toString(2);
  return [...front, ...middle, ...back].map((group) => digits(group).padStart(isIpv4 ? 8 : 16, "0")).join("");
}
