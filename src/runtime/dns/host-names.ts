import { hasSystemDevice, type NameSettings, type Settings } from "../../core/config/settings.ts";
import { familyOf, type IpAddress } from "../../core/netip/address.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import { OperatorError } from "../operator-error.ts";
import type { NameWiring, NameWish, ResolverPicture, SystemResolver } from "../platform/platform.ts";
import { thisPlatform } from "../platform/this-platform.ts";
import type { Health, Service } from "../service.ts";

/** How often it is tried to tell the resolver, until somebody is told who says how often it is looked after. */
const TRY_MS = 1_000;

export interface HostNamesSurroundings {
  readonly owner: string;
  /** The device that stands; undefined while there is none. */
  readonly device: () => string | undefined;
  /** Whether this host answers there: nobody is sent where somebody else, or nobody, does. */
  readonly answersAt: (address: IpAddress) => boolean;
  readonly tell: (event: OperatorEvent) => void;
  /** Instead of this system's. */
  readonly resolver?: SystemResolver;
}

export interface HostNamesDescription {
  /** Undefined: names of the overlay are nobody's business here. */
  readonly domain: string | undefined;
  readonly mode: NameSettings["mode"];
  /** Why nobody could be told, or not all of it. */
  readonly why: string | undefined;
  readonly wired:
    | {
        /** Who was told, for people. */
        readonly how: string;
        readonly server: IpAddress;
        readonly device: string;
        /** Whether this host answers there. */
        readonly isAnswered: boolean;
        /** Undefined: whoever was told cannot be asked now. */
        readonly stands: boolean | undefined;
      }
    | undefined;
  readonly machine: ResolverPicture;
}

/**
 * Lets programs on this host find the names of the overlay: the system's resolver is told to ask this host for names below `dns.domain`, and for no others, and everything is put
 * back when it stops. What a run that was killed has left is taken out by the next, whatever its configuration says.
 */
export class HostNames implements Service {
  readonly name = "host-names";
  readonly #surroundings: HostNamesSurroundings;
  readonly #settings: Settings;
  #wiring: NameWiring | undefined;
  #wired: NameWish | undefined;
  #why: string | undefined;
  #busy: Promise<unknown> = Promise.resolve();
  #look: NodeJS.Timeout | undefined;
  #runs = false;

  constructor(settings: Settings, surroundings: HostNamesSurroundings) {
    this.#settings = settings;
    this.#surroundings = surroundings;
  }

  /** Takes out what a run that was killed has left. Before anything else, so that nobody can be stopped who has not done it. */
  recover(): Promise<void> {
    return this.#try(() => this.#resolver.recover(this.#surroundings.owner));
  }

  async start(): Promise<void> {
    const { names, tun } = this.#settings.boot;
    if (names.domain === undefined || !hasSystemDevice(tun)) return;
    this.#runs = true;
    await this.#wire(names.domain);
  }

  /** What was told about another device went with it, perhaps. */
  deviceIsUp(): void {
    const { domain } = this.#settings.boot.names;
    if (this.#runs && domain !== undefined) void this.#wire(domain);
  }

  async stop(): Promise<void> {
    this.#runs = false;
    clearTimeout(this.#look);
    await this.#busy;
    const [wiring, wired] = [this.#wiring, this.#wired];
    if (wiring && wired) await this.#try(() => wiring.unwire(wired));
  }

  /** What was told to whom, and whether it still stands. */
  async describe(): Promise<HostNamesDescription> {
    const { names, tun } = this.#settings.boot;
    const [wiring, wired] = [this.#wiring, this.#wired];
    const common = {
      domain: hasSystemDevice(tun) ? names.domain : undefined,
      mode: names.mode,
      why: this.#why,
      machine: this.#resolver.look(this.#surroundings.owner),
    };
    if (!wiring || !wired) return { ...common, wired: undefined };
    const { server, device } = wired;
    const told = { how: wiring.how, server, device, isAnswered: this.#surroundings.answersAt(server) };
    const stands = await wiring.holds(wired).catch(() => undefined);
    return { ...common, wired: { ...told, stands } };
  }

  health(): readonly Health[] {
    if (this.#why === undefined) return [];
    const { domain } = this.#settings.boot.names;
    const text =
      domain === undefined
        ? `the settings of the system's resolver may have a line of an earlier run: ${this.#why}`
        : `programs on this host do not find names below ${domain}: ${this.#why}`;
    const todo = "see dns.mode in docs/CONFIG.md; it is tried again by itself";
    return [{ code: "names-not-wired", severity: "warning", text, todo, because: ["dns-not-listening"] }];
  }

  get #resolver(): SystemResolver {
    return this.#surroundings.resolver ?? thisPlatform().resolver;
  }

  /** One look after the other: a slow program is not asked twice at once. */
  #wire(domain: string): Promise<void> {
    const wired = this.#busy.then(async () => {
      if (!this.#runs) return;
      await this.#try(() => this.#wireNow(domain));
      clearTimeout(this.#look);
      this.#look = setTimeout(() => this.deviceIsUp(), this.#wiring?.lookMs ?? TRY_MS).unref();
    });
    this.#busy = wired;
    return wired;
  }

  async #wireNow(domain: string): Promise<void> {
    const { device, answersAt, owner, tell } = this.#surroundings;
    const [name, server] = [device(), this.#server];
    if (name === undefined || server === undefined) return;
    if (!this.#wired && !answersAt(server)) throw new OperatorError("names-unanswered", unanswered(server));
    const wiring = this.#wiring ?? (await this.#resolver.wiring(this.#settings.boot.names.mode));
    this.#wiring = wiring;
    const wish = { owner, domain, server, device: name };
    const changed = await wiring.wire(wish);
    this.#wired = wish;
    if (changed) tell({ code: "names-wired", domain, how: wiring.how });
  }

  /** Resolvers of every age take an IPv4 address. */
  get #server() {
    const { addresses } = this.#settings.live.identity.credential;
    return addresses.find((address) => familyOf(address) === 4) ?? addresses[0];
  }

  async #try(step: () => Promise<void>): Promise<void> {
    try {
      await step();
      this.#why = undefined;
    } catch (error) {
      const why = whyOf(error);
      if (why !== this.#why) this.#surroundings.tell({ code: "names-not-wired", why });
      this.#why = why;
    }
  }
}

function unanswered(server: IpAddress) {
  return {
    what: "cannot tell the system's resolver of the overlay's names",
    why: `this host does not answer at ${server}, port 53`,
    todo: "see dns-not-listening",
  };
}

function whyOf(error: unknown): string {
  if (error instanceof OperatorError) return error.complaint.why;
  return error instanceof Error ? error.message : String(error);
}
