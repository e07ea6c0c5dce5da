import type { Settings } from "../../core/config/settings.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import type { Endpoint } from "../../core/netip/endpoint.ts";
import { isPublic } from "../../core/netip/special.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { LoadedSettings } from "../config/config-file.ts";
import { osEntropy } from "../node-crypto.ts";
import type { WayOut } from "../platform/platform.ts";
import type { Ending, Service } from "../service.ts";
import { type MappingOutcome, type MappingProtocol, mapPort } from "./map-port.ts";
import { SSDP_PORT } from "./upnp/discover.ts";

export interface PortMappingOptions {
  /** Undefined: there is none, or nobody can tell. */
  readonly wayOut: () => WayOut | undefined;
  /** The port outside that leads to us, or that there is none any more. */
  readonly mapped: (at: Endpoint | undefined) => void;
  readonly tell: (event: OperatorEvent) => void;
  readonly routerPort?: number;
  readonly ssdpPort?: number;
}

/** How things stand, for people. */
export type PortMappingState =
  | { readonly is: "off" | "looking" | "not-needed" | "no-answer" }
  | { readonly is: "mapped"; readonly protocol: MappingProtocol; readonly at: Endpoint }
  | { readonly is: "refused"; readonly protocol: MappingProtocol; readonly why: string };

/** What is asked for. */
const LIFETIME_S = 7_200;
/** A router that says nothing may be another one soon. */
const SILENT_MS = 600_000;
/** One that refuses, or answers nonsense, may only have started before its own way out: it is asked as soon, and then ever more seldom. */
const REFUSED_MS = SILENT_MS;
const REFUSED_MS_MAX = LIFETIME_S * 1_000;
/** A lease whose renewal was not answered is asked for again at half of what is left, but not all the time. */
const RENEW_MS_MIN = 10_000;
const FAREWELL_MS = 500;
const ROUTER_PORT = 5351;
const NONCE_BYTES = 12;

interface Lease {
  readonly giveBack: (patienceMs: number) => Promise<void>;
  readonly at: Endpoint;
  readonly endsAt: number;
}

/** Has the router in front of this host lead a port outside to it (`listen.map_port`), renews that, and gives it back. */
export class PortMapping implements Service {
  readonly name: string = "port-mapping";
  readonly #options: PortMappingOptions;
  readonly #nonce: Uint8Array = osEntropy.bytes(NONCE_BYTES);
  #isWanted: boolean;
  #port: number | undefined;
  #lease: Lease | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Rises with whatever makes an answer that is under way worthless. */
  #round = 0;
  #asked: string | undefined;
  /** Refusals since the router was first asked, or last gave a port. */
  #refusals = 0;
  state: PortMappingState = { is: "off" };

  constructor({ live }: Settings, options: PortMappingOptions) {
    this.#options = options;
    this.#isWanted = live.listen.mapPort;
  }

  reload({ settings }: Pick<LoadedSettings, "settings">): void {
    const { mapPort: isWanted } = settings.live.listen;
    if (isWanted === this.#isWanted) return;
    this.#isWanted = isWanted;
    if (!isWanted) void this.#giveBack();
    this.look();
  }

  async stop(ending: Ending = "asked"): Promise<void> {
    this.#isWanted = false;
    if (ending === "replaced") clearTimeout(this.#timer);
    else await this.#giveBack();
  }

  /** Our socket is bound to this port. */
  listening(port: number): void {
    if (port === this.#port) return;
    this.#port = port;
    this.look();
  }

  /** The way out may be another one: what a router on the other one said counts no more. */
  look(): void {
    const way = this.#options.wayOut();
    const asked = this.#isWanted && way && this.#port !== undefined ? `${way.gateway} ${way.client} ${this.#port}` : "";
    if (asked === this.#asked) return;
    this.#asked = asked;
    this.#round++;
    this.#refusals = 0;
    clearTimeout(this.#timer);
    this.#forget();
    if (!way || asked === "") {
      this.state = { is: this.#isWanted ? "looking" : "off" };
      return;
    }
    // Who has an address of their own needs no other; who has none of the router's network has no such router.
    if (isPublic(way.client)) this.state = { is: "not-needed" };
    else void this.#ask(way, this.#port ?? 0);
  }

  async #ask({ gateway, client }: WayOut, port: number): Promise<void> {
    const [round, asked] = [this.#round, this.#asked];
    const { routerPort = ROUTER_PORT, ssdpPort = SSDP_PORT } = this.#options;
    const router = { gateway, port: routerPort, ssdpPort };
    const request = {
      nonce: this.#nonce,
      client,
      internalPort: port,
      externalPort: port,
      lifetimeS: LIFETIME_S,
    };
    if (!this.#lease && this.state.is !== "refused") this.state = { is: "looking" };
    const outcome = await mapPort(router, request);
    if (round !== this.#round) {
      const isOurs = this.#isWanted && this.#asked === asked;
      if (outcome.kind === "mapped" && !isOurs) await outcome.giveBack(FAREWELL_MS);
      return;
    }
    const waitMs = this.#learn(outcome, gateway);
    this.#timer = setTimeout(() => void this.#ask({ gateway, client }, port), waitMs);
    this.#timer.unref();
  }

  /** Acts on what the router said; returns when to ask again. */
  #learn(outcome: MappingOutcome, gateway: IpAddress): number {
    if (outcome.kind === "no-answer") return this.#unanswered();
    const { protocol } = outcome;
    if (outcome.kind === "mapped") {
      const { giveBack, mapping } = outcome;
      const { at, lifetimeMs } = mapping;
      const isNew = this.#lease?.at !== at;
      this.#refusals = 0;
      this.#lease = { giveBack, at, endsAt: performance.now() + lifetimeMs };
      this.state = { is: "mapped", protocol, at };
      if (isNew) this.#options.mapped(at);
      if (isNew) this.#options.tell({ code: "port-mapped", gateway, protocol, endpoint: at, lifetimeMs });
      return lifetimeMs / 2;
    }
    const why = outcome.kind === "nonsense" ? outcome.why : `code ${outcome.code}`;
    const isNews = this.state.is !== "refused" || this.state.protocol !== protocol || this.state.why !== why;
    this.#forget();
    this.state = { is: "refused", protocol, why };
    if (isNews) this.#options.tell({ code: "port-not-mapped", gateway, protocol, why });
    return Math.min(REFUSED_MS * 2 ** this.#refusals++, REFUSED_MS_MAX);
  }

  #unanswered(): number {
    const leftMs = (this.#lease?.endsAt ?? 0) - performance.now();
    if (this.#lease && leftMs > 0) return Math.max(leftMs / 2, RENEW_MS_MIN);
    this.#forget();
    this.state = { is: "no-answer" };
    return SILENT_MS;
  }

  #forget(): void {
    if (this.#lease) this.#options.mapped(undefined);
    this.#lease = undefined;
  }

  async #giveBack(): Promise<void> {
    const lease = this.#lease;
    this.#round++;
    clearTimeout(this.#timer);
    this.#forget();
    await lease?.giveBack(FAREWELL_MS);
  }
}
