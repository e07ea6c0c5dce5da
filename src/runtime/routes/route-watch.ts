import { hasSystemDevice, type Settings } from "../../core/config/settings.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import { parseAddress } from "../../core/netip/address.ts";
import { contains, masked, type Prefix, parsePrefix, prefixesAround } from "../../core/netip/prefix.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { Gateway, UnsafeRoute } from "../../core/route/route.ts";
import { GATEWAYS_MAX } from "../../core/route/route-table.ts";
import { KeptWatch } from "../kept-watch.ts";
import type { StartWatch } from "../native-watch.ts";
import type { Health, Service } from "../service.ts";

export type LearnedRoute = Pick<UnsafeRoute, "prefix" | "gateways">;

export interface WatchSurroundings {
  readonly device: () => string | undefined;
  readonly learned: (routes: readonly LearnedRoute[]) => void;
  readonly tell: (event: OperatorEvent) => void;
  /** Instead of the program. */
  readonly spawn?: StartWatch;
}

/**
 * What others (a routing daemon, say) put into the system's table: routes through the device whose next hops are hosts of the overlay count as
 * unsafe routes (tun.use_system_route_table).
 */
export class RouteWatch implements Service {
  readonly name = "route-watch";
  readonly #surroundings: WatchSurroundings;
  readonly #settings: Settings;
  readonly #watch: KeptWatch;
  #runs = false;

  constructor(settings: Settings, surroundings: WatchSurroundings) {
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#watch = new KeptWatch(surroundings.spawn);
  }

  start(): void {
    const { tun } = this.#settings.boot;
    this.#runs = tun.systemRoutes.learned && hasSystemDevice(tun);
    this.deviceIsUp();
  }

  /** A device that is another one has other routes. */
  deviceIsUp(): void {
    if (!this.#runs) return;
    void this.#watch.end();
    const device = this.#surroundings.device();
    if (device === undefined) return;
    const { bufferBytes } = this.#settings.boot.tun.systemRoutes;
    const args = ["routes", "watch", "--device", device, ...(bufferBytes > 0 ? ["--buffer", `${bufferBytes}`] : [])];
    this.#watch.begin(args, {
      line: (text) => this.#told(text),
      ended: (why, isNews) => {
        if (isNews) this.#surroundings.tell({ code: "route-watch-ended", why });
        this.#surroundings.learned([]);
      },
      again: () => this.deviceIsUp(),
    });
  }

  async stop(): Promise<void> {
    this.#runs = false;
    await this.#watch.end();
  }

  health(): readonly Health[] {
    const { why } = this.#watch;
    if (why === undefined) return [];
    const text = `routes of the system are not learned: ${why}`;
    return [{ code: "routes-not-learned", severity: "error", text, todo: "it is tried again by itself; see the log" }];
  }

  #told(text: string): void {
    const { networks, addresses } = this.#settings.live.identity.credential;
    const routes = readLearned(text, networks, addresses);
    if (!routes) return;
    this.#watch.works();
    this.#surroundings.learned(routes);
  }
}

/** The routes in one line of the watch that may count. Undefined when it is none. */
export function readLearned(
  text: string,
  networks: readonly Prefix[],
  ownAddresses: readonly IpAddress[],
): readonly LearnedRoute[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    if (!Array.isArray(list)) return undefined;
    const isInside = prefixesAround(networks.map(masked));
    return list.flatMap((entry: { prefix: string; hops: readonly { address: string; weight: number }[] }) => {
      const prefix = parsePrefix(entry.prefix);
      const gateways = entry.hops.flatMap(({ address, weight }): Gateway[] => {
        const parsed = parseAddress(address);
        const isPeer =
          parsed && networks.some((network) => contains(network, parsed)) && !ownAddresses.includes(parsed);
        return isPeer ? [{ address: parsed, weight }] : [];
      });
      const distinct = gateways.filter(
        ({ address }, at) => gateways.findIndex((other) => other.address === address) === at,
      );
      if (!prefix || isInside(prefix) || distinct.length === 0) return [];
      return [{ prefix, gateways: distinct.slice(0, GATEWAYS_MAX) }];
    });
  } catch {
    return undefined;
  }
}
