import type { ConfigEntry, ConfigNode, Placed } from "../document/document.ts";
import type { Findings } from "../document/findings.ts";
import { showKey, showKind } from "../document/show.ts";
import type { ConsoleSettings } from "../settings.ts";
import { parseListenAddress } from "./host-port.ts";
import type { PemTexts } from "./pem-reference.ts";
import type { ConfigReader } from "./reader.ts";
import { parsedText, refuseMissing } from "./texts.ts";

/** The port of the machine's own SSH: a slip here would lock its operator out. */
const SSH_PORT = 22;

/** Reads `sshd`. Whether keys are keys is for whoever knows SSH to say. Undefined where it is off, or when something is wrong. */
export function parseConsole(live: ConfigReader, pems: PemTexts, findings: Findings): ConsoleSettings | undefined {
  const isEnabled = live.boolean("sshd.enabled");
  const listen = parseListen(live, findings);
  const users = parseUsers(live.given("sshd.authorized_users")?.node, findings);
  const authorities = textsIn(live.given("sshd.trusted_cas")?.node, "sshd.trusted_cas", findings);
  const sandboxDirectory = live.text("sshd.sandbox_dir");
  const key = live.given("sshd.host_key")?.node;
  if (key && key.kind !== "scalar")
    findings.error({
      code: "CONFIG_TYPE",
      place: key.place,
      path: "sshd.host_key",
      what: `${showKind(key)} where a path or PEM text belongs`,
    });
  if (!isEnabled) return undefined;
  for (const [path, example] of NEEDED)
    refuseMissing(path, { example, key: "sshd.enabled", value: "true" }, live, findings);
  const hostKey = pems["sshd.host_key"];
  return listen && key && hostKey !== undefined
    ? { listen, hostKey, hostKeyPlace: key.place, users, authorities, sandboxDirectory }
    : undefined;
}

const NEEDED = [
  ["sshd.listen", "127.0.0.1:2222"],
  ["sshd.host_key", "./ssh_host_ed25519_key"],
] as const;

function parseListen(live: ConfigReader, findings: Findings): ConsoleSettings["listen"] | undefined {
  const path = "sshd.listen";
  const listen = parsedText(path, (text) => parseListenAddress(text, 2_222), live, findings);
  if (listen?.port !== SSH_PORT) return listen;
  const place = live.given(path)?.node.place;
  const todo = "write another one, for instance 2222";
  findings.error({ code: "CONFIG_VALUE", place, path, what: "is port 22, which is the machine's own SSH", todo });
  return undefined;
}

function parseUsers(node: ConfigNode | undefined, findings: Findings): ConsoleSettings["users"] {
  const path = "sshd.authorized_users";
  if (!node) return [];
  if (node.kind !== "list") {
    const what = `${showKind(node)} where a list of users belongs`;
    findings.error({ code: "CONFIG_TYPE", place: node.place, path, what, todo: EXAMPLE });
    return [];
  }
  return node.items.flatMap((item, i) => parseUser(item, `${path}[${i}]`, findings) ?? []);
}

function parseUser(node: ConfigNode, path: string, findings: Findings): ConsoleSettings["users"][number] | undefined {
  if (node.kind !== "map") {
    const what = `${showKind(node)} where a user with keys belongs`;
    findings.error({ code: "CONFIG_TYPE", place: node.place, path, what, todo: EXAMPLE });
    return undefined;
  }
  for (const { key, keyPlace } of node.entries.values())
    if (key !== "user" && key !== "keys")
      findings.error({
        code: "CONFIG_UNKNOWN_KEY",
        place: keyPlace,
        path: `${path}.${showKey(key)}`,
        what: "unknown key - a user has user and keys",
      });
  const name = node.entries.get("user")?.value;
  if (name?.kind !== "scalar" || name.text === "") {
    const what = "needs a name";
    findings.error({
      code: "CONFIG_MISSING_KEY",
      place: (name ?? node).place,
      path: `${path}.user`,
      what,
      todo: EXAMPLE,
    });
    return undefined;
  }
  const keys: ConfigEntry | undefined = node.entries.get("keys");
  return { name: name.text, keys: textsIn(keys?.value, `${path}.keys`, findings) };
}

/** One text, or a list of them; keys are long, and are not quoted. */
function textsIn(node: ConfigNode | undefined, path: string, findings: Findings): readonly Placed<string>[] {
  if (!node || node.kind === "null") return [];
  if (node.kind === "scalar") return [{ value: node.text, place: node.place, path }];
  if (node.kind === "list")
    return node.items.flatMap((item, i) => {
      if (item.kind === "scalar") return [{ value: item.text, place: item.place, path: `${path}[${i}]` }];
      const what = `${showKind(item)} where a key belongs`;
      findings.error({ code: "CONFIG_TYPE", place: item.place, path: `${path}[${i}]`, what });
      return [];
    });
  findings.error({ code: "CONFIG_TYPE", place: node.place, path, what: `${showKind(node)} where keys belong` });
  return [];
}

const EXAMPLE = 'write {user: me, keys: ["ssh-ed25519 AAAA..."]}';
