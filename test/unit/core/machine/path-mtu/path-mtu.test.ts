import { describe, expect, test } from "vitest";
import { concatBytes, writeUint16 } from "../../../../../src/core/base/bytes.ts";
import { addressBytes } from "../../../../../src/core/netip/address.ts";
import { type Flight, type Host, Mesh } from "../../../fixtures/mesh.ts";

const HEADERS = 28;

/** Two hosts with a tunnel, and a wire that drops what is longer (in the direction of the second, from when it is told). */
function pair(drops: (datagram: Uint8Array) => boolean = () => false) {
  const mesh = new Mesh();
  mesh.delivers = ({ datagram }) => !drops(datagram);
  const a = mesh.host("192.0.2.1:4242", {
    name: "a",
    networks: ["10.77.0.1/16"],
    statics: { "10.77.0.2": ["192.0.2.2:4242"] },
  });
  const b = mesh.host("192.0.2.2:4242", { name: "b", networks: ["10.77.0.2/16"] });
  a.say(b, "hello");
  mesh.run(1000);
  expect(b.heard).toEqual(["hello"]);
  const narrow = (bytes: number) => {
    mesh.delivers = ({ to, datagram }: Flight) => to !== b.endpoint || datagram.length + HEADERS <= bytes;
  };
  return { mesh, a, b, narrow };
}

/** UDP that makes an inner packet of so many bytes, which may not be divided. */
function large(host: Host, to: Host, bytes = 1300): void {
  const header = new Uint8Array(28);
  header[0] = 0x45;
  writeUint16(header, 2, bytes);
  header[6] = 0x40;
  header[8] = 64;
  header[9] = 17;
  header.set(addressBytes(host.address), 12);
  header.set(addressBytes(to.address), 16);
  writeUint16(header, 22, 9);
  writeUint16(header, 24, bytes - 20);
  host.dataPlane.fromTun(concatBytes(header, new Uint8Array(bytes - 28)), host.mesh.now);
  host.drain();
}

/** A program that goes on sending, and makes its packets shorter when it is told to. Returns how long nothing of use arrived at most. */
function stream(a: Host, b: Host, ms: number): { readonly pauseMs: number; readonly size: number } {
  const { mesh } = a;
  let size = 1300;
  let last = mesh.now as number;
  let pauseMs = 0;
  for (let passed = 0; passed < ms; passed += 20) {
    const before = b.received.length;
    const told = a.received.length;
    large(a, b, size);
    mesh.run(20);
    for (const packet of a.received.slice(told))
      if (packet[9] === 1 && packet[20] === 3 && packet[21] === 4) size = (packet[26]! << 8) | packet[27]!;
    if (b.received.length > before) last = mesh.now;
    pauseMs = Math.max(pauseMs, mesh.now - last);
  }
  return { pauseMs, size };
}

function isTest(datagram: Uint8Array): boolean {
  return (datagram[0]! & 15) === 4;
}

function mtuOf(a: Host): number | undefined {
  return a.status().peers[0]?.mtu;
}

test("a way is asked what it carries when something large goes there, and not before", () => {
  const { mesh, a, b } = pair();
  mesh.run(60_000);
  const sizes = () => mesh.flights.filter(({ datagram }) => datagram.length >= 1300).length;
  expect([sizes(), mtuOf(a)]).toEqual([0, undefined]);
  stream(a, b, 1000);
  expect(mtuOf(a)).toBe(1300);
  // Once more, soon after the last.
  mesh.run(1000);
  const seen = sizes();
  mesh.run(60_000);
  expect(sizes()).toBe(seen);
});

test("while large packets are sent it is asked about three times a second", () => {
  const { mesh, a, b } = pair();
  stream(a, b, 2000);
  mesh.flights.length = 0;
  stream(a, b, 10_000);
  const probes = mesh.flights.filter(
    ({ to, datagram }) => to === b.endpoint && isTest(datagram) && datagram.length > 1000,
  ).length;
  expect(probes).toBeGreaterThan(20);
  expect(probes).toBeLessThan(32);
});

test("a way that swallows long packets from one moment on is noticed in half a second, and senders are told", () => {
  for (const afterMs of [5000, 5100, 5200, 5300]) {
    const { a, b, narrow } = pair();
    stream(a, b, afterMs);
    narrow(1280);
    const { pauseMs, size } = stream(a, b, 5000);
    expect(pauseMs).toBeLessThan(600);
    expect([size, mtuOf(a)]).toEqual([1220, 1220]);
  }
});

test("that is so, too, when hardly anything is sent any more", () => {
  const { mesh, a, b, narrow } = pair();
  stream(a, b, 5000);
  narrow(1280);
  large(a, b);
  mesh.run(600);
  expect(mtuOf(a)).toBe(1220);
});

test("one that was narrow from the beginning is, too", () => {
  const { a, b, narrow } = pair();
  narrow(1300);
  const { pauseMs, size } = stream(a, b, 5000);
  expect(pauseMs).toBeLessThan(1000);
  expect([size, mtuOf(a)]).toEqual([1240, 1240]);
});

