import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isInstalled } from "../lab/command.ts";
import { classify, type NatVerdict, startObserver } from "../lab/nat/classify.ts";
import { NatRouter } from "../lab/nat/nat-router.ts";
import type { NatKind } from "../lab/nat/recipe.ts";
import { type Machine, TestNetwork } from "../lab/network.ts";
import { program } from "../lab/program.ts";

/** What each translator claims to be, and how the ports of one host port towards four remote ends look. */
const CLAIMS: Readonly<
  Record<NatKind, { readonly mapping: string; readonly filtering: string; readonly kept: boolean }>
> = {
  full: { mapping: "endpoint-independent", filtering: "endpoint-independent", kept: true },
  addr: { mapping: "endpoint-independent", filtering: "address", kept: true },
  port: { mapping: "endpoint-independent", filtering: "address and port", kept: true },
  shift: { mapping: "endpoint-independent", filtering: "address and port", kept: false },
  sym: { mapping: "address and port", filtering: "address and port", kept: false },
  symseq: { mapping: "address and port", filtering: "address and port", kept: false },
  hairpin: { mapping: "endpoint-independent", filtering: "endpoint-independent", kept: true },
};
const KINDS = Object.keys(CLAIMS) as NatKind[];

const hasNft = await isInstalled("nft");
if (!hasNft) test.skip("needs nft", () => {});

describe.runIf(hasNft)("a translator of the lab", () => {
  let network: TestNetwork;
  let observer: Machine;
  const routers = new Map<string, NatRouter>();
  const hosts = new Map<string, Machine>();
  const verdicts = new Map<string, NatVerdict>();

  beforeAll(async () => {
    network = await TestNetwork.open("recipes");
    observer = await network.machine("observer", ["192.0.2.1/24", "192.0.2.2/24"]);
    await startObserver(observer);
    for (const nat of KINDS) await place(nat, nat, true);
    await place("unguarded", "port", false);
    await Promise.all([...hosts].map(async ([name, host]) => verdicts.set(name, await classify(host, observer))));
  });
  afterAll(() => network.close());

  async function place(name: string, nat: NatKind, guard: boolean): Promise<void> {
    const number = routers.size + 1;
    const router = await NatRouter.add(network, {
      name,
      nat,
      guard,
      wan: `192.0.2.${100 + number}/24`,
      lan: `10.${number}.0.1/24`,
    });
    const host = await network.machine(`host${number}`, [`10.${number}.0.2/24`], { segment: name });
    await host.must("ip", ["route", "add", "default", "via", router.gateway]);
    routers.set(name, router);
    hosts.set(name, host);
  }

  test.each(KINDS)("is what its name says: %s", (nat) => {
    const { mapping, filtering } = verdicts.get(nat)!;
    const claim = CLAIMS[nat];
    expect({ mapping: mapping?.kind, filtering, kept: mapping?.portKept }).toEqual(claim);
    expect(mapping?.address).toBe(routers.get(nat)!.address);
  });

  test("draws ports at random when it is sym, and counts them up when it is symseq", () => {
    const steps = (nat: NatKind): number[] => {
      const ports = verdicts.get(nat)!.mapping!.ports;
      return ports.slice(1).map((port, i) => port - ports[i]!);
    };
    expect(steps("symseq")).toEqual([1, 1, 1]);
    expect(steps("sym").every((step) => Math.abs(step) < 3)).toBe(false);
  });

  test("with a guard keeps its port whatever strangers send, and without one does not", () => {
    expect(verdicts.get("port")?.portAfterCollision).toBe("kept");
    expect(verdicts.get("unguarded")?.portAfterCollision).toBe("another");
  });

  test("turns round what its own hosts send to its public address when it is a hairpin, and only then", async () => {
    for (const [nat, turns] of [
      ["hairpin", true],
      ["full", false],
    ] as const) {
      const { gateway, address } = routers.get(nat)!;
      const neighbour = await network.machine(`other-${nat}`, [gateway.replace(/1$/, "3/24")], { segment: nat });
      await neighbour.must("ip", ["route", "add", "default", "via", gateway]);
      const [one, other] = [hosts.get(nat)!, neighbour];
      expect(await meets(one, other, address), nat).toBe(turns);
    }
  });

  test("forgets its mappings, changes its address, is unplugged, blocks UDP and swallows what is long, when it is told to", async () => {
    const [router, host] = [routers.get("shift")!, hosts.get("shift")!];
    expect(await tracked(router)).toBeGreaterThan(0);
    await router.rebind();
    expect(await tracked(router)).toBe(0);

    await router.moveTo("192.0.2.200/24");
    expect((await classify(host, observer, 43_000)).mapping).toMatchObject({ address: "192.0.2.200", portKept: false });

    await router.blockUdp(true);
    expect((await classify(host, observer, 44_000)).mapping).toBeUndefined();
    await router.blockUdp(false);
    await router.plug(false);
    expect((await classify(host, observer, 45_000)).mapping).toBeUndefined();
    await router.plug(true);
    expect((await classify(host, observer, 46_000)).mapping).toBeDefined();

    const passes = async (bytes: number): Promise<boolean> =>
      (await host.run("ping", ["-c", "1", "-W", "1", "-M", "do", "-s", String(bytes - 28), "192.0.2.1"])).status === 0;
    expect(await passes(1400)).toBe(true);
    await router.swallow(1280);
    expect([await passes(1280), await passes(1281)]).toEqual([true, false]);
    await router.swallow(undefined);
    expect(await passes(1400)).toBe(true);
  });

  async function tracked(router: NatRouter): Promise<number> {
    return Number(await router.machine.must("cat", ["/proc/sys/net/netfilter/nf_conntrack_count"]));
  }

  /** Whether one is answered by the other at the public address of both, as soon as the other has sent to somebody from its port. */
  async function meets(one: Machine, other: Machine, address: string): Promise<boolean> {
    const echo = other.start("udp-open", ...program("udp-open", 47_000, "192.0.2.1", 9));
    await echo.becomes("it has sent", async () => echo.log().includes("open"));
    return (await one.must(...program("probe", "udp", address, 47_000))).trim() === "answer";
  }
});
