import { isDeepStrictEqual } from "node:util";
import { hasSystemDevice, type Settings } from "../../core/config/settings.ts";
import { formatPrefix } from "../../core/netip/prefix.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import { type SystemRoute, type SystemRoutes, systemRoutesOf } from "../../core/route/system-routes.ts";
import { OperatorError } from "../operator-error.ts";
import { thisPlatform } from "../platform/this-platform.ts";
import type { Ending, Health, Service } from "../service.ts";
import { Disputes } from "./disputes.ts";
import { type RouteFailure, type RoutesOrder, type RoutesReport, runRoutes } from "./routes-command.ts";

/** Whoever flushes routes takes ours along, and whoever was in the way may be gone: so often it is looked after them where nobody tells of changes. */
const CHECK_MS = 30_000;

export interface RoutesSurroundings {
  /** The device that stands; undefined while there is none. */
  readonly device: () => string | undefined;
  /** The device that should stand is not there. */
  readonly gone: (device: string) => void;
  readonly tell: (event: OperatorEvent) => void;
  /** Instead of the command that carries it out. */
  readonly run?: ((order: RoutesOrder) => RoutesReport) | undefined;
}

/**
 * The routes of the operating system that lead into the overlay, and the device that they lead through: its MTU, its addresses, that it is up (tun.mtu,
 * tun.routes, tun.unsafe_routes, pki.cert). What others change is put right. A route of somebody else's is never replaced: at the start the host goes
 * without its own and says so, until the other one is gone; a reload that would bring such a route is refused.
 */
export class Routes implements Service {
  readonly name = "routes";
  readonly #surroundings: RoutesSurroundings;
  readonly #disabled: boolean;
  #wanted: SystemRoutes;
  #failures: readonly RouteFailure[] = [];
  readonly #disputes = new Disputes();
  #check: NodeJS.Timeout | undefined;

  constructor(settings: Settings, surroundings: RoutesSurroundings) {
    this.#surroundings = surroundings;
    this.#disabled = !hasSystemDevice(settings.boot.tun);
    this.#wanted = systemRoutesOf(settings);
  }

  start(): void {
    if (this.#disabled) return;
    this.#set();
    this.#check = setInterval(() => this.lookAgain(), CHECK_MS).unref();
  }

  /** The device is another one: routes go with the device that they lead through. */
  deviceIsUp(): void {
    if (this.#check) this.#set();
  }

  /** Gives the system the routes of other settings, or throws and leaves it those that it has. */
  change(settings: Pick<Settings, "live">): void {
    const next = systemRoutesOf(settings);
    if (isDeepStrictEqual(next, this.#wanted)) return;
    const device = this.#check && this.#surroundings.device();
    if (device === undefined) {
      this.#wanted = next;
      return;
    }
    // What could not be had before is no reason to refuse what can.
    const known = new Set(this.#wanted.routes.filter((route) => this.#isMissing(route)).map(keyOf));
    const routes = next.routes.filter((route) => !known.has(keyOf(route)));
    const { failures } = this.#run({ kind: "set", device, wanted: { ...next, routes }, allOrNothing: true });
    if (failures.length > 0) throw refusedReload(failures);
    this.#wanted = next;
    const left = new Set(next.routes.map(({ prefix }) => formatPrefix(prefix)));
    this.#failures = this.#failures.filter(({ prefix }) => prefix !== undefined && left.has(prefix));
  }

  stop(ending: Ending = "asked"): void {
    clearInterval(this.#check);
    const device = ending === "replaced" ? undefined : this.#check && this.#surroundings.device();
    this.#check = undefined;
    // A device that was there before us stays after us.
    if (device !== undefined) this.#run({ kind: "clear", device });
  }

  health(): readonly Health[] {
    const device = this.#surroundings.device() ?? "the device";
    const addresses = this.#failures.filter(({ code }) => code === ADDRESS_MISSING);
    return [
      ...this.#failures.filter((failure) => !addresses.includes(failure)).map(routeHealth),
      ...addresses.slice(0, 1).map(({ why }) => addressHealth(device, why)),
      ...this.#disputes.health(device),
    ];
  }

  /** Puts right what others have changed since the last look. */
  lookAgain(): void {
    const failed = this.#failures.length;
    const report = this.#check && this.#set();
    if (!report) return;
    const { tell, device } = this.#surroundings;
    const { changed, repairs } = report;
    const name = device();
    if (changed + repairs.length > 0) this.#disputes.settled();
    if (repairs.length > 0 && name !== undefined) tell({ code: "device-restored", device: name, repairs });
    if (changed > 0 && this.#failures.length <= failed) tell({ code: "routes-restored", routes: changed });
  }

  /** Undefined while there is no device. */
  #set(): RoutesReport | undefined {
    const device = this.#surroundings.device();
    if (device === undefined) return undefined;
    const report = this.#run({ kind: "set", device, wanted: this.#wanted, allOrNothing: false });
    if (report.failures.some(({ code }) => code === "no-such-device")) {
      this.#failures = [];
      this.#surroundings.gone(device);
      return undefined;
    }
    const before = new Set(this.#failures.map(({ why }) => why));
    this.#failures = report.failures;
    for (const { prefix, code, why } of report.failures.filter((failure) => !before.has(failure.why))) {
      if (code === ADDRESS_MISSING) this.#surroundings.tell({ code: "overlay-address-missing", device, why });
      else this.#surroundings.tell({ code: "route-missing", prefix, why });
    }
    return report;
  }

  #isMissing({ prefix }: SystemRoute): boolean {
    return this.#failures.some((failure) => failure.prefix === formatPrefix(prefix));
  }

  #run(order: RoutesOrder): RoutesReport {
    return (this.#surroundings.run ?? runRoutes)(order);
  }
}

const ADDRESS_MISSING = "address-missing";

function routeHealth({ prefix, why }: RouteFailure): Health {
  const text =
    prefix === undefined
      ? `routes into the overlay are missing: ${why}`
      : `${prefix} does not lead into the overlay: ${why}`;
  const todo = prefix === undefined ? thisPlatform().advice.permitGuard() : WAYS_OUT;
  return { code: "route-missing", severity: "error", text, todo, ...(prefix !== undefined && { about: prefix }) };
}

function addressHealth(device: string, refusal: string): Health {
  const { advice } = thisPlatform();
  const obstacle = advice.obstacleTo({ name: device, ipv6: true });
  const { why, todo } = obstacle ?? { why: refusal, todo: advice.permitGuard() };
  return { code: "overlay-address-missing", severity: "error", text: `${device} lacks an address: ${why}`, todo };
}

const WAYS_OUT = "remove that route, give ours another metric, or write install: false";

function keyOf({ prefix, metric }: SystemRoute): string {
  return `${formatPrefix(prefix)} ${metric}`;
}

function refusedReload(failures: readonly RouteFailure[]): OperatorError {
  const lines = failures.map(({ why }) => why);
  return new OperatorError("routes-refused", {
    what: "cannot give the system the routes of the new configuration",
    why: lines[0] ?? "it refused them",
    todo: failures.some(({ code }) => code === "taken") ? WAYS_OUT : "correct the configuration, then: lacis reload",
    details: lines,
  });
}
