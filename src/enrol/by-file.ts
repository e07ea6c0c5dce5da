import { fromHex, toHex } from "../core/base/bytes.ts";
import { parseJson } from "../core/base/json.ts";
import type { Curve } from "../core/crypto/suite.ts";
import { BUNDLE_FORMAT, type BundleFile, bundleFile } from "../core/enrolment/bundle.ts";
import { hex, integer, object, oneOf, type Shape } from "../core/enrolment/shape.ts";
import { parseToken } from "../core/enrolment/token.ts";
import type { Prefix } from "../core/netip/prefix.ts";
import { nodeSuite } from "../runtime/node-crypto.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { FileOwner } from "../runtime/platform/platform.ts";
import { askUntilDecided, type Patience, requestOf } from "./ask.ts";
import { type HostFiles, makeFolder, refuseStrangeFiles } from "./host-files.ts";
import { hostIn } from "./host-here.ts";
import { refusedBy } from "./refused.ts";
import { settle } from "./settle.ts";
import { Staging } from "./staging.ts";

// Joining where no way leads to the service: what a host asks and what it is answered are carried as files.

/** What a host asks. There is nothing secret in it. */
interface RequestFile {
  readonly format: number;
  readonly curve: Curve;
  readonly publicKey: string;
}

const FORMAT = 1;
const PURPOSE = "by-file";

const requestFile: Shape<RequestFile> = object<RequestFile>({
  format: integer("version of this file", { min: FORMAT, max: FORMAT }),
  curve: oneOf("the key's curve", ["CURVE25519", "P256"]),
  publicKey: hex("the host's public key", [32, 65]),
});

/** Begins to join: makes this host's key, or keeps the one that was made for this, and gives what is to be carried to the authority. */
export function requestByFile(files: HostFiles, curve: Curve): string {
  refuseHost(files);
  makeFolder(files.folder);
  refuseStrangeFiles(files);
  const { key } = Staging.open(files, PURPOSE, curve);
  return written({ format: FORMAT, curve: key.curve, publicKey: toHex(key.publicKey) });
}

/** Answers such a request with an invitation's token: asks the service in the host's place, and gives what is to be carried back. */
export async function answerByFile(request: string, token: string, now: bigint, patience: Patience): Promise<string> {
  const asked = read(requestFile, request, "the request");
  const parsed = parseToken(token, nodeSuite);
  if (!parsed.ok) throw refusedBy(parsed.reason);
  const { value } = parsed;
  const key = { curve: asked.curve, publicKey: fromHex(asked.publicKey) ?? new Uint8Array() };
  const answer = await askUntilDecided(value, () => requestOf(key, value, value.host, now), patience);
  const { authority, serviceKey, endpoints } = value;
  return written({ format: BUNDLE_FORMAT, authority, serviceKey, endpoints, answer });
}

/** Ends it, with what came back. */
export function joinByFile(
  files: HostFiles,
  bundle: string,
  {
    here,
    inUserSpace,
    now,
    owner,
  }: {
    readonly here: readonly Prefix[];
    readonly now: bigint;
    readonly owner: FileOwner | undefined;
    readonly inUserSpace?: boolean;
  },
): void {
  const staging = Staging.begunFor(files, PURPOSE);
  if (!staging?.isComplete) {
    refuseHost(files);
    const received = read(bundleFile, bundle, "the bundle");
    if (!staging) throw notBegun();
    settle(staging, received, { here, now, config: undefined, inUserSpace });
  }
  staging.place(owner);
}

function refuseHost(files: HostFiles): void {
  if (!hostIn(files)) return;
  throw new OperatorError("host-already", {
    what: "cannot join another network",
    why: `this machine is configured as a host already: ${files.config}`,
    todo: "lacis leave first, or give another folder with --dir",
  });
}

function notBegun(): OperatorError {
  return new OperatorError("not-asked", {
    what: "the bundle",
    why: "it answers a request, and none was made here: its key is another machine's",
    todo: "make one, and have it answered: lacis join --request FILE",
  });
}

/** A file that lacis has written, of one shape. */
export function read<Value>(shape: Shape<Value>, content: string, what: string): Value {
  const found = shape.read(parseJson(content), "");
  if (found.ok) return found.value;
  const { path, wanted } = found.reason;
  throw new OperatorError("file-bad", {
    what,
    why: `${path === "" ? "it" : path} is not ${wanted}`,
    todo: "give the file as lacis wrote it, of the same version",
  });
}

function written(value: RequestFile | BundleFile): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
