import { createSocket, type Socket } from "node:dgram";
import { decode, encode } from "dns-packet";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { instant } from "../../../../src/core/base/time.ts";
import type { DnsSettings, Settings } from "../../../../src/core/config/settings.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { DnsService } from "../../../../src/runtime/dns/dns-service.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { TestAuthority } from "../../fixtures/authority.ts";
import { identityOf, settingsOf } from "../../fixtures/settings.ts";
import { settled } from "../../fixtures/settled.ts";
import { freePort } from "../mesh-files.ts";
import { hosts } from "./hosts.ts";

const LOCAL = "127.0.0.1" as IpAddress;
const NOBODY = 100;
/** What takes a moment here may take seconds where others want the processor. */
const SOON_MS = 5_000;

let settings: Settings;
let told: OperatorEvent[];
let known = hosts(["lighthouse", "10.77.0.1"], ["web", "10.77.0.2"]);
let service: DnsService;
let now: number;
const sockets: Socket[] = [];

beforeEach(() => {
  now = 1_000;
  told = [];
  known = hosts(["lighthouse", "10.77.0.1"], ["web", "10.77.0.2"]);
  const plan = { name: "lighthouse", networks: ["10.77.0.1/24"], amLighthouse: true };
  settings = settingsOf(identityOf(nodeSuite, plan, new TestAuthority(nodeSuite, 7), 1), plan);
  service = new DnsService({
    settings: () => settings,
    directory: () => known,
    find: (name) => Promise.resolve(name === "far" ? ["10.77.0.9" as IpAddress] : []),
    now: () => instant(now),
    tell: (event) => void told.push(event),
    retryMs: 20,
  });
});

afterEach(async () => {
  await service.stop();
  for (const socket of sockets.splice(0)) socket.close();
});

describe("the DNS responder", () => {
  test("answers where it is told to, and only while it is told to", async () => {
    const port = await freePort();
    serveAt({ port });
    await service.start();
    expect(await ask(port, "web")).toMatchObject({ answers: [{ data: "10.77.0.2" }] });
    expect(told).toEqual([{ code: "dns-listening", places: [`127.0.0.1:${port}`] }]);
    serveAt({ port, serve: false });
    service.reload();
    await settled(50);
    expect(await ask(port, "web")).toBeUndefined();
    expect(service.health()).toEqual([]);
  });

  test("moves with a reload, and stays where it is with one that changes nothing", async () => {
    const [first, second] = [await freePort(), await freePort()];
    serveAt({ port: first });
    await service.start();
    service.reload();
    await settled(50);
    expect(await ask(first, "web")).toBeDefined();
    serveAt({ port: second });
    service.reload();
    await vi.waitFor(async () => expect(await ask(second, "web")).toBeDefined(), SOON_MS);
    expect(await ask(first, "web")).toBeUndefined();
  });

  test("says by name that the port is taken, starts all the same, and takes it when it is free", async () => {
    const other = await bound();
    const { port } = other.address();
    serveAt({ port });
    await service.start();
    expect(service.health()).toMatchObject([
      {
        code: "dns-not-listening",
        severity: "warning",
        text: `DNS queries at 127.0.0.1:${port} are not answered: another program listens there`,
        todo: `find it with: ss -ulpn 'sport = :${port}' - then stop it, or change lighthouse.dns`,
      },
    ]);
    expect(told.map(({ code }) => code)).toEqual(["dns-not-listening"]);
    sockets.splice(sockets.indexOf(other), 1);
    other.close();
    await vi.waitFor(() => expect(service.health()).toEqual([]), SOON_MS);
    expect(await ask(port, "web")).toBeDefined();
  });

  test("says what is wrong with an address that is not this host's, and with a name that does not resolve", async () => {
    serveAt({ host: "192.0.2.77" as IpAddress, port: await freePort() });
    await service.start();
    expect(service.health()).toMatchObject([
      { text: expect.stringMatching(/192\.0\.2\.77 is no address of this host now/) },
    ]);
    const name = `${"no".repeat(40)}.invalid`;
    serveAt({ host: { name }, port: 5353 });
    service.reload();
    await vi.waitFor(
      () =>
        expect(service.health()).toMatchObject([
          { text: expect.stringMatching(/lighthouse\.dns\.host (no)+\.invalid does not resolve/) },
        ]),
      SOON_MS,
    );
  });

  test("is on the overlay addresses and loopback when it is told nothing", async () => {
    settings = { ...settings, boot: { ...settings.boot, tun: { ...settings.boot.tun, disabled: true } } };
    const port = await freePort();
    serveAt({ host: undefined, port });
    await service.start();
    expect(told[0]).toMatchObject({ code: "dns-listening", places: expect.arrayContaining([`127.0.0.1:${port}`]) });
    expect(JSON.stringify(told)).not.toContain("10.77.0.1");
    settings = { ...settings, boot: { ...settings.boot, tun: { ...settings.boot.tun, disabled: false } } };
    service.reload();
    await vi.waitFor(
      () =>
        expect(service.health()).toMatchObject([
          { text: expect.stringMatching(/DNS queries at 10\.77\.0\.1:\d+ are not answered/) },
        ]),
      SOON_MS,
    );
  });

  test("answers fifty queries of one host a second, and then not", async () => {
    const port = await freePort();
    serveAt({ port });
    await service.start();
    expect(await answered(port, 70)).toBe(50);
    now += 200;
    expect(await answered(port, 70)).toBe(10);
  });

  test("hears of hosts that come and go within a second", async () => {
    const port = await freePort();
    serveAt({ port });
    await service.start();
    expect(await ask(port, "new")).toMatchObject({ answers: [] });
    known = hosts(["lighthouse", "10.77.0.1"], ["new", "10.77.0.5"]);
    now += 1_000;
    expect(await ask(port, "new")).toMatchObject({ answers: [{ data: "10.77.0.5" }] });
    expect(await ask(port, "web")).toMatchObject({ answers: [] });
  });

  test("notes names that lead to another host or to none", async () => {
    known = hosts(["lighthouse", "10.77.0.1"], ["web", "10.77.0.2"], ["Web", "10.77.0.3"], ["ho st", "10.77.0.4"]);
    serveAt({ port: await freePort() });
    await service.start();
    expect(service.health().map(({ code, text }) => [code, text])).toEqual([
      ["dns-name-twice", "1 hosts have a name that another one has, and DNS gives it to that one: 10.77.0.3 (web)"],
      ["dns-name-unfit", "1 hosts have a name that is none in DNS, and are not found by it"],
    ]);
  });

  test("does nothing on a host that is no lighthouse", async () => {
    const port = await freePort();
    serveAt({ port });
    settings = { ...settings, boot: { ...settings.boot, lighthouse: { amLighthouse: false } } };
    await service.start();
    expect(await ask(port, "web")).toBeUndefined();
    expect(service.health()).toEqual([]);
  });
});

