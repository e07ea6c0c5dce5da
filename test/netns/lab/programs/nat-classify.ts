import { createSocket, type Socket } from "node:dgram";

/**
 * `nat-classify ADDRESS OTHER_ADDRESS PORT OTHER_PORT FIRST_LOCAL_PORT`: what the translator before this host does, found out by experiment with a
 * nat-observer. Each question has a local port of its own, so that none leaves traces for the next. Prints a NatVerdict (nat/classify.ts) as JSON.
 */
const [address = "", otherAddress = "", port, otherPort, firstLocalPort] = process.argv.slice(2);
const SERVERS = [
  { host: address, port: Number(port) },
  { host: address, port: Number(otherPort) },
  { host: otherAddress, port: Number(port) },
  { host: otherAddress, port: Number(otherPort) },
] as const;
/** Everything is on one machine: an answer takes a millisecond, an absent one this long. */
const PATIENCE_MS = 300;
const TRIES = 2;

interface Seen {
  readonly address: string;
  readonly port: number;
}

/** A local port, and what comes back to it. */
class Asker {
  readonly port: number;
  readonly #socket: Socket = createSocket("udp4");
  #tag = 0;

  private constructor(port: number) {
    this.port = port;
  }

  static open(port: number): Promise<Asker> {
    const asker = new Asker(port);
    return new Promise((resolve) => asker.#socket.bind(port, () => resolve(asker)));
  }

  /** Sends to one server and waits for what another one answers; undefined when nothing comes. */
  async ask(to: 0 | 1 | 2 | 3, answerer: 0 | 1 | 2 | 3 = to): Promise<Seen | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const seen = await this.#once(to, answerer);
      if (seen) return seen;
    }
    return undefined;
  }

  close(): void {
    this.#socket.close();
  }

  #once(to: 0 | 1 | 2 | 3, answerer: 0 | 1 | 2 | 3): Promise<Seen | undefined> {
    const tag = String(++this.#tag);
    return new Promise((resolve) => {
      const end = (seen?: Seen): void => {
        clearTimeout(timer);
        this.#socket.off("message", hear);
        resolve(seen);
      };
      const hear = (datagram: Buffer): void => {
        const [, host = "", number = "", echoed] = datagram.toString().split(" ");
        if (echoed === tag) end({ address: host, port: Number(number) });
      };
      const timer = setTimeout(() => end(), PATIENCE_MS);
      this.#socket.on("message", hear);
      this.#socket.send(`${answerer} ${tag}`, SERVERS[to].port, SERVERS[to].host);
    });
  }
}

let nextPort = Number(firstLocalPort);

async function withAsker<T>(body: (asker: Asker) => Promise<T>): Promise<T> {
  const asker = await Asker.open(nextPort++);
  try {
    return await body(asker);
  } finally {
    asker.close();
  }
}

const mapping = await withAsker(async (asker) => {
  const first = await asker.ask(0);
  if (!first) return undefined;
  const [otherPorts, otherHost, otherBoth] = [await asker.ask(1), await asker.ask(2), await asker.ask(3)];
  if (!otherPorts || !otherHost || !otherBoth) return undefined;
  const kind =
    first.port !== otherPorts.port
      ? "address and port"
      : first.port !== otherHost.port
        ? "address"
        : "endpoint-independent";
  const seen = [first, otherPorts, otherHost, otherBoth].map((each) => each.port);
  return { kind, address: first.address, portKept: first.port === asker.port, ports: seen };
});

const filtering = await withAsker(async (asker) => {
  if (!mapping) return undefined;
  await asker.ask(0);
  if (await asker.ask(0, 3)) return "endpoint-independent";
  return (await asker.ask(0, 1)) ? "address" : "address and port";
});

/** A stranger's packet arrives before the host calls that stranger: does the host still get the port that it had towards others? */
const portAfterCollision = await withAsker(async (asker) => {
  if (!mapping) return undefined;
  const before = await asker.ask(0);
  await asker.ask(0, 3);
  const after = await asker.ask(3);
  return before && after && (before.port === after.port ? "kept" : "another");
});

process.stdout.write(JSON.stringify({ mapping, filtering, portAfterCollision }));
