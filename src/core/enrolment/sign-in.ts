import { fail, ok, type Result } from "../base/result.ts";
import { Secret } from "../base/secret.ts";
import { hostName, refusalAnswer } from "./messages.ts";
import type { EnrolmentRefusal } from "./refusal.ts";
import { hex, integer, type Misshape, object, oneOf, type Shape, text } from "./shape.ts";
import type { EnrolmentToken } from "./token.ts";

// How a person gets a token for a host by signing in to the network's identity provider (OpenID Connect, RFC 8628): the host is told where to send its
// person, asks until that is done, and is given a token of its own. From there on it enrols like any other one.

/** POST /v1/sign-in: begins. */
export interface SignInRequest {
  /** The authority that the link names. */
  readonly authority: string;
}

export interface SignInStarted {
  readonly status: "started";
  /** Where a person signs in, with the code in it where the provider knows how; for a link or a QR code. */
  readonly url: string;
  /** The page without it, and what to type there. */
  readonly page: string;
  readonly code: string;
  /** Shown again to ask whether it is done. Only this host has it. */
  readonly handle: string;
  readonly pollSeconds: number;
  /** Until the code is no longer good. */
  readonly seconds: number;
}

/** POST /v1/sign-in/token: asks whether the person has signed in. */
export interface SignInTokenRequest {
  readonly handle: string;
  /** The machine's own name. */
  readonly host: string;
}

export interface SignInWaiting {
  readonly status: "waiting";
  readonly pollSeconds: number;
}

export interface SignedIn {
  readonly status: "signed-in";
  /** Who did, in the provider's words. */
  readonly who: string;
  /** The name that the host will have. */
  readonly host: string;
  /** A token for this host, to be used at once. */
  readonly token: string;
  readonly secret: string;
}

export type SignInAnswer = SignInWaiting | SignedIn;

const url = text("an address of the web", { max: 2_048, pattern: /^https?:\/\/[\x21-\x7e]+$/ });
const handle = text("names the sign-in", { max: 2_048, pattern: /^[\x21-\x7e]+$/ });
const pollSeconds = integer("when to ask again", { min: 1, max: 3_600 });

export const signInRequest: Shape<SignInRequest> = object<SignInRequest>({
  authority: hex("fingerprint of the authority that the link names", [32]),
});

export const signInStarted: Shape<SignInStarted> = object<SignInStarted>({
  status: oneOf("a person is to sign in", ["started"]),
  url,
  page: url,
  code: text("what to type there", { max: 64, pattern: /^[\x20-\x7e]+$/ }),
  handle,
  pollSeconds,
  seconds: integer("until the code is no longer good", { min: 1, max: 86_400 }),
});

export const signInTokenRequest: Shape<SignInTokenRequest> = object<SignInTokenRequest>({ handle, host: hostName });

export const signInWaiting: Shape<SignInWaiting> = object<SignInWaiting>({
  status: oneOf("nobody has signed in yet", ["waiting"]),
  pollSeconds,
});

export const signedIn: Shape<SignedIn> = object<SignedIn>({
  status: oneOf("somebody has signed in", ["signed-in"]),
  who: text("who, in the provider's words", { max: 256 }),
  host: hostName,
  token: hex("the token's id", [8]),
  secret: hex("the token's secret", [16]),
});

export function readSignInStarted(value: unknown): Result<SignInStarted, EnrolmentRefusal | Misshape> {
  const refused = refusalAnswer.read(value, "");
  return refused.ok ? fail(refused.value.error) : signInStarted.read(value, "");
}

export function readSignInAnswer(value: unknown): Result<SignInAnswer, EnrolmentRefusal | Misshape> {
  const refused = refusalAnswer.read(value, "");
  if (refused.ok) return fail(refused.value.error);
  const waiting = signInWaiting.read(value, "");
  return waiting.ok ? ok(waiting.value) : signedIn.read(value, "");
}

/** No token has this id: such a line lets nobody in by itself, and any number of people may have it. */
const LINK_ID = "0".repeat(16);

/** The line that people join with who sign in: where the network's service is and what key it has, and nothing secret. */
export function signInLink(network: Omit<EnrolmentToken, "id" | "secret" | "host">): EnrolmentToken {
  return { ...network, id: LINK_ID, secret: new Secret(new Uint8Array(16)), host: "" };
}

export function isSignInLink({ id }: Pick<EnrolmentToken, "id">): boolean {
  return id === LINK_ID;
}
