import { type Instant, later } from "../../base/time.ts";
import type { BulletinNotice } from "../../bulletin/notice.ts";
import type { Rule } from "../../firewall/rule.ts";
import { type DebugAccess, debugRules, decodeDebugAccess, servicesOn } from "../../policy/debug-access.ts";
import { serviceText } from "../../policy/words.ts";
import type { Facts } from "../facts.ts";
import type { BulletinBecameEvent, CommonEvent, Emit, Machine } from "../machine.ts";

export type GuestsEvent =
  | CommonEvent
  /** These rules stand behind the others. */
  | { readonly kind: "guest-rules"; readonly rules: readonly Rule[] }
  | BulletinBecameEvent
  /** The certificate of one of them has ended with its access. */
  | { readonly kind: "guests-gone" };

/** Access ends by the wall clock, which can be set while we wait by the other one: it is looked at this often at least. */
const LOOK_AGAIN_MS = 60_000;

/**
 * Hosts that were let in to debug something: what each of them may reach here, in addition to the rules that this host goes by, and the end of it. Only where the
 * configuration goes by the network's policy (firewall.policy).
 */
export class Guests implements Machine {
  readonly waitsFor = "the end of debug access";
  readonly #facts: Facts;
  readonly #emit: Emit<GuestsEvent>;
  #notice: BulletinNotice | undefined;
  /** All of them, wherever they may go; undefined: nothing was said, or nothing that makes sense. */
  #access: readonly DebugAccess[] | undefined;
  /** Those that may reach something here, as the operator was told. */
  #here: readonly DebugAccess[] = [];
  /** Those whose time is not over yet. */
  #waited: readonly DebugAccess[] = [];
  #lookAt: Instant | undefined;
  /** The rules that it gave last are not in force yet. */
  #isPreparing = false;

  constructor(facts: Facts, emit: Emit<GuestsEvent>) {
    this.#facts = facts;
    this.#emit = emit;
  }

  /** What the authority says now. The same once more changes nothing. */
  told(notice: BulletinNotice | undefined): void {
    if (notice?.id === this.#notice?.id) return;
    this.#notice = notice;
    const decoded = notice && decodeDebugAccess(notice.body);
    if (notice && decoded && !decoded.ok) {
      this.#emit({ kind: "bulletin-became", id: notice.id, state: "refused" });
      this.#emit({ kind: "tell", event: { code: "debug-access-refused", number: notice.number, why: decoded.reason } });
    }
    this.#access = decoded?.ok ? decoded.value : undefined;
    this.#settle();
  }

  /** The configuration may go by the policy now, or no longer; and this host may be called otherwise. */
  reload(): void {
    this.#settle();
  }

  /** The rules that it gave are in force. */
  rulesStand(): void {
    if (!this.#isPreparing || !this.#notice) return;
    this.#isPreparing = false;
    this.#emit({ kind: "bulletin-became", id: this.#notice.id, state: "applied" });
  }

  nextAt(): Instant | undefined {
    return this.#lookAt;
  }

  tick(): void {
    if (this.#lookAt === undefined || this.#facts.now < this.#lookAt) return;
    const seconds = this.#nowSeconds();
    const gone = this.#waited.filter(({ until }) => until <= seconds);
    if (gone.length > 0) this.#emit({ kind: "guests-gone" });
    if (gone.some((access) => this.#here.includes(access))) this.#settle();
    this.#setAlarm();
  }

  /** Gives the rules that are due now, and tells who has come and whose time is over. */
  #settle(): void {
    const { settings } = this.#facts;
    const { name, addresses } = settings.live.identity.credential;
    const nowSeconds = this.#nowSeconds();
    const standing = (settings.live.goesByPolicy && this.#access?.filter(({ until }) => until > nowSeconds)) || [];
    const here = standing.filter((access) => servicesOn(access, name).length > 0);
    const before = this.#here;
    this.#here = here;
    this.#isPreparing = settings.live.goesByPolicy && this.#access !== undefined;
    this.#emit({ kind: "guest-rules", rules: debugRules(here, { name, addresses }, nowSeconds) });
    for (const { group, name: guest, until } of before)
      if (!here.some((each) => each.group === group))
        this.#emit({ kind: "tell", event: { code: "debug-access-ended", name: guest, until } });
    for (const access of here)
      if (!before.some(({ group }) => group === access.group))
        this.#emit({
          kind: "tell",
          event: {
            code: "debug-access-begun",
            name: access.name,
            until: access.until,
            services: servicesOn(access, name).map(serviceText),
          },
        });
    this.#setAlarm();
  }

  #setAlarm(): void {
    const { now, clock } = this.#facts;
    const seconds = this.#nowSeconds();
    this.#waited = this.#access?.filter(({ until }) => until > seconds) ?? [];
    const ends = this.#waited.map(({ until }) => Number((BigInt(until) * SECOND - clock.wall) / MILLISECOND) + 1);
    this.#lookAt = ends.length === 0 ? undefined : later(now, Math.max(0, Math.min(LOOK_AGAIN_MS, ...ends)));
  }

  #nowSeconds(): number {
    return Number(this.#facts.clock.wall / SECOND);
  }
}

const SECOND = 1_000_000_000n;
const MILLISECOND = 1_000_000n;
