import type { Server } from "node:net";
import type { ListenAddress } from "../core/config/settings.ts";

/** Rejects with Node's error when the port cannot be had. What goes wrong later (out of descriptors, say) costs one client, not the server. */
export async function listenTcp(server: Server, { host, port }: ListenAddress): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, ...(host !== undefined && { host }) }, () => {
      server.off("error", reject);
      server.on("error", () => {});
      resolve();
    });
  });
}
