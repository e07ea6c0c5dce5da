import type { Instant } from "../../base/time.ts";
import { DropReason } from "../../drop-reason.ts";
import type { Endpoint } from "../../netip/endpoint.ts";
import type { DataPlaneCounters, DataPlaneEvent } from "../contract.ts";
import { type DropContext, DropLedger } from "./drop-ledger.ts";
import type { FlowLog } from "./flow-log.ts";

/** What should leave the data plane, in the order in which it was caused. */
export type DataPlaneOutput =
  | { readonly to: "udp"; readonly endpoint: Endpoint; readonly datagram: Uint8Array }
  | { readonly to: "tun"; readonly packet: Uint8Array }
  | { readonly to: "control"; readonly event: DataPlaneEvent };

/** Everything that comes out of a data plane, drops included, with its counters. */
export class Outbox {
  readonly #drops = new DropLedger();
  /** What is counted where it happens. */
  readonly tally: Tally = newTally();
  #outputs: DataPlaneOutput[] = [];
  #polled = 0;
  readonly #flowLog: FlowLog;
  #datagrams = 0;
  #packets = 0;

  constructor(flowLog: FlowLog) {
    this.#flowLog = flowLog;
  }

  send(endpoint: Endpoint, datagram: Uint8Array): void {
    this.#datagrams++;
    this.#outputs.push({ to: "udp", endpoint, datagram });
  }

  write(packet: Uint8Array): void {
    this.#packets++;
    this.#outputs.push({ to: "tun", packet });
  }

  tell(event: DataPlaneEvent): void {
    this.#outputs.push({ to: "control", event });
  }

  /** One packet ends here. */
  drop(reason: DropReason, context: DropContext, now: Instant): void {
    if (!context.inbound && reason === DropReason.noMatchingRule) this.tally.outboundNoMatchingRule++;
    if (!context.inbound && reason === DropReason.localAddress) this.tally.outboundLocalAddress++;
    this.#flowLog.dropped(reason, context, now);
    const sample = this.#drops.record(reason, context, now);
    if (sample) this.tell({ kind: "drop-sample", ...sample });
  }

  /** Packets that went by themselves or for somebody else: counted, never sampled. */
  countDrops(reason: DropReason, packets: number): void {
    this.#drops.count(reason, packets);
  }

  /** Together with those of others. Written out: every host asks for them each second. */
  counters({ tunReadPackets, udpReceivedDatagrams, flows, parked }: CountersOfOthers): DataPlaneCounters {
    const { tally } = this;
    return {
      testRequestsAnswered: tally.testRequestsAnswered,
      recvErrorsSent: tally.recvErrorsSent,
      parkedReleased: tally.parkedReleased,
      packetsLost: tally.packetsLost,
      packetsDuplicate: tally.packetsDuplicate,
      outboundNoMatchingRule: tally.outboundNoMatchingRule,
      outboundLocalAddress: tally.outboundLocalAddress,
      keptAnswersGiven: tally.keptAnswersGiven,
      drops: this.#drops.totals(),
      udpSentDatagrams: BigInt(this.#datagrams),
      tunWrittenPackets: BigInt(this.#packets),
      tunReadPackets,
      udpReceivedDatagrams,
      flows,
      parked,
    };
  }

  /** The next output, or undefined when all have been taken. */
  poll(): DataPlaneOutput | undefined {
    const output = this.#outputs[this.#polled];
    if (output) {
      this.#polled++;
    } else if (this.#polled > 0) {
      this.#outputs = [];
      this.#polled = 0;
    }
    return output;
  }
}

type CountersOfOthers = Pick<DataPlaneCounters, "tunReadPackets" | "udpReceivedDatagrams" | "flows" | "parked">;

type Tally = {
  -readonly [Name in
    | "testRequestsAnswered"
    | "recvErrorsSent"
    | "parkedReleased"
    | "packetsLost"
    | "packetsDuplicate"
    | "outboundNoMatchingRule"
    | "outboundLocalAddress"
    | "keptAnswersGiven"]: DataPlaneCounters[Name];
};

function newTally(): Tally {
  return {
    testRequestsAnswered: 0n,
    recvErrorsSent: 0n,
    parkedReleased: 0n,
    packetsLost: 0n,
    packetsDuplicate: 0n,
    outboundNoMatchingRule: 0n,
    outboundLocalAddress: 0n,
    keptAnswersGiven: 0n,
  };
}
