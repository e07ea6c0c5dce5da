import { type Instant, later, type WallTime } from "../../base/time.ts";
import type { Certificate } from "../../cert/certificate.ts";
import { debugGroupOf } from "../../cert/debug-group.ts";
import { toldBefore } from "../../cert/lifetime.ts";
import type { Facts } from "../facts.ts";
import type { CommonEvent, Emit, Machine } from "../machine.ts";

/** Certificates end by the wall clock, which can be set while we wait by the other one: it is looked at this often at least. */
const LOOK_AGAIN_MS = 86_400_000;

/** Watches the end of our own certificate; with several of them, of the one that ends first. A restart tells once more, once. */
export class Expiry implements Machine {
  readonly waitsFor = "end of our certificate";
  readonly #facts: Facts;
  readonly #emit: Emit<CommonEvent>;
  #watched: Certificate | undefined;
  /** When the operator is told, in seconds before the end: with time to plan, with time to act, with the last chance; and once when it is over. */
  #moments: readonly bigint[] = [];
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
    if (this.#nothingUntil === undefined) return this.#facts.now;
    return this.#watched && this.#told === this.#moments.length ? undefined : this.#nothingUntil;
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
    this.#nothingUntil = later(now, LOOK_AGAIN_MS);
    if (!first) return;
    if (first.fingerprint !== this.#watched?.fingerprint) this.#told = 0;
    this.#watched = first;
    this.#moments = [...toldBefore(first), 0n];
    this.#look(first, clock.wall);
    const next = this.#moments[this.#told];
    const waitMs = next === undefined ? LOOK_AGAIN_MS : Number((momentOf(first, next) - clock.wall) / MILLISECOND) + 1;
    this.#nothingUntil = later(now, Math.min(Math.max(waitMs, 0), LOOK_AGAIN_MS));
  }

  #look(certificate: Certificate, wall: WallTime): void {
    const passed = this.#moments.filter((before) => wall > momentOf(certificate, before)).length;
    // A clock that is set back does not make it news again.
    if (passed <= this.#told) return;
    this.#told = passed;
    const { name, version, notAfter } = certificate;
    const renewsItself = this.#facts.settings.live.renewal !== undefined;
    // Rounded away from 0: the last second still counts, and the first one after it does already.
    const secondsLeft = Number(notAfter - wall / SECOND) - (passed === this.#moments.length ? 1 : 0);
    const event = {
      code: "certificate-expires",
      name,
      version,
      notAfter: Number(notAfter),
      secondsLeft,
      renewsItself,
      isGuest: debugGroupOf(certificate.groups) !== undefined,
    } as const;
    this.#emit({ kind: "tell", event });
  }
}

function momentOf({ notAfter }: Certificate, secondsBefore: bigint): bigint {
  return (notAfter - secondsBefore) * SECOND;
}

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;
