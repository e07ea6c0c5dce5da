import { fromBinary } from "@bufbuild/protobuf";
import type { Result } from "../../src/core/base/result.ts";
import type {
  CaptureStep,
  IdentifiedProgram,
  LocalIndex,
  PolicyId,
  PolicyProgram,
  PolicyRule,
  RemoteIndex,
} from "../../src/core/dataplane/contract.ts";
import type { AllowRule } from "../../src/core/netip/allow-list.ts";
import type { DataPlaneRequest } from "../../src/runtime/dataplane/contract/codec.ts";
import { decoding } from "../../src/runtime/dataplane/contract/decoding.ts";
import * as pb from "../../src/runtime/dataplane/contract/generated/dataplane_pb.ts";
import {
  captureOps,
  ciphers,
  Malformed,
  named,
  present,
  readAddress,
  readEndpoint,
  readKnownRelay,
  readPath,
  readPort,
  readPrefix,
  readRoute,
  recvErrorPolicies,
  refusalActions,
  ruleProtocols,
} from "../../src/runtime/dataplane/contract/values.ts";

// The data plane's half of the contract, for tests that stand in for one: what it reads.

/** Reads the message of one frame. */
export function decodeToDataPlane(
  message: Uint8Array,
): Result<{ readonly requestId: bigint; readonly request: DataPlaneRequest }, string> {
  return decoding(() => {
    const { requestId, command } = fromBinary(pb.ToDataPlaneSchema, message);
    return { requestId, request: readCommand(command) };
  });
}

type RequestOf<Kind extends DataPlaneRequest["kind"]> = Extract<DataPlaneRequest, { kind: Kind }>;