test("what becomes wide again is used again", () => {
  const { a, b, narrow } = pair();
  narrow(1280);
  stream(a, b, 3000);
  expect(mtuOf(a)).toBe(1220);
  narrow(1500);
  stream(a, b, 15_000);
  expect(mtuOf(a)).toBe(1300);
});

test("while it stays narrow that is asked ever more seldom", () => {
  const { mesh, a, b, narrow } = pair();
  narrow(1280);
  stream(a, b, 3000);
  mesh.flights.length = 0;
  stream(a, b, 100_000);
  const longer = mesh.flights.filter(({ datagram }) => datagram.length + HEADERS > 1280);
  // Three lengths, the longest twice; after 10, 20, 40 and 80 seconds.
  expect(longer.length).toBeLessThanOrEqual(16);
  expect(mtuOf(a)).toBe(1220);
});

test("a lossy way is not taken for a narrow one", () => {
  const { mesh, a, b } = pair();
  let n = 0;
  mesh.delivers = () => ++n % 5 !== 0;
  stream(a, b, 60_000);
  expect(mtuOf(a)).toBe(1300);
});

test("a way on which nothing passes any more says nothing about lengths", () => {
  const { mesh, a, b } = pair();
  stream(a, b, 2000);
  mesh.delivers = () => false;
  stream(a, b, 2000);
  expect(mtuOf(a)).toBe(1300);
});

test("what was found out holds for the next session on the same way, and not for another way", () => {
  const { mesh, a, b, narrow } = pair();
  narrow(1280);
  stream(a, b, 3000);
  const told = () => a.commands.filter(({ kind }) => kind === "set-path-mtu").at(-1);
  a.input({ kind: "order", order: { what: "close-tunnel", address: b.address, tellPeer: true } });
  mesh.run(100);
  a.say(b, "again");
  mesh.run(1000);
  expect(told()).toMatchObject({ mtu: 1220 });
});

test("a peer that knows no path requests, as others' are, is asked by test requests, which everybody echoes", () => {
  const { mesh, a, b } = pair((datagram) => isTest(datagram) && datagram[1] === 2);
  stream(a, b, 3000);
  expect(mtuOf(a)).toBe(1300);
  const foreign = mesh.delivers;
  mesh.delivers = (flight) => foreign(flight) && flight.datagram.length + HEADERS <= 1280;
  const { pauseMs, size } = stream(a, b, 5000);
  expect(pauseMs).toBeLessThan(1000);
  expect(size).toBe(1220);
});

test("what a control plane has found out holds for the data plane when another one takes its place, until that has found something out", () => {
  const { mesh, a, b, narrow } = pair();
  stream(a, b, 5000);
  narrow(1280);
  stream(a, b, 5000);
  a.restartControlPlane();
  mesh.run(100);
  const { pauseMs, size } = stream(a, b, 200);
  expect(pauseMs).toBeLessThanOrEqual(40);
  expect(size).toBe(1220);
  narrow(1500);
  stream(a, b, 60_000);
  expect(mtuOf(a)).toBe(1300);
});

describe("what this machine's own system refuses as too long", () => {
  const refused = (a: Host, endpoint: Host["endpoint"], error = "EMSGSIZE") =>
    a.event({ kind: "send-error", endpoint, error });

  test("is noticed in a tenth of a second, and told as a matter of the path and not as a trouble of this machine", () => {
    const { mesh, a, b, narrow } = pair();
    stream(a, b, 5000);
    narrow(1280);
    for (let passed = 0; passed < 100; passed += 20) {
      large(a, b);
      refused(a, b.endpoint);
      mesh.run(20);
    }
    mesh.run(50);
    expect(mtuOf(a)).toBe(1220);
    expect(a.noticed("send-refused")).toEqual([]);
  });

  test("is no answer: a way that still carries it keeps its length, whoever says that it does not, and is asked ten times a second at most", () => {
    const { mesh, a, b } = pair();
    stream(a, b, 2000);
    mesh.flights.length = 0;
    for (let passed = 0; passed < 2000; passed += 10) {
      large(a, b);
      refused(a, b.endpoint);
      mesh.run(10);
    }
    const checks = mesh.flights.filter(
      ({ to, datagram }) => to === b.endpoint && isTest(datagram) && datagram.length > 1300,
    );
    expect(mtuOf(a)).toBe(1300);
    // Twice in a sweep and once before it.
    expect(checks.length).toBeLessThanOrEqual(3 * 20 + 3);
  });

  test("is a trouble of this machine where nobody is reached, or for another reason", () => {
    const { a, b } = pair();
    refused(a, "198.51.100.1:4242" as Host["endpoint"]);
    expect(a.noticed("send-refused")).toMatchObject([{ fields: { error: "EMSGSIZE" } }]);
    refused(a, b.endpoint, "EPERM");
    expect(a.noticed("send-refused").at(-1)).toMatchObject({ fields: { error: "EPERM" } });
  });
});
