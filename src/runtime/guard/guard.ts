import { existsSync } from "node:fs";
import { hasSystemDevice, type Settings } from "../../core/config/settings.ts";
import { formatPrefix } from "../../core/netip/prefix.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import { shadowText } from "../../core/operator/failure-text.ts";
import { thisPlatform } from "../platform/this-platform.ts";
import type { Ending, Health, Service } from "../service.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import { type GuardedPart, type GuardReport, runGuard, type Shadow } from "./guard-command.ts";

/** Whoever flushes routes or rules takes ours along: so often it is looked after them where nobody tells of changes. */
const CHECK_MS = 30_000;

/** For `lacis status`. */
export interface GuardDescription {
  /** Whether packets for the overlay are unreachable where the device is not. */
  readonly routes: "standing" | "missing";
  /** Whether packets of the overlay are dropped that come another way than through the device. */
  readonly underlay: "closed" | "open";
  /** So many were, since the rules were set. */
  readonly droppedPackets: number;
}

export interface GuardSurroundings {
  readonly state: StateDirectory;
  /** Whose guard it is: the name that follows from the configuration's path. */
  readonly owner: string;
  readonly tell: (event: OperatorEvent) => void;
  /** Instead of the command that sets it. */
  readonly run?: ((args: readonly string[]) => Promise<GuardReport>) | undefined;
}

/**
 * Keeps packets of the overlay off every way but its device, from before the first start of the data plane to after its last stop, and through the death
 * of either process. It cannot be the data plane's: a dead one sets nothing, and one that runs has no power left to. What fails is told and does not
 * keep the host from starting: who lacks the rights gets no device either, and says it better.
 */
export class Guard implements Service {
  readonly name = "guard";
  readonly #surroundings: GuardSurroundings;
  #settings: Settings;
  #report: GuardReport | undefined;
  #stoodBefore = false;
  #busy: Promise<unknown> = Promise.resolve();
  #check: NodeJS.Timeout | undefined;

  constructor(settings: Settings, surroundings: GuardSurroundings) {
    this.#settings = settings;
    this.#surroundings = surroundings;
  }

