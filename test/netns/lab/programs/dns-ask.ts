import { createSocket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { decode, encode } from "dns-packet";

/**
 * `dns-ask SERVER PORT NAME TYPE...`: what the system's own resolver library (c-ares) makes of the answers, one line of JSON for each type. It asks
 * without EDNS; `TXT` is asked for by hand, with 1,232 bytes for the answer.
 */
const [server = "", port = "", name = "", ...types] = process.argv.slice(2);
const resolver = new Resolver({ timeout: 1_000, tries: 2 });
resolver.setServers([server.includes(":") ? `[${server}]:${port}` : `${server}:${port}`]);

for (const type of types) console.log(JSON.stringify(await (type === "TXT" ? askForText() : ask(type))));

async function ask(type: string): Promise<unknown> {
  try {
    return await resolver.resolve(name, type);
  } catch (error) {
    return error instanceof Error && "code" in error ? error.code : "failed";
  }
}

async function askForText(): Promise<unknown> {
  const socket = createSocket("udp4");
  const answer = new Promise<Buffer>((resolve) => socket.once("message", resolve));
  const edns = { udpPayloadSize: 1_232, extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] };
  const additionals = [{ type: "OPT" as const, name: ".", ...edns }];
  socket.send(encode({ type: "query", questions: [{ name, type: "TXT" }], additionals }), Number(port), server);
  const { answers = [], flags = 0 } = decode(await answer);
  socket.close();
  const [first] = answers;
  return first?.type === "TXT" ? [first.data].flat().join("") : flags & 15;
}