describe("a host with a domain for its own programs", () => {
  test("answers at its own addresses, and says of each where it cannot what that is for", async () => {
    const names = { domain: "mesh", mode: "auto" } as const;
    settings = { ...settings, boot: { ...settings.boot, lighthouse: { amLighthouse: false }, names } };
    await service.start();
    expect(service.answersAt("10.77.0.1" as IpAddress)).toBe(false);
    expect(service.health()).toMatchObject([
      {
        code: "dns-not-listening",
        text: expect.stringMatching(/^DNS queries at 10\.77\.0\.1:53 are not answered: /),
        todo: expect.not.stringContaining("lighthouse"),
      },
    ]);
  });

  test("without a device answers nowhere", async () => {
    const tun = { ...settings.boot.tun, disabled: true };
    const boot = { ...settings.boot, lighthouse: { amLighthouse: false }, tun };
    settings = { ...settings, boot: { ...boot, names: { domain: "mesh", mode: "auto" } } };
    await service.start();
    expect([service.health(), told]).toEqual([[], []]);
  });
});

function serveAt(dns: Partial<DnsSettings>): void {
  const { live } = settings;
  const changed = { serve: true, host: LOCAL, port: 53, ...dns };
  settings = { ...settings, live: { ...live, lighthouse: { ...live.lighthouse, dns: changed } } };
}

async function bound(port = 0): Promise<Socket> {
  const socket = createSocket("udp4");
  sockets.push(socket);
  await new Promise<void>((resolve) => socket.bind(port, LOCAL, resolve));
  return socket;
}

/** The answer, or undefined when there is none in a while. */
async function ask(port: number, name: string) {
  const socket = await bound();
  const answer = new Promise<Buffer>((resolve) => socket.once("message", resolve));
  socket.send(encode({ type: "query", id: 3, questions: [{ name, type: "A" }] }), port, LOCAL);
  const bytes = await Promise.race([answer, settled(NOBODY)]);
  return bytes && decode(bytes);
}

async function answered(port: number, queries: number): Promise<number> {
  const socket = await bound();
  let count = 0;
  socket.on("message", () => count++);
  for (let i = 0; i < queries; i++)
    socket.send(encode({ type: "query", id: i, questions: [{ name: "web", type: "A" }] }), port, LOCAL);
  await settled(NOBODY);
  return count;
}
