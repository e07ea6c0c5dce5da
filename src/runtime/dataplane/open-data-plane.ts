import { existsSync } from "node:fs";
import type { Settings } from "../../core/config/settings.ts";
import type { StateDirectory } from "../state/state-directory.ts";
import type { DataPlane } from "./data-plane.ts";

/**
 * The data plane for these settings. Without a TUN device there is nothing that Rust would have to move: the readable one serves, unless
 * $LACIS_DATAPLANE asks for the other. Only the chosen one is loaded.
 */
export async function openDataPlane(settings: Settings, state: StateDirectory): Promise<DataPlane> {
  if (settings.boot.tun.disabled && !process.env["LACIS_DATAPLANE"]) {
    if (existsSync(state.dataPlaneSocket)) await (await import("./native/native-start.ts")).endOrphan(state);
    const { UdpDataPlane } = await import("./udp-data-plane.ts");
    return new UdpDataPlane(settings);
  }
  const { NativeDataPlane } = await import("./native/native-data-plane.ts");
  return new NativeDataPlane(settings, state);
}
