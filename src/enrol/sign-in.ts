import { setTimeout as sleep } from "node:timers/promises";
import { fromHex } from "../core/base/bytes.ts";
import { Secret } from "../core/base/secret.ts";
import type { SignInStarted } from "../core/enrolment/sign-in.ts";
import type { EnrolmentToken } from "../core/enrolment/token.ts";
import { askSignIn, askSignInToken, type ServiceReply } from "../runtime/enrolment/service-client.ts";
import { refusedBy } from "./refused.ts";

/** Questions in a row that another moment may answer better. */
const TRIES = 3;
const AGAIN_MS = 500;

/** Has a person sign in for this machine, and returns the token that it is given for that. `started` hears once where to sign in. */
export async function signInFor(
  link: EnrolmentToken,
  machine: string,
  { started, signal }: { readonly started: (begun: SignInStarted) => void; readonly signal?: AbortSignal | undefined },
): Promise<EnrolmentToken> {
  const place = { endpoints: link.endpoints, key: link.serviceKey };
  const begun = await patiently(() => askSignIn(place, { authority: link.authority }, signal), signal);
  started(begun);
  const { handle } = begun;
  let { pollSeconds } = begun;
  for (;;) {
    await sleep(pollSeconds * 1_000, undefined, { signal });
    const answer = await patiently(() => askSignInToken(place, { handle, host: machine }, signal), signal);
    if (answer.status === "signed-in") {
      const { token: id, secret, host } = answer;
      return { ...link, id, secret: new Secret(fromHex(secret) ?? new Uint8Array()), host };
    }
    pollSeconds = answer.pollSeconds;
  }
}

async function patiently<Answer>(
  ask: () => Promise<ServiceReply<Answer>>,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  for (let failures = 1; ; failures++) {
    const reply = await ask();
    if (reply.ok) return reply.value;
    if (reply.reason.final || failures >= TRIES || signal?.aborted) throw refusedBy(reply.reason);
    await sleep(AGAIN_MS * failures, undefined, { signal });
  }
}
