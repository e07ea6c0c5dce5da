import { fail, ok, type Result } from "../../core/base/result.ts";
import { nearest } from "../../core/base/suggest.ts";
import type { CaptureStep } from "../../core/dataplane/contract.ts";
import type { NodeStatus } from "../../core/io.ts";
import { type IpAddress, parseAddress } from "../../core/netip/address.ts";
import { IpProtocol } from "../../core/netip/ip-protocol.ts";
import { type Prefix, parsePrefix, widthOf } from "../../core/netip/prefix.ts";
import { PORT_MAX } from "../../core/netip/service.ts";

/** What is wrong with a filter, and where in its text. */
export interface FilterFault {
  readonly at: number;
  /** A clause. */
  readonly why: string;
}

/** Overlay addresses of hosts by the names in their certificates. */
export type HostsByName = ReadonlyMap<string, readonly IpAddress[]>;

/** This host, and those with a tunnel. */
export function hostsByName({ name, addresses, peers }: Pick<NodeStatus, "name" | "addresses" | "peers">): HostsByName {
  const known = peers.flatMap((peer) => (peer.name === undefined ? [] : [[peer.name, peer.addresses] as const]));
  return new Map([...known, [name, addresses]]);
}

/** As many as a data plane takes. */
const STEPS_MAX = 64;

const PROTOCOLS: ReadonlyMap<string, readonly number[]> = new Map([
  ["tcp", [IpProtocol.tcp]],
  ["udp", [IpProtocol.udp]],
  ["icmp", [IpProtocol.icmp, IpProtocol.icmpv6]],
]);
const WORDS = [
  "and",
  "or",
  "not",
  "host",
  "net",
  "port",
  "proto",
  "src",
  "dst",
  "in",
  "out",
  "denied",
  "allowed",
  ...PROTOCOLS.keys(),
];

interface Word {
  readonly text: string;
  readonly at: number;
}

/**
 * Reads a filter in the manner of pcap-filter(7): "host db1 and tcp port 5432-5439", "denied and not icmp", "src net 10.77.0.0/24". Words side by side
 * mean "and". An empty one means every packet.
 */
export function parseCaptureFilter(text: string, hosts: HostsByName): Result<readonly CaptureStep[], FilterFault> {
  const words = [...text.matchAll(/[()!]|&&|\|\||[&|]|[^\s()!&|]+/g)].map((match) => ({
    text: match[0],
    at: match.index,
  }));
  if (words.length === 0) return ok([]);
  const reader = new FilterReader(words, text.length, hosts);
  try {
    return ok(reader.all());
  } catch (error) {
    if (error instanceof Unreadable) return fail(error.fault);
    throw error;
  }
}

class Unreadable extends Error {
  readonly fault: FilterFault;

  constructor(fault: FilterFault) {
    super(fault.why);
    this.fault = fault;
  }
}

class FilterReader {
  readonly #words: readonly Word[];
  readonly #end: number;
  readonly #hosts: HostsByName;
  #next = 0;

  constructor(words: readonly Word[], end: number, hosts: HostsByName) {
    this.#words = words;
    this.#end = end;
    this.#hosts = hosts;
  }

  all(): readonly CaptureStep[] {
    const steps = this.#either();
    const rest = this.#peek();
    if (rest) throw unreadable(rest.at, "there is no parenthesis that this one closes");
    if (steps.length > STEPS_MAX)
      throw unreadable(0, `it has ${steps.length} parts, and a filter may have ${STEPS_MAX}`);
    return steps;
  }

  #either(): readonly CaptureStep[] {
    let steps = this.#both();
    while (this.#takes("or", "||")) steps = [...steps, ...this.#both(), { op: "or" }];
    return steps;
  }

  #both(): readonly CaptureStep[] {
    let steps = this.#one();
    for (let next = this.#peek(); next && ![")", "or", "||"].includes(next.text); next = this.#peek()) {
      this.#takes("and", "&&");
      steps = [...steps, ...this.#one(), { op: "and" }];
    }
    return steps;
  }

