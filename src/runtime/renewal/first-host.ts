import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Certificate } from "../../core/cert/certificate.ts";
import type { LiveSettings } from "../../core/config/settings.ts";
import { shellQuoted } from "../config/config-sources.ts";
import { thisPlatform } from "../platform/this-platform.ts";

/** The command that makes the host which founded a network one that is renewed; undefined on every other host. `config`: its file or folder. */
export function firstHostCommand({ identity }: LiveSettings, config: string): string | undefined {
  const folder = folderOf(config);
  // Root's, in a folder that everybody may look into.
  if (!existsSync(join(folder, "authority", "ca.crt"))) return undefined;
  const certificates = Object.values(identity.credential.certificates);
  const [own] = certificates.filter((one): one is Certificate => one !== undefined);
  const authority =
    own && [...identity.pool.authorities.values()].find(({ fingerprint }) => fingerprint === own.issuer);
  const dir = folder === thisPlatform().places.configBase ? "" : ` --no-start --dir ${shellQuoted(folder)}`;
  return authority && `sudo lacis init ${shellQuoted(authority.name)}${dir}`;
}

function folderOf(config: string): string {
  try {
    return statSync(config).isDirectory() ? config : dirname(config);
  } catch {
    return dirname(config);
  }
}
