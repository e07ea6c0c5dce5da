import { ok, type Result } from "../../src/core/base/result.ts";
import { formatBulletin } from "../../src/core/bulletin/armour.ts";
import { type Bulletin, BulletinKind } from "../../src/core/bulletin/bulletin.ts";
import { bulletinText } from "../../src/core/bulletin/text.ts";
import { type EnrolmentRefusal, enrolmentRefusal } from "../../src/core/enrolment/refusal.ts";
import { writeAudit } from "./audit.ts";
import type { DebugInvitation, InvitedToDebug } from "./debug-access.ts";
import type { Desk, Operator } from "./desk.ts";
import type { Registrar } from "./registrar.ts";
import { takeBulletin } from "./signing/bulletins.ts";
import { debugListSigned } from "./signing/debug-list.ts";
import { isListDue, keepList, keptList } from "./signing/kept-list.ts";
import type { Database } from "./storage/database.ts";

/** Gives a bulletin to the network: a clause says why not. */
export interface Publisher {
  publish(bulletin: string): Promise<Result<Spread, string>>;
}

/** How far it has come after a moment. */
export interface Spread {
  readonly hosts: number;
  readonly applied: number;
  readonly pending: readonly string[];
}

/** What hosts know of a bulletin, such as the list of who was revoked. */
export interface Told extends Partial<Spread> {
  readonly kind: string;
  /** 0 while there is none. */
  readonly number: number;
  /** "signed": not published by this service; "unsigned": the authority's key is elsewhere. */
  readonly state: "published" | "signed" | "unsigned";
  /** It, where somebody else must publish it. */
  readonly bulletin?: string;
  /** Why it is not published, and what is to be done. */
  readonly why?: string;
  readonly todo?: string;
}

/**
 * What hosts are told, signed here where the key is, taken where it was signed elsewhere, and given to the network: whoever is taken out is out, and whoever is let in to debug is
 * in, once hosts have heard of it.
 */
export class Announcements {
  readonly #database: Database;
  readonly #registrar: Registrar;
  readonly #desk: Desk;
  readonly #publisher: Publisher | undefined;

  constructor(database: Database, registrar: Registrar, desk: Desk, publisher?: Publisher) {
    this.#database = database;
    this.#registrar = registrar;
    this.#desk = desk;
    this.#publisher = publisher;
  }

  async revoke(name: string, reason: string, by: Operator): Promise<Result<Told, EnrolmentRefusal>> {
    const revoked = await this.#desk.revoke(name, reason, by);
    return revoked.ok ? ok(await this.tell(by)) : revoked;
  }

  /** The list that was signed last; number 0: none was. `isDue`: somebody was revoked who is not on it. */
  async newest(): Promise<{ readonly isDue: boolean; readonly number: number; readonly bulletin?: string }> {
    const sql = this.#database;
    const isDue = await isListDue(sql, await this.#registrar.ledger.contentOf(sql));
    return { isDue, ...((await keptList(sql)) ?? { number: 0 }) };
  }

  /** Signs the list as it is now and gives it to the network. */
  async tell(by: Operator): Promise<Told> {
    const signed = await this.#database.exclusively(async (sql): Promise<Result<Bulletin, EnrolmentRefusal>> => {
      const facts = await this.#registrar.facts(sql);
      const ledger = await this.#registrar.ledger.contentOf(sql);
      const list = this.#registrar.issuer?.signList(ledger, facts, by.nowSeconds) ?? KEY_ELSEWHERE;
      if (list.ok) await this.#keep(sql, list.value, by);
      return list;
    });
    if (signed.ok) return this.#publish(signed.value);
    const { why, todo } = signed.reason;
    return { kind: BulletinKind.revocations, number: 0, state: "unsigned", why, todo };
  }

  /** Invites a host to debug, and tells the network whom to let in. */
  async inviteToDebug(wanted: DebugInvitation, by: Operator): Promise<Result<AnnouncedGuest, EnrolmentRefusal>> {
    const invited = await this.#desk.inviteToDebug(wanted, by);
    if (!invited.ok) return invited;
    const signed = this.#registrar.issuer?.sign(invited.value.request, by.nowSeconds);
    const [list] = signed?.ok ? signed.value : [];
    if (list) {
      await this.#database.exclusively((sql) => debugListSigned(sql, list.head.number));
      return ok({ ...invited.value, told: await this.#publish(list) });
    }
    const { why, todo } = signed && !signed.ok ? signed.reason : DEBUG_KEY_ELSEWHERE;
    const told = { kind: BulletinKind.debugAccess, number: 0, state: "unsigned", why, todo } as const;
    return ok({ ...invited.value, told });
  }

  /** Takes a bulletin that was signed elsewhere, and gives it to the network. */
  async accept(pem: string, { who, nowSeconds }: Operator): Promise<Result<Told, EnrolmentRefusal>> {
    const taken = await this.#database.exclusively(async (sql): Promise<Result<Bulletin, EnrolmentRefusal>> => {
      const facts = await this.#registrar.facts(sql);
      const ledger = await this.#registrar.ledger.contentOf(sql);
      const bulletin = await takeBulletin(sql, pem, { facts, ledger, nowSeconds });
      if (!bulletin.ok) return bulletin;
      const { kind, number, id } = bulletin.value.head;
      const subject = bulletinText(kind, number);
      await writeAudit(sql, { who, action: "brought", subject, detail: { kind, number, id } }, nowSeconds);
      return bulletin;
    });
    return taken.ok ? ok(await this.#publish(taken.value)) : taken;
  }

  async #keep(sql: Parameters<typeof keepList>[0], list: Bulletin, { who, nowSeconds }: Operator): Promise<void> {
    const { kind, number, id } = list.head;
    if (!(await keepList(sql, list))) return;
    const subject = bulletinText(kind, number);
    await writeAudit(sql, { who, action: "list-signed", subject, detail: { number, id } }, nowSeconds);
  }

  async #publish(list: Bulletin): Promise<Told> {
    const bulletin = formatBulletin(list);
    const { kind, number } = list.head;
    const published = await this.#publisher?.publish(bulletin);
    if (published?.ok) return { kind, number, state: "published", ...published.value };
    const why = published?.reason ?? "this service gives nothing to the network itself";
    const todo = "keep the bulletin in a file, and on any host of the network: lacis publish FILE";
    return { kind, number, state: "signed", bulletin, why, todo };
  }
}

/** A host that was let in to debug, and what hosts know of it. */
export interface AnnouncedGuest extends InvitedToDebug {
  readonly told: Told;
}

const DEBUG_KEY_ELSEWHERE = {
  why: "the authority's key is not here, and hosts let nobody in before it has signed",
  todo: "lacis-cert pending -export FILE, where the key is lacis-cert sign-batch, then lacis-cert upload, which publishes it",
} as const;

const KEY_ELSEWHERE = enrolmentRefusal(
  "authority",
  "the revocation list",
  "the authority's key is not here: it stands in the ledger, and hosts have not heard of it",
  "lacis-cert pending -export FILE, where the key is lacis-cert sign-batch, then lacis-cert upload, which publishes it",
);
