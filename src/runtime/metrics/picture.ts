import type { Settings } from "../../core/config/settings.ts";
import type { NodeStatus } from "../../core/io.ts";
import type { UsedRule } from "../../core/node/used-rules.ts";
import type { TrafficCounts } from "../../core/peer/traffic-counts.ts";
import type { DataPlaneDescription } from "../dataplane/data-plane.ts";
import type { SocketMemory } from "../platform/platform.ts";
import type { Happenings } from "./happenings.ts";
import type { MessageCounts } from "./message-counts.ts";
import type { ToldPeer } from "./peer-ledger.ts";

/** Everything that metrics are made of, at one moment. */
export interface Picture {
  readonly node: NodeStatus;
  readonly settings: Settings;
  readonly dataPlane: DataPlaneDescription;
  /** Peers that have metrics of their own. */
  readonly named: readonly ToldPeer[];
  /** What went to and from the others. */
  readonly others: TrafficCounts;
  readonly messages: MessageCounts;
  readonly happenings: Happenings;
  readonly rules: RulesInForce;
  readonly usedRules: readonly UsedRule[];
  /** Of each socket of the data plane, in the order of its queues. */
  readonly sockets: readonly SocketMemory[];
  /** Which kinds of message are told apart. */
  readonly tell: { readonly messages: boolean; readonly lighthouse: boolean };
  readonly version: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly now: number;
}

export interface RulesInForce {
  /** How often other rules came into force since the start. */
  readonly version: number;
  /** The same for the same rules. */
  readonly hash: number;
}
