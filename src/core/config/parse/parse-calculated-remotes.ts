import { familyOf } from "../../netip/address.ts";
import { formatPrefix, masked, type Prefix, parsePrefix } from "../../netip/prefix.ts";
import type { ConfigNode, Place } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import { show, showKey, showKind } from "../document/show.ts";
import { misplacedKey } from "../schema/unknown-key.ts";
import type { CalculatedRange } from "../settings.ts";
import { prefixComplaint } from "./complaints.ts";
import { entriesOf, itemsOf, keyError, portOf } from "./nodes.ts";
import type { ConfigReader } from "./reader.ts";

type CalculatedRemote = CalculatedRange["remotes"][number];

/** One range and where it was written. */
export interface PlacedRange {
  readonly range: CalculatedRange;
  readonly place: Place;
  readonly path: string;
}

const KEY = "lighthouse.calculated_remotes";
const EXAMPLE = 'write "10.77.0.0/16": [{mask: 192.168.0.0/16, port: 4242}]';

/** `lighthouse.calculated_remotes`: overlay prefix to a list of {mask, port}. */
export function parseCalculatedRemotes(reader: ConfigReader, findings: Findings): readonly PlacedRange[] {
  const ranges = new Map<string, PlacedRange>();
  for (const entry of entriesOf(reader.given(KEY)?.node, KEY, EXAMPLE, findings)) {
    const path = `${KEY}.${showKey(entry.key)}`;
    const overlay = parsePrefix(entry.key);
    if (!overlay) {
      // What stands under such a key is not looked at: it may belong to something else.
      const what = `${show(entry.key)} is not a prefix`;
      const misplaced = misplacedKey(entry, path, KEY, (key) => reader.isGiven(key), what);
      findings.error(misplaced ?? keyError(entry, path, prefixComplaint(entry.key)));
      continue;
    }
    const remotes = itemsOf(entry.value, path, EXAMPLE, findings).flatMap((item, i) =>
      parseRemote(item, `${path}[${i}]`, overlay, findings),
    );
    const key = formatPrefix(masked(overlay));
    if (ranges.has(key)) {
      const what = `${key} is given twice, in two spellings`;
      const todo = "put both lists into one entry";
      findings.error({ code: "CONFIG_DUPLICATE_KEY", place: entry.keyPlace, path, what, todo });
    }
    ranges.set(key, { range: { overlay: masked(overlay), remotes }, place: entry.keyPlace, path });
  }
  return [...ranges.values()];
}

function parseRemote(
  node: ConfigNode,
  path: string,
  overlay: Prefix | undefined,
  findings: Findings,
): readonly CalculatedRemote[] {
  const fields = new Map(entriesOf(node, path, EXAMPLE, findings).map((entry) => [entry.key, entry]));
  if (node.kind !== "map") return [];
  for (const { key, keyPlace } of fields.values())
    if (key !== "mask" && key !== "port")
      findings.error({
        code: "CONFIG_UNKNOWN_KEY",
        place: keyPlace,
        path: `${path}.${showKey(key)}`,
        what: "unknown key",
        todo: "there are mask and port",
      });
  for (const name of ["mask", "port"])
    if (!fields.has(name)) {
      const what = "is missing";
      findings.error({ code: "CONFIG_MISSING_KEY", place: node.place, path: `${path}.${name}`, what, todo: EXAMPLE });
    }
  const mask = parseMask(fields.get("mask")?.value, `${path}.mask`, overlay, findings);
  const portNode = fields.get("port")?.value;
  const port = portNode && portOf(portNode, `${path}.port`, findings);
  if (portNode && port === 0) {
    const what = "is 0, to which nothing can be sent";
    findings.warn({ code: "CONFIG_VALUE", place: portNode.place, path: `${path}.port`, what });
  }
  return mask && port !== undefined ? [{ mask, port }] : [];
}

function parseMask(
  node: ConfigNode | undefined,
  path: string,
  overlay: Prefix | undefined,
  findings: Findings,
): Prefix | undefined {
  if (!node) return undefined;
  const mask = node.kind === "scalar" ? parsePrefix(node.text) : undefined;
  if (!mask) {
    const what = node.kind === "scalar" ? `${show(node.text)} ${prefixComplaint(node.text)}` : showKind(node);
    findings.error({ code: "CONFIG_TYPE", place: node.place, path, what });
  } else if (overlay && familyOf(mask.address) !== familyOf(overlay.address)) {
    const what = `${formatPrefix(mask)} and the overlay prefix ${formatPrefix(overlay)} are of different families`;
    findings.error({ code: "CONFIG_VALUE", place: node.place, path, what });
    return undefined;
  }
  return mask && masked(mask);
}
