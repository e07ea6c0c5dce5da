import { networkInterfaces } from "node:os";
import { thisPlatform } from "../runtime/platform/this-platform.ts";

/** Longest name that a device may have. */
const DEVICE_CHARACTERS_MAX = 15;
const DEVICES_TRIED = 16;

/** A name for the device that people recognise: the network's, with a number where that is taken. */
export function deviceFor(network: string): string {
  const word = network
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "");
  const stem = word === "" || word === "lo" || word === "all" || word === "default" ? "lacis" : word;
  const taken = new Set(Object.keys(networkInterfaces()));
  for (let i = 1; i <= DEVICES_TRIED; i++) {
    const suffix = i === 1 ? "" : String(i);
    const name = `${stem.slice(0, DEVICE_CHARACTERS_MAX - suffix.length)}${suffix}`;
    if (!taken.has(name) && !thisPlatform().advice.obstacleTo({ name, ipv6: false })) return name;
  }
  // The system chooses.
  return "";
}
