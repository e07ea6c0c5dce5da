import { Pace } from "../../base/pace.ts";
import { type Instant, later } from "../../base/time.ts";
import type { BulletinNotice } from "../../bulletin/notice.ts";
import type { Credential } from "../../cert/credential.ts";
import type { RuleLists } from "../../firewall/rule.ts";
import type { FlowStory } from "../../flow-story.ts";
import { decodePolicyBulletin, type PolicyStage } from "../../policy/body.ts";
import { compilePolicy } from "../../policy/compile.ts";
import type { HostFacts, PolicyBody } from "../../policy/policy.ts";
import type { Facts } from "../facts.ts";
import type { BulletinBecameEvent, CommonEvent, Emit, Machine } from "../machine.ts";
import type { NetworkPolicyStatus } from "./status.ts";

export type NetworkPolicyEvent =
  | CommonEvent
  /** These rules take the place of those of the configuration; undefined: no, those. */
  | { readonly kind: "network-rules"; readonly rules: RuleLists | undefined }
  | BulletinBecameEvent;

/** Clocks of honest hosts differ by so much at most. */
const CLOCK_SKEW_S = 300;

/** How often one audited service of one peer is told. */
const AUDITED = { burst: 1, intervalMs: 600_000 };
/** Peers and services of which it is known when they were told. */
const AUDITED_MAX = 1_024;

/** The policy that this host has been told of, and what it goes by. */
interface Told {
  readonly notice: BulletinNotice;
  readonly policy: PolicyBody | undefined;
  readonly stage: PolicyStage | undefined;
  /** When a stage that this host takes part in is over. */
  readonly endsAt: Instant | undefined;
  state: NetworkPolicyStatus["state"];
}

/**
 * The policy of the network, where the configuration goes by it (firewall.policy): what the authority has said becomes this host's own rules. A policy that only some hosts
 * are to try is tried for as long as it says; then, if nothing newer has come, there are the rules of before again, so that a policy which cuts off whoever made it
 * undoes itself.
 */
export class NetworkPolicy implements Machine {
  readonly waitsFor = "the end of a policy's stage";
  readonly #facts: Facts;
  readonly #emit: Emit<NetworkPolicyEvent>;
  readonly #audited = new Pace<string>(AUDITED, AUDITED_MAX);
  #told: Told | undefined;
  /** What this host goes by; undefined: its own rules. */
  #inForce: PolicyBody | undefined;
  #rules: RuleLists | undefined;
  /** Whether the node has been told whose rules count. */
  #isSet = false;
  /** The rules that it gave last are in force. */
  #stand = false;

  constructor(facts: Facts, emit: Emit<NetworkPolicyEvent>) {
    this.#facts = facts;
    this.#emit = emit;
  }

