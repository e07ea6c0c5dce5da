import type { Entropy } from "../base/entropy.ts";
import type { Clock, Instant } from "../base/time.ts";
import type { RevocationList } from "../cert/revocation-list.ts";
import { defaultLocalOf } from "../config/parse/rules/parse-firewall.ts";
import type { LiveSettings, Settings } from "../config/settings.ts";
import type { CryptoSuite } from "../crypto/suite.ts";
import type { RuleLists, Ruleset } from "../firewall/rule.ts";
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
  routes: RouteTable;
  allowedRemotes: AllowedRemotes;
  readonly crypto: CryptoSuite;
  readonly entropy: Entropy;
  readonly #handshakeTime = new HandshakeTime();
  /** As the configuration has them. */
  #configured: LiveSettings;
  #networkRules: RuleLists | undefined;
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

  /** Networks behind other hosts that the system's table knows of. */
  replaceLearned(routes: readonly LearnedRoute[]): void {
    this.#learnedRoutes = routes;
    this.routes = this.#hostRoutes();
  }

  #setRules(): void {
    const { identity, firewall } = this.#configured;
    // What lies behind this host takes rules that say so.
    const defaultLocal = defaultLocalOf(identity.credential, { any: false });
    this.#firewall = this.#networkRules ? { ...firewall, ...this.#networkRules, defaultLocal } : firewall;
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
