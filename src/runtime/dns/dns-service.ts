import { Pace } from "../../core/base/pace.ts";
import type { Instant } from "../../core/base/time.ts";
import { hasSystemDevice, type Settings } from "../../core/config/settings.ts";
import { familyOf, type IpAddress } from "../../core/netip/address.ts";
import { HOST, keyOf } from "../../core/netip/division.ts";
import { endpoint } from "../../core/netip/endpoint.ts";
import { isUnspecified } from "../../core/netip/special.ts";
import type { NamedHost } from "../../core/node/directory.ts";
import type { OperatorEvent } from "../../core/operator/event.ts";
import { firstAddress } from "../listen-address.ts";
import { thisPlatform } from "../platform/this-platform.ts";
import type { Health, Service } from "../service.ts";
import { answerTo } from "./answer.ts";
import { LighthouseNames } from "./ask-lighthouses.ts";
import { type Answering, Listener, type Place } from "./listener.ts";
import { NameIndex } from "./name-index.ts";
import { Rcode, type Response } from "./wire.ts";

export interface DnsOptions {
  /** As they are now: a reload may change them. */
  readonly settings: () => Settings;
  /** Everybody with a name, this host first. */
  readonly directory: () => readonly NamedHost[];
  /** Overlay addresses of a host that this one has no tunnel with; none: nobody who was asked inside the tunnel knows it. */
  readonly find: (name: string) => Promise<readonly IpAddress[]>;
  readonly now: () => Instant;
  readonly tell: (event: OperatorEvent) => void;
  /** How often it is tried again to listen where it failed. */
  readonly retryMs?: number;
}

/** Queries from one host (reliability R47), in a burst of a second's worth. */
const QUERIES = { burst: 50, intervalMs: 20 } as const;
/** Hosts whose queries are counted. Whoever is forgotten starts anew. */
const ASKERS_MAX = 4_096;
/** For so long a list of names is good. A new one costs a look at every tunnel. */
const NAMES_MS = 1_000;
/** A port that is taken may be given up, and a device may come back. */
const RETRY_MS = 5_000;
/** Names in one note of the health. */
const SHOWN_MAX = 3;

/** That of a family that the system does not have is no loss. */
const LOOPBACK = ["127.0.0.1" as IpAddress, "::1" as IpAddress];

/** That of every resolver; it cannot be told another. */
const NAMES_PORT = 53;

/**
 * Answers DNS queries for names of the overlay: those of everybody, on a lighthouse (`lighthouse.serve_dns`), and those of this host's own programs below `dns.domain`. Nothing that goes wrong
 * here ends the host.
 */
export class DnsService implements Service {
  readonly name: string = "dns";
  readonly #options: DnsOptions;
  readonly #lighthouses = new LighthouseNames();
  readonly #pace = new Pace<string>(QUERIES, ASKERS_MAX);
  #listeners: readonly Listener[] = [];
  #unresolved: string | undefined;
  #names: { readonly index: NameIndex; readonly until: Instant } | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** What is listened at; one that was asked for later wins. */
  #wanted = "";
  #told = "";

  constructor(options: DnsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    await this.#arrange();
  }

  reload(): void {
    void this.#arrange();
  }

  async stop(): Promise<void> {
    this.#wanted = "stopped";
    await this.#close();
  }

  health(): readonly Health[] {
    if (!this.#isServing && !this.#hasDomain) return [];
    return [...this.#troubles(), ...(this.#isServing ? this.#doubts() : [])];
  }

  get #hasDomain(): boolean {
    const { names, tun } = this.#options.settings().boot;
    return names.domain !== undefined && hasSystemDevice(tun);
  }

  get #isServing(): boolean {
    const { boot, live } = this.#options.settings();
    return boot.lighthouse.amLighthouse && live.lighthouse.dns.serve;
  }

