import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { Result } from "../../../core/base/result.ts";
import type {
  DataPlaneCommand,
  IdentifiedProgram,
  LocalIndex,
  PolicyId,
  RemoteIndex,
} from "../../../core/dataplane/contract.ts";
import { addressBytes } from "../../../core/netip/address.ts";
import type { Endpoint } from "../../../core/netip/endpoint.ts";
import type { Prefix } from "../../../core/netip/prefix.ts";
import { decoding } from "./decoding.ts";
import { frameOf } from "./frame.ts";
import * as pb from "./generated/dataplane_pb.ts";
import {
  ciphers,
  Malformed,
  named,
  readAddress,
  readEndpoint,
  readOptionalEndpoint,
  readPrefix,
  readProgram,
  recvErrorPolicies,
  writeEndpoint,
  writeOptionalEndpoint,
  writePrefix,
  writeProgram,
} from "./values.ts";

/** Everything that a control plane says to a data plane: what the core decides, and what belongs to the process. */
export type DataPlaneRequest =
  | DataPlaneCommand
  | { readonly kind: "hello"; readonly contractVersion: number }
  | {
      readonly kind: "open-tun";
      /** Empty: the kernel chooses. */
      readonly name: string;
      readonly mtu: number;
      readonly addresses: readonly Prefix[];
      readonly txQueue: number;
    }
  | {
      readonly kind: "open-udp";
      /** Port 0: any free one. */
      readonly bind: Endpoint;
      readonly readBufferBytes: number;
      readonly writeBufferBytes: number;
      readonly batch: number;
      readonly mark: number;
    }
  | { readonly kind: "shutdown"; readonly sendClose: boolean }
  // The rest is for `lacis-dataplane --memory` only.
  | { readonly kind: "inject-tun"; readonly packet: Uint8Array }
  | { readonly kind: "inject-udp"; readonly source: Endpoint; readonly datagram: Uint8Array }
  | { readonly kind: "advance"; readonly nowMs: bigint };

/** The frame of a request. `requestId` 0: no answer wanted unless it fails. Fails only when it is too long for a frame. */
export function encodeToDataPlane(requestId: bigint, request: DataPlaneRequest): Result<Uint8Array, string> {
  const message = create(pb.ToDataPlaneSchema, { requestId, command: writeCommand(request) });
  return frameOf(toBinary(pb.ToDataPlaneSchema, message));
}

/** Reads the message of a frame: the data plane's side. */
export function decodeToDataPlane(
  message: Uint8Array,
): Result<{ readonly requestId: bigint; readonly request: DataPlaneRequest }, string> {
  return decoding(() => {
    const { requestId, command } = fromBinary(pb.ToDataPlaneSchema, message);
    return { requestId, request: readCommand(command) };
  });
}

type WireCommand = pb.ToDataPlane["command"];
type WireCommandInit = NonNullable<MessageInitShape<typeof pb.ToDataPlaneSchema>["command"]>;

function writeCommand(request: DataPlaneRequest): WireCommandInit {
  switch (request.kind) {
    case "hello":
      return { case: "hello", value: { contractVersion: request.contractVersion } };
    case "open-tun":
      return { case: "openTun", value: { ...request, addresses: request.addresses.map(writePrefix) } };
    case "open-udp":
      return { case: "openUdp", value: { ...request, bind: writeEndpoint(request.bind) } };
    case "configure": {
      const sendRecvError = recvErrorPolicies[request.sendRecvError];
      return { case: "configure", value: { ...request, sendRecvError, networks: request.networks.map(writePrefix) } };
    }
    case "install-session":
      return { case: "installSession", value: writeInstallation(request) };
    case "set-path":
      return { case: "setPath", value: { localIndex: request.localIndex, path: writeEndpoint(request.path) } };
    case "set-primary":
      return { case: "setPrimary", value: { localIndex: request.localIndex } };
    case "set-memo":
      return { case: "setMemo", value: { localIndex: request.localIndex, memo: request.memo } };
    case "remove-session":
      return { case: "removeSession", value: { localIndex: request.localIndex, sendClose: request.sendClose } };
    case "apply-policies":
      return { case: "applyPolicies", value: writePolicies(request) };
    case "seal-and-send": {
      const { localIndex, type, subtype, body } = request;
      return { case: "sealAndSend", value: { localIndex, type, subtype, body } };
    }
    case "send-datagram":
      return { case: "sendDatagram", value: { to: writeEndpoint(request.to), datagram: request.datagram } };
    case "release-parked":
      return { case: "releaseParked", value: { destination: addressBytes(request.destination) } };
    case "drop-parked":
      return { case: "dropParked", value: { destination: addressBytes(request.destination) } };
    case "sample":
      return { case: "sample", value: {} };
    case "shutdown":
      return { case: "shutdown", value: { sendClose: request.sendClose } };
    case "inject-tun":
      return { case: "injectTun", value: { packet: request.packet } };
    case "inject-udp":
      return { case: "injectUdp", value: { source: writeEndpoint(request.source), datagram: request.datagram } };
    case "advance":
      return { case: "advance", value: { nowMs: request.nowMs } };
  }
}

