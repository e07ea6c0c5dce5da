import { accessSync, constants, readFileSync, realpathSync } from "node:fs";
import { basename } from "node:path";
import { OperatorError } from "../../../operator-error.ts";
import type { SystemResolver } from "../../platform.ts";
import { withoutBlock } from "./block.ts";
import { forget, resolvconfWiring } from "./resolvconf.ts";
import { resolvedWiring } from "./resolved.ts";
import { fileWiring, takeOut } from "./resolver-file.ts";

const FILE = "/etc/resolv.conf";
/** At fixed places: a program of root is never found through a search path. */
const RESOLVECTL = ["/usr/bin/resolvectl", "/bin/resolvectl"] as const;
const RESOLVCONF = ["/usr/sbin/resolvconf", "/sbin/resolvconf", "/usr/bin/resolvconf"] as const;
/** Where systemd-resolved listens for programs that read the file. */
const STUB = /^nameserver\s+127\.0\.0\.5[34]\s*$/m;

export const RESOLVER: SystemResolver = {
  async wiring(mode) {
    const resolvectl = firstOf(RESOLVECTL);
    const resolvconf = trueResolvconf();
    const { text, target } = file();
    if (mode === "resolved" || (mode === "auto" && resolvectl !== undefined && STUB.test(text)))
      return resolvedWiring(resolvectl ?? missing("resolved", RESOLVECTL[0]));
    if (mode === "resolvconf" || (mode === "auto" && resolvconf !== undefined && /resolvconf/.test(target + text)))
      return resolvconfWiring(resolvconf ?? missing("resolvconf", RESOLVCONF[0]));
    return fileWiring(FILE);
  },

  look(owner) {
    const { text, target } = file();
    const manager = MANAGERS.find(({ sign }) => sign.test(target + text))?.name;
    return { file: FILE, manager, servers: serversIn(text), others: serversIn(withoutBlock(text, owner)) };
  },

  async recover(owner) {
    const program = trueResolvconf();
    if (program !== undefined) await forget(program, owner);
    takeOut(FILE, owner);
  },
};

/** By what they leave in the file, or by where it really lies. */
const MANAGERS: readonly { readonly name: string; readonly sign: RegExp }[] = [
  { name: "systemd-resolved", sign: /^\/run\/systemd\/resolve\/|systemd-resolved/ },
  { name: "NetworkManager", sign: /NetworkManager/ },
  { name: "resolvconf", sign: /resolvconf/ },
  { name: "connman", sign: /ConnMan|connman/ },
  { name: "dhcpcd", sign: /dhcpcd/ },
  { name: "dhclient", sign: /dhclient/ },
];

/** As resolv.conf(5) has them. */
function serversIn(text: string): readonly string[] {
  return [...text.matchAll(/^nameserver\s+(\S+)/gm)].flatMap(([, server]) => server ?? []);
}

/** One that is systemd's under another name speaks of other things. */
function trueResolvconf(): string | undefined {
  const found = firstOf(RESOLVCONF);
  return found !== undefined && basename(realpathSync(found)) !== "resolvectl" ? found : undefined;
}

function file(): { readonly text: string; readonly target: string } {
  try {
    return { text: readFileSync(FILE, "utf8"), target: realpathSync(FILE) };
  } catch {
    return { text: "", target: "" };
  }
}

function firstOf(paths: readonly string[]): string | undefined {
  return paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function missing(mode: string, path: string): never {
  throw new OperatorError("resolver-missing", {
    what: `cannot tell the system's resolver of the overlay's names`,
    why: `dns.mode is ${mode}, and there is no ${path}`,
    todo: "install it, or write dns.mode: auto",
  });
}