  /** Whether this host's own programs are answered at one of its addresses. */
  answersAt(address: IpAddress): boolean {
    return this.#listeners.some(
      ({ place, isOpen }) =>
        isOpen && place.port === NAMES_PORT && (place.address === address || isUnspecified(place.address)),
    );
  }

  /** Listens where the settings want it, and nowhere else. */
  async #arrange(): Promise<void> {
    const { live, boot } = this.#options.settings();
    const { addresses } = live.identity.credential;
    const serving = this.#isServing ? [live.lighthouse.dns] : [];
    const listens = serving.length > 0 || this.#hasDomain;
    const wanted = listens ? JSON.stringify([serving, boot.names, hasSystemDevice(boot.tun), addresses]) : "";
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    await this.#close();
    if (wanted === "") return;
    const places = await this.#places();
    // Another reload may have come meanwhile.
    if (this.#wanted !== wanted) return;
    this.#listeners = places.map((place) => new Listener(place, (datagram, from) => this.#answer(datagram, from)));
    await this.#open();
    if (this.#wanted === wanted) this.#retry = setInterval(() => void this.#again(), this.#options.retryMs ?? RETRY_MS);
  }

  async #places(): Promise<readonly Place[]> {
    this.#unresolved = undefined;
    const { addresses } = this.#options.settings().live.identity.credential;
    const own = this.#hasDomain ? addresses.map((address) => ({ address, port: NAMES_PORT })) : [];
    const served = this.#isServing ? await this.#servedPlaces() : [];
    const isServed = (place: Place): boolean =>
      served.some(({ address, port }) => port === place.port && (address === place.address || isUnspecified(address)));
    return [...served, ...own.filter((place) => !isServed(place))];
  }

  async #servedPlaces(): Promise<readonly Place[]> {
    const { boot, live } = this.#options.settings();
    const { host, port } = live.lighthouse.dns;
    if (host === undefined) {
      const own = !hasSystemDevice(boot.tun) ? [] : live.identity.credential.addresses;
      return [...own, ...LOOPBACK].map((address) => ({ address, port }));
    }
    if (typeof host === "string") return [{ address: host, port }];
    try {
      return [{ address: await firstAddress(host.name), port }];
    } catch {
      this.#unresolved = host.name;
      return [];
    }
  }

  async #again(): Promise<void> {
    if (this.#unresolved !== undefined) {
      this.#wanted = "";
      await this.#arrange();
    } else {
      await this.#open();
    }
  }

  async #open(): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.open()));
    const listening = this.#listeners.filter(({ trouble }) => trouble === undefined).map(({ place }) => textOf(place));
    const failed = this.#troubles().map(({ text }) => text);
    const news = JSON.stringify([listening, failed]);
    if (news === this.#told) return;
    this.#told = news;
    if (listening.length > 0) this.#options.tell({ code: "dns-listening", places: listening });
    for (const why of failed) this.#options.tell({ code: "dns-not-listening", why });
  }

  async #close(): Promise<void> {
    clearInterval(this.#retry);
    this.#told = "";
    const listeners = this.#listeners;
    this.#listeners = [];
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  #answer(datagram: Uint8Array, from: IpAddress): ReturnType<Answering> {
    const now = this.#options.now();
    if (!this.#pace.take(keyOf(HOST, from), now)) return undefined;
    const { boot, live } = this.#options.settings();
    const { addresses, networks } = live.identity.credential;
    const { domain } = boot.names;
    const own = { addresses, networks };
    const answer = answerTo(datagram, { from, names: this.#index(now), own, serves: this.#isServing, domain });
    if (answer === undefined || answer instanceof Uint8Array) return answer;
    const lighthouses = boot.lighthouse.amLighthouse ? [] : live.lighthouse.hosts;
    const byDns = this.#lighthouses.ask(answer, lighthouses, networks);
    const byTunnel = this.#options.find(answer.name).then((found) => responseOf(found, answer.type));
    // Whoever knows the name first is believed: lighthouses of ours are asked inside the tunnel, others serve DNS or do not know it.
    return Promise.any([byDns, byTunnel].map((response) => response.then(known)))
      .catch(() => byDns)
      .then(answer.respond);
  }

  #index(now: Instant): NameIndex {
    if (!this.#names || now >= this.#names.until) {
      const index = new NameIndex(this.#options.directory());
      this.#names = { index, until: (now + NAMES_MS) as Instant };
    }
    return this.#names.index;
  }

  #troubles(): readonly Health[] {
    const severity = "warning" as const;
    const unresolved = this.#unresolved;
    if (unresolved !== undefined) {
      const text = `DNS queries are answered nowhere: lighthouse.dns.host ${unresolved} does not resolve`;
      return [
        { code: "dns-not-listening", severity, text, todo: "write an address of this host, or correct the name" },
      ];
    }
    return this.#listeners.flatMap(({ place, trouble }) => {
      if (trouble === undefined || (place.address === "::1" && this.#isOptional())) return [];
      const { why, todo } = explain(trouble, place, this.#isOwn(place) ? "dns.domain" : "lighthouse.dns");
      return [
        { code: "dns-not-listening", severity, text: `DNS queries at ${textOf(place)} are not answered: ${why}`, todo },
      ];
    });
  }

  /** Whether it is for this host's own programs. */
  #isOwn({ address, port }: Place): boolean {
    const { boot, live } = this.#options.settings();
    const { host } = live.lighthouse.dns;
    const isServed = this.#isServing && (host === undefined || host === address) && port === live.lighthouse.dns.port;
    return !isServed && boot.names.domain !== undefined;
  }

  #isOptional(): boolean {
    return this.#options.settings().live.lighthouse.dns.host === undefined;
  }

  #doubts(): readonly Health[] {
    const { shadowed, unpublished } = this.#index(this.#options.now());
    const severity = "note" as const;
    const notes: Health[] = [];
    if (shadowed.length > 0) {
      const shown = shadowed.slice(0, SHOWN_MAX).map(({ name, owner }) => `${owner} (${name})`);
      const text = `${shadowed.length} hosts have a name that another one has, and DNS gives it to that one: ${shown.join(", ")}`;
      notes.push({ code: "dns-name-twice", severity, text, todo: "issue certificates with names of their own" });
    }
    if (unpublished > 0) {
      const text = `${unpublished} hosts have a name that is none in DNS, and are not found by it`;
      notes.push({
        code: "dns-name-unfit",
        severity,
        text,
        todo: "use letters, digits, hyphens and dots, 63 to a label",
      });
    }
    return notes;
  }
}

