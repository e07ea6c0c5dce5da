import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseCertificates } from "../core/cert/decode.ts";
import type { Curve } from "../core/crypto/suite.ts";
import type { NetworkPlan } from "../core/enrolment/messages.ts";
import { formatPrefix, type Prefix, parsePrefix } from "../core/netip/prefix.ts";
import { replaceFile, syncDirectory } from "../runtime/files/atomic-file.ts";
import { nodeSuite, osEntropy } from "../runtime/node-crypto.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { FileOwner } from "../runtime/platform/platform.ts";
import { passphraseFlags, runAuthority } from "./authority-tool.ts";
import { comeAlong } from "./come-along.ts";
import { deviceFor } from "./device-name.ts";
import { enrolHere } from "./enrol-here.ts";
import { firstAddress } from "./first-address.ts";
import { lighthouseConfig } from "./host-config.ts";
import { type HostFiles, makeFolder, refuseStrangeFiles, unwritable } from "./host-files.ts";
import { networksHere, refuseOverlap, refuseTakenPort } from "./local-checks.ts";
import { freeNetwork } from "./overlay-network.ts";
import { complete } from "./settle.ts";
import { Staging } from "./staging.ts";

export interface InitOptions {
  /** The network's name. */
  readonly network: string;
  readonly files: HostFiles;
  /** This host's name. */
  readonly name: string;
  /** Where this host is reached from outside, "host:port". */
  readonly endpoints: readonly string[];
  readonly port: number;
  /** Undefined: one that is free here. */
  readonly overlay: Prefix | undefined;
  readonly curve: Curve;
  /** Hears why a first host that an earlier version has set up stays without renewal. */
  readonly leftBehind: (error: OperatorError) => void;
  /** Flags for the making of the authority and for what it signs. */
  readonly encrypt: boolean;
  readonly passphraseFile: string | undefined;
  readonly owner: FileOwner | undefined;
  /** The clock, Unix seconds. */
  readonly now: () => bigint;
}

export interface Initiated {
  readonly plan: NetworkPlan;
  /** The host that was here has another certificate and configuration now. */
  readonly hasChanged: boolean;
}

/**
 * Founds a network, as far as files go: an authority of its own, and this machine as its first host, lighthouse and relay. Where it was begun and not ended, it goes on: what
 * stands is kept, the authority above all.
 */
export async function init(options: InitOptions): Promise<Initiated> {
  const { files, network, owner } = options;
  makeFolder(files.folder);
  const founded = authorityIn(files);
  if (founded && founded.name !== network) throw anotherNetwork(founded.name, network, files);
  if (founded && existsSync(files.config)) {
    if (Staging.begunFor(files, PURPOSE)) Staging.forget(files);
    return { plan: await planIn(files), hasChanged: await bringAlong(options) };
  }
  if (existsSync(files.config)) throw configured(files);
  if (!Staging.begunFor(files, PURPOSE)?.isComplete) {
    refuseStrangeFiles(files);
    await refuseTakenPort(options.port);
  }
  const overlay = founded?.overlay ?? (await foundAuthority(options));
  const plan = planOf(overlay, options);
  await beginService(plan, files);
  const staging = Staging.open(files, PURPOSE, options.curve);
  if (!staging.isComplete) await enrolFirst(staging, plan, options);
  if (options.encrypt) tellOffline(files);
  staging.place(owner);
  return { plan, hasChanged: false };
}

/** Whatever keeps it from that, a host that was there goes on as it was. */
async function bringAlong({ files, passphraseFile, owner, now, leftBehind }: InitOptions): Promise<boolean> {
  try {
    return await comeAlong(files, { passphraseFile, owner, now: now() });
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    leftBehind(error);
    return false;
  }
}

const PURPOSE = "init";
/** Three years: hosts renew theirs by themselves, and exchanging an authority is work for people. */
const AUTHORITY_LIFE = "26280h";

interface Founded {
  readonly name: string;
  readonly overlay: Prefix;
}

/** The authority that was made here, if one was. */
export function authorityIn(files: HostFiles): Founded | undefined {
  if (!existsSync(files.authority)) return undefined;
  const file = join(files.authority, "ca.crt");
  const certificates = parseCertificates(existsSync(file) ? readFileSync(file, "utf8") : "", nodeSuite);
  const [ca] = certificates.ok ? certificates.value : [];
  const [overlay] = ca?.networks ?? [];
  if (ca && overlay) return { name: ca.name, overlay };
  throw new OperatorError("authority-strange", {
    what: files.authority,
    why: "it holds no authority that lacis init has made",
    todo: "restore it from a backup, or move the folder away to found another network",
  });
}

