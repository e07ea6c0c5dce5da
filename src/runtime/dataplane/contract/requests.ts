import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { ok, type Result } from "../../../core/base/result.ts";
import type { CaptureStep, DataPlaneCommand } from "../../../core/dataplane/contract.ts";
import { addressBytes, type IpAddress } from "../../../core/netip/address.ts";
import type { AllowRule, RemoteAllowList } from "../../../core/netip/allow-list.ts";
import type { Endpoint } from "../../../core/netip/endpoint.ts";
import type { Prefix } from "../../../core/netip/prefix.ts";
import { frameOf } from "./frame.ts";
import { encodeFrequent } from "./frequent-requests.ts";
import * as pb from "./generated/dataplane_pb.ts";
import { policyPieces, routePieces } from "./pieces.ts";
import {
  captureOps,
  ciphers,
  recvErrorPolicies,
  refusalActions,
  writeEndpoint,
  writeOptionalPath,
  writePath,
  writePrefix,
  writeRelay,
} from "./values.ts";

/** Everything that a control plane says to a data plane: what the core decides, and what belongs to the process. */
export type DataPlaneRequest =
  | DataPlaneCommand
  | { readonly kind: "hello"; readonly oldest: number; readonly newest: number }
  | {
      readonly kind: "open-tun";
      /** Empty: the kernel chooses. */
      readonly name: string;
      readonly mtu: number;
      readonly addresses: readonly Prefix[];
      readonly txQueue: number;
      readonly queues: number;
      readonly offloads: boolean;
      readonly threads: ThreadPlacement;
      /** Where streams are carried in place of a device of the system; undefined: there is one. */
      readonly streamsSocket?: string | undefined;
    }
  | {
      readonly kind: "open-udp";
      /** Port 0: any free one. */
      readonly bind: Endpoint;
      readonly readBufferBytes: number;
      readonly writeBufferBytes: number;
      readonly batch: number;
      readonly mark: number;
      readonly queues: number;
      readonly offloads: boolean;
    }
  | { readonly kind: "confine" }
  | { readonly kind: "shutdown"; readonly sendClose: boolean }
  // The rest is for `lacis-dataplane --memory` only.
  | { readonly kind: "inject-tun"; readonly packet: Uint8Array }
  | { readonly kind: "inject-udp"; readonly source: Endpoint; readonly datagram: Uint8Array }
  | { readonly kind: "advance"; readonly nowMs: bigint }
  | { readonly kind: "look-up-routes"; readonly addresses: readonly IpAddress[] };

/** Where the threads run that read a device with several queues. */
export interface ThreadPlacement {
  readonly pinned: boolean;
  readonly seed: number;
  /** Empty: any. */
  readonly cpus: readonly number[];
}

/** The frames of a request, all at once. Fails only when something in it is too long for a frame. */
export function encodeToDataPlane(requestId: bigint, request: DataPlaneRequest): Result<readonly Uint8Array[], string> {
  const frames: Uint8Array[] = [];
  for (const message of messagesToDataPlane(requestId, request)) {
    const frame = frameOf(message);
    if (!frame.ok) return frame;
    frames.push(frame.value);
  }
  return ok(frames);
}

/** What is one message, in one frame if it fits any. */
export type SmallRequest = Exclude<DataPlaneRequest, { readonly kind: "apply-policies" | "apply-routes" }>;

export function isSmall(request: DataPlaneRequest): request is SmallRequest {
  return request.kind !== "apply-policies" && request.kind !== "apply-routes";
}

/** `requestId` 0: no answer wanted unless it fails; `quiet`: none of its own (dataplane.proto). */
export function messageToDataPlane(requestId: bigint, request: SmallRequest, quiet: boolean): Uint8Array {
  switch (request.kind) {
    case "install-session":
    case "seal-and-send":
    case "send-datagram":
    case "keep-answer": {
      const message = encodeFrequent(requestId, request, quiet);
      if (message) return message;
    }
  }
  return encode({ requestId, quiet, command: writeCommand(request) });
}

/**
 * The messages of a request, each made when it is asked for: one, or several where it is large; then the last one commits what the others
 * brought, and it alone carries the `requestId`.
 */
export function* messagesToDataPlane(
  requestId: bigint,
  request: DataPlaneRequest,
  quiet = false,
): Generator<Uint8Array, void> {
  switch (request.kind) {
    case "apply-policies": {
      const { raiseEpoch } = request;
      const bindings = request.bindings.map(({ localIndex, policyId }) => ({ localIndex, policyId }));
      const commit = yield* staged(policyPieces(request.programs), (programs) => ({ programs }));
      const value = { programs: commit, bindings, raiseEpoch };
      yield encode({ requestId, quiet, command: { case: "applyPolicies", value } });
      return;
    }
    case "apply-routes": {
      const commit = yield* staged(routePieces(request.routes), (routes) => ({ routes }));
      yield encode({ requestId, quiet, command: { case: "applyRoutes", value: { routes: commit } } });
      return;
    }
    default:
      yield messageToDataPlane(requestId, request, quiet);
  }
}

/** Stages all pieces but the last, which comes with the commit. */
function* staged<Piece>(
  pieces: Iterable<Piece[]>,
  stage: (piece: Piece[]) => MessageInitShape<typeof pb.StageSchema>,
): Generator<Uint8Array, Piece[]> {
  let last: Piece[] | undefined;
  for (const piece of pieces) {
    if (last) yield encode({ requestId: 0n, command: { case: "stage", value: stage(last) } });
    last = piece;
  }
  return last ?? [];
}

function encode(message: MessageInitShape<typeof pb.ToDataPlaneSchema>): Uint8Array {
  return toBinary(pb.ToDataPlaneSchema, create(pb.ToDataPlaneSchema, message));
}

