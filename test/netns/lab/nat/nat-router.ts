import { LAB_TOOL } from "../implementation.ts";
import type { Machine, TestNetwork } from "../network.ts";
import { type NatKind, nftScript } from "./recipe.ts";

export interface NatRouterPlan {
  readonly name: string;
  readonly nat: NatKind;
  /** Whether strangers' packets to the router itself are dropped; they are unless a test is about that. */
  readonly guard?: boolean;
  /** The segment that its `wan` is on, the address there with the prefix length, and who is the default route; the public segment when left out. */
  readonly upstream?: { readonly segment: string; readonly gateway: string };
  readonly wan: string;
  /** Its own address on its own segment, with the prefix length. */
  readonly lan: string;
}

/**
 * A router with a translator in it, between a segment of its own and another one. Its devices are `wan` and `lan`; the segment has its name.
 *
 *     host [net] ---[segment NAME]--- [lan] NAME [wan] ---[public segment]
 */
export class NatRouter {
  readonly name: string;
  readonly machine: Machine;
  readonly plan: NatRouterPlan;
  #wan: string;

  private constructor(machine: Machine, plan: NatRouterPlan) {
    this.name = plan.name;
    this.machine = machine;
    this.plan = plan;
    this.#wan = plan.wan;
  }

  static async add(network: TestNetwork, plan: NatRouterPlan): Promise<NatRouter> {
    const machine = await network.machine(plan.name, [plan.wan], {
      device: "wan",
      ...(plan.upstream && { segment: plan.upstream.segment }),
    });
    await network.segment(plan.name);
    await network.attach(machine, { device: "lan", segment: plan.name, addresses: [plan.lan] });
    await machine.must("sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
    // A hairpin is turned round here; hosts that were told of the shorter way would go round the translator.
    await machine.must("sh", ["-c", "for f in /proc/sys/net/ipv4/conf/*/send_redirects; do echo 0 > $f; done"]);
    const router = new NatRouter(machine, plan);
    await router.#routeUpstream();
    await router.#translate();
    return router;
  }

  /** Its public address. */
  get address(): string {
    return withoutLength(this.#wan);
  }

  /** The default route of what is behind it. */
  get gateway(): string {
    return withoutLength(this.plan.lan);
  }

  /** The address with this last number on its segment, with the prefix length. */
  place(number: number): string {
    return this.plan.lan.replace(/\d+\/\d+$/, (own) => `${number}/${own.replace(/.*\//, "")}`);
  }

  /** Forgets every mapping at once, as a translator that starts anew does: what flows gets new ones with its next packet. */
  async rebind(): Promise<void> {
    await this.machine.must(LAB_TOOL, ["forget-connections"]);
  }

  /** Has another public address from now on; what was mapped to the old one is lost. */
  async moveTo(wan: string): Promise<void> {
    await this.machine.must("ip", ["address", "delete", this.#wan, "dev", "wan"]);
    await this.machine.must("ip", ["address", "add", wan, "dev", "wan"]);
    this.#wan = wan;
    await this.#routeUpstream();
    await this.machine.must("nft", ["delete", "table", "ip", "nat"]);
    await this.#translate(false);
    await this.rebind();
  }

  /** The cable to the outside, plugged in or not. */
  async plug(inside: boolean): Promise<void> {
    await this.machine.must("ip", ["link", "set", "wan", inside ? "up" : "down"]);
    if (inside) await this.#routeUpstream();
  }

  /** Lets no UDP through while it is blocked. */
  async blockUdp(blocked: boolean): Promise<void> {
    await this.#stand("udpblock", blocked);
  }

  /** Swallows, without a word, IPv4 packets that are longer than this; everything goes through when left out. */
  async swallow(aboveBytes: number | undefined): Promise<void> {
    await this.#stand("blackhole", aboveBytes !== undefined, aboveBytes);
  }

  /** How long a mapping of UDP lives that nothing uses. */
  async expireAfter(seconds: number): Promise<void> {
    for (const name of ["nf_conntrack_udp_timeout", "nf_conntrack_udp_timeout_stream"]) {
      await this.machine.must("sh", ["-c", `echo ${seconds} > /proc/sys/net/netfilter/${name}`]);
    }
  }

  async #routeUpstream(): Promise<void> {
    const gateway = this.plan.upstream?.gateway;
    if (gateway) await this.machine.must("ip", ["route", "replace", "default", "via", gateway, "dev", "wan"]);
  }

  async #translate(withGuard = this.plan.guard ?? true): Promise<void> {
    const recipes = [this.plan.nat, ...(withGuard ? (["guard"] as const) : [])];
    await this.machine.must("nft", ["-f", "-"], { input: nftScript(recipes, { wan: this.address }) });
  }

  async #stand(recipe: "udpblock" | "blackhole", stands: boolean, limit?: number): Promise<void> {
    await this.machine.run("nft", ["delete", "table", "ip", recipe]);
    if (!stands) return;
    const script = nftScript([recipe], { wan: this.address, ...(limit !== undefined && { limit }) });
    await this.machine.must("nft", ["-f", "-"], { input: script });
  }
}

function withoutLength(address: string): string {
  return address.replace(/\/.*/, "");
}
