import { describe, expect, test } from "vitest";
import type { DataPlaneCommand } from "../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { decodeHeader, PacketType } from "../../../../src/core/wire/header.ts";
import { type Flight, type Host, Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";
const C = "192.0.2.3:4242";

describe("two hosts that know each other's endpoint", () => {
  test("bring the first packet through, once the handshake is done", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    expect(b.heard).toEqual(["hello"]);
    expect(a.status().peers[0]).toMatchObject({ name: "b", state: "up", path: B });
    expect(b.status().peers[0]).toMatchObject({ name: "a", state: "up", path: A });
  });

  test("talk both ways through one session", () => {
    const { mesh, a, b } = pair();
    a.say(b, "ping");
    mesh.run(100);
    b.say(a, "pong");
    mesh.run(100);
    expect(a.heard).toEqual(["pong"]);
    expect(handshakes(mesh)).toHaveLength(2);
  });

  test.each(["aes", "chachapoly"] as const)("use the cipher %s", (cipher) => {
    const { mesh, a, b } = pair({ boot: { cipher } }, { boot: { cipher } });
    a.say(b, "hello");
    mesh.run(100);
    expect(b.heard).toEqual(["hello"]);
  });

  test("do not come together with different ciphers, and the initiator says so", () => {
    const { mesh, a, b } = pair({}, { boot: { cipher: "chachapoly" } });
    a.say(b, "hello");
    mesh.run(12_000);
    expect(b.heard).toEqual([]);
    expect(a.noticed("message-2-unreadable").length).toBeGreaterThan(0);
    expect(a.noticed("handshake-failed")[0]?.text).toBe(
      `${B} answered, but its answers do not decrypt. Does it use another cipher than aes?`,
    );
    expect(a.noticed("handshake-failed")[0]?.fields).toMatchObject({ reason: "handshake-timeout" });
    expect(b.status().peers).toEqual([]);
  });

  test("confirm the responder's session even when the initiator has nothing to send", () => {
    const { mesh, a, b } = pair();
    a.event({ kind: "need-session", destination: b.address });
    mesh.run(30);
    expect(b.status().peers[0]).toMatchObject({ name: "a", state: "up" });
  });

  test("end with a first round trip measured", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    expect(a.status().peers[0]?.roundTripMs).toBe(10);
  });
});

