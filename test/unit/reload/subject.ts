import { wallTime } from "../../../src/core/base/time.ts";
import type { CertificateVersion } from "../../../src/core/cert/certificate.ts";
import { Banner, encodePem } from "../../../src/core/cert/pem.ts";
import { formatConfigError } from "../../../src/core/config/document/config-error.ts";
import { Findings } from "../../../src/core/config/document/findings.ts";
import { mergeFiles } from "../../../src/core/config/document/merge.ts";
import { parseSettings } from "../../../src/core/config/parse/parse-settings.ts";
import type { PemTexts } from "../../../src/core/config/parse/pem-reference.ts";
import { planReload, type Reloadable, type ReloadPlan } from "../../../src/core/config/reload-plan.ts";
import type {
  ConsoleSettings,
  LoggingSettings,
  Settings,
  StatsSettings,
  TelemetrySettings,
} from "../../../src/core/config/settings.ts";
import { parseYaml } from "../../../src/runtime/config/config-yaml.ts";
import { Log } from "../../../src/runtime/log/log.ts";
import { nodeSuite } from "../../../src/runtime/node-crypto.ts";
import type { Service } from "../../../src/runtime/service.ts";
import { TestAuthority, WORLD_BEGINS } from "../fixtures/authority.ts";
import { type Host, Mesh } from "../fixtures/mesh.ts";
import { type HostPlan, identityOf } from "../fixtures/settings.ts";
import { openSshKey } from "../runtime/console/ssh-identities.ts";

/** A configuration as it lies on disk. */
export interface Files {
  readonly text: string;
  readonly pems: PemTexts;
}

export const authority: TestAuthority = new TestAuthority(nodeSuite, 7);
export const stranger: TestAuthority = new TestAuthority(nodeSuite, 8, "another ca");

/** Where everybody is: the subject, which is the host whose configuration changes, and those around it. */
export const AT = {
  lighthouse: "192.0.2.1:4242",
  subject: "192.0.2.2",
  peer: "192.0.2.3:4242",
  second: "192.0.2.5:4242",
  foreign: "192.0.2.6:4242",
  brief: "192.0.2.7:4242",
  far: "192.0.2.8:4242",
} as const;

const CONSOLE_HOST_KEY = openSshKey().private;

/** A host's certificates and key, with the CAs that it trusts. */
export function pems(
  options: {
    readonly keySeed?: number;
    readonly days?: bigint;
    readonly trusted?: readonly TestAuthority[];
    readonly behind?: readonly string[];
  } = {},
): PemTexts {
  const secret = new Uint8Array(32).fill(options.keySeed ?? 2);
  const { publicKey } = nodeSuite.agreement("CURVE25519")!.load(secret)!;
  const notAfter = WORLD_BEGINS + (options.days ?? 100n) * 86_400n;
  const certificate = (version: CertificateVersion): string => {
    const { behind: unsafeNetworks = [] } = options;
    const request = { name: "subject", networks: ["10.77.0.2/24"], unsafeNetworks, publicKey, notAfter };
    const { encoded } = authority.issue(version, request);
    return encodePem(version === 1 ? Banner.certificateV1 : Banner.certificateV2, encoded);
  };
  const trusted = options.trusted ?? [authority];
  return {
    "pki.ca": trusted.map((ca) => encodePem(Banner.certificateV2, ca.certificate.encoded)).join(""),
    "pki.cert": certificate(1) + certificate(2),
    "pki.key": encodePem(Banner.x25519PrivateKey, secret),
    "sshd.host_key": CONSOLE_HOST_KEY,
  };
}

/** Somebody whose certificate expires within the hour. */
export const BRIEF: HostPlan = {
  name: "brief",
  networks: ["10.77.0.7/24"],
  keySeed: 77,
  notAfter: WORLD_BEGINS + 3_600n,
};

export function fingerprintOf(plan: HostPlan): string {
  return identityOf(nodeSuite, plan, authority, plan.keySeed ?? 1).credential.certificates[1]?.fingerprint ?? "";
}

