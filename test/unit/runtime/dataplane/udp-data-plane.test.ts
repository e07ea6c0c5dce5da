import { createSocket, type Socket } from "node:dgram";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { BootSettings } from "../../../../src/core/config/settings.ts";
import type { DataPlaneEvent } from "../../../../src/core/dataplane/contract.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { Endpoint } from "../../../../src/core/netip/endpoint.ts";
import { directPath } from "../../../../src/core/path/path.ts";
import { encodeHeader, PacketType } from "../../../../src/core/wire/header.ts";
import { UdpDataPlane } from "../../../../src/runtime/dataplane/udp-data-plane.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { packageRoot } from "../../../../src/runtime/package-root.ts";
import { TestAuthority } from "../../fixtures/authority.ts";
import { identityOf, settingsOf } from "../../fixtures/settings.ts";

const plan = { name: "lighthouse", networks: ["10.77.0.1/24"], amLighthouse: true };
const settings = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 1), 2), plan);
const ends: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

describe("the data plane without a device", () => {
  test.each([
    ["0.0.0.0", "127.0.0.1"],
    ["::", "127.0.0.1"],
    ["::", "::1"],
    ["::1", "::1"],
  ])("bound to %s hears and answers %s, with the address as its own family writes it", async (host, peerHost) => {
    const { plane, events } = await started({ host: host as IpAddress, port: 0 });
    const peer = await peerAt(peerHost);
    peer.send(handshake(), plane.describe().port, peerHost);
    await vi.waitFor(() => expect(events).toHaveLength(1));
    const source = peerHost.includes(":") ? `[${peerHost}]` : peerHost;
    expect(events[0]).toMatchObject({
      kind: "datagram",
      origin: { kind: "direct", endpoint: `${source}:${peer.address().port}` },
    });
    const heard = new Promise<Buffer>((resolve) => peer.once("message", resolve));
    plane.command({
      kind: "send-datagram",
      to: directPath(`${source}:${peer.address().port}` as Endpoint),
      datagram: Uint8Array.of(7),
    });
    expect([...(await heard)]).toEqual([7]);
  });

  test("whose port is taken says which and how to find who has it", async () => {
    const { plane } = await started({ host: "127.0.0.1" as IpAddress, port: 0 });
    const { port } = plane.describe();
    await expect(started({ host: "127.0.0.1" as IpAddress, port })).rejects.toThrow(
      new RegExp(`UDP port ${port} - .+ uses it \\(pid \\d+\\) - stop it, or change listen.port`),
    );
  });

  test("whose address is not there yet waits for it, and can be stopped meanwhile", async () => {
    const { plane, events } = await started({ host: "192.0.2.200" as IpAddress, port: 0 });
    expect(plane.describe()).toMatchObject({
      state: "starting",
      port: 0,
      lastError: expect.stringMatching(/EADDRNOTAVAIL/),
    });
    plane.command({ kind: "sample" });
    await plane.stop();
    expect([plane.describe().state, events.map(({ kind }) => kind)]).toEqual(["stopped", ["sampled"]]);
  });

  test.each([
    ["an address of the other family", "[2001:db8::1]:4242"],
    ["port 0, which a datagram may name as its source", "127.0.0.1:0"],
  ])("counts what the kernel would not send: to %s", async (_, to) => {
    const { plane, events } = await started({ host: "0.0.0.0" as IpAddress, port: 0 });
    plane.command({ kind: "send-datagram", to: directPath(to as Endpoint), datagram: Uint8Array.of(7) });
    await vi.waitFor(() => {
      plane.command({ kind: "sample" });
      expect(events.at(-1)).toMatchObject({ kind: "sampled" });
      const sampled = events.at(-1) as Extract<DataPlaneEvent, { kind: "sampled" }>;
      expect(sampled.counters.drops.get("send-failed")).toBe(1n);
    });
    expect(events).toContainEqual({ kind: "send-error", endpoint: to, error: expect.stringMatching(/^E[A-Z]+$/) });
  });

  test("can do what the native engine can", async () => {
    const { plane } = await started({ host: "127.0.0.1" as IpAddress, port: 0 });
    const source = readFileSync(join(packageRoot(), "native/dataplane/src/capabilities.rs"), "utf8");
    const [, list = ""] = /ENGINE: \[&str; \d+\] = \[([^\]]*)\]/.exec(source) ?? [];
    const native = [...list.matchAll(/"([a-z-]+)"/g)].map(([, name]) => name);
    expect(native.length).toBeGreaterThan(0);
    expect(plane.describe().capabilities).toEqual([...native, "send-errors"]);
  });

  test("says that it marks no packets", async () => {
    const { told } = await started({ host: "127.0.0.1" as IpAddress, port: 0, soMark: 5 });
    expect(told).toEqual(["so-mark-ignored"]);
  });
});

async function started(listen: Partial<BootSettings["listen"]>) {
  const plane = new UdpDataPlane({
    ...settings,
    boot: { ...settings.boot, listen: { ...settings.boot.listen, ...listen } },
  });
  const events: DataPlaneEvent[] = [];
  const told: string[] = [];
  await plane.start({
    up: () => {},
    down: () => {},
    event: (event) => void events.push(event),
    tell: ({ code }) => void told.push(code),
  });
  ends.push(async () => plane.stop());
  return { plane, events, told };
}

async function peerAt(address: string): Promise<Socket> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  ends.push(async () => new Promise<void>((resolve) => socket.close(() => resolve())));
  return socket;
}

/** The header of a first handshake message and a byte of body. */
function handshake(): Uint8Array {
  const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: 0, counter: 1n });
  return Uint8Array.of(...header, 1);
}
