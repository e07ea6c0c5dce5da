import { hasSystemDevice, type Settings } from "../../core/config/settings.ts";
import { formatPrefix } from "../../core/netip/prefix.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import { KeptWatch } from "../kept-watch.ts";
import type { StartWatch } from "../native-watch.ts";
import type { Health, Service } from "../service.ts";

/** Whoever changes something changes more: the first change is looked at at once, those that follow together. */
const TOGETHER_MS = 250;

export interface DeviceWatchSurroundings {
  /** The device that stands; undefined while there is none. */
  readonly device: () => string | undefined;
  /** Others may have changed it, or what is around it. */
  readonly changed: () => void;
  readonly tell: (event: OperatorEvent) => void;
  /** Instead of the program. */
  readonly spawn?: StartWatch;
}

/** Hears at once what others do to the device, to its routes, and to what keeps its packets off other ways (`lacis-dataplane changes watch`). */
export class DeviceWatch implements Service {
  readonly name = "device-watch";
  readonly #surroundings: DeviceWatchSurroundings;
  readonly #settings: Settings;
  readonly #watch: KeptWatch;
  #watched: string | undefined;
  #next: NodeJS.Timeout | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #runs = false;

  constructor(settings: Settings, surroundings: DeviceWatchSurroundings) {
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#watch = new KeptWatch(surroundings.spawn);
  }

  start(): void {
    this.#runs = hasSystemDevice(this.#settings.boot.tun);
    this.deviceIsUp();
  }

  /** It is watched by its name, whether it is there or not. */
  deviceIsUp(): void {
    const device = this.#surroundings.device();
    if (!this.#runs || device === undefined || device === this.#watched) return;
    this.#watched = device;
    const networks = this.#settings.live.identity.credential.networks.flatMap((one) => [
      "--network",
      formatPrefix(one),
    ]);
    this.#forgetNext();
    this.#watch.begin(["changes", "watch", "--device", device, ...networks], {
      line: () => this.#heard(),
      ended: (why, isNews) => {
        this.#watched = undefined;
        if (isNews) this.#surroundings.tell({ code: "device-watch-ended", why });
      },
      again: () => this.deviceIsUp(),
    });
  }

  async stop(): Promise<void> {
    this.#runs = false;
    this.#watched = undefined;
    this.#forgetNext();
    await this.#watch.end();
  }

  health(): readonly Health[] {
    const { why } = this.#watch;
    if (why === undefined) return [];
    const text = `what others change about the device is noticed within half a minute only: ${why}`;
    return [{ code: "device-not-watched", severity: "warning", text, todo: "it is tried again by itself" }];
  }

  #heard(): void {
    this.#watch.works();
    if (this.#next) return;
    const ms = Math.max(0, this.#lookedAt + TOGETHER_MS - performance.now());
    this.#next = setTimeout(() => {
      this.#next = undefined;
      this.#lookedAt = performance.now();
      this.#surroundings.changed();
    }, ms);
  }

  #forgetNext(): void {
    clearTimeout(this.#next);
    this.#next = undefined;
  }
}
