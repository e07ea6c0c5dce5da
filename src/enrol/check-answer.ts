import { equalBytes } from "../core/base/bytes.ts";
import { fail, type Result } from "../core/base/result.ts";
import { wallTime } from "../core/base/time.ts";
import { CaPool } from "../core/cert/ca-pool.ts";
import type { Certificate } from "../core/cert/certificate.ts";
import { parseCertificates } from "../core/cert/decode.ts";
import { formatConfigError } from "../core/config/document/config-error.ts";
import type { IssuedAnswer } from "../core/enrolment/messages.ts";
import { checkConfig } from "../runtime/config/config-file.ts";
import { nodeSuite } from "../runtime/node-crypto.ts";
import { OperatorError } from "../runtime/operator-error.ts";

/** What a certificate must be for to be ours. */
export interface Expected {
  /** The authority that must be among those to trust; undefined where nobody has named one. */
  readonly authority: string | undefined;
  readonly publicKey: Uint8Array;
  /** Unix seconds. */
  readonly now: bigint;
}

/** The host's certificates. Refuses an answer that is not for this host, or not by the authority that the token names. */
export function checkAnswer(
  answer: Pick<IssuedAnswer, "certificates" | "authorities">,
  expected: Expected,
): readonly Certificate[] {
  const checked = judge(answer, expected);
  if (checked.ok) return checked.value;
  throw new OperatorError("answer-bad", {
    what: "the certificate that came back",
    why: checked.reason,
    todo: "nothing was kept; tell whoever runs the network",
  });
}

function judge(
  { certificates, authorities }: Pick<IssuedAnswer, "certificates" | "authorities">,
  { authority, publicKey, now }: Expected,
): Result<readonly Certificate[], string> {
  const wall = wallTime(now * 1_000_000_000n);
  const trusted = parseCertificates(authorities, nodeSuite);
  if (!trusted.ok) return fail(`its authorities cannot be read: ${trusted.reason}`);
  const loaded = CaPool.load(nodeSuite, trusted.value, { blocklist: [], now: wall });
  if (!loaded.ok) return loaded;
  if (authority !== undefined && !trusted.value.some(({ fingerprint }) => fingerprint === authority))
    return fail("the authority that the token names is not among those that came with it");
  const own = parseCertificates(certificates, nodeSuite);
  if (!own.ok) return fail(`it cannot be read: ${own.reason}`);
  for (const certificate of own.value) {
    if (!equalBytes(certificate.publicKey, publicKey)) return fail("it is for another key than the one of this host");
    const verified = loaded.value.pool.verify(certificate, wall);
    if (!verified.ok) return fail(verified.reason.text);
  }
  return own.value.length > 0 ? own : fail("there is none");
}

/** Refuses a configuration that the daemon would not run. */
export function checkConfigOf(config: string, now: bigint): void {
  const { errors } = checkConfig(config, { suite: nodeSuite, wall: wallTime(now * 1_000_000_000n) });
  if (errors.length === 0) return;
  throw new OperatorError("config-bad", {
    what: "the configuration for this host",
    why: "it would not run",
    todo: "nothing was kept; please report these lines",
    details: errors.map((error) => formatConfigError(error)),
  });
}