  async start(): Promise<void> {
    if (!hasSystemDevice(this.#settings.boot.tun)) {
      // An earlier run with a device may have been killed.
      if (existsSync(this.#surroundings.state.dataPlanePid)) await this.#run(this.#clearing);
      return;
    }
    const { routes, filter } = await this.#set();
    this.#stoodBefore = routes.before + filter.before > 0;
    this.#check = setInterval(() => this.lookAgain(), CHECK_MS).unref();
  }

  /** A reload keeps the networks of the start, and may change what lies behind other hosts. */
  reload({ settings }: { readonly settings: Settings }): void {
    this.#settings = settings;
    this.lookAgain();
  }

  /** Puts right what others have removed since the last look. */
  lookAgain(): void {
    if (this.#check) void this.#setAgain();
  }

  /** A start that failed leaves the guard of those that were killed before it. */
  async stop(ending: Ending): Promise<void> {
    clearInterval(this.#check);
    if (!this.#check || ending === "replaced" || (ending === "start-failed" && this.#stoodBefore)) return;
    this.#check = undefined;
    const { routes, filter } = await this.#run(this.#clearing);
    this.#tellFailures({ routes: routes.failure, underlay: filter.failure });
  }

  /** Undefined on a host without a device. */
  describe(): GuardDescription | undefined {
    if (!this.#report) return undefined;
    const { routes, filter } = this.#report;
    return {
      routes: routes.failure === undefined ? "standing" : "missing",
      underlay: filter.failure === undefined ? "closed" : "open",
      droppedPackets: filter.droppedPackets,
    };
  }

  health(): readonly Health[] {
    const { routes, filter, shadows = [] } = this.#report ?? {};
    return [
      ...routesHealth(routes?.failure),
      ...underlayHealth(filter?.failure, this.#guarded),
      ...shadows.map(shadowHealth),
    ];
  }

  async #setAgain(): Promise<void> {
    const before = this.#report;
    const { routes, filter } = await this.#set();
    const { tell } = this.#surroundings;
    const removed = (then: GuardedPart | undefined, now: GuardedPart): boolean =>
      then?.failure === undefined && now.failure === undefined && now.changed > 0;
    if (removed(before?.routes, routes)) tell({ code: "guard-restored", part: "routes" });
    if (removed(before?.filter, filter)) tell({ code: "guard-restored", part: "underlay" });
  }

  async #set(): Promise<GuardReport> {
    const { device, networks, beyond } = this.#guarded;
    const named = device === "" ? [] : ["--device", device];
    const prefixes = [...networks.flatMap((one) => ["--network", one]), ...beyond.flatMap((one) => ["--beyond", one])];
    const report = await this.#run(["set", ...this.#owned, ...named, ...prefixes]);
    const before = this.#report;
    this.#report = report;
    const news = (now: string | undefined, then: string | undefined): string | undefined =>
      now === then ? undefined : now;
    this.#tellFailures({
      routes: news(report.routes.failure, before?.routes.failure),
      underlay: news(report.filter.failure, before?.filter.failure),
    });
    for (const { prefix, device } of report.shadows) {
      const isKnown = before?.shadows.some((shadow) => shadow.prefix === prefix && shadow.device === device);
      if (!isKnown) this.#surroundings.tell({ code: "overlay-shadowed", prefix, device });
    }
    return report;
  }

  #tellFailures(failures: Readonly<Record<"routes" | "underlay", string | undefined>>): void {
    for (const part of ["routes", "underlay"] as const) {
      const why = failures[part];
      if (why !== undefined) this.#surroundings.tell({ code: "guard-failed", part, why });
    }
  }

  /** One after the other: the last word is that of the stop. */
  #run(args: readonly string[]): Promise<GuardReport> {
    const report = this.#busy.then(() => (this.#surroundings.run ?? runGuard)(args));
    this.#busy = report;
    return report;
  }

  get #clearing(): readonly string[] {
    return ["clear", ...this.#owned];
  }

  get #owned(): readonly string[] {
    return ["--owner", this.#surroundings.owner];
  }

  /** A default route through the overlay is none to hold on to: without the data plane nothing would be reachable, its own names and servers included. */
  get #guarded(): {
    readonly owner: string;
    readonly device: string;
    readonly networks: readonly string[];
    readonly beyond: readonly string[];
  } {
    const { boot, live } = this.#settings;
    const networks = live.identity.credential.networks.map(formatPrefix);
    const guarded = live.tun.unsafeRoutes.filter(({ install, prefix }) => install && prefix.bits > 0);
    const beyond = guarded.map(({ prefix }) => formatPrefix(prefix));
    return { owner: this.#surroundings.owner, device: boot.tun.device, networks, beyond };
  }
}

function routesHealth(why: string | undefined): readonly Health[] {
  if (why === undefined) return [];
  return [
    {
      code: "guard-routes-missing",
      severity: "error",
      text: `packets for the overlay may leave in clear whenever the data plane is down: ${why}`,
      todo: thisPlatform().advice.permitGuard(),
    },
  ];
}

function underlayHealth(
  why: string | undefined,
  guarded: { readonly owner: string; readonly device: string; readonly networks: readonly string[] },
): readonly Health[] {
  if (why === undefined) return [];
  return [
    {
      code: "underlay-open",
      severity: "error",
      text: `who is on another network of this host may reach its overlay addresses past firewall and identity: ${why}`,
      todo: thisPlatform().advice.closeUnderlay(guarded),
    },
  ];
}

function shadowHealth({ prefix, device }: Shadow): Health {
  return {
    code: "overlay-shadowed",
    about: prefix,
    because: ["overlay-over-lan"],
    severity: "warning",
    text: `packets ${shadowText(prefix, device)}: a route or a rule of somebody else's comes before ours`,
    todo: `see which: ip route get ${prefix.replace(/\/.*/, "")}; ip rule - remove it, if this network does not lie inside the overlay's on purpose`,
  };
}
