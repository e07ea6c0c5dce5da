import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificateToPem } from "../../../../certs/certificate-file.ts";
import { Announcements } from "../../../../certs/enrolment/announcements.ts";
import { Desk, type Invitation } from "../../../../certs/enrolment/desk.ts";
import type { ServiceFacts } from "../../../../certs/enrolment/facts.ts";
import { Api, type HandledRequest } from "../../../../certs/enrolment/http/api.ts";
import { hostRoutes } from "../../../../certs/enrolment/http/host-routes.ts";
import { operatorRoutes } from "../../../../certs/enrolment/http/operator-routes.ts";
import type { Answer } from "../../../../certs/enrolment/http/route.ts";
import { Registrar } from "../../../../certs/enrolment/registrar.ts";
import { setUp } from "../../../../certs/enrolment/setup.ts";
import type { Database } from "../../../../certs/enrolment/storage/database.ts";
import { isPostgres, openDatabase } from "../../../../certs/enrolment/storage/open.ts";
import { type Authority, createAuthority, generateHostKey, parsePrefix } from "../../../../certs/index.ts";
import { toHex } from "../../../../src/core/base/bytes.ts";
import { fail, ok } from "../../../../src/core/base/result.ts";
import { instant } from "../../../../src/core/base/time.ts";
import type { EnrolRequest } from "../../../../src/core/enrolment/messages.ts";
import type { EnrolmentToken } from "../../../../src/core/enrolment/token.ts";

/** SQLite is compiled where it is installed, and may be left out. */
export const HAS_SQLITE: boolean = isInstalled("better-sqlite3");

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url)(name);
    return true;
  } catch {
    return false;
  }
}

/** A moment at which the authority of these tests is valid. */
export const NOW = 1_800_000_000;
const HOUR = 3_600;

export interface OfficeOptions {
  /** Where data is kept; a file in a folder of its own if not given. */
  readonly store?: string;
  readonly isOffline?: boolean;
  readonly network?: string;
  readonly authority?: Authority;
  readonly ledger?: string;
  readonly serviceKey?: string;
}

/** An enrolment service without its HTTPS: what is asked goes to the same router. */
export class Office {
  readonly database: Database;
  readonly authority: Authority;
  readonly registrar: Registrar;
  readonly desk: Desk;
  readonly api: Api;
  readonly store: string;
  readonly handled: HandledRequest[] = [];
  readonly troubles: unknown[] = [];
  nowSeconds: number = NOW;

  /** What was given to the network; `isReached`: whether there is one. */
  readonly published: string[] = [];
  isReached = true;
  readonly announcements: Announcements;

  constructor(database: Database, store: string, authority: Authority, isOffline: boolean) {
    this.database = database;
    this.store = store;
    this.authority = authority;
    this.registrar = new Registrar(database, isOffline ? undefined : authority);
    this.desk = new Desk(database, this.registrar);
    const log = {
      handled: (request: HandledRequest) => void this.handled.push(request),
      trouble: (_: string, error: unknown) => void this.troubles.push(error),
    };
    this.announcements = new Announcements(database, this.registrar, this.desk, {
      publish: async (bulletin) => {
        if (!this.isReached) return fail("no lacis runs here");
        this.published.push(bulletin);
        return ok({ hosts: 2, applied: 1, pending: ["nas"] });
      },
    });
    const routes = [...hostRoutes(this.registrar), ...operatorRoutes(this.desk, this.announcements, database)];
    this.api = new Api(routes, database, log);
  }

  get operator() {
    return { who: "root", nowSeconds: this.nowSeconds };
  }

  /** Another instance over the same storage. Two connections of one process to a file would wait for each other; instances over a file are processes. */
  async second(isOffline = false): Promise<Office> {
    const database = isPostgres(this.store) ? await openDatabase(this.store) : this.database;
    return new Office(database, this.store, this.authority, isOffline);
  }

  async invite(host: string, change: Partial<Invitation> = {}): Promise<EnrolmentToken> {
    const made = await this.desk.invite({ ...INVITATION, host, ...change }, this.operator);
    if (!made.ok) throw new Error(made.reason.why);
    return made.value;
  }

  post(path: string, body: unknown, from: Partial<{ source: string; bearer: string; origin: string }> = {}) {
    return this.ask("POST", path, JSON.stringify(body), from);
  }

  ask(
    method: string,
    target: string,
    body = "",
    { source = "192.0.2.7", bearer, origin }: Partial<{ source: string; bearer: string; origin: string }> = {},
  ): Promise<Answer> {
    return this.api.answer({
      method,
      target,
      authorization: bearer === undefined ? undefined : `Bearer ${bearer}`,
      origin,
      source,
      body,
      now: instant(this.nowSeconds * 1_000),
      nowSeconds: this.nowSeconds,
    });
  }
}

export const INVITATION: Invitation = {
  host: "",
  groups: [],
  newGroups: [],
  validFor: 4 * HOUR,
  lifetime: 24 * HOUR,
  needsApproval: false,
  isEphemeral: false,
  reason: "",
};

/** What a host with this key asks that has the token. */
export function requestWith(
  token: EnrolmentToken,
  publicKey: string,
  change: Partial<EnrolRequest> = {},
): EnrolRequest {
  return {
    token: token.id,
    secret: toHex(token.secret.expose()),
    authority: token.authority,
    curve: token.curve ?? "CURVE25519",
    publicKey,
    time: NOW,
    version: "0.1.0",
    ...change,
  };
}

export function freshKey(curve: "CURVE25519" | "P256" = "CURVE25519"): string {
  return toHex(generateHostKey(curve).publicKey);
}

export function testAuthority(
  networks: readonly string[] = ["10.77.0.0/16"],
  groups: readonly string[] = [],
  curve: "CURVE25519" | "P256" = "CURVE25519",
): Authority {
  const made = createAuthority({
    name: "mesh",
    curve,
    networks: networks.map((text) => parsePrefix(text)!),
    groups,
    notBefore: BigInt(NOW - 1_000_000),
    notAfter: BigInt(NOW + 100_000_000),
  });
  if (!made.ok) throw new Error(made.reason.why);
  return made.value.authority;
}

export function factsOf(authority: Authority, options: OfficeOptions = {}): ServiceFacts {
  return {
    network: {
      name: "home",
      networks: [options.network ?? "10.77.0.0/24"],
      lighthouses: [{ overlay: ["10.77.0.1"], endpoints: ["vpn.example.org:4242"] }],
      relays: ["10.77.0.1"],
      port: 4242,
      service: ["10.77.0.1:4242", "vpn.example.org:4242"],
    },
    authorities: certificateToPem(authority.certificate),
    authority: authority.certificate.fingerprint,
    serviceKey: options.serviceKey ?? "cd".repeat(32),
    policy: 0,
  };
}

/** Opens one; what it has opened is closed by `closeOffices`. */
export async function openOffice(options: OfficeOptions = {}): Promise<Office> {
  const folder = options.store === undefined ? mkdtempSync(join(tmpdir(), "office-")) : undefined;
  const store = options.store ?? join(folder!, "enrolment.db");
  const database = await openDatabase(store);
  const authority = options.authority ?? testAuthority();
  const office = new Office(database, store, authority, options.isOffline ?? false);
  await setUp(database, { facts: factsOf(authority, options), ledger: options.ledger }, office.operator);
  opened.push({ office, folder });
  return office;
}

export async function closeOffices(): Promise<void> {
  for (const { office, folder } of opened.splice(0)) {
    await office.database.close();
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

const opened: { readonly office: Office; readonly folder: string | undefined }[] = [];
