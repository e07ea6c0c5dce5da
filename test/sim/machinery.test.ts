import { describe, expect, test } from "vitest";
import { fitTo } from "../../src/core/dataplane/reference/division.ts";
import { type Endpoint, parseEndpoint } from "../../src/core/netip/endpoint.ts";
import { parseInnerPacket } from "../../src/core/wire/inner-packet.ts";
import { overlayAddress, roles } from "./cast/cast.ts";
import { Ledger } from "./judge/ledger.ts";
import { permits, rules } from "./judge/policy.ts";
import { RuleBook } from "./judge/rule-book.ts";
import { Network } from "./underlay/network.ts";
import { Agenda } from "./world/agenda.ts";
import { Alarm, Channel } from "./world/channel.ts";
import { type InnerFlow, idOf, innerPacket, reversed } from "./world/inner.ts";
import { Journal } from "./world/journal.ts";
import { Random } from "./world/random.ts";
import { Reassembly } from "./world/reassembly.ts";

const [, alpha, bravo, charlie] = roles;
const a = parseEndpoint("198.51.100.2:4242") as Endpoint;
const b = parseEndpoint("198.51.100.3:4242") as Endpoint;

describe("virtual time", () => {
  test("does what is due in order of time, then of entry", () => {
    const agenda = new Agenda();
    const done: string[] = [];
    const random = new Random(1, "order");
    const moments = Array.from({ length: 200 }, (_, i) => ({ at: random.below(40), name: `${i}` }));
    for (const { at, name } of moments) agenda.at(at, () => done.push(name));
    while (agenda.step(100));
    const expected = [...moments].sort((x, y) => x.at - y.at || Number(x.name) - Number(y.name));
    expect(done).toEqual(expected.map(({ name }) => name));
    expect(agenda.now).toBe(100);
  });

  test("rings an alarm only at the last moment it was set to", () => {
    const agenda = new Agenda();
    const rung: number[] = [];
    const alarm = new Alarm(agenda, () => rung.push(agenda.now));
    alarm.set(50);
    alarm.set(20);
    alarm.set(30);
    while (agenda.step(100));
    expect(rung).toEqual([30]);
  });

  test("keeps the order of a channel, and loses what was under way when its end dies", () => {
    const agenda = new Agenda();
    const got: number[] = [];
    const channel = new Channel<number>(agenda, new Random(3, "channel"), (message) => got.push(message));
    for (let i = 0; i < 20; i++) channel.send(i);
    while (agenda.step(100));
    channel.send(20);
    channel.cut();
    channel.send(21);
    while (agenda.step(200));
    expect(got).toEqual([...Array(20).keys(), 21]);
  });
});

describe("the network", () => {
  test("treats the same seed to the same weather", () => {
    expect(arrivals(7)).toEqual(arrivals(7));
    expect(arrivals(7)).not.toEqual(arrivals(8));
  });

  test("loses, doubles, damages and reorders", () => {
    const got = arrivals(7);
    expect(got.length).toBeGreaterThan(50);
    expect(got.length).toBeLessThan(180);
    expect(got.some((number, i) => i > 0 && number < got[i - 1]!)).toBe(true);
    expect(new Set(got).size).toBeLessThan(got.length);
    expect(got.some((number) => number > 99)).toBe(true);
  });

  test("cuts one direction without the other", () => {
    const { agenda, network } = calm();
    const got: string[] = [];
    network.listen(a, () => got.push("a"));
    network.listen(b, () => got.push("b"));
    network.block("198.51.100.2", "198.51.100.3");
    network.send(a, b, new Uint8Array(1));
    network.send(b, a, new Uint8Array(1));
    while (agenda.step(100));
    expect(got).toEqual(["a"]);
  });
});

describe("the system behind a TUN device", () => {
  const flow = (to: string, from: string): InnerFlow =>
    ({ from, to, protocol: "udp", fromPort: 1, toPort: 2 }) as unknown as InnerFlow;
  const partsOf = (whole: Uint8Array, mtu: number): readonly Uint8Array[] => {
    const read = parseInnerPacket(whole, "outbound");
    const fitted = read.ok ? fitTo(whole, read.value, mtu, () => 7) : undefined;
    return fitted && "parts" in fitted ? fitted.parts : [];
  };

  test.each([
    ["IPv4", flow("10.77.0.2", "10.77.0.3"), 700],
    ["IPv6", flow("fd77::2", "fd77::3"), 600],
  ])("gives an application the whole packet of %s, in whatever order its parts came", (_, of, mtu) => {
    const whole = innerPacket(of, 5, 1_200);
    const [first, second, third] = partsOf(whole, mtu);
    const system = new Reassembly();
    expect(system.take(second!)).toBeUndefined();
    if (third) expect(system.take(third)).toBeUndefined();
    expect(system.take(first!)).toEqual(whole);
  });

  test("gives it nothing while a part is missing, and does not mix up the parts of two", () => {
    const [one, other] = [5, 6].map((id) => partsOf(innerPacket(flow("10.77.0.2", "10.77.0.3"), id, 1_200), 700));
    const system = new Reassembly();
    expect([one![0], other![1], one![0]].map((part) => system.take(part!))).toEqual([undefined, undefined, undefined]);
  });
});

