import { Authority, type CertificateVersion } from "./certificates.ts";
import type { HostConfig } from "./host-config.ts";
import { type Implementation, LACIS } from "./implementation.ts";
import { Mesh, type MeshHost } from "./mesh.ts";

/** The mesh of most tests: a lighthouse without a device, a server and a laptop, all ours. */
export interface Trio {
  readonly authority: Authority;
  readonly mesh: Mesh;
  readonly lighthouse: MeshHost;
  readonly server: MeshHost;
  readonly laptop: MeshHost;
}

/** Builds a trio; nothing runs yet. */
export async function buildTrio(
  name: string,
  options: {
    readonly versions?: readonly CertificateVersion[];
    readonly lighthouse?: Partial<HostConfig>;
    readonly server?: Partial<HostConfig>;
    readonly laptop?: Partial<HostConfig>;
    /** What server and laptop run. */
    readonly implementation?: Implementation;
  } = {},
): Promise<Trio> {
  const versions = options.versions ?? [2];
  const implementation = options.implementation ?? LACIS;
  const authority = await Authority.create(LACIS.certificates, `/run/lab/${name}/authority`, new Set(versions));
  const mesh = await Mesh.create(name, {
    authority,
    versions,
    hosts: [
      { name: "lighthouse", implementation: LACIS, config: options.lighthouse ?? {} },
      { name: "server", implementation, groups: ["servers"], config: options.server ?? {} },
      { name: "laptop", implementation, groups: ["laptops"], config: options.laptop ?? {} },
    ],
  });
  const [lighthouse, server, laptop] = [mesh.host("lighthouse"), mesh.host("server"), mesh.host("laptop")];
  return { authority, mesh, lighthouse, server, laptop };
}

/** Builds a trio, starts it, hands it to the test, and removes it whatever happens. */
export async function withTrio(
  name: string,
  test: (trio: Trio) => Promise<void>,
  options: Parameters<typeof buildTrio>[1] = {},
): Promise<void> {
  const trio = await buildTrio(name, options);
  try {
    await trio.mesh.startAll();
    await test(trio);
  } finally {
    await trio.mesh.close();
  }
}
