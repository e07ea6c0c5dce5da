import { expect, test } from "vitest";
import { addressBytes, addressFromBytes, type IpAddress } from "../../src/core/netip/address.ts";
import { formatPrefix, masked, type Prefix } from "../../src/core/netip/prefix.ts";
import type { Route, RouteTarget } from "../../src/core/route/route.ts";
import { RouteTable } from "../../src/core/route/route-table.ts";
import { NativeProbe, nativeBinary } from "./native-probe.ts";
import { Seeded } from "./seeded.ts";

// Longest prefix match three times: the core's table, the native one, and the sentence itself.

const TABLES = 10_000;
const ADDRESSES = 100;
const binary = nativeBinary();

/** The model: of all prefixes that contain the address, bit by bit, the longest. Nothing in it is shared with what it judges. */
function modelOf(routes: readonly Route[]): (address: IpAddress) => Route | undefined {
  const longestFirst = [...routes].sort((a, b) => b.prefix.bits - a.prefix.bits);
  const entries = longestFirst.map((route) => ({
    route,
    bits: bitsOf(route.prefix.address).slice(0, route.prefix.bits),
  }));
  return (address) => {
    const bits = bitsOf(address);
    return entries.find((each) => isSameFamily(each.route, address) && bits.startsWith(each.bits))?.route;
  };
}

function bitsOf(address: IpAddress): string {
  return Array.from(addressBytes(address), (byte) => byte.toString(2).padStart(8, "0")).join("");
}

function isSameFamily({ prefix }: Route, address: IpAddress): boolean {
  return prefix.address.includes(":") === address.includes(":");
}

class Author {
  readonly #random: Seeded;

  constructor(seed: number) {
    this.#random = new Seeded(seed);
  }

  /** Nested prefixes of both families, from none at all to whole addresses. */
  table(): readonly Route[] {
    const routes = new Map<string, Route>();
    for (let i = this.#random.below(24); i > 0; i--) {
      const prefix = masked(this.#prefix());
      routes.set(formatPrefix(prefix), { prefix, target: this.#target() });
    }
    return [...routes.values()];
  }

  /** In a prefix of the table, at its edges, just beside it, or anywhere. */
  address(routes: readonly Route[]): IpAddress {
    const random = this.#random;
    const bytes = addressBytes(this.#anyAddress());
    if (routes.length === 0 || random.chance(10)) return addressFromBytes(bytes) as IpAddress;
    const { address, bits } = random.pick(routes).prefix;
    const near = addressBytes(address);
    const fill = random.pick([0x00, 0xff, random.below(256)]);
    for (let i = bits; i < near.length * 8; i++) near[i >> 3]! |= fill & (0x80 >> (i & 7));
    if (random.chance(30)) step(near, random.chance(50) ? 1 : -1);
    return addressFromBytes(near) as IpAddress;
  }

  #prefix(): Prefix {
    const address = this.#anyAddress();
    const width = addressBytes(address).length * 8;
    return { address, bits: this.#random.chance(5) ? this.#random.pick([0, width]) : this.#random.below(width + 1) };
  }

  /** Few distinct bytes, so that prefixes nest. */
  #anyAddress(): IpAddress {
    const random = this.#random;
    const bytes = Uint8Array.from({ length: random.chance(60) ? 4 : 16 }, () => random.pick([0, 10, 10, 128, 255]));
    if (bytes.length === 16) bytes[0] = 0xfd;
    return addressFromBytes(bytes) as IpAddress;
  }

  #target(): RouteTarget {
    const random = this.#random;
    const gateway = { address: this.#anyAddress(), weight: random.below(65_536) };
    return random.pick<RouteTarget>([
      { kind: "own" },
      { kind: "peer" },
      { kind: "none" },
      { kind: "gateways", gateways: [gateway] },
    ]);
  }
}

/** The next or the last address, around the ends. */
function step(bytes: Uint8Array, by: 1 | -1): void {
  for (let i = bytes.length - 1; i >= 0; i--) {
    bytes[i] = bytes[i]! + by;
    if (bytes[i] !== (by === 1 ? 0 : 0xff)) return;
  }
}

test(`both data planes and a model find the same route for ${(TABLES * ADDRESSES).toLocaleString("en")} addresses in ${TABLES.toLocaleString("en")} tables${binary ? "" : " (native: not built)"}`, async () => {
  const author = new Author(1);
  const native = binary === undefined ? undefined : new NativeProbe(binary);
  try {
    for (let i = 0; i < TABLES; i++) {
      const routes = author.table();
      const addresses = Array.from({ length: ADDRESSES }, () => author.address(routes));
      const model = modelOf(routes);
      const expected = addresses.map(model);
      const table = RouteTable.of(routes);
      const found = addresses.map((address) => (table.ok ? table.value.lookUp(address) : undefined));
      expect(table.ok && found.every((route, n) => route === expected[n]), `table ${i}`).toBe(true);
      if (!native) continue;
      const answered = native.apply([{ do: "command", command: { kind: "apply-routes", routes } }]);
      const [refused, lookedUp] = await Promise.all([answered, native.lookUpRoutes(addresses)]);
      expect(refused).toEqual([[]]);
      if (text(lookedUp) !== text(expected)) expect(lookedUp, `table ${i}`).toEqual(expected);
    }
  } finally {
    await native?.close();
  }
}, 120_000);

function text(routes: readonly (Route | undefined)[]): string {
  return JSON.stringify(routes);
}
