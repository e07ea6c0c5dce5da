import { equalBytes } from "../../../core/base/bytes.ts";
import type { DataPlaneEvent, Flow, FlowEnd, FlowRecord, PolicyId } from "../../../core/dataplane/contract.ts";
import { addressFromBytes, type IpAddress } from "../../../core/netip/address.ts";
import { PORT_MAX } from "../../../core/netip/service.ts";
import { ProtobufReader } from "../../../core/wire/protobuf.ts";
import * as pb from "./generated/dataplane_pb.ts";
import { direction, present, readAction, readAddress, readOptionalAddress, readPort, readReason } from "./values.ts";

export function readFlow(flow: pb.Flow): Flow {
  const { protocol, ruleId, sentPackets, sentBytes, receivedPackets, receivedBytes } = flow;
  return {
    localAddress: readAddress(flow.localAddress),
    remoteAddress: readAddress(flow.remoteAddress),
    localPort: readPort(flow.localPort),
    remotePort: readPort(flow.remotePort),
    protocol,
    direction: direction(flow.inbound),
    policyId: flow.policyId as PolicyId,
    ruleId,
    ageMs: Number(flow.ageMs),
    idleMs: Number(flow.idleMs),
    sentPackets,
    sentBytes,
    receivedPackets,
    receivedBytes,
  };
}

export function readFlowRecord({ happening, flow, peer, reason, action }: pb.FlowRecord): FlowRecord | undefined {
  return recordOf(readFlow(present(flow, "a flow")), readOptionalAddress(peer), { happening, reason, action });
}

type Happened = Pick<pb.FlowRecord, "happening" | "reason" | "action">;

/** Nothing of what is not known here. */
function recordOf(flow: Flow, peer: IpAddress | undefined, happened: Happened): FlowRecord | undefined {
  const { happening, reason, action } = happened;
  switch (happening) {
    case pb.FlowHappening.BEGUN:
      return { happening: "begun", flow, peer };
    case pb.FlowHappening.ENDED:
      return { happening: "ended", end: flowEnds.find((end) => end === reason) ?? "expired", flow, peer };
    case pb.FlowHappening.REFUSED:
      return { happening: "refused", reason: readReason(reason), action: readAction(action), flow, peer };
    default:
      return undefined;
  }
}

const flowEnds: readonly FlowEnd[] = ["closed", "expired", "evicted"];

/**
 * Reads what became of flows, of which there are thousands a second, without a message in between, which takes several times as long. Undefined for
 * everything else, and for what is written in another way than data planes of this contract do.
 */
export function readFrequentFlowRecords(
  message: Uint8Array,
): Extract<DataPlaneEvent, { kind: "flow-records" }> | undefined {
  const reader = new ProtobufReader(message);
  const isEvent = reader.next() && (reader.field as number) === EVENT_FIELD;
  if (!isEvent) return undefined;
  const outer = reader.enter();
  const records: FlowRecord[] = [];
  let untold = 0;
  while (reader.next()) {
    if (reader.field === 2) untold = Number(reader.uint64());
    else if (reader.field !== 1 || !addRecord(reader, records)) return undefined;
  }
  reader.leave(outer);
  return reader.next() || reader.failed ? undefined : { kind: "flow-records", records, untold };
}

/** Of FromDataPlane. */
const EVENT_FIELD = 17;

/** Whether it could be read. */
function addRecord(reader: ProtobufReader, records: FlowRecord[]): boolean {
  const outer = reader.enter();
  let happening: pb.FlowHappening = 0;
  let reason = "";
  let action: pb.RefusalAction = 0;
  let flow: Flow | undefined;
  let peer: IpAddress | undefined;
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) happening = reader.uint32() as pb.FlowHappening;
    else if (field === 2 && !flow) flow = readDirectly(reader);
    else if (field === 3 && !peer) peer = PEER.read(reader);
    else if (field === 4) reason = reader.text();
    else if (field === 5) action = reader.uint32() as pb.RefusalAction;
    else return false;
  }
  reader.leave(outer);
  if (!flow || reader.failed) return false;
  const record = recordOf(flow, peer, { happening, reason, action });
  if (record) records.push(record);
  return true;
}

/** In few and short steps: they are compiled sooner, and what they are compiled to is short. */
function readDirectly(reader: ProtobufReader): Flow | undefined {
  const outer = reader.enter();
  let localAddress: IpAddress | undefined;
  let remoteAddress: IpAddress | undefined;
  small.fill(0);
  large.fill(0n);
  while (reader.next()) {
    const { field } = reader;
    if (field === 1) localAddress = LOCAL.read(reader);
    else if (field === 2) remoteAddress = REMOTE.read(reader);
    else if (field < AGE_FIELD) small[field] = reader.uint32();
    else if (field <= RECEIVED_BYTES_FIELD) large[field] = reader.uint64();
    else return undefined;
  }
  reader.leave(outer);
  const [, , , localPort = 0, remotePort = 0, protocol = 0, inbound = 0, policyId = 0, ruleId = 0] = small;
  if (!localAddress || !remoteAddress || localPort > PORT_MAX || remotePort > PORT_MAX) return undefined;
  return {
    localAddress,
    remoteAddress,
    localPort,
    remotePort,
    protocol,
    direction: direction(inbound !== 0),
    policyId: policyId as PolicyId,
    ruleId,
    ageMs: Number(large[AGE_FIELD]),
    idleMs: Number(large[10]),
    sentPackets: large[11] ?? 0n,
    sentBytes: large[12] ?? 0n,
    receivedPackets: large[13] ?? 0n,
    receivedBytes: large[RECEIVED_BYTES_FIELD] ?? 0n,
  };
}

const AGE_FIELD = 9;
const RECEIVED_BYTES_FIELD = 14;
/** Of the flow that is read, by field: numbers of 32 bits, and of 64. */
const small: number[] = new Array<number>(AGE_FIELD).fill(0);
const large: bigint[] = new Array<bigint>(RECEIVED_BYTES_FIELD + 1).fill(0n);

/** An address that is mostly the same as the last time. */
class UsualAddress {
  #bytes: Uint8Array = new Uint8Array();
  #address: IpAddress | undefined;

  /** Undefined: it is none. */
  read(reader: ProtobufReader): IpAddress | undefined {
    const bytes = reader.bytes();
    if (!equalBytes(bytes, this.#bytes)) {
      this.#bytes = bytes.slice();
      this.#address = addressFromBytes(bytes);
    }
    return this.#address;
  }
}

const LOCAL = new UsualAddress();
const REMOTE = new UsualAddress();
const PEER = new UsualAddress();
