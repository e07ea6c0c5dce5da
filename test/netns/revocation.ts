import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { mustMake } from "./lab/certificate-tool.ts";
import { LACIS } from "./lab/implementation.ts";
import type { MeshHost } from "./lab/mesh.ts";

/** What `lacis revoke --json` says. */
export interface Revoked {
  readonly name: string | null;
  readonly number: number;
  readonly bulletin: { readonly hosts: number; readonly applied: number; readonly pending: readonly string[] };
}

/** The folder of a network's authority, as `lacis init` makes it, for hosts that were signed by `/run/lab/NAME/authority` without a ledger. */
export async function authorityOf(name: string, hosts: readonly MeshHost[]): Promise<string> {
  const [made, folder] = [join("/run/lab", name, "authority"), join("/run/lab", name, "etc")];
  const authority = join(folder, "authority");
  await mkdir(authority, { recursive: true });
  for (const suffix of ["crt", "key"]) await copyFile(join(made, `ca-v2.${suffix}`), join(authority, `ca.${suffix}`));
  const ca = ["-ca-crt", join(authority, "ca.crt"), "-ledger", join(authority, "ca.ledger")];
  for (const { name } of hosts)
    await mustMake(LACIS.certificates, ["record", ...ca, "-crt", join(made, name, "host.crt")]);
  return folder;
}

/** `lacis revoke`, on a host of the network. Fails when it does. */
export async function revoke(on: MeshHost, folder: string, ...name: readonly string[]): Promise<Revoked> {
  const [program, ...args] = LACIS.cli("revoke", ...name, "--dir", folder, "--config", on.configPath, "--json");
  return JSON.parse(await on.machine.must(program, args, { timeoutMs: 20_000 })) as Revoked;
}
