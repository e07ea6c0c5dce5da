import type { LocalPlace } from "../../core/discovery/own-places.ts";
import type { IpAddress } from "../../core/netip/address.ts";
import type { Prefix } from "../../core/netip/prefix.ts";
import { isMachine } from "../../core/netip/special.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import type { LanOverlap } from "../../core/operator/lan-overlap-text.ts";
import { AGAIN_MS, KeptWatch } from "../kept-watch.ts";
import type { StartWatch } from "../native-watch.ts";
import { OperatorError } from "../operator-error.ts";
import type { Health, Service } from "../service.ts";
import { interfacesAside } from "./interface-class.ts";
import { readSurroundings, type Surroundings, surroundingsByNode } from "./interfaces.ts";
import { lanOverlaps } from "./lan-overlap.ts";
import { belowOverlay, localPlace, textOf } from "./local-place.ts";
import { familyHealth, overlapHealth } from "./underlay-health.ts";

/** How often addresses are looked at where nobody tells of changes. */
const LOOK_MS = 5_000;
/** The watch tells what there is within a few milliseconds; a start does not wait for one that does not. */
const FIRST_MS = 500;

export interface UnderlayOptions {
  readonly overlay: readonly Prefix[];
  /** Whether the overlay has a device of this system. */
  readonly hasDevice: boolean;
  /** Where this host listens. */
  readonly listen: IpAddress;
  readonly changed: (place: LocalPlace) => void;
  readonly tell: (event: OperatorEvent) => void;
  /** Instead of Node.js, and of the program. */
  readonly read?: () => Surroundings;
  readonly spawn?: StartWatch;
}

/**
 * Where this machine is, now and whenever that changes: as the kernel tells of it (`lacis-dataplane underlay watch`), or, where that program is
 * missing, as it is seen now and then.
 */
export class UnderlayWatch implements Service {
  readonly name = "addresses";
  readonly #options: UnderlayOptions;
  readonly #watch: KeptWatch;
  #looks: NodeJS.Timeout | undefined;
  #known: Surroundings | undefined;
  #told = "nothing yet";
  #overlaps: ReadonlySet<string> = new Set();
  #listenIsMissing = false;
  #hears: (() => void) | undefined;

  constructor(options: UnderlayOptions) {
    this.#options = options;
    this.#watch = new KeptWatch(options.spawn);
  }

  async start(): Promise<void> {
    const first = new Promise<void>((resolve) => {
      this.#hears = resolve;
      setTimeout(resolve, FIRST_MS).unref();
    });
    if (this.#begin()) await first;
    if (this.#known === undefined) this.#look();
  }

  async stop(): Promise<void> {
    clearInterval(this.#looks);
    await this.#watch.end();
  }

  health(): readonly Health[] {
    const known = this.#known ?? { interfaces: [], ways: [] };
    return [
      ...this.#failure(),
      ...this.#unlistened(),
      ...this.#aside(),
      ...overlapHealth(this.#overlapsIn(known)),
      ...familyHealth(localPlace(known, this.#options.overlay).addresses, this.#options.listen),
    ];
  }

  /** False where there is no program for it. */
  #begin(): boolean {
    try {
      this.#watch.begin(["underlay", "watch"], {
        line: (text) => this.#heard(text),
        ended: (why, isNews) => this.#ended(why, isNews),
        again: () => this.#begin(),
      });
      return true;
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      this.#looks = setInterval(() => this.#look(), LOOK_MS).unref();
      return false;
    }
  }

  #heard(text: string): void {
    const surroundings = readSurroundings(text);
    if (!surroundings) return;
    this.#watch.works();
    this.#take(surroundings);
    this.#hears?.();
  }

  #ended(why: string, isNews: boolean): void {
    if (isNews) this.#options.tell({ code: "underlay-watch-ended", why });
    this.#hears?.();
    if (this.#known) this.#look();
  }

  /** What Node.js cannot tell is as it was. */
  #look(): void {
    const { interfaces, ways } = (this.#options.read ?? surroundingsByNode)();
    const known = new Map((this.#known?.interfaces ?? []).map((each) => [each.name, each]));
    this.#take({
      interfaces: interfaces.map((each) => ({ ...each, ...known.get(each.name), addresses: each.addresses })),
      ways: this.#known?.ways ?? ways,
    });
  }

  #take(surroundings: Surroundings): void {
    this.#known = surroundings;
    this.#tellOverlaps(this.#overlapsIn(surroundings));
    this.#lookForListenAddress(surroundings);
    const place = localPlace(surroundings, this.#options.overlay);
    const text = textOf(place);
    if (text === this.#told) return;
    this.#told = text;
    this.#options.changed(place);
  }

  /** One of loopback and the wildcard is everywhere. */
  #lookForListenAddress({ interfaces }: Surroundings): void {
    const { listen, tell } = this.#options;
    const isThere = interfaces.some(({ addresses }) => addresses.some(({ address }) => address === listen));
    const isMissing = isMachine(listen) && !isThere;
    if (isMissing === this.#listenIsMissing) return;
    this.#listenIsMissing = isMissing;
    tell({ code: isMissing ? "listen-address-missing" : "listen-address-there", address: listen });
  }

  #unlistened(): readonly Health[] {
    if (!this.#listenIsMissing) return [];
    return [
      {
        code: "listen-address-missing",
        severity: "error",
        text: `nobody reaches this host: no interface has ${this.#options.listen} (listen.host); it is used as soon as one has`,
        todo: "bring the interface up, or write another address of this machine, 0.0.0.0 or :: and start again",
      },
    ];
  }

  #overlapsIn(surroundings: Surroundings): readonly LanOverlap[] {
    return lanOverlaps(surroundings, this.#options.overlay, this.#options.hasDevice);
  }

  /** Each once, as long as it lasts. */
  #tellOverlaps(overlaps: readonly LanOverlap[]): void {
    const before = this.#overlaps;
    this.#overlaps = new Set(overlaps.map(({ device, lan }) => `${device} ${lan}`));
    for (const overlap of overlaps)
      if (!before.has(`${overlap.device} ${overlap.lan}`)) this.#options.tell({ code: "overlay-over-lan", ...overlap });
  }

  #failure(): readonly Health[] {
    const { why } = this.#watch;
    if (why === undefined) return [];
    const text = `changes of this machine's addresses are noticed within ${AGAIN_MS / 1000} s only: ${why}`;
    return [{ code: "underlay-not-watched", severity: "warning", text, todo: "it is tried again by itself" }];
  }

  #aside(): readonly Health[] {
    if (this.#known === undefined) return [];
    const aside = [...interfacesAside(belowOverlay(this.#known, this.#options.overlay))];
    if (aside.length === 0) return [];
    const named = aside.slice(0, 8).map(([name, is]) => `${name} (${WORDS[is]})`);
    const text = `lighthouses are not told of addresses on ${named.join(", ")}${aside.length > 8 ? " and others" : ""}`;
    const todo =
      "where hosts are to use them: name every interface to be told of in lighthouse.local_allow_list.interfaces";
    return [{ code: "interfaces-aside", severity: "note", text, todo }];
  }
}

const WORDS = { containers: "for what runs on this machine", vpn: "another VPN" } as const;
