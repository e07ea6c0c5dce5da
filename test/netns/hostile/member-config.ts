import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Authority } from "../lab/certificates.ts";
import { formatHostConfig } from "../lab/host-config.ts";
import type { Machine } from "../lab/network.ts";

/** A genuine certificate for an overlay address and a configuration that names it, for programs that are no daemon. */
export async function memberConfig(
  authority: Authority,
  machine: Machine,
  overlay: string,
  staticHosts: Readonly<Record<string, string>> = {},
  listen = "0.0.0.0",
): Promise<string> {
  const name = `member-${overlay}`;
  const directory = await authority.issue({ name, overlay: [`${overlay}/24`], groups: [] }, [2]);
  const path = join(machine.directory, `${name}.yml`);
  const config = { directory, cipher: "aes", lighthouse: "none", staticHosts, tun: false, listen } as const;
  await writeFile(path, formatHostConfig(config));
  return path;
}