/** What the service tells of the network that was founded here. */
async function planIn(files: HostFiles): Promise<NetworkPlan> {
  const { network } = JSON.parse(await runAuthority(files.authority, "network", "-json")) as {
    readonly network: NetworkPlan;
  };
  return network;
}

function planOf(overlay: Prefix, { network, endpoints, port }: InitOptions): NetworkPlan {
  const first = firstAddress(overlay);
  return {
    name: network,
    networks: [formatPrefix(overlay)],
    lighthouses: [{ overlay: [first], endpoints }],
    relays: [first],
    port,
    service: [...endpoints, `${first.includes(":") ? `[${first}]` : first}:${port}`],
  };
}

function anotherNetwork(name: string, wanted: string, files: HostFiles): OperatorError {
  return new OperatorError("network-already", {
    what: `cannot found the network ${wanted}`,
    why: `the authority of the network ${name} is here: ${files.authority}`,
    todo: "give another folder for another network with --dir",
  });
}

function configured(files: HostFiles): OperatorError {
  return new OperatorError("host-already", {
    what: "cannot found a network",
    why: `this machine is configured as a host already: ${files.config}`,
    todo: "lacis leave first, or give another folder with --dir",
  });
}

/** Made beside its place and moved there whole: half an authority is none. Gives the network that it is for. */
async function foundAuthority({ files, network, ...options }: InitOptions): Promise<Prefix> {
  const here = networksHere();
  const overlay = options.overlay ?? freeNetwork(here, osEntropy);
  if (!overlay) {
    const why = "every network that was tried below 10.0.0.0/8 overlaps one that this machine has a way to";
    throw new OperatorError("no-network", { what: "no network for the mesh", why, todo: "choose one: --network CIDR" });
  }
  refuseOverlap([overlay], here, "choose another one: --network CIDR");
  const begun = `${files.authority}.new`;
  attempt(begun, () => {
    rmSync(begun, { recursive: true, force: true });
    mkdirSync(begun);
    // The daemon looks through the folder of its configuration, this one included; what lies in here is root's alone.
    chmodSync(begun, 0o755);
  });
  const curve = options.curve === "P256" ? "P256" : "25519";
  await runAuthority(
    begun,
    ...[
      "ca",
      "-name",
      network,
      "-networks",
      formatPrefix(overlay),
      "-duration",
      AUTHORITY_LIFE,
      "-curve",
      curve,
      "-ledger",
    ],
    ...(options.encrypt ? ["-encrypt"] : []),
    ...passphraseFlags(options.encrypt ? options.passphraseFile : undefined),
  );
  attempt(files.authority, () => {
    renameSync(begun, files.authority);
    syncDirectory(files.folder);
  });
  return overlay;
}

/** The first host is one like any other from the beginning, though nobody is there yet that it could ask. */
async function enrolFirst(staging: Staging, plan: NetworkPlan, options: InitOptions): Promise<void> {
  const { files, name, now } = options;
  const [overlay = ""] = plan.networks;
  const [first = ""] = plan.relays;
  const networks = [`${first}/${parsePrefix(overlay)?.bits ?? 24}`];
  const passphraseFile = options.encrypt ? options.passphraseFile : undefined;
  const bundle = await enrolHere(files, { name, networks, groups: [], key: staging.key, passphraseFile });
  const config = lighthouseConfig({ name: plan.name, device: deviceFor(plan.name), port: plan.port });
  complete(staging, bundle, { authorities: bundle.answer.authorities, config: () => config, now: now() });
}

/** Tells the service what it is to tell hosts; it takes over what was signed. The same again changes nothing. */
async function beginService(
  { name, networks, lighthouses, relays, port, service }: NetworkPlan,
  { authority }: HostFiles,
): Promise<void> {
  const places = lighthouses.flatMap(({ overlay, endpoints }) => [
    "-lighthouse",
    `${overlay.join("+")}=${endpoints.join(",")}`,
  ]);
  await runAuthority(
    authority,
    ...["network", "-name", name, "-networks", networks.join(","), ...places, "-relays", relays.join(",")],
    ...["-port", String(port), "-service", service.join(",")],
  );
}

/** Whoever starts the service at night has no passphrase: hosts wait for lacis-cert approve. */
function tellOffline({ authority }: HostFiles): void {
  const file = join(authority, "options");
  attempt(file, () => replaceFile({ file, content: "LACIS_AUTHORITY_OPTIONS=-offline\n" }));
}

function attempt(path: string, step: () => void): void {
  try {
    step();
  } catch (error) {
    throw unwritable(path, error);
  }
}
