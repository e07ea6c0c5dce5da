import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { run } from "../../test/netns/lab/command.ts";
import { PORT } from "../../test/netns/lab/host-config.ts";
import { peersDirectory } from "../../test/netns/lab/implementation.ts";
import type { Machine } from "../../test/netns/lab/network.ts";
import { deviceIsUp } from "./configured.ts";
import {
  CLIENT,
  type Ends,
  type Engine,
  OVERLAY_MTU,
  PREFIX_LENGTH,
  type Running,
  SERVER,
  type Setup,
  TRANSMIT_QUEUE,
} from "./engine.ts";

/** WireGuard in user space, told what to do over its control socket, as `wg` does. It knows one cipher, no rules and no authorities. */
class WireGuardGo implements Engine {
  readonly name = "wireguard-go";
  readonly version: string;
  readonly #program: string;

  constructor(program: string, version: string) {
    this.#program = program;
    this.version = version;
  }

  cipher({ rules, trusted }: Setup): string | undefined {
    return rules > 1 || trusted !== undefined ? undefined : "ChaCha20-Poly1305";
  }

  async start({ server, client }: Ends): Promise<Running> {
    const keys = { server: generateKeyPairSync("x25519"), client: generateKeyPairSync("x25519") };
    const hosts = [
      { machine: server, device: "wg-server", own: keys.server, peer: keys.client, overlay: SERVER, other: client },
      { machine: client, device: "wg-client", own: keys.client, peer: keys.server, overlay: CLIENT, other: server },
    ];
    for (const { machine, device, own, peer, overlay, other } of hosts) {
      const socket = `/var/run/wireguard/${device}.sock`;
      // Whoever was killed has left it.
      await rm(socket, { force: true });
      const daemon = machine.start(this.name, this.#program, ["-f", device]);
      await daemon.becomes("its control socket is there", async () => existsSync(socket));
      await configure(socket, [
        `private_key=${raw(own.privateKey, "d")}`,
        `listen_port=${PORT}`,
        `public_key=${raw(peer.publicKey, "x")}`,
        `endpoint=${other.addresses[0]}:${PORT}`,
        `allowed_ip=${overlay === SERVER ? CLIENT : SERVER}/32`,
      ]);
      await bringUp(machine, device, overlay);
    }
    return { reload: undefined };
  }
}

/** One command of the cross-platform userspace protocol; its answer ends with errno=0. */
async function configure(path: string, lines: readonly string[]): Promise<void> {
  const socket = connect(path);
  socket.end(`set=1\n${lines.join("\n")}\n\n`);
  const answer = await text(socket);
  if (!/^errno=0$/m.test(answer)) throw new Error(`wireguard-go refused its configuration: ${answer.trim()}`);
}

async function bringUp(machine: Machine, device: string, address: string): Promise<void> {
  await machine.must("ip", ["address", "add", `${address}/${PREFIX_LENGTH}`, "dev", device]);
  const settings = ["mtu", String(OVERLAY_MTU), "txqueuelen", String(TRANSMIT_QUEUE)];
  await machine.must("ip", ["link", "set", "dev", device, ...settings, "up"]);
  if (!(await deviceIsUp(machine, device, address))) throw new Error(`${device} is not up`);
}

function raw(key: KeyObject, part: "d" | "x"): string {
  return Buffer.from(key.export({ format: "jwk" })[part]!, "base64url").toString("hex");
}

/** wireguard-go, where `scripts/fetch-peers` has put it into the cache. */
export async function wireGuardGo(): Promise<Engine | undefined> {
  const program = join(peersDirectory(), "wireguard-go", "wireguard-go");
  if (!existsSync(program)) return undefined;
  const said = await run(program, ["--version"]);
  return new WireGuardGo(program, /v?\d[\w.-]*/.exec(said.stdout)?.[0] ?? "");
}
