import { createHash, X509Certificate } from "node:crypto";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { type Authority, certificateToPem, createAuthority, issue } from "../../../certs/index.ts";
import { fromHex } from "../../../src/core/base/bytes.ts";
import { Secret } from "../../../src/core/base/secret.ts";
import {
  type EnrolRequest,
  enrolRequest,
  type LeaveRequest,
  leaveRequest,
  type NetworkPlan,
} from "../../../src/core/enrolment/messages.ts";
import { type EnrolmentToken, formatToken } from "../../../src/core/enrolment/token.ts";
import { ephemeralIdentity } from "../../../src/runtime/carrier/certificate.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import { prefix } from "../fixtures/authority.ts";

/** What the service answers in place of a certificate. */
export type Instead = { readonly status: number; readonly body: unknown } | undefined;

/** An authority behind a real HTTPS server that signs whoever asks, to see what a host makes of its answers. */
export class ServiceForTests {
  readonly authority: Authority;
  readonly asked: EnrolRequest[] = [];
  readonly left: LeaveRequest[] = [];
  /** The key of whom it has signed, by name. */
  readonly signed = new Map<string, string>();
  instead: (request: EnrolRequest) => Instead = () => undefined;
  readonly #server: Server;
  readonly #key: string;

  private constructor() {
    this.authority = anAuthority();
    const identity = ephemeralIdentity();
    const spki = new X509Certificate(identity.cert).publicKey.export({ type: "spki", format: "der" });
    this.#key = createHash("sha256").update(spki).digest("hex");
    this.#server = createServer(identity, (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { status, body } = this.#answer(request.url ?? "", JSON.parse(Buffer.concat(chunks).toString()));
        response.writeHead(status).end(JSON.stringify(body));
      });
    });
  }

  static async open(): Promise<ServiceForTests> {
    const service = new ServiceForTests();
    await new Promise<void>((resolve) => service.#server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  get endpoint(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get network(): NetworkPlan {
    return {
      name: "home",
      networks: ["10.213.7.0/24"],
      lighthouses: [{ overlay: ["10.213.7.1"], endpoints: ["192.0.2.1:4242"] }],
      relays: ["10.213.7.1"],
      port: 4242,
      service: [this.endpoint],
    };
  }

  token(changes: Partial<EnrolmentToken> = {}): string {
    const token: EnrolmentToken = {
      network: "home",
      authority: this.authority.certificate.fingerprint,
      serviceKey: this.#key,
      endpoints: [this.endpoint],
      id: "0102030405060708",
      secret: new Secret(new Uint8Array(16).fill(7)),
      expires: now() + 3_600n,
      host: "lap",
      ...changes,
    };
    return formatToken(token, nodeSuite);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(path: string, body: unknown): { readonly status: number; readonly body: unknown } {
    if (path === "/v1/leave") {
      const left = leaveRequest.read(body, "");
      if (!left.ok) throw new Error(left.reason.path);
      this.left.push(left.value);
      return { status: 200, body: { name: "lap", time: Number(now()) } };
    }
    const request = enrolRequest.read(body, "");
    if (!request.ok) throw new Error(`${request.reason.path}: ${request.reason.wanted}`);
    this.asked.push(request.value);
    return this.instead(request.value) ?? { status: 200, body: this.issued(request.value) };
  }

  /** The answer to whoever is let in; `by`: another authority's signature. */
  issued({ name = "lap", publicKey, curve }: EnrolRequest, by: Authority = this.authority): object {
    const issued = issue(by, {
      name,
      networks: [prefix("10.213.7.2/24")],
      groups: ["debug"],
      publicKey: fromHex(publicKey) ?? new Uint8Array(),
      curve,
      notBefore: now() - 60n,
    });
    if (!issued.ok) throw new Error(JSON.stringify(issued.reason));
    this.signed.set(name, publicKey);
    return {
      status: "issued",
      name,
      certificates: certificateToPem(issued.value),
      authorities: certificateToPem(by.certificate),
      network: this.network,
      policy: 0,
      renewal: "ab".repeat(32),
      time: Number(now()),
    };
  }
}

export function anAuthority(): Authority {
  const made = createAuthority({ name: "home", notBefore: now() - 60n, notAfter: now() + 86_400n });
  if (!made.ok) throw new Error(JSON.stringify(made.reason));
  return made.value.authority;
}

export function now(): bigint {
  return BigInt(Math.floor(Date.now() / 1000));
}
