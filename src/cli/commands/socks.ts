import { Command } from "commander";
import { ADMIN_SCHEMA } from "../../admin/protocol.ts";
import { toHex } from "../../core/base/bytes.ts";
import { osEntropy } from "../../runtime/node-crypto.ts";
import { serveSocks } from "../../runtime/proxy/socks-session.ts";
import { parseLoopback, serveLoopback } from "../loopback.ts";
import { say, sayJson } from "../output.ts";
import { dialThrough, proxySocket } from "../proxy-client.ts";
import { type TargetOptions, withTarget } from "../target.ts";

/** RFC 1929 has names; one is enough. */
const NAME = "lacis";
const PASSWORD_BYTES = 16;

interface SocksOptions extends TargetOptions {
  readonly listen: string;
  /** Commander's, of --no-auth. */
  readonly auth: boolean;
  readonly json?: boolean;
}

/** `lacis socks`: SOCKS5 on a TCP port of this machine, for programs that cannot use a Unix socket. */
export function socksCommand(): Command {
  const command = new Command("socks")
    .description(
      "Offer SOCKS5 into the mesh on a port of this machine, on a host without a device (lacis join --userspace).",
    )
    .option("--listen <[address:]port>", "where; of this machine's loopback only; 0: any port", "127.0.0.1:0")
    .option("--json", "print the address and the password as JSON")
    .option("--no-auth", "ask for no password: every user of this machine is let into the mesh")
    .addHelpText(
      "after",
      `
Prints the address of the proxy with a password that was made for this run, and offers it for as long as this command runs. Programs that take a
Unix socket need no port and no password: the daemon's proxy.sock is its user's alone.

Example:  lacis socks
          socks5h://lacis:3f8c...@127.0.0.1:41234`,
    )
    .action(async ({ listen, auth, json, ...target }: SocksOptions) => {
      const place = parseLoopback(listen);
      const password = auth ? { name: NAME, password: toHex(osEntropy.bytes(PASSWORD_BYTES)) } : undefined;
      const dial = dialThrough(proxySocket(target));
      const at = await serveLoopback(place, (client) => void serveSocks(client, { password, dial }));
      if (json) return sayJson({ schema: ADMIN_SCHEMA, listen: at, ...(password ?? { name: null, password: null }) });
      say(`socks5h://${password ? `${password.name}:${password.password}@` : ""}${at}`);
    });
  return withTarget(command);
}
