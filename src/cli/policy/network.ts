import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BulletinsReport } from "../../admin/bulletins/bulletin-verbs.ts";
import type { PolicyReport } from "../../admin/bulletins/policy-verb.ts";
import { askDaemon } from "../../admin/client.ts";
import type { AdminRequest } from "../../admin/protocol.ts";
import type { StatusReport } from "../../admin/status-report.ts";
import type { WhyReport } from "../../admin/why/why-report.ts";
import { utf8Decode, utf8Encode } from "../../core/base/bytes.ts";
import { formatBulletin, parseBulletins } from "../../core/bulletin/armour.ts";
import type { BulletinStatus } from "../../core/machine/bulletins/status.ts";
import { decodePolicyBulletin, encodePolicyBulletin, type PolicyBulletin } from "../../core/policy/body.ts";
import type { PolicyBody } from "../../core/policy/policy.ts";
import { passphraseFlags, runAuthority } from "../../enrol/authority-tool.ts";
import { nodeSuite } from "../../runtime/node-crypto.ts";
import { OperatorError } from "../../runtime/operator-error.ts";
import { adminSocket, type TargetOptions } from "../target.ts";

const TIMEOUT_MS = 10_000;

/** What everybody goes by, and the number of the authority's last word about it. */
export interface Settled {
  readonly number: number;
  readonly policy: PolicyBody | undefined;
}

/** What a policy is applied through: a daemon of the network, which hands it on. */
export class PolicyNetwork {
  readonly #socket: string;

  /** Only its owner may publish. */
  constructor(target: TargetOptions, as: "owner" | "reader" = "owner") {
    this.#socket = adminSocket(target, as === "owner");
  }

  async status(): Promise<StatusReport> {
    return (await this.#ask({ verb: "status" })) as StatusReport;
  }

  async why(to: string, service: string): Promise<WhyReport> {
    return (await this.#ask({ verb: "why", from: undefined, to, service, timeoutMs: 5_000 })) as WhyReport;
  }

  async publish(bulletin: string): Promise<void> {
    await this.#ask({ verb: "publish", bulletin });
  }

  /** The policy that is spoken of last, and who has applied it. */
  async count(): Promise<BulletinStatus | undefined> {
    const { bulletins } = (await this.#ask({ verb: "bulletins" })) as BulletinsReport;
    return bulletins.filter(({ kind }) => kind === "policy").sort((a, b) => b.number - a.number)[0];
  }

  /** What everybody goes by, as far as it is confirmed, and the number of the last word about it; 0: there was none. */
  async settled(): Promise<Settled> {
    const { number, settled } = await this.report();
    const decoded = settled === null ? undefined : decodePolicyBulletin(utf8Encode(settled));
    return { number: number ?? 0, policy: decoded?.ok ? decoded.value.policy : undefined };
  }

  async report(): Promise<PolicyReport> {
    return (await this.#ask({ verb: "policy" })) as PolicyReport;
  }

  #ask(request: AdminRequest): Promise<unknown> {
    return askDaemon(this.#socket, request, TIMEOUT_MS);
  }
}

/** What `lacis-cert bulletin` signs: numbers rise from the first. */
export function signingRequest(first: number, bulletins: readonly PolicyBulletin[]): string {
  const bodies = bulletins.map((bulletin) => utf8Decode(encodePolicyBulletin(bulletin)) ?? "");
  return `${JSON.stringify({ format: 1, kind: "policy", number: first, bodies })}\n`;
}

/** Has them signed, all at once, so that a passphrase is asked for once. */
export async function signAll(
  authority: string,
  first: number,
  bulletins: readonly PolicyBulletin[],
  passphraseFile?: string,
): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "lacis-policy-"));
  try {
    const [request, signed] = [join(folder, "request.json"), join(folder, "signed")];
    writeFileSync(request, signingRequest(first, bulletins), { mode: 0o600 });
    await runAuthority(authority, "bulletin", "-in", request, "-out", signed, ...passphraseFlags(passphraseFile));
    const parsed = parseBulletins(nodeSuite, readFileSync(signed, "utf8"));
    if (parsed.ok && parsed.value.length === bulletins.length) return parsed.value.map(formatBulletin);
    throw new OperatorError("authority-refused", {
      what: "cannot use what lacis-cert has signed",
      why: parsed.ok ? "it has signed another number of them" : parsed.reason,
      todo: "install lacis again",
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