/** A running host with a real node, made from configuration files as the daemon makes it, among a lighthouse and other hosts. */
export class Subject {
  readonly mesh: Mesh = new Mesh(authority);
  readonly host: Host;
  readonly peer: Host;
  readonly logged: string[] = [];
  readonly log: Log;
  /** What the daemon has beside the host, as far as a row needs it. */
  readonly services: Service[] = [];
  /** What services were made from. */
  shell: Shell;
  #running: Reloadable;

  constructor(files: Files) {
    const { mesh } = this;
    const running = load(files);
    this.shell = running;
    const { boot, live } = running.settings;
    const lighthouses = { lighthouses: ["10.77.0.1"], statics: { "10.77.0.1": [AT.lighthouse] } };
    const versions = [1, 2] as const;
    mesh.host(AT.lighthouse, { name: "lighthouse", networks: ["10.77.0.1/24"], amLighthouse: true });
    mesh.host(AT.second, { name: "second", networks: ["10.77.0.5/24"], amLighthouse: true });
    this.peer = mesh.host(AT.peer, { name: "peer", networks: ["10.77.0.3/24"], versions, ...lighthouses });
    mesh.host(AT.foreign, { name: "foreign", networks: ["10.77.0.6/24"], authority: stranger });
    mesh.host(AT.brief, BRIEF);
    mesh.host(AT.far, { name: "far", networks: ["10.77.0.8/24"] });
    const at = `${AT.subject}:${boot.listen.port}`;
    this.host = mesh.host(at, { name: "subject", networks: ["10.77.0.2/24"], boot, live });
    this.log = new Log({ ...running.logging, stream: { write: (line) => void this.logged.push(line) } });
    this.#running = running;
    mesh.run(1_000);
  }

  /** What runs now, as far as configuration goes. */
  get settings(): Settings {
    return this.#running.settings;
  }

  /** As the daemon reloads. */
  reload(files: Files): ReloadPlan {
    const next = load(files);
    const plan = planReload(this.#running, next);
    if (!plan.ok) throw new Error(formatConfigError(plan.reason));
    const settings = { boot: this.settings.boot, live: plan.value.live };
    this.#running = { ...next, settings };
    this.shell = next;
    this.log.reload(next);
    for (const service of this.services) service.reload?.({ ...next, warnings: [], files: [] });
    this.host.reload(plan.value.live);
    return plan.value;
  }

  /** Outcome of a ping to an overlay address, or why there was none. */
  reaches(address: string): string {
    const result = this.host.ping(address);
    return result.outcome === "pong" ? "pong" : result.reason;
  }

  /** What the subject sends to underlay addresses with this beginning while `during` happens: when, to where, how long, which byte first. */
  watch(prefix: string, during: () => void): readonly Sent[] {
    const sent: Sent[] = [];
    const { mesh } = this;
    const { delivers } = mesh;
    const began = mesh.now;
    mesh.delivers = (flight) => {
      const { from, to, datagram } = flight;
      if (from === this.host.endpoint && to.startsWith(prefix))
        sent.push({ ms: Math.round(mesh.now - began), to, bytes: datagram.length, first: datagram[0] ?? -1 });
      return delivers(flight);
    };
    during();
    mesh.delivers = delivers;
    return sent;
  }
}

export interface Sent {
  readonly ms: number;
  readonly to: string;
  readonly bytes: number;
  readonly first: number;
}

/** What a configuration says to the process around the host. */
interface Shell extends Pick<Reloadable, "digests"> {
  readonly logging: LoggingSettings;
  readonly stats: StatsSettings;
  readonly telemetry: TelemetrySettings | undefined;
  readonly console: ConsoleSettings | undefined;
}

/** Reads a configuration; wrong ones end the test. */
export function load({ text, pems: texts }: Files): Reloadable & Shell {
  const yaml = parseYaml("config.yml", text);
  if (!yaml.ok) throw new Error(yaml.errors.map(formatConfigError).join("\n"));
  const findings = new Findings();
  const document = mergeFiles([{ name: "config.yml", root: yaml.root }], findings);
  const env = { suite: nodeSuite, wall: wallTime(WORLD_BEGINS * 1_000_000_000n) };
  const { settings, errors, effective, digests, logging, stats, telemetry, console } = parseSettings(
    document,
    texts,
    env,
    findings,
  );
  if (!settings) throw new Error(errors.map(formatConfigError).join("\n"));
  return { settings, effective, digests, logging, stats, telemetry, console };
}
