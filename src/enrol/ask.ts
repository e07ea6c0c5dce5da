import { setTimeout as sleep } from "node:timers/promises";
import { toHex } from "../core/base/bytes.ts";
import type { HostKeyPair } from "../core/cert/host-key.ts";
import type { EnrolRequest, IssuedAnswer, PendingAnswer } from "../core/enrolment/messages.ts";
import type { EnrolmentToken } from "../core/enrolment/token.ts";
import { askEnrol } from "../runtime/enrolment/service-client.ts";
import { packageVersion } from "../runtime/package-root.ts";
import { refusedBy } from "./refused.ts";

export interface Patience {
  /** Hears once that somebody must decide first. */
  readonly waiting: (pending: PendingAnswer) => void;
  readonly signal?: AbortSignal;
}

/** What a host with this key asks. */
export function requestOf(
  key: Pick<HostKeyPair, "curve" | "publicKey">,
  token: EnrolmentToken,
  name: string,
  now: bigint,
): EnrolRequest {
  return {
    token: token.id,
    secret: toHex(token.secret.expose()),
    authority: token.authority,
    curve: key.curve,
    publicKey: toHex(key.publicKey),
    name,
    time: Number(now),
    version: packageVersion(),
  };
}

/** Asks until there is a certificate or a refusal. What another moment may put right is tried a few times; what people decide is waited for. */
export async function askUntilDecided(
  token: EnrolmentToken,
  request: () => EnrolRequest,
  { waiting, signal }: Patience,
): Promise<IssuedAnswer> {
  const place = { endpoints: token.endpoints, key: token.serviceKey };
  let isTold = false;
  let failures = 0;
  for (;;) {
    const reply = await askEnrol(place, request(), signal);
    if (reply.ok && reply.value.status === "issued") return reply.value;
    if (!reply.ok) {
      failures += 1;
      if (reply.reason.final || failures >= TRIES || signal?.aborted) throw refusedBy(reply.reason);
      await sleep(AGAIN_MS * failures, undefined, { signal });
      continue;
    }
    const pending = reply.value as PendingAnswer;
    if (!isTold) waiting(pending);
    [isTold, failures] = [true, 0];
    await sleep(pending.pollSeconds * 1_000, undefined, { signal });
  }
}

const TRIES = 3;
const AGAIN_MS = 500;