function textOf({ address, port }: Place): string {
  return endpoint(address, port);
}

function explain(
  code: string,
  { address, port }: Place,
  key: "dns.domain" | "lighthouse.dns",
): { readonly why: string; readonly todo: string } {
  const isServed = key === "lighthouse.dns";
  switch (code) {
    case "EADDRINUSE":
      return { why: "another program listens there", todo: thisPlatform().advice.freePort(port, key) };
    case "EADDRNOTAVAIL":
      return {
        why: `${address} is no address of this host now`,
        todo: isServed ? "correct lighthouse.dns.host" : "it is tried again by itself once the device has it",
      };
    case "EACCES":
      return {
        why: "this user may not use the port",
        todo: `give the service CAP_NET_BIND_SERVICE, or ${isServed ? "choose a lighthouse.dns.port above 1023" : "remove dns.domain"}`,
      };
    default:
      return { why: code, todo: `correct ${key}` };
  }
}

function responseOf(found: readonly IpAddress[], type: "A" | "AAAA"): Response {
  if (found.length === 0) return { rcode: Rcode.nxDomain };
  const address = found.find((one) => familyOf(one) === (type === "A" ? 4 : 6));
  return { rcode: Rcode.noError, ...(address !== undefined && { data: { type, address } }) };
}

function known(response: Response): Response | Promise<never> {
  return response.rcode === Rcode.noError ? response : Promise.reject(response);
}
