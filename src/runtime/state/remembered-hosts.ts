import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fail, ok, type Result } from "../../core/base/result.ts";
import type { RememberedHost } from "../../core/io.ts";
import { parseAddress } from "../../core/netip/address.ts";
import { parseEndpoint } from "../../core/netip/endpoint.ts";
import { REMEMBERED_ADDRESSES_MAX, REMEMBERED_MAX, REMEMBERED_PLACES_MAX } from "../../core/node/remembered.ts";
import { thisPlatform } from "../platform/this-platform.ts";
import { trustedOwners } from "./trust.ts";

/** The largest that is written has about half of it. */
const FILE_BYTES_MAX = 1 << 20;
const FORMAT = 1;

/** As it is kept. */
export function formatHosts(hosts: readonly RememberedHost[]): string {
  return `${JSON.stringify({ format: FORMAT, hosts })}\n`;
}

/** What was kept, or why nothing of it can be used: the end of a sentence about the file. */
export function parseHosts(text: string): Result<readonly RememberedHost[], string> {
  try {
    const { format, hosts } = JSON.parse(text) as { format: unknown; hosts: unknown };
    if (format !== FORMAT) return fail("is of another release");
    if (!Array.isArray(hosts)) return fail("is no list of places");
    return ok(hosts.slice(0, REMEMBERED_MAX).map(hostOf));
  } catch {
    return fail("is no list of places");
  }
}

/** What a file holds; undefined where there is none. */
export function readHosts(path: string): Result<readonly RememberedHost[], string> | undefined {
  try {
    const text = thisPlatform().paths.readFile(path, trustedOwners(), FILE_BYTES_MAX);
    return text.ok ? parseHosts(text.value) : fail("is none that this host has written");
  } catch {
    return undefined;
  }
}

/** Whole, or not at all. Throws what the system says, or an OperatorError. */
export function writeHosts(path: string, text: string): void {
  const folder = dirname(path);
  mkdirSync(dirname(folder), { recursive: true });
  thisPlatform().places.makePrivate(folder, { uid: process.getuid?.() ?? 0, gid: undefined, mode: 0o700 });
  const next = `${path}.next`;
  rmSync(next, { force: true });
  writeFileSync(next, text, { mode: 0o600, flag: "wx" });
  renameSync(next, path);
}

function hostOf(entry: RememberedHost): RememberedHost {
  return {
    addresses: entry.addresses.slice(0, REMEMBERED_ADDRESSES_MAX).flatMap((text) => parseAddress(String(text)) ?? []),
    endpoints: entry.endpoints.slice(0, REMEMBERED_PLACES_MAX).flatMap((text) => parseEndpoint(String(text)) ?? []),
    relays: entry.relays.slice(0, REMEMBERED_PLACES_MAX).flatMap((text) => parseAddress(String(text)) ?? []),
    inUse: entry.inUse === true,
  };
}
