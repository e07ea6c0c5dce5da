import { expect } from "vitest";
import { SCOPES } from "../../../../certs/enrolment/scopes.ts";
import { parseBatch, type SigningBatch, type WantedCertificate } from "../../../../certs/enrolment/signing/batch.ts";
import { signBatch } from "../../../../certs/enrolment/signing/sign-batch.ts";
import {
  type Authority,
  certificateToPem,
  formatBulletin,
  type HostRequest,
  issue,
  parsePrefix,
  signBulletin,
} from "../../../../certs/index.ts";
import { nextAuthority } from "../../../../certs/rotation/next-authority.ts";
import type { IssuedAnswer } from "../../../../src/core/enrolment/messages.ts";
import { freshKey, NOW, type Office, openOffice, requestWith, testAuthority } from "./office.ts";

export function successor({ certificate }: Authority): Authority {
  const { notBefore, notAfter } = certificate;
  const made = nextAuthority(certificate, { notBefore, notAfter });
  if (!made.ok) throw new Error(made.reason.why);
  return made.value.authority;
}

export async function everything(office: Office): Promise<{ readonly bearer: string }> {
  const { bearer } = await office.desk.giveAccess({ name: "tester", scopes: SCOPES, validFor: 600 }, office.operator);
  return { bearer };
}

/** A host that was invited and has asked; gives its request. */
export async function waiting(office: Office, name: string, groups: readonly string[] = []) {
  const request = requestWith(await office.invite(name, { groups, newGroups: groups }), freshKey());
  expect(await office.post("/v1/enrol", request)).toMatchObject({ status: 202 });
  // Who waits is listed in the order of seconds.
  office.nowSeconds++;
  return request;
}

export async function exported(office: Office): Promise<SigningBatch> {
  const { status, body } = await office.ask("GET", "/v1/signing", "", await everything(office));
  expect(status).toBe(200);
  const batch = parseBatch(JSON.stringify(body));
  if (!batch.ok) throw new Error(batch.reason);
  return batch.value;
}

export function signed(office: Office, batch: SigningBatch) {
  const result = signBatch(office.authority, batch, office.nowSeconds);
  if (!result.ok) throw new Error(JSON.stringify(result.reason));
  return result.value;
}

export async function deliver(office: Office, id: string, certificate: string) {
  return office.post(`/v1/requests/${id}/certificate`, { certificate }, await everything(office));
}

/** Why it is refused. */
export async function why(office: Office, id: string, certificate: string): Promise<string> {
  const { status, body } = await deliver(office, id, certificate);
  return status === 200 ? "accepted" : (body as { error: { why: string } }).error.why;
}

/** The certificate that is wanted, or one that differs. */
export function certificateFor(
  office: Office,
  wanted: WantedCertificate,
  change: Partial<HostRequest> = {},
  authority: Authority = office.authority,
): string {
  const issued = issue(limitless(authority), {
    name: wanted.name,
    networks: wanted.networks.map((one) => parsePrefix(one)!),
    groups: wanted.groups,
    publicKey: bytes(wanted.publicKey),
    curve: wanted.curve,
    notBefore: BigInt(NOW - 300),
    notAfter: BigInt(NOW + wanted.lifetime),
    ...change,
  });
  if (!issued.ok) throw new Error(issued.reason.why);
  return certificateToPem(issued.value);
}

/** Whoever steals a key is held back by no tool. */
export function limitless({ certificate, key }: Authority): Authority {
  return { certificate: { ...certificate, networks: [], unsafeNetworks: [], groups: [] }, key };
}

export function forged(office: Office, wanted: WantedCertificate): string {
  const own = office.authority;
  const other = testAuthority();
  return certificateFor(office, wanted, {}, { certificate: own.certificate, key: other.key });
}

export function bulletinOf(authority: Authority, number: number, body: Uint8Array, kind = "revocations"): string {
  const made = signBulletin(authority, { kind, number, issuedAt: NOW, body });
  if (!made.ok) throw new Error(made.reason.why);
  return formatBulletin(made.value);
}

export async function withHosts(
  names: readonly string[],
  options: Parameters<typeof openOffice>[0] = {},
): Promise<Office> {
  const office = await openOffice(options);
  for (const name of names)
    expect((await office.post("/v1/enrol", requestWith(await office.invite(name), freshKey()))).status).toBe(200);
  return office;
}

export async function revoke(office: Office, name: string) {
  return office.post(`/v1/hosts/${name}/revoke`, { reason: "lost" }, await everything(office));
}

export async function renewalOf(office: Office, answer: IssuedAnswer) {
  const { recorded } = await office.registrar.ledger.read();
  return {
    certificate: recorded[0]!.entry.fingerprints[0]!,
    secret: answer.renewal,
    curve: "CURVE25519",
    publicKey: freshKey(),
    time: NOW,
    version: "",
  };
}

export function bytes(hex: string): Uint8Array {
  return Buffer.from(hex, "hex");
}
