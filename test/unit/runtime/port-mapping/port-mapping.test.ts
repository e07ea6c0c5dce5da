import { afterEach, describe, expect, test, vi } from "vitest";
import type { Settings } from "../../../../src/core/config/settings.ts";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { wayOutIn } from "../../../../src/runtime/platform/linux/way-out.ts";
import { PortMapping } from "../../../../src/runtime/port-mapping/port-mapping.ts";
import { DEFAULT_BOOT, DEFAULT_LIVE } from "../../fixtures/default-settings.ts";
import { FakeRouter, pcpAnswer } from "./fake-router.ts";

let router: FakeRouter;
const realTimeout = globalThis.setTimeout;
const IN_TIME = { timeout: 2_000, interval: 10 };

/** Repeats the nonce of the question. */
const giving = (question: Uint8Array, fields = {}): Uint8Array =>
  pcpAnswer({ nonce: question.slice(24, 36), ...fields });

describe("a host that wants a port", () => {
  afterEach(() => router.close());

  test("tells what it got, and gives it back at the end", async () => {
    router = await FakeRouter.create((question) => [giving(question)]);
    const { service, places, told } = start(router);
    await expect.poll(() => service.state.is, IN_TIME).toBe("mapped");
    expect(service.state).toEqual({ is: "mapped", protocol: "pcp", at: "203.0.113.8:5555" });
    await service.stop();
    expect(places).toEqual(["203.0.113.8:5555", undefined]);
    expect(told).toMatchObject([{ code: "port-mapped", lifetimeMs: 7_200_000 }]);
    expect(lifetimeIn(router.questions.at(-1))).toBe(0);
  });

  test("does not ask a router again that answered nonsense, whatever changes but the way out", async () => {
    router = await FakeRouter.create((question) => [giving(question, { external: [10, 0, 0, 1] })]);
    const way = { client: "192.168.1.2" as IpAddress };
    const { service, places, told } = start(router, way);
    await expect.poll(() => service.state.is, IN_TIME).toBe("refused");
    for (let i = 0; i < 20; i++) service.look();
    await pause(100);
    expect(router.questions).toHaveLength(1);
    expect(told).toEqual([
      { code: "port-not-mapped", gateway: "127.0.0.1", protocol: "pcp", why: "address-not-public" },
    ]);
    expect(places).toEqual([]);
    way.client = "192.168.7.2" as IpAddress;
    service.look();
    await expect.poll(() => router.questions, IN_TIME).toHaveLength(2);
    await service.stop();
  });

  test("asks a router that refused again ten minutes later, then ever more seldom, and tells of it once", async () => {
    router = await FakeRouter.create((question) => [giving(question, { code: 8 })]);
    const waits: number[] = [];
    const timers = vi.spyOn(globalThis, "setTimeout").mockImplementation(((again: () => void, ms = 0) => {
      if (ms < 60_000) return realTimeout(again, ms);
      waits.push(ms / 60_000);
      return realTimeout(waits.length < 6 ? again : () => {}, 0);
    }) as never);
    const { service, told } = start(router);
    await expect.poll(() => waits, IN_TIME).toEqual([10, 20, 40, 80, 120, 120]);
    timers.mockRestore();
    expect(told).toMatchObject([{ code: "port-not-mapped", why: "code 8" }]);
    await service.stop();
  });

  test("asks nobody when it has a public address", async () => {
    router = await FakeRouter.create((question) => [giving(question)]);
    const { service } = start(router, { client: "198.51.100.4" as IpAddress });
    await pause(100);
    expect(service.state).toEqual({ is: "not-needed" });
    expect(router.questions).toEqual([]);
    await service.stop();
  });

  test("takes no answer for a way out that it has left meanwhile, and gives back what it was given there", async () => {
    router = await FakeRouter.create(() => []);
    const way = { client: "192.168.1.2" as IpAddress };
    const { service, places } = start(router, way);
    await expect.poll(() => router.questions, IN_TIME).toHaveLength(1);
    way.client = "198.51.100.4" as IpAddress;
    service.look();
    router.say(giving(router.questions[0]!));
    await pause(50);
    expect(places).toEqual([]);
    expect(service.state).toEqual({ is: "not-needed" });
    expect(router.questions).toHaveLength(2);
    expect(lifetimeIn(router.questions[1])).toBe(0);
    await service.stop();
  });

  test("gives back what it was given when it did not want it any more", async () => {
    router = await FakeRouter.create(() => []);
    const { service, places } = start(router);
    await expect.poll(() => router.questions, IN_TIME).toHaveLength(1);
    await service.stop();
    router.say(giving(router.questions[0]!));
    await expect.poll(() => router.questions, IN_TIME).toHaveLength(2);
    expect(lifetimeIn(router.questions[1])).toBe(0);
    expect(places).toEqual([]);
  });
});

describe("the way out", () => {
  const head = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
  const interfaces = {
    eth0: [{ family: "IPv4", address: "192.168.1.2" }],
    wlan0: [{ family: "IPv4", address: "10.0.0.9" }],
  };
  const read = (...lines: string[]) => wayOutIn([head, ...lines].join("\n"), interfaces as never);

  test("is the default route of the smallest metric", () => {
    expect(
      read(
        "wlan0\t00000000\t0100000A\t0003\t0\t0\t600\t00000000\t0\t0\t0",
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
        "eth0\t0001A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0",
      ),
    ).toEqual({ gateway: "192.168.1.1", client: "192.168.1.2" });
  });

  test.each([
    ["nothing", []],
    ["a default route without a gateway", ["eth0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0"]],
    ["an interface without an address", ["tun0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0"]],
    ["rubbish", ["x", "", "eth0 00000000"]],
  ])("is none where the table has %s", (_, lines) => {
    expect(read(...lines)).toBeUndefined();
  });
});

function start(at: FakeRouter, way: { client: IpAddress } = { client: "192.168.1.2" as IpAddress }) {
  const places: (string | undefined)[] = [];
  const told: OperatorEvent[] = [];
  const settings = { boot: DEFAULT_BOOT, live: { ...DEFAULT_LIVE, listen: { ...DEFAULT_LIVE.listen, mapPort: true } } };
  const service = new PortMapping(settings as unknown as Settings, {
    wayOut: () => ({ gateway: at.at.gateway, client: way.client }),
    mapped: (place) => places.push(place),
    tell: (event) => told.push(event),
    routerPort: at.at.port,
  });
  service.listening(4_242);
  return { service, places, told };
}

function lifetimeIn(question: Uint8Array | undefined): number | undefined {
  return question && new DataView(new Uint8Array(question).buffer).getUint32(4);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