describe("message 1", () => {
  test("is repeated byte for byte after 100, 300, 600 ms, and given up after the tenth", () => {
    const { mesh, a, b } = pair();
    mesh.delivers = () => false;
    const begun = mesh.now;
    const times: number[] = [];
    mesh.delivers = () => {
      times.push(mesh.now - begun);
      return false;
    };
    a.say(b, "hello");
    mesh.run(10_000);
    expect(times).toEqual([0, 100, 300, 600, 1000, 1500, 2100, 2800, 3600, 4500]);
    expect(new Set(mesh.flights.map(({ datagram }) => hex(datagram))).size).toBe(1);
    expect(a.noticed("handshake-failed")[0]?.text).toMatch(
      /No answer from 192\.0\.2\.2:4242 in 5\.5 s \(10 attempts\)/,
    );
    expect(a.sent("drop-parked")).toEqual([{ kind: "drop-parked", destination: b.address }]);
  });

  test("goes to every known endpoint, public ones first", () => {
    const endpoints = ["10.9.9.9:1", "198.51.100.7:2", B];
    const { mesh, a, b } = pair({ statics: { "10.77.0.2": endpoints } });
    a.say(b, "hello");
    expect(mesh.flights.map(({ to }) => to)).toEqual([B, "198.51.100.7:2", "10.9.9.9:1"]);
    mesh.run(100);
    expect(b.heard).toEqual(["hello"]);
  });

  test("never goes to ourselves, whoever says that the host lives there", () => {
    const { mesh, a, b } = pair({ statics: { "10.77.0.2": [A, B] } });
    a.say(b, "hello");
    mesh.run(100);
    expect(mesh.flights.filter(({ to, from }) => to === from)).toEqual([]);
    expect(b.heard).toEqual(["hello"]);
  });

  test("scenario 25: that comes again is answered with the stored message 2, and makes no second session", () => {
    const { mesh, a, b } = pair();
    mesh.delivers = ({ datagram }) => !isMessage2(datagram);
    a.say(b, "hello");
    mesh.run(50);
    const [message1, message2] = handshakes(mesh);
    b.receive("203.0.113.9:9" as Endpoint, message1!.datagram);
    const repeated = mesh.flights.at(-1);
    expect(repeated).toMatchObject({ to: "203.0.113.9:9" });
    expect(hex(repeated!.datagram)).toBe(hex(message2!.datagram));
    expect(b.dataPlane.snapshot()).toHaveLength(1);
  });

  test("that comes again after its sender has proven that it has the answer is met with silence", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    const [message1] = handshakes(mesh);
    const before = mesh.flights.length;
    b.receive("203.0.113.9:9" as Endpoint, message1!.datagram);
    expect(mesh.flights.slice(before)).toEqual([]);
    expect(b.status().peers[0]?.sessions).toBe(1);
  });

  test("that is older than the session it made is not answered while that is in use, and nobody else hears of it", () => {
    const { mesh, b, old } = withOldMessage1();
    const before = mesh.flights.length;
    for (const source of [A, C]) b.receive(source as Endpoint, old);
    expect(mesh.flights.slice(before)).toEqual([]);
    expect(b.noticed("handshake-refused").at(-1)?.fields).toMatchObject({ reason: "too-old" });
  });

  test("that is older is believed when nothing was heard on the session for five seconds: its peer may have moved and lost its clock", () => {
    const { mesh, b, old } = withOldMessage1();
    mesh.run(5_000);
    b.receive(C as Endpoint, old);
    expect(mesh.flights.at(-1)).toMatchObject({ to: C });
    expect(b.noticed("handshake-refused")).toEqual([]);
    expect(b.status().peers[0]).toMatchObject({ path: A, state: "up" });
  });

  test("that is too short to pay for its answer is answered when it is repeated", () => {
    const { mesh, a, b } = pair();
    a.event({ kind: "need-session", destination: b.address });
    const { datagram } = mesh.flights.at(-1)!;
    const asTheReference = datagram.subarray(0, Buffer.from(datagram).indexOf(Buffer.from("400112", "hex")) + 2);
    const before = mesh.flights.length;
    b.receive(C as Endpoint, asTheReference);
    expect(mesh.flights.slice(before)).toEqual([]);
    expect(b.noticed("handshake-deferred")).toHaveLength(1);
    b.receive(C as Endpoint, asTheReference);
    expect(
      mesh.flights.slice(before).map(({ to, datagram: { length } }) => [to, length <= 2 * asTheReference.length]),
    ).toEqual([[C, true]]);
  });

  test("whose time is a day off is believed only while no session stands", () => {
    const { mesh, a, b } = pair();
    mesh.delivers = ({ from, datagram }) =>
      from === B || typeOf(datagram) !== PacketType.handshake || isMessage2(datagram);
    mesh.wallOffsetMs = 25 * 3_600_000;
    a.event({ kind: "need-session", destination: b.address });
    const stray = mesh.flights.at(-1)!.datagram;
    mesh.wallOffsetMs = 0;
    b.say(a, "hello");
    mesh.run(1000);
    expect(b.status().peers[0]?.state).toBe("up");
    b.receive(C as Endpoint, stray);
    expect(b.noticed("handshake-refused").at(-1)?.fields).toMatchObject({ reason: "implausible-time" });
  });

  test("of another host with an address of ours is refused, under another name than our own", () => {
    const { mesh, a } = pair();
    const twin = mesh.host(C, { name: "twin", networks: ["10.77.0.1/16"], statics: { "10.77.0.9": [A] } });
    twin.event({ kind: "need-session", destination: "10.77.0.9" as IpAddress });
    mesh.run(100);
    expect(a.noticed("handshake-refused")[0]?.fields).toMatchObject({ reason: "own-address", role: "responder" });
  });

  test("scenario 30: of our own that somebody reflects is refused", () => {
    const { mesh, a, b } = pair();
    a.event({ kind: "need-session", destination: b.address });
    const before = mesh.flights.length;
    a.receive(C as Endpoint, mesh.flights[0]!.datagram);
    expect(a.noticed("handshake-refused")[0]?.fields).toMatchObject({ reason: "own-key", role: "responder" });
    expect(mesh.flights.length).toBe(before);
  });
});