type WireCommandInit = NonNullable<MessageInitShape<typeof pb.ToDataPlaneSchema>["command"]>;

function writeCommand(request: SmallRequest): WireCommandInit {
  switch (request.kind) {
    case "hello":
      return { case: "hello", value: { contractVersion: request.newest, oldestVersion: request.oldest } };
    case "open-tun": {
      const { kind: _, offloads, threads, streamsSocket, ...open } = request;
      const addresses = request.addresses.map(writePrefix);
      const placement = { ...threads, cpus: [...threads.cpus] };
      const userSpace = streamsSocket !== undefined && { userSpace: { streamsSocket } };
      return {
        case: "openTun",
        value: { ...open, addresses, noOffloads: !offloads, threads: placement, ...userSpace },
      };
    }
    case "open-udp": {
      const { kind: _, offloads, ...open } = request;
      return { case: "openUdp", value: { ...open, bind: writeEndpoint(request.bind), noOffloads: !offloads } };
    }
    case "configure": {
      const sendRecvError = recvErrorPolicies[request.sendRecvError];
      const { remoteAllowList, ...facts } = request;
      const refuseNoRoute = refusalActions[request.refuseNoRoute];
      const networks = request.networks.map(writePrefix);
      const value = { ...facts, sendRecvError, refuseNoRoute, networks, ...writeAllowList(remoteAllowList) };
      return { case: "configure", value };
    }
    case "install-session":
      return { case: "installSession", value: writeInstallation(request) };
    case "set-path":
      return {
        case: "setPath",
        value: {
          localIndex: request.localIndex,
          path: writePath(request.path),
          shunLeft: request.shunLeft ?? false,
        },
      };
    case "set-path-mtu": {
      const { kind: _, ...mtu } = request;
      return { case: "setPathMtu", value: mtu };
    }
    case "set-primary":
      return { case: "setPrimary", value: { localIndex: request.localIndex } };
    case "remove-session":
      return { case: "removeSession", value: { localIndex: request.localIndex, sendClose: request.sendClose } };
    case "seal-and-send": {
      const { localIndex, type, subtype, body, to } = request;
      return { case: "sealAndSend", value: { localIndex, type, subtype, body, ...writeOptionalPath("to", to) } };
    }
    case "send-datagram":
      return { case: "sendDatagram", value: { to: writePath(request.to), datagram: request.datagram } };
    case "drop-parked":
      return { case: "dropParked", value: { destination: addressBytes(request.destination) } };
    case "set-relay": {
      const { kind: _, ...relay } = request;
      return { case: "setRelay", value: writeRelay(relay) };
    }
    case "remove-relay":
      return { case: "removeRelay", value: { relayIndex: request.relayIndex } };
    case "await-session":
      return { case: "awaitSession", value: { localIndex: request.localIndex, forMs: request.forMs } };
    case "keep-answer": {
      const { localIndex, asked, answer, forMs, heard } = request;
      return { case: "keepAnswer", value: { localIndex, asked, answer, forMs, heard } };
    }
    case "watch-silence":
      return { case: "watchSilence", value: { localIndex: request.localIndex, afterMs: request.afterMs } };
    case "sample":
      return { case: "sample", value: {} };
    case "list-flows":
      return { case: "listFlows", value: {} };
    case "start-capture":
      return {
        case: "startCapture",
        value: { filter: request.filter.map(writeCaptureStep), snapBytes: request.snapBytes },
      };
    case "stop-capture":
      return { case: "stopCapture", value: {} };
    case "confine":
      return { case: "confine", value: {} };
    case "shutdown":
      return { case: "shutdown", value: { sendClose: request.sendClose } };
    case "inject-tun":
      return { case: "injectTun", value: { packet: request.packet } };
    case "inject-udp":
      return { case: "injectUdp", value: { source: writeEndpoint(request.source), datagram: request.datagram } };
    case "advance":
      return { case: "advance", value: { nowMs: request.nowMs } };
    case "look-up-routes":
      return { case: "lookUpRoutes", value: { addresses: request.addresses.map(addressBytes) } };
  }
}

function writeCaptureStep(step: CaptureStep): MessageInitShape<typeof pb.CaptureStepSchema> {
  const op = captureOps[step.op];
  if ("prefix" in step) return { op, prefix: writePrefix(step.prefix) };
  if ("protocol" in step) return { op, first: step.protocol };
  return "first" in step ? { op, first: step.first, last: step.last } : { op };
}

/** Left out where it says nothing. */
function writeAllowList({
  everybody,
  ranges,
}: RemoteAllowList): Pick<MessageInitShape<typeof pb.ConfigureSchema>, "remoteAllowList"> {
  if (everybody.length === 0 && ranges.length === 0) return {};
  const write = (rules: readonly AllowRule[]): MessageInitShape<typeof pb.AllowRuleSchema>[] =>
    rules.map(({ prefix, allowed }) => ({ prefix: writePrefix(prefix), allowed }));
  return {
    remoteAllowList: {
      rules: write(everybody),
      ranges: ranges.map(({ overlay, rules }) => ({ overlay: writePrefix(overlay), rules: write(rules) })),
    },
  };
}

type Request<Kind extends DataPlaneRequest["kind"]> = Extract<DataPlaneRequest, { kind: Kind }>;

function writeInstallation(request: Request<"install-session">): MessageInitShape<typeof pb.InstallSessionSchema> {
  const { kind: _, path, ...installation } = request;
  return {
    ...installation,
    cipher: ciphers[request.cipher],
    peerAddresses: request.peerAddresses.map(addressBytes),
    allowedPrefixes: request.allowedPrefixes.map(writePrefix),
    ...writeOptionalPath("path", path),
  };
}
