import type { Entropy } from "../base/entropy.ts";
import type { Clock, Instant } from "../base/time.ts";
import type { Credential } from "../cert/credential.ts";
import { debugGroupOf } from "../cert/debug-group.ts";
import type { RevocationList } from "../cert/revocation-list.ts";
import { defaultLocalOf } from "../config/parse/rules/parse-firewall.ts";
import type { LiveSettings, Settings } from "../config/settings.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import type { Rule, RuleLists, Ruleset } from "../firewall/rule.ts";
import { HandshakeTime } from "../handshake/handshake-time.ts";
import type { HandshakeContext } from "../handshake/initiation.ts";
import type { Facts } from "../machine/facts.ts";
import type { IpAddress } from "../netip/address.ts";
import { AllowedRemotes } from "../netip/allow-list.ts";
import type { Prefix } from "../netip/prefix.ts";
import { hostRoutes } from "../route/host-routes.ts";
import type { UnsafeRoute } from "../route/route.ts";
import type { RouteTable } from "../route/route-table.ts";

export type LearnedRoute = Pick<UnsafeRoute, "prefix" | "gateways">;

/** The facts in the hands of the node, which notes them from its inputs. */
export class NodeFacts implements Facts {
  settings: Settings;
  clock: Clock;
  udpPort: number | undefined;
  keepsMemos = true;
  behindMs = 0;
  routes: RouteTable;
  allowedRemotes: AllowedRemotes;
  readonly crypto: CryptoSuite;
  readonly entropy: Entropy;
  readonly #handshakeTime = new HandshakeTime();
  /** As the configuration has them. */
  #configured: LiveSettings;
  #networkRules: RuleLists | undefined;
  #guestRules: readonly Rule[] = [];
  #firewall: Ruleset;
  #learnedRoutes: readonly LearnedRoute[] = [];
  #revocations: readonly RevocationList[] = [];
  #lighthouses: readonly IpAddress[];

  constructor(
    settings: Settings,
    env: { readonly crypto: CryptoSuite; readonly entropy: Entropy; readonly clock: Clock },
  ) {
    this.settings = settings;
    this.#configured = settings.live;
    this.#firewall = settings.live.firewall;
    this.clock = env.clock;
    this.#lighthouses = this.#otherLighthouses();
    this.routes = this.#hostRoutes();
    this.allowedRemotes = new AllowedRemotes(settings.live.lighthouse.remoteAllowList);
    this.crypto = env.crypto;
    this.entropy = env.entropy;
    if (isGuest(settings.live.identity.credential)) this.#setRules();
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

  nextHandshakeTime(): bigint {
    return this.#handshakeTime.next(this.clock.wall);
  }

  get lighthouses(): readonly IpAddress[] {
    return this.#lighthouses;
  }

  isLighthouse(address: IpAddress): boolean {
    return this.settings.live.lighthouse.hosts.includes(address);
  }

  replaceLive(live: LiveSettings): void {
    this.#configured = live;
    this.#setRules();
    this.#lighthouses = this.#otherLighthouses();
    this.routes = this.#hostRoutes();
    this.allowedRemotes = new AllowedRemotes(live.lighthouse.remoteAllowList);
  }

  /** What authorities have taken back, beside what the configuration blocks. */
  replaceRevocations(lists: readonly RevocationList[]): void {
    this.#revocations = lists;
    this.#settle();
  }

  /** Rules of the network's policy, in place of the configuration's; undefined: those. */
  replaceRules(rules: RuleLists | undefined): void {
    this.#networkRules = rules;
    this.#setRules();
  }

  /** What guests may do here, behind all other rules. Whether that changes anything. */
  replaceGuestRules(rules: readonly Rule[]): boolean {
    if (JSON.stringify(rules) === JSON.stringify(this.#guestRules)) return false;
    this.#guestRules = rules;
    this.#setRules();
    return true;
  }

  /** Networks behind other hosts that the system's table knows of. */
  replaceLearned(routes: readonly LearnedRoute[]): void {
    this.#learnedRoutes = routes;
    this.routes = this.#hostRoutes();
  }

  #setRules(): void {
    const { identity, firewall } = this.#configured;
    // What lies behind this host takes rules that say so.
    const defaultLocal = defaultLocalOf(identity.credential, { any: false });
    const rules = this.#networkRules ? { ...firewall, ...this.#networkRules, defaultLocal } : firewall;
    this.#firewall = isGuest(identity.credential)
      ? { ...firewall, inbound: [] }
      : { ...rules, inbound: behind(rules.inbound, this.#guestRules) };
    this.#settle();
  }

  /** What the authorities say, put into what the configuration says. */
  #settle(): void {
    const { identity } = this.#configured;
    const live = {
      ...this.#configured,
      identity: { ...identity, pool: identity.pool.with(this.#revocations) },
      firewall: this.#firewall,
    };
    this.settings = { boot: this.settings.boot, live };
  }

  #otherLighthouses(): readonly IpAddress[] {
    return this.settings.live.lighthouse.hosts.filter((host) => !this.ownAddresses.includes(host));
  }

  #hostRoutes(): RouteTable {
    const { identity, tun } = this.settings.live;
    const { networks, unsafeNetworks } = identity.credential;
    return hostRoutes({ networks, unsafeNetworks, unsafeRoutes: tun.unsafeRoutes, learned: this.#learnedRoutes });
  }
}

/** A host that was let in to debug something calls, and is not called, whatever rules it is given. */
function isGuest({ certificates }: Credential): boolean {
  return Object.values(certificates).some((certificate) => debugGroupOf(certificate?.groups ?? []) !== undefined);
}

/** Numbered on. */
function behind(rules: readonly Rule[], more: readonly Rule[]): readonly Rule[] {
  return more.length === 0 ? rules : [...rules, ...more.map((rule, i) => ({ ...rule, ruleId: rules.length + i }))];
}