describe("message 2", () => {
  test("that is lost is asked for again by repeating message 1", () => {
    const { mesh, a, b } = pair();
    let lost = 0;
    mesh.delivers = ({ datagram }) => !(isMessage2(datagram) && lost++ < 3);
    a.say(b, "hello");
    mesh.run(2000);
    expect(b.heard).toEqual(["hello"]);
    expect(b.status().peers[0]?.sessions).toBe(1);
  });

  test("that is forged or damaged does not end the handshake", () => {
    const { mesh, a, b } = pair();
    let damaged = 0;
    mesh.delivers = (flight) => {
      if (isMessage2(flight.datagram) && damaged++ === 0) {
        const bad = flight.datagram.slice();
        bad[bad.length - 1]! ^= 1;
        a.receive(flight.from, bad);
        return false;
      }
      return true;
    };
    a.say(b, "hello");
    mesh.run(1000);
    expect(b.heard).toEqual(["hello"]);
    expect(a.noticed("message-2-unreadable")).toHaveLength(1);
  });
});

describe("two handshakes at the same time", () => {
  test("both complete, and traffic ends in one session", () => {
    const { mesh, a, b } = pair();
    a.say(b, "from a");
    b.say(a, "from b");
    mesh.run(100);
    expect(b.heard).toEqual(["from a"]);
    expect(a.heard).toEqual(["from b"]);
    expect(a.status().peers[0]?.sessions).toBe(2);
    for (let second = 0; second < 40; second++) {
      a.say(b, `a${second}`);
      b.say(a, `b${second}`);
      mesh.run(1000);
    }
    expect(a.status().peers[0]?.sessions).toBe(1);
    expect(b.status().peers[0]?.sessions).toBe(1);
    expect(b.heard).toHaveLength(41);
    expect(a.heard).toHaveLength(41);
  });
});

describe("what the data plane did on its own", () => {
  test("and what we told it meanwhile end in one session that sends, because we have the last word", () => {
    const { mesh, a, b } = pair();
    a.say(b, "from a");
    b.say(a, "from b");
    mesh.run(100);
    const [lastWord] = a.sent("set-primary");
    const primaries = a.dataPlane.snapshot().filter(({ primary }) => primary);
    expect(primaries).toHaveLength(1);
    expect(lastWord).toEqual({ kind: "set-primary", localIndex: primaries[0]!.localIndex });
  });

  test("and asks for although it stands, is named again", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    a.event({ kind: "need-session", destination: b.address });
    expect(a.sent("set-primary")).toHaveLength(1);
  });
});

describe("a wrong responder", () => {
  test("is closed over the new keys, never installed, and the search goes on elsewhere", () => {
    const { mesh, a, b } = pair({ statics: { "10.77.0.2": [C, B] } });
    const c = mesh.host(C, { name: "c", networks: ["10.77.0.3/16"] });
    // The right one is slow, so that the wrong one answers first.
    const slow: Flight[] = [];
    mesh.delivers = (flight) => {
      if (flight.to === B && flight.from === A && slow.length === 0) {
        slow.push(flight);
        return false;
      }
      return true;
    };
    a.say(b, "for b only");
    mesh.run(2000);
    expect(b.heard).toEqual(["for b only"]);
    expect(c.heard).toEqual([]);
    expect(a.noticed("wrong-responder")[0]?.fields).toMatchObject({ name: "c", endpoint: C });
    expect(installed(a).map(({ peerAddresses }) => peerAddresses)).toEqual([["10.77.0.2"]]);
    expect(c.noticed("tunnel-down")[0]?.fields).toMatchObject({ reason: "closed-by-peer" });
  });

  test("that is the only one known makes the call fail with its name", () => {
    const { mesh, a, b } = pair({ statics: { "10.77.0.2": [C] } });
    mesh.host(C, { name: "c", networks: ["10.77.0.3/16"] });
    const result = a.ping(b, 6_000);
    expect(result).toMatchObject({ outcome: "failed", reason: "handshake-refused" });
    expect(result.outcome === "failed" && result.text).toMatch(/192\.0\.2\.3:4242: c answers there/);
    mesh.run(100);
    expect(a.status().peers[0]).toMatchObject({ state: "failed", addresses: ["10.77.0.2"] });
  });
});

