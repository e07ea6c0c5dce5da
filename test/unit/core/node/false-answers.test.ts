import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { decodeHeader, PacketType } from "../../../../src/core/wire/header.ts";
import { Mesh } from "../../fixtures/mesh.ts";
import type { HostPlan } from "../../fixtures/settings.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";
const C = "192.0.2.3:4242";

describe("an answer to a call", () => {
  test("of whatever kind never keeps the right one from being read", () => {
    const { mesh, a, b } = pair({ statics: { "10.77.0.2": [B] } });
    const c = mesh.host(C, { name: "c", networks: ["10.77.0.3/16"] });
    let stranger = 0;
    mesh.delivers = (flight) => {
      if (flight.from === A && flight.to === B && typeOf(flight.datagram) === PacketType.handshake) {
        // Another host of the mesh hears the call and answers first, as if it were B.
        const before = mesh.flights.length;
        c.receive(B as Endpoint, flight.datagram);
        const [answer] = mesh.flights.splice(before).filter(({ datagram }) => isMessage2(datagram));
        if (answer) a.receive(B as Endpoint, answer.datagram);
        if (answer) stranger++;
      }
      return true;
    };
    a.say(b, "for b only");
    mesh.run(100);
    expect(stranger).toBeGreaterThan(0);
    expect(a.noticed("wrong-responder").length).toBeGreaterThan(0);
    expect(b.heard).toEqual(["for b only"]);
  });

  test("from where nobody was called is used after a moment, when the same does not come from where somebody was", () => {
    const { mesh, a, b } = pair();
    // A router in front of B that answers with another port than it is called at.
    const outside = "192.0.2.2:9999" as Endpoint;
    const answers: Uint8Array[] = [];
    mesh.delivers = ({ from, to, datagram }) => {
      if (from === B && isMessage2(datagram)) answers.push(datagram);
      return !(from === B && isMessage2(datagram)) && to !== outside;
    };
    a.say(b, "hello");
    mesh.run(20);
    a.receive(outside, answers[0]!);
    mesh.run(50);
    expect(a.status().peers[0]?.state).toBe("handshaking");
    mesh.run(70);
    expect(a.status().peers[0]).toMatchObject({ state: "up", path: outside });
  });

  test("sent on from elsewhere takes no packet there, when it comes from B as well", () => {
    const { mesh, a, b } = pair();
    mesh.delivers = ({ from, datagram }) => {
      if (from === B && isMessage2(datagram)) a.receive("203.0.113.9:9" as Endpoint, datagram);
      return true;
    };
    a.say(b, "hello");
    mesh.run(100);
    expect(b.heard).toEqual(["hello"]);
    expect(a.status().peers[0]?.path).toBe(B);
    expect(mesh.flights.some(({ to }) => to === "203.0.113.9:9")).toBe(false);
  });

  test("in heaps is read at a bounded pace, and the heap of one place leaves that of another alone", () => {
    const { mesh, a, b } = pair({ statics: { "10.77.0.2": [C, B] } });
    mesh.delivers = ({ from, datagram }) => {
      if (from === B && isMessage2(datagram)) {
        const forged = datagram.slice();
        forged[40]! ^= 1;
        for (let i = 0; i < 1_000; i++) a.receive(C as Endpoint, forged);
        for (let i = 0; i < 1_000; i++) a.receive(`203.0.113.9:${i + 1}` as Endpoint, forged);
      }
      return true;
    };
    a.say(b, "hello");
    mesh.run(100);
    expect(b.heard).toEqual(["hello"]);
    // The data plane has limits of its own, before those of the call.
    expect(a.noticed("message-2-unreadable")).toHaveLength(100 + 20);
    expect(a.noticed("message-2-not-read").length).toBeGreaterThan(0);
  });
});

function pair(planA: Partial<HostPlan> = {}) {
  const mesh = new Mesh();
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/16"], statics: { "10.77.0.2": [B] }, ...planA });
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.2/16"], statics: { "10.77.0.1": [A] } });
  return { mesh, a, b };
}

function typeOf(datagram: Uint8Array): number | undefined {
  const header = decodeHeader(datagram);
  return header.ok ? header.value.type : undefined;
}

function isMessage2(datagram: Uint8Array): boolean {
  return typeOf(datagram) === PacketType.handshake && datagram[15] === 2;
}
