import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { SCOPES } from "../../certs/enrolment/scopes.ts";
import { signBatch } from "../../certs/enrolment/signing/sign-batch.ts";
import { certificateToPem, formatBulletin, signRevocations } from "../../certs/index.ts";
import { toHex } from "../../src/core/base/bytes.ts";
import type { IssuedAnswer } from "../../src/core/enrolment/messages.ts";
import { closeOffices, freshKey, type Office, openOffice, requestWith } from "../unit/certs/enrolment/office.ts";

export interface Mutated {
  readonly requests: number;
  /** How often each status was answered. */
  readonly statuses: ReadonlyMap<number, number>;
  /** Secrets that the log, or an answer to somebody else, has shown. */
  readonly leaks: readonly string[];
}

/** A request as it goes in, with everything about it that somebody else may have written. */
interface Shown {
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly bearer: string;
}

/** Sends changed requests to a service over SQLite, all of it but HTTPS: bodies, paths, methods and secrets, of every route. */
export async function mutateRequests(count: number, seed: number): Promise<Mutated> {
  const office = await openOffice({ network: "10.77.0.0/16" });
  const statuses = new Map<number, number>();
  const secrets: string[] = [];
  const said: string[] = [];
  try {
    const originals = await originalsOf(office, secrets);
    const mutant = fc.oneof({ weight: 8, arbitrary: changed(originals) }, { weight: 1, arbitrary: strange(originals) });
    let sent = 0;
    for (const request of fc.sample(mutant, { numRuns: count, seed })) {
      // Sources change, or the doors would close and nothing behind them be tried.
      const source = `198.18.${(sent >> 8) & 255}.${sent & 255}`;
      const { status, body } = await office.ask(request.method, request.target, request.body, {
        source,
        bearer: request.bearer,
      });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status >= 400) said.push(JSON.stringify(body));
      sent++;
      office.nowSeconds += sent % 64 === 0 ? 1 : 0;
    }
    const told = JSON.stringify([office.handled, office.troubles.map(String), said]);
    return { requests: sent, statuses, leaks: secrets.filter((secret) => told.includes(secret)) };
  } finally {
    await closeOffices();
  }
}

/** One good request of each kind; each is tried unchanged as well. */
async function originalsOf(office: Office, secrets: string[]): Promise<readonly Shown[]> {
  const { bearer } = await office.desk.giveAccess({ name: "fuzz", scopes: SCOPES, validFor: 86_400 }, office.operator);
  const lap = await office.invite("lap");
  const { body } = await office.post("/v1/enrol", requestWith(lap, freshKey()));
  const answer = body as IssuedAnswer;
  const { recorded } = await office.registrar.ledger.read();
  const certificate = recorded[0]?.entry.fingerprints[0] ?? "";
  const delivered = await deliverable(office);
  const list = signRevocations(office.authority, await office.registrar.ledger.read(), office.nowSeconds);
  const bulletin = list.ok ? formatBulletin(list.value) : "";
  const open = await office.invite("");
  const waiting = await office.invite("nas", { needsApproval: true });
  secrets.push(bearer.slice(-64), answer.renewal, ...[lap, open, waiting].map(({ secret }) => toHex(secret.expose())));
  const shown = (method: string, target: string, value: object): Shown => ({
    method,
    target,
    body: JSON.stringify(value),
    bearer,
  });
  const renewing = {
    certificate,
    secret: answer.renewal,
    curve: "CURVE25519",
    publicKey: freshKey(),
    time: office.nowSeconds,
    version: "1",
  };
  return [
    shown("POST", "/v1/enrol", requestWith(open, freshKey(), { name: "ann" })),
    shown("POST", "/v1/enrol", requestWith(waiting, freshKey())),
    shown("POST", "/v1/renew", renewing),
    shown("POST", "/v1/leave", { certificate, secret: randomBytes(32).toString("hex") }),
    shown("POST", "/v1/tokens", { host: "x", groups: [], validFor: 60, reason: "why" }),
    shown("POST", "/v1/requests/0a1b/deny", { reason: "no" }),
    shown("POST", "/v1/requests/0a1b/approve", {}),
    shown("POST", "/v1/hosts/lap2/revoke", { reason: "gone" }),
    shown("POST", `/v1/requests/${delivered.id}/certificate`, { certificate: delivered.certificate }),
    shown("POST", "/v1/bulletins", { bulletin }),
    shown("POST", "/v1/access", { name: "a", scopes: ["read"], validFor: 60 }),
    ...[
      "/v1/hosts?after=a",
      "/v1/tokens",
      "/v1/requests",
      "/v1/audit?after=3",
      "/v1/access",
      "/v1/signing",
      "/v1/revocations",
      "/v1/health",
      "/v1/openapi.json",
    ].map((target) => shown("GET", target, {})),
    shown("DELETE", "/v1/tokens/0a1b", {}),
  ];
}