  /** What the authority says now. The same once more changes nothing. */
  told(notice: BulletinNotice | undefined): void {
    if (notice?.id === this.#told?.notice.id) return;
    this.#told = notice && { notice, policy: undefined, stage: undefined, endsAt: undefined, state: "off" };
    this.#goOn();
  }

  /** The configuration may go by the policy now, or no longer; and this host may be called otherwise, or be in other groups. */
  reload(): void {
    this.#goOn();
  }

  /** The rules that it gave are in force. */
  rulesStand(): void {
    this.#stand = true;
    const told = this.#told;
    if (told?.state !== "preparing") return;
    told.state = "applied";
    const { number, id } = told.notice;
    const { policy, stage } = told;
    this.#emit({ kind: "bulletin-became", id, state: "applied" });
    const rules = (this.#rules?.inbound.length ?? 0) + (this.#rules?.outbound.length ?? 0);
    const event = { code: "policy-applied", number, mode: policy?.mode, rules, forSeconds: stage?.seconds } as const;
    this.#emit({ kind: "tell", event });
  }

  /** A flow that only an audited rule lets through is told, once in a while for each peer and service. */
  heardOf({ happening, direction, protocol, localPort, remotePort, peer, remoteAddress, rule }: FlowStory): void {
    if (happening !== "begun" || !rule?.audit) return;
    const name = peer?.name ?? remoteAddress;
    const destinationPort = direction === "inbound" ? localPort : remotePort;
    if (!this.#audited.take(`${direction} ${name} ${protocol} ${destinationPort}`, this.#facts.now)) return;
    const event = {
      code: "policy-would-refuse",
      name,
      direction,
      protocol,
      destinationPort,
      rule: rule.place,
    } as const;
    this.#emit({ kind: "tell", event });
  }

  nextAt(): Instant | undefined {
    const told = this.#told;
    return told?.state === "applied" || told?.state === "preparing" ? told.endsAt : undefined;
  }

  tick(): void {
    const told = this.#told;
    const endsAt = this.nextAt();
    if (!told || endsAt === undefined || this.#facts.now < endsAt) return;
    told.state = "reverted";
    this.#emit({ kind: "bulletin-became", id: told.notice.id, state: "refused" });
    this.#emit({ kind: "tell", event: { code: "policy-reverted", number: told.notice.number } });
    this.#use(told.stage?.before);
  }

  status(): NetworkPolicyStatus | undefined {
    const told = this.#told;
    if (!told) return undefined;
    const { notice, endsAt, state } = told;
    return {
      number: notice.number,
      state,
      mode: this.#inForce?.mode,
      place: this.#inForce?.place,
      endsInMs: endsAt !== undefined && this.nextAt() !== undefined ? Math.max(0, endsAt - this.#facts.now) : undefined,
    };
  }

  #read(notice: BulletinNotice): Told {
    const { body, number, issuedAt } = notice;
    const decoded = decodePolicyBulletin(body);
    if (!decoded.ok) {
      this.#emit({ kind: "bulletin-became", id: notice.id, state: "refused" });
      this.#emit({ kind: "tell", event: { code: "policy-refused", number, why: decoded.reason } });
      return { notice, policy: this.#inForce, stage: undefined, endsAt: undefined, state: "refused" };
    }
    const { policy, stage } = decoded.value;
    if (!stage) return { notice, policy, stage, endsAt: undefined, state: "preparing" };
    const { clock, now, settings } = this.#facts;
    const { name } = settings.live.identity.credential;
    const age = Number(clock.wall / 1_000_000_000n) - issuedAt;
    // A restart does not begin a stage again that was over long before.
    if (age > stage.seconds + (stage.ahead ?? 0) + CLOCK_SKEW_S)
      return { notice, policy, stage, endsAt: undefined, state: "reverted" };
    const isMeant = stage.hosts === undefined || stage.hosts.includes(name);
    if (!isMeant) return { notice, policy, stage, endsAt: undefined, state: "waiting" };
    return { notice, policy, stage, endsAt: later(now, stage.seconds * 1_000), state: "preparing" };
  }

  /** Goes by what was told, as far as the configuration and the stage say. */
  #goOn(): void {
    const told = this.#told;
    if (!told || !this.#facts.settings.live.goesByPolicy) {
      if (told) told.state = "off";
      this.#withdraw();
      return;
    }
    const read = told.state === "off" ? this.#read(told.notice) : told;
    this.#told = read;
    this.#use(read.state === "waiting" || read.state === "reverted" ? read.stage?.before : read.policy);
  }

  #use(policy: PolicyBody | undefined): void {
    const { credential } = this.#facts.settings.live.identity;
    const rules = policy && compilePolicy(policy, hostOf(credential));
    this.#inForce = policy;
    // Rules that are the same cost nobody another look at his flows.
    if (this.#isSet && JSON.stringify(rules) === JSON.stringify(this.#rules)) {
      if (this.#stand) this.rulesStand();
      return;
    }
    this.#stand = false;
    this.#isSet = true;
    this.#rules = rules;
    this.#emit({ kind: "network-rules", rules });
  }

  #withdraw(): void {
    this.#inForce = undefined;
    if (!this.#isSet) return;
    this.#isSet = false;
    this.#rules = undefined;
    this.#emit({ kind: "network-rules", rules: undefined });
  }
}

function hostOf({ name, addresses, unsafeNetworks, certificates }: Credential): HostFacts {
  return { name, groups: (certificates[2] ?? certificates[1])?.groups ?? [], addresses, behind: unsafeNetworks };
}