type Request<Kind extends DataPlaneRequest["kind"]> = Extract<DataPlaneRequest, { kind: Kind }>;

function writeInstallation(request: Request<"install-session">): MessageInitShape<typeof pb.InstallSessionSchema> {
  const { kind: _, path, ...installation } = request;
  return {
    ...installation,
    cipher: ciphers[request.cipher],
    peerAddresses: request.peerAddresses.map(addressBytes),
    ...writeOptionalEndpoint("path", path),
  };
}

function writePolicies(request: Request<"apply-policies">): MessageInitShape<typeof pb.ApplyPoliciesSchema> {
  return {
    programs: request.programs.map((program) => ({ policyId: program.policyId, ...writeProgram(program) })),
    bindings: request.bindings.map(({ localIndex, policyId }) => ({ localIndex, policyId })),
    raiseEpoch: request.raiseEpoch,
  };
}

function readCommand(command: WireCommand): DataPlaneRequest {
  switch (command.case) {
    case undefined:
      throw new Malformed("no command, or one of a later contract");
    case "hello":
      return { kind: "hello", contractVersion: command.value.contractVersion };
    case "openTun": {
      const { name, mtu, addresses, txQueue } = command.value;
      return { kind: "open-tun", name, mtu, addresses: addresses.map(readPrefix), txQueue };
    }
    case "openUdp": {
      const { bind, readBufferBytes, writeBufferBytes, batch, mark } = command.value;
      return { kind: "open-udp", bind: readEndpoint(bind), readBufferBytes, writeBufferBytes, batch, mark };
    }
    case "configure":
      return readConfigure(command.value);
    case "installSession":
      return readInstallation(command.value);
    case "setPath":
      return { kind: "set-path", localIndex: local(command.value), path: readEndpoint(command.value.path) };
    case "setPrimary":
      return { kind: "set-primary", localIndex: local(command.value) };
    case "setMemo":
      return { kind: "set-memo", localIndex: local(command.value), memo: command.value.memo };
    case "removeSession":
      return { kind: "remove-session", localIndex: local(command.value), sendClose: command.value.sendClose };
    case "applyPolicies":
      return readPolicies(command.value);
    case "sealAndSend": {
      const { type, subtype, body } = command.value;
      return { kind: "seal-and-send", localIndex: local(command.value), type, subtype, body };
    }
    case "sendDatagram":
      return { kind: "send-datagram", to: readEndpoint(command.value.to), datagram: command.value.datagram };
    case "releaseParked":
      return { kind: "release-parked", destination: readAddress(command.value.destination) };
    case "dropParked":
      return { kind: "drop-parked", destination: readAddress(command.value.destination) };
    case "sample":
      return { kind: "sample" };
    case "shutdown":
      return { kind: "shutdown", sendClose: command.value.sendClose };
    case "injectTun":
      return { kind: "inject-tun", packet: command.value.packet };
    case "injectUdp":
      return { kind: "inject-udp", source: readEndpoint(command.value.source), datagram: command.value.datagram };
    case "advance":
      return { kind: "advance", nowMs: command.value.nowMs };
  }
}

function readConfigure(value: pb.Configure): Request<"configure"> {
  const { dropLocalBroadcast, dropMulticast, answerEcho } = value;
  return {
    kind: "configure",
    networks: value.networks.map(readPrefix),
    sendRecvError: named(recvErrorPolicies, value.sendRecvError, "recv_error policy"),
    dropLocalBroadcast,
    dropMulticast,
    answerEcho,
  };
}

function readInstallation(value: pb.InstallSession): Request<"install-session"> {
  const { sendKey, receiveKey, sendCounter, receiveFloor, confirmed, primary, memo } = value;
  return {
    kind: "install-session",
    localIndex: local(value),
    remoteIndex: value.remoteIndex as RemoteIndex,
    cipher: named(ciphers, value.cipher, "cipher"),
    sendKey,
    receiveKey,
    sendCounter,
    receiveFloor,
    path: readOptionalEndpoint(value.path),
    peerAddresses: value.peerAddresses.map(readAddress),
    policyId: value.policyId as PolicyId,
    confirmed,
    primary,
    memo,
  };
}

function readPolicies(value: pb.ApplyPolicies): Request<"apply-policies"> {
  const programs = value.programs.map(
    (program): IdentifiedProgram => ({ policyId: program.policyId as PolicyId, ...readProgram(program) }),
  );
  const bindings = value.bindings.map((binding) => ({
    localIndex: local(binding),
    policyId: binding.policyId as PolicyId,
  }));
  return { kind: "apply-policies", programs, bindings, raiseEpoch: value.raiseEpoch };
}

function local({ localIndex }: { readonly localIndex: number }): LocalIndex {
  return localIndex as LocalIndex;
}
