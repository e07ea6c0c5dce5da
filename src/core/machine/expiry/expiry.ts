import { type Instant, later, type WallTime } from "../../base/time.ts";
import type { Certificate } from "../../cert/certificate.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine } from "../machine.ts";

/** When the operator is told, before the end: with time to plan, with time to act, and with the last chance; and once when it is over. */
const TOLD_DAYS_BEFORE = [30n, 7n, 1n, 0n];

/** Certificates end by the wall clock, which can be set while we wait by the other one: it is looked at this often at least. */
const LOOK_AGAIN_MS = 86_400_000;

/** Watches the end of our own certificate; with several of them, of the one that ends first. A restart tells once more, once. */
export class Expiry implements Machine {
  readonly waitsFor = "end of our certificate";
  readonly #facts: Facts;
  readonly #emit: Emit<CommonEvent>;
  #watched: Certificate | undefined;
  /** How many of the moments have passed when we last told. */
  #told = 0;
  /** There is nothing to look at before. */
  #nothingUntil: Instant | undefined;

  constructor(facts: Facts, emit: Emit<CommonEvent>) {
    this.#facts = facts;
    this.#emit = emit;
  }

  /** Another certificate may be ours now. */
  reload(): void {
    this.#nothingUntil = undefined;
  }

  nextAt(): Instant | undefined {
    return TOLD_DAYS_BEFORE[this.#told] === undefined ? undefined : this.#nothingUntil;
  }

  tick(): void {
    const { now, clock, settings } = this.#facts;
    if (this.#nothingUntil !== undefined && now < this.#nothingUntil) return;
    const ours = Object.values(settings.live.identity.credential.certificates);
    const first = ours.reduce<Certificate | undefined>(
      (soonest, certificate) =>
        soonest && (!certificate || soonest.notAfter <= certificate.notAfter) ? soonest : certificate,
      undefined,
    );
    if (!first) return;
    if (first.fingerprint !== this.#watched?.fingerprint) this.#told = 0;
    this.#watched = first;
    this.#look(first, clock.wall);
    const next = TOLD_DAYS_BEFORE[this.#told];
    const waitMs = next === undefined ? LOOK_AGAIN_MS : Number((momentOf(first, next) - clock.wall) / MILLISECOND) + 1;
    this.#nothingUntil = later(now, Math.min(Math.max(waitMs, 0), LOOK_AGAIN_MS));
  }

  #look(certificate: Certificate, wall: WallTime): void {
    const passed = TOLD_DAYS_BEFORE.filter((days) => wall > momentOf(certificate, days)).length;
    // A clock that is set back does not make it news again.
    if (passed <= this.#told) return;
    this.#told = passed;
    const { name, version, notAfter } = certificate;
    // Rounded away from 0: the last second still counts, and the first one after it does already.
    const secondsLeft = Number(notAfter - wall / SECOND) - (passed === TOLD_DAYS_BEFORE.length ? 1 : 0);
    const event = { code: "certificate-expires", name, version, notAfter: Number(notAfter), secondsLeft } as const;
    this.#emit({ kind: "tell", event });
  }
}

function momentOf({ notAfter }: Certificate, daysBefore: bigint): bigint {
  return (notAfter - daysBefore * DAY_S) * SECOND;
}

const DAY_S = 86_400n;
const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;
