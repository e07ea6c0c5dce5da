import { randomInt } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Authority,
  certificateToPem,
  createAuthority,
  formatBulletin,
  generateHostKey,
  issue,
  signBulletin,
} from "../../../certs/index.ts";
import { prefix } from "../fixtures/authority.ts";

/** Certificates, keys and configurations of hosts without devices on this machine's loopback, as files in a folder of their own. */
export class MeshFiles {
  readonly folder: string = mkdtempSync(join(tmpdir(), "lacis-mesh-"));
  readonly #authority: Authority;
  readonly #begins = BigInt(Math.floor(Date.now() / 1000)) - 60n;

  constructor() {
    const made = createAuthority({ name: "test", notBefore: this.#begins, notAfter: this.#begins + 86_400n });
    if (!made.ok) throw new Error(JSON.stringify(made.reason));
    this.#authority = made.value.authority;
    writeFileSync(join(this.folder, "ca.crt"), certificateToPem(this.#authority.certificate));
    writeFileSync(join(this.folder, "ca.key"), made.value.privateKeyPem, { mode: 0o600 });
  }

  /** What the authority tells everybody, as text. */
  bulletin(kind: string, number: number, body: Uint8Array): string {
    const signed = signBulletin(this.#authority, { kind, number, body, issuedAt: Number(this.#begins) });
    if (!signed.ok) throw new Error(JSON.stringify(signed.reason));
    return formatBulletin(signed.value);
  }

  /** Path of a new host's configuration; `more` is YAML at the top level. */
  host(name: string, address: string, port: number, more: string): string {
    const { publicKey, privateKeyPem } = generateHostKey("CURVE25519");
    const networks = [prefix(`${address}/24`)];
    const issued = issue(this.#authority, { name, networks, publicKey, curve: "CURVE25519", notBefore: this.#begins });
    if (!issued.ok) throw new Error(JSON.stringify(issued.reason));
    writeFileSync(join(this.folder, `${name}.crt`), certificateToPem(issued.value));
    writeFileSync(join(this.folder, `${name}.key`), privateKeyPem, { mode: 0o600 });
    const path = join(this.folder, `${name}.yml`);
    writeFileSync(path, this.configuration(name, port, more));
    return path;
  }

  configuration(name: string, port: number, more: string): string {
    const file = (suffix: string): string => JSON.stringify(join(this.folder, suffix));
    return [
      `pki: { ca: ${file("ca.crt")}, cert: ${file(`${name}.crt`)}, key: ${file(`${name}.key`)} }`,
      `listen: { host: 127.0.0.1, port: ${port} }`,
      "tun: { disabled: true }",
      "logging: { level: error }",
      "firewall:",
      "  inbound: [{ port: any, proto: any, host: any }]",
      "  outbound: [{ port: any, proto: any, host: any }]",
      more,
      "",
    ].join("\n");
  }
}

/** Below what the system hands out to whoever names no port (ip(7), ip_local_port_range), which may be anybody a moment later, and above what is registered for well-known services. */
const PORTS = { first: 12_000, end: 32_000 };
const given = new Set<number>();

/** A port of this machine that nobody has, over UDP or TCP, and that is given to nobody else in this process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.first, PORTS.end);
    if (given.has(port) || !(await isFree(port))) continue;
    given.add(port);
    return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const taken = [createSocket("udp4").bind(port), createServer().listen(port)];
  try {
    await Promise.all(taken.map((socket) => once(socket, "listening")));
    return true;
  } catch {
    return false;
  } finally {
    await Promise.all(taken.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }
}
