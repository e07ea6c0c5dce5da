import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Authority,
  type Certificate,
  certificateToPem,
  createAuthority,
  generateHostKey,
  issue,
  readCertificates,
} from "../../../../certs/index.ts";
import { instant, wallTime } from "../../../../src/core/base/time.ts";
import type { Settings } from "../../../../src/core/config/settings.ts";
import { formatEnrolment, parseEnrolment } from "../../../../src/core/enrolment/enrolment-file.ts";
import type { EnrolAnswer, RenewRequest } from "../../../../src/core/enrolment/messages.ts";
import type { OperatorEvent } from "../../../../src/core/operator/event.ts";
import { loadSettings } from "../../../../src/runtime/config/config-file.ts";
import type { PinnedPlace } from "../../../../src/runtime/enrolment/pinned-connection.ts";
import type { ServiceReply } from "../../../../src/runtime/enrolment/service-client.ts";
import { nodeSuite } from "../../../../src/runtime/node-crypto.ts";
import { OperatorError } from "../../../../src/runtime/operator-error.ts";
import { Renewal } from "../../../../src/runtime/renewal/renewal.ts";
import { prefix } from "../../fixtures/authority.ts";

export const DAY: bigint = 86_400n;
export const DAY_MS = 86_400_000;
export const PIN: string = "ab".repeat(32);

type Ask = (place: PinnedPlace, asked: RenewRequest) => ServiceReply<EnrolAnswer> | Promise<ServiceReply<EnrolAnswer>>;

export interface Signed {
  readonly days?: bigint;
  readonly name?: string;
  readonly network?: string;
  readonly publicKey?: Uint8Array;
  readonly by?: Authority;
  readonly from?: bigint;
}

/** A host whose certificate is a file of ninety days, and the service that it knows of. Times are those of vitest's clock. */
export class RenewingHost {
  readonly folder: string = mkdtempSync(join(tmpdir(), "lacis-renewal-"));
  readonly authority: Authority = newAuthority();
  readonly publicKey: Uint8Array;
  readonly events: OperatorEvent[] = [];
  readonly asked: { readonly place: PinnedPlace; readonly request: RenewRequest }[] = [];
  /** What the service says. */
  answer: Ask = () => this.issued();
  /** Why a certificate would be renewed before its time. */
  dueBefore: (certificate: Certificate) => bigint | undefined = () => undefined;
  renewal: Renewal;
  settings: Settings;
  #secrets = 0;

  constructor() {
    const { publicKey, privateKeyPem } = generateHostKey("CURVE25519");
    this.publicKey = publicKey;
    writeFileSync(this.path("ca.crt"), certificateToPem(this.authority.certificate));
    writeFileSync(this.path("host.crt"), certificateToPem(this.sign()));
    writeFileSync(this.path("host.key"), privateKeyPem, { mode: 0o600 });
    const endpoints = ["vpn.example.org:4242", "10.77.0.1:4242"];
    const enrolment = formatEnrolment({ network: "home", endpoints, pin: PIN, secret: "00".repeat(32) });
    writeFileSync(this.path("enrolment.json"), enrolment, { mode: 0o600 });
    this.configure("pki: { ca: ca.crt, cert: host.crt, key: host.key, enrolment: enrolment.json }");
    this.settings = this.load();
    this.renewal = this.#made();
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  write(name: string, text: string): void {
    writeFileSync(this.path(name), text);
  }

  configure(pki: string): void {
    const any = "[{ port: any, proto: any, host: any }]";
    writeFileSync(this.path("config.yml"), `${pki}\nfirewall: { inbound: ${any}, outbound: ${any} }\n`);
  }

  load(): Settings {
    const loaded = loadSettings(this.path("config.yml"), { suite: nodeSuite, wall: this.clock().wall });
    if (loaded.ok) return loaded.value.settings;
    const details = loaded.reason.map(({ what }) => what);
    throw new OperatorError("config-refused", { what: "the configuration", why: "errors", todo: "mend it", details });
  }

  clock = () => ({ now: instant(performance.now()), wall: wallTime(BigInt(Date.now()) * 1_000_000n) });

  sign({ days = 90n, name = "laptop", network = "10.77.0.2/24", publicKey, by, from }: Signed = {}): Certificate {
    const notBefore = from ?? BigInt(Math.floor(Date.now() / 1_000)) - 300n;
    const issued = issue(by ?? this.authority, {
      name,
      networks: [prefix(network)],
      publicKey: publicKey ?? this.publicKey,
      curve: "CURVE25519",
      notBefore,
      notAfter: notBefore + days * DAY,
    });
    if (!issued.ok) throw new Error(issued.reason.why);
    return issued.value;
  }

  issued(signed: Signed = {}): ServiceReply<EnrolAnswer> {
    return this.issuedAs(certificateToPem(this.sign(signed)));
  }

  issuedAs(certificates: string): ServiceReply<EnrolAnswer> {
    const renewal = (++this.#secrets).toString(16).padStart(2, "0").repeat(32);
    const plan = { name: "home", networks: [], lighthouses: [], relays: [], port: 4242, service: [] };
    const authorities = certificateToPem(this.authority.certificate);
    const time = Math.floor(Date.now() / 1_000);
    return {
      ok: true,
      value: { status: "issued", name: "laptop", certificates, authorities, network: plan, policy: 0, renewal, time },
    };
  }

  /** The daemon ends and starts again. */
  restart(): void {
    this.renewal.stop();
    this.settings = this.load();
    this.renewal = this.#made();
    this.renewal.start();
  }

  /** In force. */
  get certificate(): Certificate {
    return this.settings.live.identity.credential.certificates[2]!;
  }

  onDisk(): Certificate {
    const read = readCertificates(readFileSync(this.path("host.crt"), "utf8"), "host.crt");
    if (!read.ok) throw new Error(read.reason.why);
    return read.value[0]!;
  }

  /** The command that enrols the host which founded the network, where this is one. */
  onFirstHost: string | undefined;

  secret(): string {
    const read = parseEnrolment(readFileSync(this.path("enrolment.json"), "utf8"));
    if (!read.ok) throw new Error(read.reason);
    return read.value.secret;
  }

  remove(): void {
    this.renewal.stop();
    chmodSync(this.folder, 0o700);
    rmSync(this.folder, { recursive: true });
  }

  #made(): Renewal {
    return new Renewal({
      settings: () => this.settings,
      clock: this.clock,
      dueBefore: (certificate) => this.dueBefore(certificate),
      chance: () => 0.5,
      version: "0.1.0",
      ask: async (place, request) => {
        this.asked.push({ place, request });
        return this.answer(place, request);
      },
      apply: () => {
        this.settings = this.load();
        this.renewal.reload();
      },
      tell: (event) => this.events.push(event),
      onFirstHost: () => this.onFirstHost,
    });
  }
}

export function newAuthority(): Authority {
  const notBefore = BigInt(Math.floor(Date.now() / 1_000)) - 600n;
  const made = createAuthority({ name: "home", notBefore, notAfter: notBefore + 3_650n * DAY });
  if (!made.ok) throw new Error(made.reason.why);
  return made.value.authority;
}
