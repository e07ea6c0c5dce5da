import { expect, test } from "vitest";
import { Mesh } from "../../fixtures/mesh.ts";

test("what is counted with a peer goes on when another session takes the place of the one before", () => {
  const mesh = new Mesh();
  const a = mesh.host("192.0.2.1:4242", {
    name: "a",
    networks: ["10.77.0.1/16"],
    statics: { "10.77.0.2": ["192.0.2.2:4242"] },
  });
  const b = mesh.host("192.0.2.2:4242", { name: "b", networks: ["10.77.0.2/16"] });
  for (let i = 0; i < 50; i++) a.say(b, "before");
  mesh.run(3_000);
  const before = a.status().peers[0]!.traffic!.sentPackets;
  expect(before).toBeGreaterThanOrEqual(50);
  b.restart();
  a.say(b, "lost");
  mesh.run(1_000);
  a.say(b, "after");
  mesh.run(60_000);
  const [peer] = a.status().peers;
  expect(peer).toMatchObject({ state: "up", sessions: 1 });
  expect(peer!.traffic!.sentPackets).toBeGreaterThan(before);
  expect(a.status().traffic!.sentPackets).toBeGreaterThanOrEqual(peer!.traffic!.sentPackets);
});