  #one(): readonly CaptureStep[] {
    if (this.#takes("not", "!")) return [...this.#one(), { op: "not" }];
    const opened = this.#peek();
    if (!this.#takes("(")) return this.#primitive();
    const steps = this.#either();
    if (!this.#takes(")")) throw unreadable(opened?.at ?? 0, "this parenthesis is not closed");
    return steps;
  }

  #primitive(): readonly CaptureStep[] {
    const word = this.#take("something to look for");
    switch (word.text) {
      case "src":
      case "dst":
        return this.#ofEnd(this.#take("host, net or port"), [word.text === "src" ? "source" : "destination"]);
      case "proto":
        return this.#protocol(this.#take("a protocol"));
      case "in":
        return [{ op: "inbound" }];
      case "out":
        return [{ op: "inbound" }, { op: "not" }];
      case "denied":
        return [{ op: "refused" }];
      case "allowed":
        return [{ op: "refused" }, { op: "not" }];
      case "and":
      case "&&":
      case "or":
      case "||":
      case ")":
        throw unreadable(word.at, `something to look for belongs before "${word.text}"`);
      default:
        if (PROTOCOLS.has(word.text)) return this.#protocol(word);
        return this.#ofEnd(word, ["source", "destination"]);
    }
  }

  /** A host, network or port at one end, or at either. */
  #ofEnd(word: Word, ends: readonly ("source" | "destination")[]): readonly CaptureStep[] {
    if (word.text === "port") {
      const { first, last } = portsOf(this.#take("a port"));
      return either(ends.map((end) => [{ op: `${end}-port` as const, first, last }]));
    }
    const prefixes = word.text === "net" ? [netOf(this.#take("a network"))] : this.#hostOf(word);
    return either(ends.flatMap((op) => prefixes.map((prefix) => [{ op, prefix }])));
  }

  #hostOf(word: Word): readonly Prefix[] {
    const named = word.text === "host" ? this.#take("a host") : word;
    const address = parseAddress(named.text);
    const addresses = address === undefined ? this.#hosts.get(named.text) : [address];
    if (addresses) return addresses.map((each) => ({ address: each, bits: widthOf(each) }));
    const isHost = word !== named;
    const meant = nearest(named.text, isHost ? this.#hosts.keys() : [...WORDS, ...this.#hosts.keys()]);
    const hint = meant === undefined ? "" : ` - did you mean ${meant}?`;
    throw unreadable(
      named.at,
      isHost
        ? `no host that is known here is called "${named.text}"${hint}`
        : `"${named.text}" is neither a word of filters nor a host${hint}`,
    );
  }

  #protocol({ text, at }: Word): readonly CaptureStep[] {
    const numbers = PROTOCOLS.get(text) ?? (/^\d{1,3}$/.test(text) && Number(text) <= 255 ? [Number(text)] : undefined);
    if (!numbers) throw unreadable(at, `"${text}" is no protocol: tcp, udp, icmp, or a number up to 255`);
    return either(numbers.map((protocol) => [{ op: "protocol", protocol }]));
  }

  #peek(): Word | undefined {
    return this.#words[this.#next];
  }

  #takes(...texts: readonly string[]): boolean {
    const isOne = texts.includes(this.#peek()?.text ?? "");
    if (isOne) this.#next++;
    return isOne;
  }

  #take(what: string): Word {
    const word = this.#words[this.#next++];
    if (!word) throw unreadable(this.#end, `${what} belongs here`);
    return word;
  }
}

function unreadable(at: number, why: string): Unreadable {
  return new Unreadable({ at, why });
}

function either(alternatives: readonly (readonly CaptureStep[])[]): readonly CaptureStep[] {
  return alternatives.flatMap((steps, at) => (at === 0 ? steps : [...steps, { op: "or" } as const]));
}

function portsOf({ text, at }: Word): { readonly first: number; readonly last: number } {
  const [, low = "", high = low] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(low), Number(high || low)];
  if (low === "" || last > PORT_MAX || first > last)
    throw unreadable(at, `"${text}" is no port: a number up to ${PORT_MAX}, or two with a hyphen between`);
  return { first, last };
}

function netOf({ text, at }: Word): Prefix {
  const prefix = parsePrefix(text);
  if (!prefix) throw unreadable(at, `"${text}" is no network such as 10.77.0.0/24`);
  return prefix;
}
