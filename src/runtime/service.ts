import type { LoadedSettings } from "./config/config-file.ts";

/**
 * A part of the daemon with a life of its own. To add one: a file that makes it, and a line in the list of daemon.ts (or in the caller's, for
 * what the runtime must not know).
 */
export interface Service {
  readonly name: string;
  /** Rejects with an OperatorError when the daemon cannot run without it; whatever it began is undone by then. */
  start?(): Promise<void> | void;
  /** New live settings and logging. The boot settings are those of the start. */
  reload?(config: LoadedSettings): void;
  /** Called once, and only after a start of this service that succeeded. */
  stop?(ending: Ending): Promise<void> | void;
  /** What is wrong with it now; nothing when all is well. */
  health?(): readonly Health[];
}

/**
 * Why services stop: somebody asked for it, one that comes later could not start, or only this process ends and another one goes on with what it leaves.
 * Then whatever carries traffic stays as it is.
 */
export type Ending = "asked" | "start-failed" | "replaced";

/** One sentence about something that is not as it should be, and what to do about it. `code` is stable. */
export interface Health {
  readonly code: string;
  readonly severity: "error" | "warning" | "note";
  readonly text: string;
  readonly todo: string;
  /** Tells it from others of its code: a peer, a network. */
  readonly about?: string;
  /** It is shown once it has lasted so long; at once if not given. */
  readonly afterMs?: number;
  /** What it follows from, as "code" or "code about": beside an error or a warning of these it is no trouble of its own. */
  readonly because?: readonly string[];
}

/** A service in `lacis status`. */
export interface ServiceStatus {
  readonly name: string;
  readonly health: readonly Health[];
}

/** Services in the order of their start. They stop in the reverse one, so that each finds below it what it was started on. */
export class Services {
  readonly #services: readonly Service[];
  #running: Service[] = [];

  constructor(services: readonly Service[]) {
    this.#services = services;
  }

  /** All of them, or none: a failure stops those that had started. */
  async start(): Promise<void> {
    try {
      for (const service of this.#services) {
        await service.start?.();
        this.#running.push(service);
      }
    } catch (error) {
      await this.stop("start-failed");
      throw error;
    }
  }

  reload(config: LoadedSettings): void {
    for (const service of this.#running) service.reload?.(config);
  }

  /** Each gets its turn, even when one before it fails; the first failure is thrown at the end. */
  async stop(ending: Ending = "asked"): Promise<void> {
    const failures: unknown[] = [];
    for (let service = this.#running.pop(); service; service = this.#running.pop()) {
      try {
        await service.stop?.(ending);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  status(): readonly ServiceStatus[] {
    return this.#services.map((service) => ({ name: service.name, health: service.health?.() ?? [] }));
  }
}