function readCommand(command: pb.ToDataPlane["command"]): DataPlaneRequest {
  switch (command.case) {
    case undefined:
      throw new Malformed("no command, or one of a later contract");
    case "hello":
      return { kind: "hello", oldest: command.value.oldestVersion, newest: command.value.contractVersion };
    case "openTun": {
      const { name, mtu, addresses, txQueue, queues, noOffloads } = command.value;
      const { pinned = false, seed = 0, cpus = [] } = command.value.threads ?? {};
      const threads = { pinned, seed, cpus };
      const offloads = !noOffloads;
      const { userSpace } = command.value;
      return {
        kind: "open-tun",
        name,
        mtu,
        addresses: addresses.map(readPrefix),
        txQueue,
        queues,
        offloads,
        threads,
        ...(userSpace && { streamsSocket: userSpace.streamsSocket }),
      };
    }
    case "openUdp": {
      const { bind, readBufferBytes, writeBufferBytes, batch, mark, queues, noOffloads } = command.value;
      const buffers = { readBufferBytes, writeBufferBytes, batch };
      return { kind: "open-udp", bind: readEndpoint(bind), ...buffers, mark, queues, offloads: !noOffloads };
    }
    case "configure":
      return readConfigure(command.value);
    case "installSession":
      return readInstallation(command.value);
    case "setPath":
      return {
        kind: "set-path",
        localIndex: local(command.value),
        path: readPath(command.value.path),
        ...(command.value.shunLeft && { shunLeft: true }),
      };
    case "setPathMtu": {
      const { mtu, largeAbove } = command.value;
      return { kind: "set-path-mtu", localIndex: local(command.value), mtu, largeAbove };
    }
    case "setPrimary":
      return { kind: "set-primary", localIndex: local(command.value) };
    case "removeSession":
      return { kind: "remove-session", localIndex: local(command.value), sendClose: command.value.sendClose };
    case "applyPolicies":
      return readPolicies(command.value);
    case "sealAndSend": {
      const { type, subtype, body, to } = command.value;
      return { kind: "seal-and-send", localIndex: local(command.value), type, subtype, body, to: to && readPath(to) };
    }
    case "sendDatagram":
      return { kind: "send-datagram", to: readPath(command.value.to), datagram: command.value.datagram };
    case "dropParked":
      return { kind: "drop-parked", destination: readAddress(command.value.destination) };
    case "keepAnswer": {
      const { asked, answer, forMs, heard } = command.value;
      return { kind: "keep-answer", localIndex: local(command.value), asked, answer, forMs, heard };
    }
    case "awaitSession":
      return { kind: "await-session", localIndex: local(command.value), forMs: command.value.forMs };
    case "watchSilence":
      return { kind: "watch-silence", localIndex: local(command.value), afterMs: command.value.afterMs };
    case "sample":
      return { kind: "sample" };
    case "listFlows":
      return { kind: "list-flows" };
    case "startCapture":
      return {
        kind: "start-capture",
        filter: command.value.filter.map(readCaptureStep),
        snapBytes: command.value.snapBytes,
      };
    case "stopCapture":
      return { kind: "stop-capture" };
    case "applyRoutes":
      return {
        kind: "apply-routes",
        routes: command.value.routes.map((route) => present(readRoute(route), "a route")),
      };
    case "lookUpRoutes":
      return { kind: "look-up-routes", addresses: command.value.addresses.map(readAddress) };
    case "setRelay":
      return { kind: "set-relay", ...present(readKnownRelay(command.value), "a role") };
    case "removeRelay":
      return { kind: "remove-relay", relayIndex: command.value.relayIndex };
    case "stage":
    case "handOver":
      throw new Malformed(`${command.case} stands alone`);
    case "confine":
      return { kind: "confine" };
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

function readCaptureStep({ op: number, prefix, first, last }: pb.CaptureStep): CaptureStep {
  const op = named(captureOps, number, "op");
  if (op === "source" || op === "destination") return { op, prefix: readPrefix(present(prefix, "a prefix")) };
  if (op === "source-port" || op === "destination-port") return { op, first, last };
  return op === "protocol" ? { op, protocol: first } : { op };
}

function readConfigure(value: pb.Configure): RequestOf<"configure"> {
  const { dropLocalBroadcast, dropMulticast, answerEcho, flowLimit, recordFlows, relayPeerKilobytes } = value;
  const { tcpMs, udpMs, otherMs } = present(value.flowTimeouts, "flow timeouts");
  return {
    kind: "configure",
    networks: value.networks.map(readPrefix),
    sendRecvError: named(recvErrorPolicies, value.sendRecvError, "recv_error policy"),
    dropLocalBroadcast,
    dropMulticast,
    answerEcho,
    flowTimeouts: { tcpMs, udpMs, otherMs },
    flowLimit,
    recordFlows,
    relayPeerKilobytes,
    remoteAllowList: {
      everybody: (value.remoteAllowList?.rules ?? []).map(readAllowRule),
      ranges: (value.remoteAllowList?.ranges ?? []).map(({ overlay, rules }) => ({
        overlay: readPrefix(present(overlay, "an overlay range")),
        rules: rules.map(readAllowRule),
      })),
    },
    // Absent from a control plane that knows no other way.
    refuseNoRoute: value.refuseNoRoute === refusalActions.reject ? "reject" : "drop",
  };
}

function readAllowRule({ prefix, allowed }: pb.AllowRule): AllowRule {
  return { prefix: readPrefix(present(prefix, "a prefix")), allowed };
}

function readInstallation(value: pb.InstallSession): RequestOf<"install-session"> {
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
    path: value.path && readPath(value.path),
    peerAddresses: value.peerAddresses.map(readAddress),
    allowedPrefixes: value.allowedPrefixes.map(readPrefix),
    policyId: value.policyId as PolicyId,
    confirmed,
    primary,
    memo,
  };
}

function readPolicies(value: pb.ApplyPolicies): RequestOf<"apply-policies"> {
  const programs = value.programs.map(
    (program): IdentifiedProgram => ({ policyId: program.policyId as PolicyId, ...readProgram(program) }),
  );
  const bindings = value.bindings.map((binding) => ({
    localIndex: local(binding),
    policyId: binding.policyId as PolicyId,
  }));
  return { kind: "apply-policies", programs, bindings, raiseEpoch: value.raiseEpoch };
}

function readProgram(program: pb.PolicyProgram): PolicyProgram {
  return {
    inbound: program.inbound.map(readRule),
    outbound: program.outbound.map(readRule),
    refuse: {
      inbound: named(refusalActions, program.refuseInbound, "refusal action"),
      outbound: named(refusalActions, program.refuseOutbound, "refusal action"),
    },
  };
}

function readRule(rule: pb.PolicyRule): PolicyRule {
  return {
    ruleId: rule.ruleId,
    protocol: named(ruleProtocols, rule.protocol, "rule protocol"),
    portFirst: readPort(rule.portFirst),
    portLast: readPort(rule.portLast),
    remote: rule.remote.map(readPrefix),
    local: rule.local.map(readPrefix),
    ...(rule.icmpTypes.length > 0 && { icmpTypes: rule.icmpTypes }),
    ...(rule.fragment && { fragment: true }),
  };
}

function local({ localIndex }: { readonly localIndex: number }): LocalIndex {
  return localIndex as LocalIndex;
}
