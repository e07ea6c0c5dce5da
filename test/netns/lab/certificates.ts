import { appendFile, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type CertificateTool, mustMake } from "./certificate-tool.ts";

export type CertificateVersion = 1 | 2;
/** As the tools' `-curve` names it; releases before 1.7 know only the first. */
export type CertificateCurve = "25519" | "P256";

/** What a certificate says about a host. */
export interface Subject {
  readonly name: string;
  /** "address/prefix length", the first one IPv4; a v1 certificate carries only that one. */
  readonly overlay: readonly string[];
  readonly groups: readonly string[];
  /** Networks behind it. */
  readonly unsafe?: readonly string[];
}

/** The authorities of one test mesh: one for each certificate version in use, as Nebula's own upgrade path has it. */
export class Authority {
  readonly #tool: CertificateTool;
  readonly #directory: string;
  readonly #curve: CertificateCurve;
  readonly #issued: Map<string, Promise<string>> = new Map();
  #renewals = 0;

  private constructor(tool: CertificateTool, directory: string, curve: CertificateCurve) {
    this.#tool = tool;
    this.#directory = directory;
    this.#curve = curve;
  }

  /** Makes the authorities and `ca.crt`, the bundle that every host trusts. */
  static async create(
    tool: CertificateTool,
    directory: string,
    versions: ReadonlySet<CertificateVersion>,
    curve: CertificateCurve = "25519",
    name = "Test authority",
  ): Promise<Authority> {
    const authority = new Authority(tool, directory, curve);
    await mkdir(directory, { recursive: true });
    for (const version of [...versions].sort()) {
      const certificate = authority.#path(`ca-v${version}.crt`);
      await authority.#call("ca", version, {
        name: `${name} v${version}`,
        duration: "24h",
        "out-crt": certificate,
        "out-key": authority.#path(`ca-v${version}.key`),
        ...authority.#curveFlag,
      });
      await appendFile(authority.#path("ca.crt"), await readFile(certificate));
    }
    return authority;
  }

  /** The bundle that every host trusts. */
  get bundlePath(): string {
    return this.#path("ca.crt");
  }

  /**
   * The directory with the `ca.crt`, `host.crt` and `host.key` of a host: one key, one certificate for each version. A name is
   * issued once; who asks again gets the same files.
   */
  issue(subject: Subject, versions: readonly CertificateVersion[]): Promise<string> {
    const issued = this.#issued.get(subject.name) ?? this.#issue(subject, versions);
    this.#issued.set(subject.name, issued);
    return issued;
  }

  /** Another certificate for the key of a host that has one, in the place of those it has. */
  async renew(subject: Subject, versions: readonly CertificateVersion[]): Promise<void> {
    const into = await this.issue(subject, versions);
    const serial = ++this.#renewals;
    await this.#sign(subject, versions, into, `renewed-${serial}`);
  }

  async #issue(subject: Subject, versions: readonly CertificateVersion[]): Promise<string> {
    const into = this.#path(subject.name);
    await mkdir(into);
    const publicKey = join(into, "host.pub");
    await mustMake(this.#tool, [
      "keygen",
      "-out-key",
      join(into, "host.key"),
      "-out-pub",
      publicKey,
      ...Object.entries(this.#curveFlag).flatMap(([flag, value]) => [`-${flag}`, value]),
    ]);
    await this.#sign(subject, versions, into, "host");
    await copyFile(this.#path("ca.crt"), join(into, "ca.crt"));
    return into;
  }

  async #sign(subject: Subject, versions: readonly CertificateVersion[], into: string, stem: string): Promise<void> {
    let bundle = "";
    for (const version of versions) {
      const certificate = join(into, `${stem}-v${version}.crt`);
      const networks = version === 1 ? subject.overlay.slice(0, 1) : subject.overlay;
      await this.#call("sign", version, {
        name: subject.name,
        [this.#tool.knowsVersions ? "networks" : "ip"]: networks.join(","),
        ...(subject.groups.length > 0 ? { groups: subject.groups.join(",") } : {}),
        ...(subject.unsafe
          ? { [this.#tool.knowsVersions ? "unsafe-networks" : "subnets"]: subject.unsafe.join(",") }
          : {}),
        "ca-crt": this.#path(`ca-v${version}.crt`),
        "ca-key": this.#path(`ca-v${version}.key`),
        "in-pub": join(into, "host.pub"),
        "out-crt": certificate,
      });
      bundle += await readFile(certificate, "utf8");
    }
    await writeFile(join(into, "host.crt"), bundle);
  }

  async #call(verb: string, version: CertificateVersion, flags: Readonly<Record<string, string>>): Promise<void> {
    const versioned = this.#tool.knowsVersions ? ["-version", String(version)] : [];
    await mustMake(this.#tool, [verb, ...versioned, ...Object.entries(flags).flatMap(([k, v]) => [`-${k}`, v])]);
  }

  /** Left out where it says nothing, for releases that do not know it. */
  get #curveFlag(): { readonly curve?: CertificateCurve } {
    return this.#curve === "25519" ? {} : { curve: this.#curve };
  }

  #path(file: string): string {
    return join(this.#directory, file);
  }
}
