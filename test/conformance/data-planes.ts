import { afterEach, describe } from "vitest";
import { fromHex } from "../../src/core/base/bytes.ts";
import type { DataPlaneCommand } from "../../src/core/dataplane/contract.ts";
import type { DropReason } from "../../src/core/drop-reason.ts";
import type { Endpoint } from "../../src/core/netip/endpoint.ts";
import { FarEnd, facts, policies, programOf, routes, ruleOf } from "./host.ts";
import { NativeProbe, nativeBinary } from "./native-probe.ts";
import { ReferenceProbe } from "./reference-probe.ts";
import type { Comparable, DataPlaneProbe, Observed, Step } from "./step.ts";

const binary = nativeBinary();
if (!binary) {
  console.warn(
    "\nNOT TESTED: the native data plane is not built (cargo build --release in native/, or LACIS_DATAPLANE)\n",
  );
}

/** Every implementation, by name; the native one is skipped by name when it has not been built. */
export const dataPlanes: readonly { readonly name: string; readonly open: (() => DataPlaneProbe) | undefined }[] = [
  { name: "reference", open: () => new ReferenceProbe() },
  { name: "native", open: binary === undefined ? undefined : () => new NativeProbe(binary) },
];

/** Sentences that hold for every data plane. `open` gives a fresh one, configured, with its routes and with policy 1 allowing everything. */
export function describeDataPlanes(section: string, sentences: (open: () => Promise<Driver>) => void): void {
  for (const { name, open } of dataPlanes) {
    if (!open) {
      describe.skip(`${section} (${name}: not built)`, () => sentences(() => Promise.reject(new Error("not built"))));
      continue;
    }
    describe(`${section} (${name})`, () => {
      const drivers: Driver[] = [];
      afterEach(async () => {
        await Promise.all(drivers.splice(0).map((driver) => driver.close()));
      });
      sentences(async () => {
        const driver = new Driver(open());
        drivers.push(driver);
        await driver.advance(1_000_000);
        await driver.command(facts());
        await driver.command(routes());
        await driver.command(policies([programOf(1, [ruleOf()])]));
        return driver;
      });
    });
  }
}

/** One data plane, one step at a time. */
export class Driver {
  readonly #probe: DataPlaneProbe;
  #now = 0;

  constructor(probe: DataPlaneProbe) {
    this.#probe = probe;
  }

  command(command: DataPlaneCommand): Promise<readonly Observed[]> {
    return this.#step({ do: "command", command });
  }

  /** Many commands at once, for tables that take many to fill. */
  commands(commands: readonly DataPlaneCommand[]): Promise<readonly (readonly Observed[])[]> {
    return this.#probe.apply(commands.map((command) => ({ do: "command", command })));
  }

  tun(packet: Uint8Array): Promise<readonly Observed[]> {
    return this.#step({ do: "tun", packet });
  }

  udp(source: Endpoint, datagram: Uint8Array): Promise<readonly Observed[]> {
    return this.#step({ do: "udp", source, datagram });
  }

  /** Many datagrams at once. */
  udps(source: Endpoint, datagrams: readonly Uint8Array[]): Promise<readonly (readonly Observed[])[]> {
    return this.#probe.apply(datagrams.map((datagram) => ({ do: "udp", source, datagram })));
  }

  advance(ms: number): Promise<readonly Observed[]> {
    this.#now += ms;
    return this.#step({ do: "advance", to: this.#now });
  }

  /** A confirmed, primary session with the peer. */
  async join(index = 1, cipher: "aes" | "chachapoly" = "aes"): Promise<FarEnd> {
    const farEnd = new FarEnd(index, cipher);
    await this.command(farEnd.installation());
    return farEnd;
  }

  async snapshot(): Promise<readonly Comparable[]> {
    const [observed] = await this.#step({ do: "snapshot" });
    return observed?.out === "snapshot" ? observed.sessions : [];
  }

  async relays(): Promise<readonly Comparable[]> {
    const [observed] = await this.#step({ do: "snapshot" });
    return observed?.out === "snapshot" ? observed.relays : [];
  }

  async sample(): Promise<Extract<Observed, { out: "sampled" }>> {
    const observed = (await this.command({ kind: "sample" })).at(-1);
    if (observed?.out !== "sampled") throw new Error("no sample");
    return observed;
  }

  /** The flows, in an order of their own. */
  async flows(): Promise<readonly Comparable[]> {
    const observed = await this.command({ kind: "list-flows" });
    return observed.flatMap((each) => (each.out === "flows" ? each.flows : []));
  }

  async dropped(reason: DropReason): Promise<number> {
    const { counters } = await this.sample();
    const drops = counters["drops"] as readonly string[];
    return Number(drops.find((each) => each.startsWith(`${reason} `))?.split(" ")[1] ?? 0);
  }

  close(): Promise<void> {
    return this.#probe.close();
  }

  async #step(step: Step): Promise<readonly Observed[]> {
    const [observed] = await this.#probe.apply([step]);
    return observed ?? [];
  }
}

/** The names of what came out, for sentences that are about order. */
export function kinds(observed: readonly Observed[]): readonly string[] {
  return observed.map((each) => (each.out === "event" ? String(each.event["kind"]) : each.out));
}

/** Reasons of the drop samples among what came out. */
export function reasons(observed: readonly Observed[]): readonly string[] {
  return observed.flatMap((each) =>
    each.out === "event" && each.event["kind"] === "drop-sample" ? [String(each.event["reason"])] : [],
  );
}

export function packets(observed: readonly Observed[]): readonly Uint8Array[] {
  return observed.flatMap((each) => (each.out === "tun" ? [fromHex(each.packet) ?? new Uint8Array()] : []));
}

export function datagrams(observed: readonly Observed[]): readonly string[] {
  return observed.flatMap((each) => (each.out === "udp" ? [each.datagram] : []));
}
