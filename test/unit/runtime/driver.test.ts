import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { instant, later, wallTime } from "../../../src/core/base/time.ts";
import type { DataPlaneEvent, LocalIndex } from "../../../src/core/dataplane/contract.ts";
import type { Deadline, Input, NodeDetails, NodeStatus, Output, PingResult, PingTarget } from "../../../src/core/io.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { directPath } from "../../../src/core/path/path.ts";
import { Driver } from "../../../src/runtime/driver.ts";
import { noCounters } from "../fixtures/counters.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const sample: Output = { to: "data-plane", command: { kind: "sample" } };

describe("the driver", () => {
  test("drains every output of an input before it hands over the next, however deep they are nested", () => {
    const { node, driver, world } = driven();
    node.answers["tick"] = [sample, sample];
    world.command.mockImplementation(() => driver.feed({ kind: "data-plane-down" }));
    driver.feed({ kind: "tick" });
    expect(node.journal).toEqual(["tick", "data-plane", "data-plane", "data-plane-down", "data-plane-down"]);
  });

  test("wakes the node at its deadline and not before", () => {
    const { node, driver } = driven();
    node.deadline = { at: later(now(), 500), why: "test" };
    driver.feed({ kind: "data-plane-down" });
    vi.advanceTimersByTime(499);
    expect(node.journal).toEqual(["data-plane-down"]);
    node.deadline = undefined;
    vi.advanceTimersByTime(1);
    expect(node.journal).toEqual(["data-plane-down", "tick"]);
  });

  test("keeps to an earlier deadline that an input brings", () => {
    const { node, driver } = driven();
    node.deadline = { at: later(now(), 5_000), why: "test" };
    driver.feed({ kind: "data-plane-down" });
    node.deadline = { at: later(now(), 10), why: "test" };
    driver.feed({ kind: "data-plane-down" });
    node.deadline = undefined;
    vi.advanceTimersByTime(10);
    expect(node.journal.at(-1)).toBe("tick");
  });

  test("does not spin when a deadline lies in the past", () => {
    const { node, driver } = driven();
    node.deadline = { at: instant(0), why: "overdue" };
    driver.feed({ kind: "data-plane-down" });
    vi.advanceTimersByTime(100);
    expect(node.journal.length).toBeLessThanOrEqual(101);
  });

  test("gives each ping its own answer", async () => {
    const { node, driver } = driven();
    const first = driver.ping(to("10.77.0.2"), 1_000);
    const second = driver.ping(to("10.77.0.3"), 1_000);
    node.answers["tick"] = [
      { to: "pinger", id: 2, result: failed("for b") },
      { to: "pinger", id: 1, result: failed("for a") },
    ];
    driver.feed({ kind: "tick" });
    expect(await Promise.all([first, second])).toEqual([failed("for a"), failed("for b")]);
  });

  test("takes 64 pings at once and no more", async () => {
    const { driver } = driven();
    for (let i = 0; i < 64; i++) void driver.ping(i % 2 === 0 ? to("10.77.0.2") : { by: "name", name: "a" }, 1_000);
    expect(await driver.ping(to("10.77.0.2"), 1_000)).toBeUndefined();
  });

  test("looks for a name before it pings its address, and pings the name where nobody knows it", async () => {
    for (const [addresses, target] of [
      [["10.77.0.2" as IpAddress], to("10.77.0.2")],
      [[], { by: "name", name: "a" }],
    ] as const) {
      const { node, driver } = driven();
      node.answers["find"] = [{ to: "finder", id: 2, addresses }];
      node.answers["ping"] = [{ to: "pinger", id: 1, result: failed("for a") }];
      expect(await driver.ping({ by: "name", name: "a" }, 1_000)).toEqual(failed("for a"));
      expect(node.inputs.at(-1)).toMatchObject({ kind: "ping", target });
    }
  });

  test("hears nothing after its stop, which is the last input", () => {
    const { node, driver } = driven();
    node.deadline = { at: later(now(), 10), why: "test" };
    driver.stop();
    driver.feed({ kind: "tick" });
    vi.advanceTimersByTime(100);
    expect(node.journal).toEqual(["shutdown"]);
  });
});

describe("the driver, told of datagrams that prove nothing,", () => {
  const confirmed: DataPlaneEvent = { kind: "confirmed", localIndex: 7 as LocalIndex };
  const datagram: DataPlaneEvent = {
    kind: "datagram",
    origin: directPath("192.0.2.9:4242" as Endpoint),
    standing: "first",
    datagram: new Uint8Array(100),
  };

  test("hands over everything else first", () => {
    const { node, driver } = driven();
    driver.event(datagram);
    driver.event(confirmed);
    driver.feed({ kind: "tick" });
    expect(node.journal).toEqual(["data-plane confirmed", "tick"]);
    vi.runAllTimers();
    expect(node.journal).toEqual(["data-plane confirmed", "tick", "data-plane datagram"]);
  });

  test("forgets those of a data plane that is gone, and hears none after its stop", () => {
    const { node, driver } = driven();
    driver.event(datagram);
    driver.down();
    vi.runAllTimers();
    driver.stop();
    driver.event(datagram);
    vi.runAllTimers();
    expect(node.journal).toEqual(["data-plane-down", "shutdown"]);
  });

  test("adds those that it refused to what the data plane has dropped", () => {
    const { node, driver } = driven();
    for (let i = 0; i < 300; i++) driver.event(datagram);
    const counters = noCounters({ drops: new Map([["handshake-limited", 6n] as const]) });
    driver.event({ kind: "sampled", activity: [], rules: [], relays: [], counters });
    const sampled = node.events.find((event) => event.kind === "sampled");
    expect([...(sampled?.counters.drops ?? [])]).toEqual([["handshake-limited", 50n]]);
  });
});

function to(address: string): PingTarget {
  return { by: "address", address: address as IpAddress };
}

function failed(text: string): PingResult {
  return { outcome: "failed", name: undefined, address: undefined, failure: { reason: "unknown-name", name: text } };
}

function now() {
  return instant(performance.now());
}

class ScriptedNode {
  readonly journal: string[] = [];
  readonly inputs: Input[] = [];
  readonly events: DataPlaneEvent[] = [];
  readonly answers: Record<string, Output[]> = {};
  deadline: Deadline | undefined;
  #outputs: Output[] = [];

  rules(): [] {
    return [];
  }

  directory(): [] {
    return [];
  }

  handle(input: Input): void {
    this.journal.push(input.kind === "data-plane" ? `data-plane ${input.event.kind}` : input.kind);
    this.inputs.push(input);
    if (input.kind === "data-plane") this.events.push(input.event);
    this.#outputs.push(...(this.answers[input.kind] ?? []));
  }

  poll(): Output | undefined {
    const output = this.#outputs.shift();
    if (output?.to === "data-plane") this.journal.push(output.to);
    return output;
  }

  pollTimeout(): Deadline | undefined {
    return this.deadline;
  }

  status(): NodeStatus {
    throw new Error("not asked for here");
  }

  remembered(): never {
    throw new Error("not asked for here");
  }

  details(): NodeDetails {
    throw new Error("not asked for here");
  }
}

function driven() {
  const node = new ScriptedNode();
  const world = {
    command: vi.fn(),
    resolve: vi.fn(),
    tell: vi.fn(),
    heard: vi.fn(),
    carrier: vi.fn(),
    bulletins: vi.fn(),
    flows: vi.fn(),
    openFlows: vi.fn(),
    captured: vi.fn(),
  };
  const driver = new Driver(node, { clock: () => ({ now: now(), wall: wallTime(0n) }), ...world });
  return { node, driver, world };
}
