import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import { NativeConnection } from "../../../../src/runtime/dataplane/native/native-connection.ts";
import { SHED_FROM, Shedding } from "../../../../src/runtime/dataplane/native/shedding.ts";
import { FakeDataPlane } from "./fake-data-plane.ts";

describe("while more is said to a data plane than comes back", () => {
  test("datagrams are left out, which is told once, until half of what waited is answered", () => {
    const shedding = new Shedding();
    expect(shedding.decide("send-datagram", SHED_FROM - 1)).toBe("send");
    expect(shedding.decide("send-datagram", SHED_FROM)).toBe("begins");
    expect(shedding.decide("seal-and-send", SHED_FROM)).toBe("goes on");
    expect(shedding.decide("send-datagram", SHED_FROM / 2)).toBe("goes on");
    expect(shedding.decide("send-datagram", SHED_FROM / 2 - 1)).toBe("send");
    expect(shedding.decide("send-datagram", SHED_FROM)).toBe("begins");
  });

  test("what changes how it forwards is said all the same", () => {
    const shedding = new Shedding();
    shedding.decide("send-datagram", SHED_FROM);
    for (const kind of ["install-session", "remove-session", "set-path", "apply-policies"] as const)
      expect(shedding.decide(kind, SHED_FROM)).toBe("send");
  });

  test("it is not given up for datagrams, however many: it is behind, and forwards", async () => {
    const folder = mkdtempSync(join(tmpdir(), "lacis-shedding-"));
    const fake = new FakeDataPlane(join(folder, "socket"));
    fake.script = ({ kind }) => (kind === "hello" ? undefined : []);
    await fake.listen();
    const connection = await NativeConnection.open(join(folder, "socket"));
    const [lost, tell] = [vi.fn(), vi.fn()];
    connection.listen({ event: () => {}, tell, lost });
    await connection.hello();
    const datagram = {
      kind: "send-datagram",
      to: directPath("192.0.2.1:4242" as Endpoint),
      datagram: new Uint8Array(16),
    } as const;
    for (let sent = 0; sent < 3 * SHED_FROM; sent++) connection.command(datagram);
    await vi.waitFor(() => expect(fake.requests).toHaveLength(1 + SHED_FROM), { timeout: 20_000 });
    expect(lost).not.toHaveBeenCalled();
    expect(tell).toHaveBeenCalledOnce();
    expect(tell).toHaveBeenCalledWith(expect.objectContaining({ code: "data-plane-refused", reason: "overloaded" }));
    connection.close();
    await fake.die();
    rmSync(folder, { recursive: true, force: true });
  });
});
