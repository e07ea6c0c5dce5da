import { describe, expect, test } from "vitest";
import { decodeHeader, encodeHeader, PacketType } from "../../../../src/core/wire/header.ts";
import { type Flight, type Host, Mesh } from "../../fixtures/mesh.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";

describe("a handshake", () => {
  test("scenario 26: of which a message arrives cut short is completed by the next one that is whole", () => {
    for (const counter of [1n, 2n]) {
      const { mesh, a, b } = pair();
      const cut = new Set<number>();
      mesh.delivers = (flight) => {
        if (!isHandshake(flight, counter) || cut.size >= 2) return true;
        cut.add(cut.size);
        (flight.to === A ? a : b).receive(
          flight.from,
          flight.datagram.slice(0, flight.datagram.length - 1 - 40 * cut.size),
        );
        return false;
      };
      a.say(b, "hello");
      mesh.run(2_000);
      expect(cut.size).toBe(2);
      expect(b.heard).toEqual(["hello"]);
      expect(b.status().peers[0]?.sessions).toBe(1);
    }
  });

  test("scenario 27: that was forgotten is not taken up again by its message 2, and nobody is answered", () => {
    const { mesh, a, b } = pair();
    const message2 = messageKept(mesh, a, b);
    a.restart();
    const before = mesh.flights.length;
    a.receive(message2.from, message2.datagram);
    expect(a.status().peers).toEqual([]);
    expect(mesh.flights.slice(before).filter(({ from }) => from === A)).toEqual([]);
  });

  test("scenario 29: that was given up is not taken up again by an answer that comes after all", () => {
    const { mesh, a, b } = pair();
    const message2 = messageKept(mesh, a, b);
    mesh.run(10_000);
    expect(a.noticed("handshake-failed")).toHaveLength(1);
    const before = mesh.flights.length;
    a.receive(message2.from, message2.datagram);
    expect(a.status().peers.filter(({ state }) => state === "up")).toEqual([]);
    expect(mesh.flights.slice(before).filter(({ from }) => from === A)).toEqual([]);
  });
});

test("what overtakes the answer to a call draws no recv_error, which would end the session that the answer brings; after the call it does", () => {
  const { mesh, a, b } = pair();
  const { datagram, from } = messageKept(mesh, a, b);
  const remoteIndex = new DataView(datagram.buffer, datagram.byteOffset).getUint32(4);
  const early = new Uint8Array([
    ...encodeHeader({ type: PacketType.message, subtype: 0, remoteIndex, counter: 1n }),
    ...new Uint8Array(32),
  ]);
  const answersNow = (): number => {
    const before = mesh.flights.length;
    a.receive(from, early);
    return mesh.flights.slice(before).filter((flight) => flight.from === A).length;
  };
  expect(answersNow()).toBe(0);
  mesh.run(10_000);
  expect(answersNow()).toBe(1);
});

/** Lets `a` call `b`, loses every answer, and returns one of them. */
function messageKept(mesh: Mesh, a: Host, b: Host): Flight {
  const lost: Flight[] = [];
  mesh.delivers = (flight) => {
    if (!isHandshake(flight, 2n)) return true;
    lost.push(flight);
    return false;
  };
  a.say(b, "hello");
  mesh.run(500);
  return lost[0]!;
}

function isHandshake({ datagram }: Flight, counter: bigint): boolean {
  const header = decodeHeader(datagram);
  return header.ok && header.value.type === PacketType.handshake && header.value.counter === counter;
}

function pair(): { mesh: Mesh; a: Host; b: Host } {
  const mesh = new Mesh();
  const statics = { "10.77.0.1": [A], "10.77.0.2": [B] };
  return {
    mesh,
    a: mesh.host(A, { name: "a", networks: ["10.77.0.1/24"], statics }),
    b: mesh.host(B, { name: "b", networks: ["10.77.0.2/24"], statics }),
  };
}
