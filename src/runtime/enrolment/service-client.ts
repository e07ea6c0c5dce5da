import { request } from "node:http";
import type { TLSSocket } from "node:tls";
import { fail, ok, type Result } from "../../core/base/result.ts";
import {
  type EnrolAnswer,
  type EnrolRequest,
  type LeaveAnswer,
  type LeaveRequest,
  leaveAnswer,
  type RenewRequest,
  readEnrolAnswer,
  refusalAnswer,
} from "../../core/enrolment/messages.ts";
import type { EnrolmentRefusal } from "../../core/enrolment/refusal.ts";
import type { Misshape, Shape } from "../../core/enrolment/shape.ts";
import {
  readSignInAnswer,
  readSignInStarted,
  type SignInAnswer,
  type SignInRequest,
  type SignInStarted,
  type SignInTokenRequest,
} from "../../core/enrolment/sign-in.ts";
import { connectPinned, type PinnedPlace } from "./pinned-connection.ts";

/** Why there is no answer that helps. */
export interface ServiceRefusal extends EnrolmentRefusal {
  /** Whether asking the same again later is of no use. */
  readonly final: boolean;
}

export type ServiceReply<Answer> = Result<Answer, ServiceRefusal>;

/** Asks for a certificate with a token. */
export function askEnrol(
  place: PinnedPlace,
  asked: EnrolRequest,
  signal?: AbortSignal,
): Promise<ServiceReply<EnrolAnswer>> {
  return ask(place, { method: "POST", path: "/v1/enrol", body: asked }, readEnrolAnswer, signal);
}

/** Asks where a person is to sign in. */
export function askSignIn(
  place: PinnedPlace,
  asked: SignInRequest,
  signal?: AbortSignal,
): Promise<ServiceReply<SignInStarted>> {
  return ask(place, { method: "POST", path: "/v1/sign-in", body: asked }, readSignInStarted, signal);
}

/** Asks whether it is done. */
export function askSignInToken(
  place: PinnedPlace,
  asked: SignInTokenRequest,
  signal?: AbortSignal,
): Promise<ServiceReply<SignInAnswer>> {
  return ask(place, { method: "POST", path: "/v1/sign-in/token", body: asked }, readSignInAnswer, signal);
}

/** Asks for the next certificate. */
export function askRenewal(
  place: PinnedPlace,
  asked: RenewRequest,
  signal?: AbortSignal,
): Promise<ServiceReply<EnrolAnswer>> {
  return ask(place, { method: "POST", path: "/v1/renew", body: asked }, readEnrolAnswer, signal);
}

/** Says that this host goes. */
export function askLeave(
  place: PinnedPlace,
  asked: LeaveRequest,
  signal?: AbortSignal,
): Promise<ServiceReply<LeaveAnswer>> {
  return ask(place, { method: "POST", path: "/v1/leave", body: asked }, readLeaveAnswer, signal);
}

/** What an operator may ask whom the service has given access. */
export interface OperatorAsk<Answer> {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
  /** What `lacis-cert access` has printed. */
  readonly bearer: string;
  readonly answer: Shape<Answer>;
}

/** Asks in the name of an operator. */
export function askAsOperator<Answer>(
  place: PinnedPlace,
  { method, path, body, bearer, answer }: OperatorAsk<Answer>,
): Promise<ServiceReply<Answer>> {
  const read: ReadAnswer<Answer> = (value) => {
    const refused = refusalAnswer.read(value, "");
    return refused.ok ? fail(refused.value.error) : answer.read(value, "");
  };
  return ask(place, { method, path, ...(body && { body }), bearer }, read, undefined);
}

/** Longer than any answer: a thousand hosts that wait, and the longest revocation list. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const ANSWER_TIMEOUT_MS = 20_000;

/** What another moment, or somebody at the service, may put right without this host. */
const PASSING: ReadonlySet<string> = new Set([
  "too-many",
  "storage-full",
  "storage-unavailable",
  "authority",
  "provider",
  "fault",
  "service-unreachable",
  "service-garbled",
]);

type ReadAnswer<Answer> = (value: unknown) => Result<Answer, EnrolmentRefusal | Misshape>;

function readLeaveAnswer(value: unknown): Result<LeaveAnswer, EnrolmentRefusal | Misshape> {
  const refused = refusalAnswer.read(value, "");
  return refused.ok ? fail(refused.value.error) : leaveAnswer.read(value, "");
}

interface Asked {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
  readonly bearer?: string;
}

async function ask<Answer>(
  place: PinnedPlace,
  asked: Asked,
  read: ReadAnswer<Answer>,
  signal: AbortSignal | undefined,
): Promise<ServiceReply<Answer>> {
  const connected = await connectPinned(place, signal);
  if (!connected.ok) {
    const { another, why } = connected.reason;
    const todo = another
      ? "somebody else may be in between: compare with whoever runs the network, and ask for a new token"
      : "see that its TCP port is open there, and on the way: lacis-cert serve";
    return refused({ code: "service-unreachable", what: "the enrolment service", why, todo });
  }
  const text = await exchange(connected.value, asked, signal);
  if (!text.ok) return refused(garbled(text.reason));
  let value: unknown;
  try {
    value = JSON.parse(text.value);
  } catch {
    return refused(garbled("its answer is no JSON"));
  }
  const answer = read(value);
  if (answer.ok) return ok(answer.value);
  const { reason } = answer;
  return refused("code" in reason ? reason : garbled(`${reason.path || "its answer"} is not ${reason.wanted}`));
}

/** The body of the answer, or why there is none. Resolves however the connection ends. */
function exchange(
  socket: TLSSocket,
  { method, path, body: value, bearer }: Asked,
  signal: AbortSignal | undefined,
): Promise<Result<string, string>> {
  const body = value === undefined ? "" : JSON.stringify(value);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (result: Result<string, string>): void => {
      clearTimeout(deadline);
      signal?.removeEventListener("abort", given);
      socket.destroy();
      resolve(result);
    };
    const given = (): void => end(fail("it was given up"));
    const deadline = setTimeout(() => end(fail("it was silent for too long")), ANSWER_TIMEOUT_MS);
    signal?.addEventListener("abort", given);
    const asking = request({
      createConnection: () => socket,
      method,
      path,
      // The key says who it is; a name that a proxy might look at is of no use to anybody.
      headers: {
        host: "enrolment",
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        connection: "close",
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
    });
    asking.on("response", (response) => {
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_BYTES_MAX) end(fail("its answer does not end"));
        else chunks.push(chunk);
      });
      response.on("end", () => end(ok(Buffer.concat(chunks).toString("utf8"))));
      response.on("error", () => end(fail("its answer broke off")));
    });
    asking.on("error", () => end(fail("it closed the connection without an answer")));
    asking.end(body);
  });
}

function garbled(why: string): EnrolmentRefusal {
  return {
    code: "service-garbled",
    what: "the enrolment service",
    why,
    todo: "try again; if it stays so, compare the versions on both sides: lacis version",
  };
}

function refused<Answer>(reason: EnrolmentRefusal): ServiceReply<Answer> {
  return fail({ ...reason, final: !PASSING.has(reason.code) });
}
