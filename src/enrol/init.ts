import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Curve } from "../core/crypto/suite.ts";
import { type NetworkPlan, networkPlan } from "../core/enrolment/messages.ts";
import { formatPrefix, type Prefix, parsePrefix } from "../core/netip/prefix.ts";
import { replaceFile, syncDirectory } from "../runtime/files/atomic-file.ts";
import { osEntropy } from "../runtime/node-crypto.ts";
import { OperatorError } from "../runtime/operator-error.ts";
import type { FileOwner } from "../runtime/platform/platform.ts";
import { runAuthority } from "./authority-tool.ts";
import { checkConfigOf } from "./check-answer.ts";
import { deviceFor } from "./device-name.ts";
import { firstAddress } from "./first-address.ts";
import { lighthouseConfig } from "./host-config.ts";
import { type HostFiles, makeFolder, refuseStrangeFiles, unwritable } from "./host-files.ts";
import { networksHere, refuseOverlap, refuseTakenPort } from "./local-checks.ts";
import { freeNetwork } from "./overlay-network.ts";
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
  /** Flags for the making of the authority and for what it signs. */
  readonly encrypt: boolean;
  readonly passphraseFile: string | undefined;
  readonly owner: FileOwner | undefined;
  /** The clock, Unix seconds. */
  readonly now: () => bigint;
}

/**
 * Founds a network, as far as files go: an authority of its own, and this machine as its first host, lighthouse and relay. Where it was begun and not ended, it goes on: what
 * stands is kept, the authority above all.
 */
export async function init(options: InitOptions): Promise<NetworkPlan> {
  const { files, network, owner } = options;
  makeFolder(files.folder);
  const founded = readPlan(files);
  if (founded) refuseOtherNetwork(founded, network, files);
  if (founded && existsSync(files.config)) {
    Staging.forget(files);
    return founded;
  }
  if (existsSync(files.config)) throw configured(files);
  if (!Staging.begunFor(files, PURPOSE)?.isComplete) {
    refuseStrangeFiles(files);
    await refuseTakenPort(options.port);
  }
  const plan = founded ?? (await foundAuthority(options));
  const staging = Staging.open(files, PURPOSE, options.curve);
  await enter(staging, plan, options);
  staging.place(owner);
  return plan;
}

const PURPOSE = "init";
const PLAN = "network.json";

/** The plan of the network that was founded here. */
export function readPlan(files: HostFiles): NetworkPlan | undefined {
  const file = join(files.authority, PLAN);
  if (!existsSync(files.authority)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    value = undefined;
  }
  const plan = networkPlan.read(value, "");
  if (plan.ok) return plan.value;
  throw new OperatorError("authority-strange", {
    what: files.authority,
    why: `it holds no ${PLAN} that can be read`,
    todo: "restore it from a backup, or move the folder away to found another network",
  });
}

function refuseOtherNetwork({ name }: NetworkPlan, wanted: string, files: HostFiles): void {
  if (name === wanted) return;
  throw new OperatorError("network-already", {
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

/** Made beside its place and moved there whole: half an authority is none. */
async function foundAuthority({ files, network, endpoints, port, ...options }: InitOptions): Promise<NetworkPlan> {
  const here = networksHere();
  const overlay = options.overlay ?? freeNetwork(here, osEntropy);
  if (!overlay) {
    const why = "every network that was tried below 10.0.0.0/8 overlaps one that this machine has a way to";
    throw new OperatorError("no-network", { what: "no network for the mesh", why, todo: "choose one: --network CIDR" });
  }
  refuseOverlap([overlay], here, "choose another one: --network CIDR");
  const first = firstAddress(overlay);
  const plan: NetworkPlan = {
    name: network,
    networks: [formatPrefix(overlay)],
    lighthouses: [{ overlay: [first], endpoints }],
    relays: [first],
    port,
    service: [...endpoints, `${first.includes(":") ? `[${first}]` : first}:${port}`],
  };
  const begun = `${files.authority}.new`;
  try {
    rmSync(begun, { recursive: true, force: true });
    mkdirSync(begun, { mode: 0o700 });
  } catch (error) {
    throw unwritable(begun, error);
  }
  await runAuthority(
    ...["ca", "-name", network, "-networks", formatPrefix(overlay), "-duration", AUTHORITY_LIFE],
    ...["-curve", options.curve === "P256" ? "P256" : "25519", "-ledger"],
    ...["-out-key", join(begun, "ca.key"), "-out-crt", join(begun, "ca.crt")],
    ...(options.encrypt ? ["-encrypt"] : []),
    ...passphrase(options.encrypt ? options.passphraseFile : undefined),
  );
  try {
    replaceFile({ file: join(begun, PLAN), content: `${JSON.stringify(plan, undefined, 2)}\n` });
    renameSync(begun, files.authority);
    syncDirectory(files.folder);
  } catch (error) {
    throw unwritable(files.authority, error);
  }
  return plan;
}

/** Three years: hosts renew theirs by themselves, and exchanging an authority is work for people. */
const AUTHORITY_LIFE = "26280h";

async function enter(staging: Staging, plan: NetworkPlan, options: InitOptions): Promise<void> {
  if (staging.isComplete) return;
  const { files, name, now } = options;
  const authority = (file: string): string => join(files.authority, file);
  const [overlay = ""] = plan.networks;
  const [first = ""] = plan.relays;
  const publicKey = join(files.staging, "host.pub");
  replaceFile({ file: publicKey, content: staging.key.publicKeyPem });
  const certificate = await runAuthority(
    ...["sign", "-name", name, "-networks", `${first}/${parsePrefix(overlay)?.bits ?? 24}`, "-in-pub", publicKey],
    ...["-ca-crt", authority("ca.crt"), "-ca-key", authority("ca.key"), "-out-crt", "-"],
    ...passphrase(options.encrypt ? options.passphraseFile : undefined),
  );
  const content = {
    authorities: readFileSync(authority("ca.crt"), "utf8"),
    certificate,
    config: lighthouseConfig({ name: plan.name, device: deviceFor(plan.name), port: plan.port, isRenewed: false }),
  };
  staging.complete(content, (config) => checkConfigOf(config, now()));
}

function passphrase(file: string | undefined): readonly string[] {
  return file === undefined ? [] : ["-passphrase-file", file];
}
