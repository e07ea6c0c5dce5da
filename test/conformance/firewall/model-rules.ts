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

interface Judged {
  readonly way: Way;
  readonly local: string;
  readonly remote: string;
  readonly protocol: number;
  readonly localPort: number;
  readonly remotePort: number;
  readonly icmpType: number;
  readonly isRest: boolean;
}

export function isIcmp(protocol: number): boolean {
  return protocol === 1 || protocol === 58;
}

/** Whether a rule means what is judged: a packet, or the rest of a divided one. */
export function matches(rule: ModelRule, judged: Judged): boolean {
  const { way, protocol, local, remote, localPort, remotePort, icmpType, isRest } = judged;
  const isAnyPort = rule.portFirst === 0 && rule.portLast === 65_535;
  const port = way === "inbound" ? localPort : remotePort;
  if (rule.fragment && !isRest) return false;
  if (rule.protocol === "icmp") {
    if (!isIcmp(protocol)) return false;
    const type = icmpType + (protocol === 58 ? 256 : 0);
    if (rule.icmpTypes.length > 0 && (isRest || !rule.icmpTypes.includes(type))) return false;
  } else {
    if (rule.protocol !== "any" && protocol !== { tcp: 6, udp: 17 }[rule.protocol]) return false;
    const looksAtNoPort = isIcmp(protocol) ? isAnyPort && !rule.fragment : isAnyPort || rule.fragment;
    if (!looksAtNoPort && (isRest || isIcmp(protocol) || port < rule.portFirst || port > rule.portLast)) return false;
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
