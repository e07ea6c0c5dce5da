import { join } from "node:path";
import { mustMake } from "./certificate-tool.ts";
import { LACIS } from "./implementation.ts";
import type { MeshHost } from "./mesh.ts";

/** The fingerprint of a host's certificate, as a blocklist has it. */
export async function fingerprintOf(host: MeshHost): Promise<string> {
  const printed = await mustMake(LACIS.certificates, [
    "print",
    "-json",
    "-path",
    join(host.config.directory, "host.crt"),
  ]);
  const certificates: { fingerprint: string } | { fingerprint: string }[] = JSON.parse(printed);
  return [certificates].flat()[0]!.fingerprint;
}
