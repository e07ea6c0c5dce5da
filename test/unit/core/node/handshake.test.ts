import { describe, expect, test } from "vitest";
import { Mesh } from "../../fixtures/mesh.ts";

const A = "192.0.2.1:4242";
const B = "192.0.2.2:4242";

describe("two hosts that know each other's endpoint", () => {
  test("bring the first packet through, once the handshake is done", () => {
    const { mesh, a, b } = pair();
    a.say(b, "hello");
    mesh.run(100);
    expect(b.heard).toEqual(["hello"]);
    expect(a.status().peers[0]).toMatchObject({ name: "b", state: "up", path: B });
    expect(b.status().peers[0]).toMatchObject({ name: "a", state: "up", path: A });
  });
});

function pair() {
  const mesh = new Mesh();
  const a = mesh.host(A, { name: "a", networks: ["10.77.0.1/16"], statics: { "10.77.0.2": [B] } });
  const b = mesh.host(B, { name: "b", networks: ["10.77.0.2/16"], statics: { "10.77.0.1": [A] } });
  return { mesh, a, b };
}
