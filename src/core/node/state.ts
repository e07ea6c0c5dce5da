import type { Entropy } from "../base/entropy.ts";
import { LruMap } from "../base/lru.ts";
import type { Clock, Instant } from "../base/time.ts";
import type { Settings } from "../config/settings.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import type { DataPlaneCounters } from "../dataplane/contract.ts";
import { Announcer } from "../discovery/announcer.ts";
import { Candidates } from "../discovery/candidates.ts";
import type { LighthouseService } from "../discovery/service.ts";
import { StaticHosts } from "../discovery/static-hosts.ts";
import { HandshakeTime } from "../handshake/handshake-time.ts";
import type { HandshakeContext } from "../handshake/initiation.ts";
import { PendingHandshakes } from "../handshake/pending.ts";
import type { IpAddress } from "../netip/address.ts";
import type { Prefix } from "../netip/prefix.ts";
import { Punches } from "../punch/punches.ts";
import { TunnelTable } from "../tunnel/tunnel-table.ts";
import { UnconfirmedSessions } from "../tunnel/unconfirmed.ts";
import { Outbox } from "./outbox.ts";
import type { Parcel } from "./parcel.ts";

/** What a node is given at its start. */
export interface NodeEnvironment {
  readonly crypto: CryptoSuite;
  readonly entropy: Entropy;
  readonly clock: Clock;
  /** Answers for others; present when the configuration says `am_lighthouse`. */
  readonly lighthouse?: LighthouseService;
}

/** Why we could not reach a host the last time we tried. */
export interface CallFailure {
  readonly reason: "no-endpoint-known" | "handshake-timeout" | "handshake-refused";
  readonly text: string;
  readonly at: Instant;
}

/** Failures that `lacis status` can still tell about. */
const FAILURES_MAX = 256;

/** Everything a node knows, in the hands of its state machines. The parts of a node read it and change it; it does nothing itself. */
export class NodeState {
  settings: Settings;
  /** Of the input in hand. */
  clock: Clock;
  readonly crypto: CryptoSuite;
  readonly entropy: Entropy;
  readonly lighthouse: LighthouseService | undefined;
  /** The port our socket is bound to; undefined while there is no data plane. */
  udpPort: number | undefined;
  /** Underlay addresses of this machine, best first. */
  localAddresses: readonly IpAddress[] = [];
  counters: DataPlaneCounters | undefined;
  readonly out: Outbox = new Outbox();
  readonly tunnels: TunnelTable = new TunnelTable();
  readonly unconfirmed: UnconfirmedSessions = new UnconfirmedSessions();
  readonly pending: PendingHandshakes<Parcel> = new PendingHandshakes();
  readonly candidates: Candidates;
  readonly statics: StaticHosts;
  readonly announcer: Announcer;
  readonly punches: Punches = new Punches();
  readonly handshakeTime: HandshakeTime = new HandshakeTime();
  readonly failures: LruMap<IpAddress, CallFailure> = new LruMap(FAILURES_MAX);

  constructor(settings: Settings, env: NodeEnvironment) {
    this.settings = settings;
    this.clock = env.clock;
    this.crypto = env.crypto;
    this.entropy = env.entropy;
    this.lighthouse = env.lighthouse;
    this.candidates = new Candidates(settings.live.identity.credential.networks);
    this.statics = new StaticHosts({ ...settings.live, advertise: settings.live.lighthouse.advertise }, env.clock.now);
    this.announcer = new Announcer(settings.live.lighthouse.intervalMs);
  }

  get now(): Instant {
    return this.clock.now;
  }

  get ownNetworks(): readonly Prefix[] {
    return this.settings.live.identity.credential.networks;
  }

  get ownAddresses(): readonly IpAddress[] {
    return this.settings.live.identity.credential.addresses;
  }

  get handshakeContext(): HandshakeContext {
    const { boot, live } = this.settings;
    return { crypto: this.crypto, entropy: this.entropy, identity: live.identity, cipher: boot.cipher };
  }

  isLighthouse(address: IpAddress): boolean {
    return this.settings.live.lighthouse.hosts.includes(address);
  }
}