describe("the journal", () => {
  test("gives the same digest for the same log, and another for another order", () => {
    const digestOf = (order: readonly string[]): string => {
      const journal = new Journal();
      for (const host of order) journal.value(1, host, "event", { counter: 1n, bytes: new Uint8Array([1]) });
      return journal.digest();
    };
    expect(digestOf(["alpha", "bravo"])).toBe(digestOf(["alpha", "bravo"]));
    expect(digestOf(["alpha", "bravo"])).not.toBe(digestOf(["bravo", "alpha"]));
  });
});

describe("the ledger", () => {
  test("accepts what was sent, once", () => {
    const { ledger, flow } = books();
    const { packet } = ledger.issue(alpha!, flow, 20, 0);
    ledger.delivered(charlie!, packet, 5);
    expect(() => ledger.delivered(charlie!, packet, 6)).toThrow(/twice/);
  });

  test("refuses other bytes, other receivers, strangers' packets and false sources", () => {
    const { ledger, flow } = books();
    const { packet } = ledger.issue(alpha!, flow, 20, 0);
    const changed = packet.slice();
    changed[packet.length - 1]! ^= 1;
    expect(() => ledger.delivered(charlie!, changed, 5)).toThrow(/other bytes/);
    expect(() => ledger.delivered(bravo!, packet, 5)).toThrow(/meant for another/);
    expect(() => ledger.delivered(charlie!, new Uint8Array(60), 5)).toThrow(/nobody sent/);
    const spoofed = ledger.issue(bravo!, flow, 20, 0);
    expect(() => ledger.delivered(charlie!, spoofed.packet, 5)).toThrow(/false source/);
  });

  test("refuses what the receiver's rules forbid, unless it answers", () => {
    const { ledger, flow } = books();
    const denied = { ...flow, toPort: 80 };
    expect(() => ledger.delivered(charlie!, ledger.issue(alpha!, denied, 20, 0).packet, 5)).toThrow(/rules forbid/);
    const answer = reversed({ ...flow, fromPort: 41_000 });
    expect(() => ledger.delivered(alpha!, ledger.issue(charlie!, answer, 20, 0).packet, 5)).toThrow(/rules forbid/);
    ledger.delivered(charlie!, ledger.issue(alpha!, { ...flow, fromPort: 41_000 }, 20, 6).packet, 7);
    ledger.delivered(alpha!, ledger.issue(charlie!, answer, 20, 8).packet, 9);
  });

  test("refuses what only the rules of yesterday allowed, once the host knows better", () => {
    const { ledger, book, flow } = books();
    const rulesNow = { inbound: rules(), outbound: rules() };
    book.publish("charlie", { firewall: rulesNow, blocked: [] }, 10);
    ledger.delivered(charlie!, ledger.issue(alpha!, flow, 20, 11).packet, 12);
    book.known("charlie", rulesNow, 15);
    expect(() => ledger.delivered(charlie!, ledger.issue(alpha!, flow, 20, 14).packet, 16)).toThrow(/rules forbid/);
  });
});

describe("the oracle of the rules", () => {
  test.each<[string, string, string, number, boolean]>([
    ["any any any", "bravo", "udp", 9, true],
    ["tcp 443 any", "bravo", "udp", 443, false],
    ["udp 5000-5999 groups=clients", "bravo", "udp", 5999, true],
    ["udp 5000-5999 groups=clients+admins", "bravo", "udp", 5999, false],
    ["any any host=alpha", "bravo", "tcp", 1, false],
    ["any 22 any", "bravo", "icmp", 22, false],
    ["icmp 22 any", "bravo", "icmp", 1, true],
  ])("%s lets %s send %s %d: %s", (line, name, protocol, port, allowed) => {
    const peer = roles.find((role) => role.name === name)!;
    const question = { protocol: protocol as InnerFlow["protocol"], port, remote: overlayAddress(peer.number, 4) };
    expect(permits(rules(line), peer, question)).toBe(allowed);
  });
});

test("a packet's number is found in it, whatever the family", () => {
  const ledger = new Ledger(new RuleBook());
  const flow = {
    from: overlayAddress(2, 6),
    to: overlayAddress(3, 6),
    protocol: "tcp",
    fromPort: 1,
    toPort: 2,
  } as const;
  ledger.issue(alpha!, flow, 20, 0);
  expect(idOf(ledger.issue(alpha!, flow, 20, 0).packet)).toBe(1);
});

function calm(): { agenda: Agenda; network: Network } {
  const agenda = new Agenda();
  return { agenda, network: new Network(agenda, new Random(1, "calm")) };
}

/** Numbers 0..99 sent through foul weather, as they arrive. */
function arrivals(seed: number): number[] {
  const agenda = new Agenda();
  const network = new Network(agenda, new Random(seed, "foul"));
  network.setWeather({ loss: 0.2, duplicate: 0.2, corrupt: 0.1, delayMs: 5, jitterMs: 50 });
  const got: number[] = [];
  network.listen(b, (_, datagram) => got.push(datagram[0]!));
  for (let i = 0; i < 100; i++) agenda.at(i, () => network.send(a, b, new Uint8Array([i])));
  while (agenda.step(1000));
  return got;
}

function books(): { ledger: Ledger; book: RuleBook; flow: InnerFlow } {
  const book = new RuleBook();
  const ledger = new Ledger(book);
  for (const role of roles) {
    ledger.own(role, [overlayAddress(role.number, 4)]);
    book.publish(role.name, { firewall: role, blocked: [] }, 0);
  }
  const [from, to] = [overlayAddress(2, 4), overlayAddress(4, 4)];
  return { ledger, book, flow: { from, to, protocol: "tcp", fromPort: 40_000, toPort: 443 } };
}