describe("a host with an old address", () => {
  test("is not called for broadcast, multicast or addresses outside our networks", () => {
    const { mesh, a } = pair();
    for (const destination of ["10.77.255.255", "10.77.0.0", "224.0.0.1", "10.78.0.1", "ff02::1"])
      a.event({ kind: "need-session", destination: destination as Host["address"] });
    expect(mesh.flights).toEqual([]);
    expect(a.sent("drop-parked")).toHaveLength(5);
  });

  test("that nobody can place is given up at once, with the reason", () => {
    const { mesh, a } = pair();
    a.say("10.77.0.99" as Host["address"], "anybody there?");
    mesh.run(10);
    expect(a.noticed("handshake-failed")[0]?.text).toBe(
      "10.77.0.99 is not in static_host_map, and there is no lighthouse to ask.",
    );
  });
});

describe("certificate versions", () => {
  test.each<[string, HostPlan["versions"], 1 | 2 | undefined, HostPlan["versions"], 1 | 2, 1 | 2]>([
    ["v1 to v1", [1], undefined, [1], 1, 1],
    ["v1 to v1+v2 is answered in v1", [1], undefined, [1, 2], 1, 1],
    ["v2 to v1+v2 is answered in v2", [2], undefined, [1, 2], 2, 2],
    ["v2 to v1 is answered in v1", [2], undefined, [1], 2, 1],
    ["v1+v2 offers v1 unless told otherwise", [1, 2], undefined, [1, 2], 1, 1],
    ["v1+v2 offers v2 when told to", [1, 2], 2, [1, 2], 2, 2],
  ])("%s", (_, versions, initiatingVersion, answering, offered, answered) => {
    const { mesh, a, b } = pair(
      { versions: versions!, ...(initiatingVersion && { initiatingVersion }) },
      { versions: answering!, ...(answering!.length === 2 && { initiatingVersion: 1 as const }) },
    );
    a.say(b, "hello");
    mesh.run(100);
    expect(b.heard).toEqual(["hello"]);
    expect(a.noticed("tunnel-up")[0]?.fields).toMatchObject({ version: offered, peerVersion: answered });
  });

  test("v1+v2 that was answered in v2 calls again with v2", () => {
    const { mesh, a, b } = pair({ versions: [1, 2] }, { versions: [2] });
    a.say(b, "hello");
    mesh.run(100);
    expect(a.noticed("tunnel-up")[0]?.fields).toMatchObject({ version: 1, peerVersion: 2 });
    b.say(a, "seen within the last check");
    mesh.run(6000);
    expect(a.noticed("session-renewed")[0]?.fields).toMatchObject({ version: 2, peerVersion: 2 });
  });

  test("an IPv6 overlay address is called with v2", () => {
    const mesh = new Mesh();
    const networks = (n: number) => [`10.77.0.${n}/16`, `fd00:77::${n}/64`];
    const a = mesh.host(A, { name: "a", networks: networks(1), versions: [1, 2], statics: { "fd00:77::2": [B] } });
    const b = mesh.host(B, { name: "b", networks: networks(2), versions: [1, 2] });
    expect(a.ping("fd00:77::2")).toMatchObject({ outcome: "pong", name: "b" });
    expect(a.noticed("tunnel-up")[0]?.fields).toMatchObject({ version: 2 });
    expect(b.address).toBe("10.77.0.2");
  });
});

function pair(planA: Partial<HostPlan> = {}, planB: Partial<HostPlan> = {}) {
  const mesh = new Mesh();
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/16"], statics: { "10.77.0.2": [B] }, ...planA });
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.2/16"], statics: { "10.77.0.1": [A] }, ...planB });
  return { mesh, a, b };
}

/** B has a session with A that A has used in the last second, and a message 1 of A from before. */
function withOldMessage1() {
  const { mesh, a, b } = pair();
  a.say(b, "first");
  mesh.run(100);
  const [old] = handshakes(mesh);
  a.restart();
  a.say(b, "second");
  mesh.run(40_000);
  a.say(b, "still here");
  mesh.run(1_000);
  expect(b.status().peers[0]?.sessions).toBe(1);
  return { mesh, b, old: old!.datagram };
}

function handshakes(mesh: Mesh): readonly Flight[] {
  return mesh.flights.filter(({ datagram }) => typeOf(datagram) === PacketType.handshake);
}

function installed(host: Host) {
  return host.sent("install-session") as Extract<DataPlaneCommand, { kind: "install-session" }>[];
}

function typeOf(datagram: Uint8Array): number | undefined {
  const header = decodeHeader(datagram);
  return header.ok ? header.value.type : undefined;
}

function isMessage2(datagram: Uint8Array): boolean {
  return typeOf(datagram) === PacketType.handshake && datagram[15] === 2;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
