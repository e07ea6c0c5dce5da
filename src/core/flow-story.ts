import type { CapturedPacket, Flow, FlowEnd, FlowRecord, RefusalAction } from "./dataplane/contract.ts";
import type { DropReason } from "./drop-reason.ts";
import type { FlowVerdictReason } from "./firewall/verdict-reason.ts";
import type { IpAddress } from "./netip/address.ts";
import type { Endpoint } from "./netip/endpoint.ts";
import type { Judgement } from "./wire/explanation.ts";

/** An inner packet and its verdict. */
export interface SeenPacket extends Omit<CapturedPacket, "localIndex"> {
  /** Through whose tunnel it went, or should have gone. */
  readonly peer: string | undefined;
}

/** A flow, or what became of it, as an operator reads it. */
export interface FlowStory extends Omit<Flow, "policyId" | "ruleId"> {
  /** "open": it goes on. */
  readonly happening: FlowRecord["happening"] | "open";
  readonly end: FlowEnd | undefined;
  /** Through whose tunnel. Without a name when that is gone; undefined when it met none. */
  readonly peer:
    | { readonly name: string | undefined; readonly address: IpAddress; readonly groups: readonly string[] }
    | undefined;
  /** The way of that tunnel now. */
  readonly path: { readonly endpoint: Endpoint | undefined; readonly relay: Named | undefined } | undefined;
  /** The rule that allowed it; undefined when the rules have changed since. */
  readonly rule: { readonly place: string; readonly text: string; readonly audit?: true } | undefined;
  readonly refusal:
    | {
        /** "peer": the host at the other end says that it refused it. */
        readonly by: "us" | "peer";
        readonly reason: FlowVerdictReason;
        readonly drop: DropReason;
        readonly action: RefusalAction;
        /** The rule that nearly allowed it. Of a flood not all are told. */
        readonly closest: Extract<Judgement, { allowed: false }>["closest"];
      }
    | undefined;
}

/** A host by its certificate. */
export interface Named {
  readonly name: string;
  readonly address: IpAddress;
}
