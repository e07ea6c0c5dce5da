import type { Curve } from "../../src/core/crypto/suite.ts";
import { numberOf, type Row, type Sql, textOf } from "./storage/database.ts";

/** A host that was let in, with what it was given last. */
export interface KeptHost {
  readonly name: string;
  /** Fingerprint of its newest certificate, and of the one before it. */
  readonly certificate: string;
  readonly formerCertificate: string;
  readonly publicKey: string;
  readonly curve: Curve;
  readonly groups: readonly string[];
  /** "10.77.0.2/24". */
  readonly networks: readonly string[];
  /** How long its certificates live, seconds. */
  readonly lifetime: number;
  readonly notAfter: number;
  readonly issuedAt: number;
  readonly pem: string;
  readonly secretHash: string;
  /** Good until the secret after it was used: the answer that brought that one may have been lost. */
  readonly formerSecretHash: string;
  /** The Lacis that it runs. */
  readonly version: string;
  readonly seenAt: number;
}

export async function putHost(sql: Sql, host: KeptHost): Promise<void> {
  await sql.run(
    `INSERT INTO hosts (name, certificate, former_certificate, public_key, curve, in_groups, networks, lifetime, not_after, issued_at, pem, secret_hash,
       former_secret_hash, version, seen_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     ON CONFLICT (name) DO UPDATE SET certificate = excluded.certificate, former_certificate = excluded.former_certificate,
       public_key = excluded.public_key, curve = excluded.curve, in_groups = excluded.in_groups, networks = excluded.networks,
       lifetime = excluded.lifetime, not_after = excluded.not_after, issued_at = excluded.issued_at, pem = excluded.pem,
       secret_hash = excluded.secret_hash, former_secret_hash = excluded.former_secret_hash, version = excluded.version, seen_at = excluded.seen_at`,
    host.name,
    host.certificate,
    host.formerCertificate,
    host.publicKey,
    host.curve,
    JSON.stringify(host.groups),
    JSON.stringify(host.networks),
    host.lifetime,
    host.notAfter,
    host.issuedAt,
    host.pem,
    host.secretHash,
    host.formerSecretHash,
    host.version,
    host.seenAt,
  );
}

export async function findHost(sql: Sql, name: string): Promise<KeptHost | undefined> {
  const [row] = await sql.run("SELECT * FROM hosts WHERE name = $1", name);
  return row && hostOf(row);
}

/** The host that has this certificate, or had it before its newest one. */
export async function hostOfCertificate(sql: Sql, fingerprint: string): Promise<KeptHost | undefined> {
  const [row] = await sql.run("SELECT * FROM hosts WHERE certificate = $1 OR former_certificate = $1", fingerprint);
  return row && hostOf(row);
}

export async function removeHost(sql: Sql, name: string): Promise<void> {
  await sql.run("DELETE FROM hosts WHERE name = $1", name);
}

/** By name. */
export async function listHosts(sql: Sql, after: string, count: number): Promise<readonly KeptHost[]> {
  return (await sql.run("SELECT * FROM hosts WHERE name > $1 ORDER BY name LIMIT $2", after, count)).map(hostOf);
}

function hostOf(row: Row): KeptHost {
  return {
    name: textOf(row, "name"),
    certificate: textOf(row, "certificate"),
    formerCertificate: textOf(row, "former_certificate"),
    publicKey: textOf(row, "public_key"),
    curve: textOf(row, "curve") as Curve,
    groups: JSON.parse(textOf(row, "in_groups")),
    networks: JSON.parse(textOf(row, "networks")),
    lifetime: numberOf(row, "lifetime"),
    notAfter: numberOf(row, "not_after"),
    issuedAt: numberOf(row, "issued_at"),
    pem: textOf(row, "pem"),
    secretHash: textOf(row, "secret_hash"),
    formerSecretHash: textOf(row, "former_secret_hash"),
    version: textOf(row, "version"),
    seenAt: numberOf(row, "seen_at"),
  };
}