/** A host that waits, and the certificate that was signed for it elsewhere. */
async function deliverable(office: Office): Promise<{ readonly id: string; readonly certificate: string }> {
  const token = await office.invite("far", { needsApproval: true });
  await office.post("/v1/enrol", requestWith(token, freshKey()));
  const batch = await office.desk.waiting(office.nowSeconds);
  const signed = batch.ok ? signBatch(office.authority, batch.value, office.nowSeconds) : undefined;
  const [first] = signed?.ok ? signed.value.certificates : [];
  if (!first) throw new Error("nothing was signed");
  return { id: first.wanted.id, certificate: certificateToPem(first.certificate) };
}

/** A good request with one or a few things changed. */
function changed(originals: readonly Shown[]): fc.Arbitrary<Shown> {
  return fc
    .tuple(fc.constantFrom(...originals), fc.array(change(), { maxLength: 3 }))
    .map(([request, changes]) => changes.reduce((each, make) => make(each), request));
}

type Change = (request: Shown) => Shown;

function change(): fc.Arbitrary<Change> {
  const field = fc.tuple(fc.nat(10), oddValue()).map(
    ([at, value]): Change =>
      (request) => ({ ...request, body: withField(request.body, at, value) }),
  );
  const bytes = fc.tuple(fc.nat(2_000), fc.string({ maxLength: 3 })).map(
    ([at, text]): Change =>
      (request) => ({ ...request, body: spliced(request.body, at, text) }),
  );
  const target = fc.tuple(fc.nat(40), fc.string({ maxLength: 4 })).map(
    ([at, text]): Change =>
      (request) => ({ ...request, target: spliced(request.target, at, text) }),
  );
  const bearer = fc
    .oneof(fc.constant(""), fc.string(), fc.constant(`lacis-access-${"0".repeat(16)}-${"f".repeat(64)}`))
    .map(
      (text): Change =>
        (request) => ({ ...request, bearer: text }),
    );
  return fc.oneof({ weight: 6, arbitrary: field }, { weight: 3, arbitrary: bytes }, target, bearer);
}

/** What no good client would say in a field. */
function oddValue(): fc.Arbitrary<unknown> {
  return fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom<unknown>(
      "__proto__",
      "constructor",
      "'; DROP TABLE hosts; --",
      "%00",
      "../../etc/passwd",
      1e308,
      -0,
      [],
      {},
      null,
    ),
    fc.string({ maxLength: 70 }),
    fc.nat(70).map((length) => "a".repeat(length)),
    fc.constantFrom(16, 32, 64, 130).map((length) => "0".repeat(length)),
  );
}

function withField(body: string, at: number, value: unknown): string {
  try {
    const fields = JSON.parse(body) as Record<string, unknown>;
    const names = Object.keys(fields);
    const name = names[at % Math.max(1, names.length)] ?? "name";
    return JSON.stringify({ ...fields, [name]: value });
  } catch {
    return body;
  }
}

function spliced(text: string, at: number, piece: string): string {
  const place = at % Math.max(1, text.length);
  return text.slice(0, place) + piece + text.slice(place + 1);
}

/** Nothing like a request. */
function strange(originals: readonly Shown[]): fc.Arbitrary<Shown> {
  return fc
    .tuple(
      fc.constantFrom("GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", ""),
      fc.oneof(fc.webPath(), fc.string(), fc.constantFrom(...originals.map(({ target }) => target))),
      fc.oneof(fc.string({ maxLength: 200 }), fc.json({ maxDepth: 4 }), fc.constant("[".repeat(5_000))),
      fc.string({ maxLength: 20 }),
    )
    .map(([method, target, body, bearer]) => ({ method, target, body, bearer }));
}
