import { hostname } from "node:os";
import { debugGroup, debugGroupOf } from "../core/cert/debug-group.ts";
import type { Curve } from "../core/crypto/suite.ts";
import type { PendingAnswer } from "../core/enrolment/messages.ts";
import { isSignInLink, type SignInStarted } from "../core/enrolment/sign-in.ts";
import { checkTokenTime, type EnrolmentToken, parseToken } from "../core/enrolment/token.ts";
import type { Prefix } from "../core/netip/prefix.ts";
import { nodeSuite } from "../runtime/node-crypto.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";
import type { FileOwner } from "../runtime/platform/platform.ts";
import { askUntilDecided, requestOf } from "./ask.ts";
import { type HostFiles, makeFolder, refuseStrangeFiles } from "./host-files.ts";
import { type HostHere, hostIn, refuseOtherHost } from "./host-here.ts";
import { hostNameFrom, hostNameGiven } from "./host-name.ts";
import { refusedBy } from "./refused.ts";
import { settle } from "./settle.ts";
import { signInFor } from "./sign-in.ts";
import { Staging } from "./staging.ts";

export interface JoinOptions {
  readonly token: string;
  readonly files: HostFiles;
  /** The name it would like, where the token leaves that open. */
  readonly name?: string | undefined;
  /** Undefined: as the token says. */
  readonly curve: Curve | undefined;
  /** Networks that this machine has a way to. */
  readonly here: readonly Prefix[];
  /** Who is to run the host; undefined: whoever runs this. */
  readonly owner?: FileOwner | undefined;
  /** Whether it is to have no device. */
  readonly inUserSpace?: boolean | undefined;
  /** Hears where a person is to sign in, where the network lets people in so. */
  readonly signIn: (begun: SignInStarted) => void;
  /** Hears once that somebody must decide first. */
  readonly waiting: (pending: PendingAnswer) => void;
  /** The clock, Unix seconds. */
  readonly now: () => bigint;
  readonly signal?: AbortSignal;
}

/** "again": the host that was here has another certificate now. */
export type Joined = "new" | "here" | "again";

/**
 * Makes this machine a host of the network that a token invites to, as far as files go. Checks what can be checked here before anybody is asked; ends well at once
 * where it is that host already, unless its person has to sign in again.
 */
export async function join(options: JoinOptions): Promise<Joined> {
  const { files, owner, now } = options;
  const token = readToken(options.token);
  const purpose = isSignInLink(token) ? `sign-in ${token.authority}` : token.id;
  const staging = Staging.begunFor(files, purpose);
  const here = hostIn(files);
  if (staging?.isComplete) {
    staging.place(owner);
    return here ? "again" : "new";
  }
  if (here) refuseOtherHost(here, token, files);
  if (here && !(isSignInLink(token) ? endsSoon(here, now()) : isAnotherGuest(here, token))) {
    Staging.forget(files);
    return "here";
  }
  const timely = checkTokenTime(token, now());
  if (!timely.ok) throw refusedBy(timely.reason);
  const name = nameFor(token, options.name);
  makeFolder(files.folder);
  if (!here) refuseStrangeFiles(files);
  const begun = Staging.open(files, purpose, here?.key?.curve ?? curveFor(token, options.curve), here?.key);
  const own = isSignInLink(token)
    ? await signInFor(token, name, { started: options.signIn, signal: options.signal })
    : token;
  await enter(begun, own, own.host || name, { ...options, config: here?.config });
  return here ? "again" : "new";
}

/** It was let in to debug something, and this token lets it in anew. */
function isAnotherGuest({ certificate }: HostHere, { id }: EnrolmentToken): boolean {
  const group = debugGroupOf(certificate?.groups ?? []);
  return group !== undefined && group !== debugGroup(id);
}

/** Less than half of its life is left: who runs the same line twice signs in once. */
function endsSoon({ certificate }: HostHere, now: bigint): boolean {
  if (!certificate) return true;
  const { notBefore, notAfter } = certificate;
  return now > notBefore + (notAfter - notBefore) / 2n;
}

async function enter(
  staging: Staging,
  token: EnrolmentToken,
  name: string,
  options: JoinOptions & { readonly config: string | undefined },
): Promise<void> {
  const { owner, now, here, inUserSpace } = options;
  const answer = await askUntilDecided(token, () => requestOf(staging.key, token, name, now()), options);
  settle(staging, { ...token, answer }, { here, now: now(), config: options.config, inUserSpace });
  staging.place(owner);
}

function readToken(text: string): EnrolmentToken {
  const token = parseToken(text, nodeSuite);
  if (!token.ok) throw refusedBy(token.reason);
  return token.value;
}

function curveFor(token: EnrolmentToken, wanted: Curve | undefined): Curve {
  if (token.curve === undefined) return wanted ?? "CURVE25519";
  if (wanted === undefined || wanted === token.curve) return token.curve;
  const why = `the network's is ${token.curve}, as the token says`;
  throw new OperatorError(
    "curve-fixed",
    { what: `the curve ${wanted}`, why, todo: "leave --curve out" },
    ExitCode.usage,
  );
}

function nameFor(token: EnrolmentToken, wanted: string | undefined): string {
  if (token.host === "") return wanted === undefined ? hostNameFrom(hostname()) : hostNameGiven(wanted);
  if (wanted === undefined || wanted === token.host) return token.host;
  throw new OperatorError(
    "name-fixed",
    {
      what: `the name ${wanted}`,
      why: `the token is for ${token.host}`,
      todo: `leave --name out, or ask for another token (lacis invite ${wanted})`,
    },
    ExitCode.usage,
  );
}
