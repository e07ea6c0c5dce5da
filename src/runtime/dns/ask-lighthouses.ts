import { createSocket } from "node:dgram";
import { familyOf, type IpAddress, parseAddress } from "../../core/netip/address.ts";
import { contains, type Prefix } from "../../core/netip/prefix.ts";
import { osEntropy } from "../node-crypto.ts";
import { Rcode, type Response, readReply, writeQuestion } from "./wire.ts";

/** Less than what programs wait for before they ask again. */
const ANSWER_MS = 1_500;
/** Questions that wait for an answer. Whoever asks for more is told to try later. */
const PENDING_MAX = 64;
/** Of one question. */
const LIGHTHOUSES_MAX = 3;
const PORT = 53;

/** A question for a name of the overlay. */
export interface NameQuestion {
  /** As it is in the certificate. */
  readonly name: string;
  readonly type: "A" | "AAAA";
}

/** What lighthouses know of names that are not known here. Only those that serve DNS inside the overlay do. */
export class LighthouseNames {
  readonly #port: number;
  readonly #answerMs: number;
  #pending = 0;

  constructor({ port = PORT, answerMs = ANSWER_MS }: { readonly port?: number; readonly answerMs?: number } = {}) {
    this.#port = port;
    this.#answerMs = answerMs;
  }

  /** The first that knows counts; that there is no such name is believed when all say so. */
  async ask(question: NameQuestion, lighthouses: readonly IpAddress[], networks: readonly Prefix[]): Promise<Response> {
    if (this.#pending >= PENDING_MAX) return { rcode: Rcode.servFail };
    this.#pending++;
    try {
      const asked = lighthouses.slice(0, LIGHTHOUSES_MAX).map((address) => this.#askOne(question, address, networks));
      const knows = (response: Response): Promise<Response> =>
        response.rcode === Rcode.noError ? Promise.resolve(response) : Promise.reject(response);
      return await Promise.any(asked.map((one) => one.then(knows))).catch(async () => {
        const all = await Promise.all(asked);
        const isNone = all.length > 0 && all.every(({ rcode }) => rcode === Rcode.nxDomain);
        return { rcode: isNone ? Rcode.nxDomain : Rcode.servFail };
      });
    } finally {
      this.#pending--;
    }
  }

  #askOne({ name, type }: NameQuestion, at: IpAddress, networks: readonly Prefix[]): Promise<Response> {
    const [high = 0, low = 0] = osEntropy.bytes(2);
    const id = (high << 8) | low;
    const socket = createSocket(familyOf(at) === 4 ? "udp4" : "udp6");
    return new Promise((resolve) => {
      const done = (response: Response): void => {
        clearTimeout(late);
        socket.removeAllListeners("message");
        socket.close();
        resolve(response);
      };
      const late = setTimeout(() => done({ rcode: Rcode.servFail }), this.#answerMs);
      socket.once("error", () => done({ rcode: Rcode.servFail }));
      socket.on("message", (bytes) => {
        const reply = readReply(bytes, { id, name, type });
        if (reply) done(responseOf(reply, type, networks));
      });
      // Only what comes from there is read.
      socket.connect(this.#port, at, () => socket.send(writeQuestion(id, name, type)));
    });
  }
}

/** Nobody is led out of the overlay by a name of the overlay. */
function responseOf(
  { rcode, addresses }: { readonly rcode: number; readonly addresses: readonly string[] },
  type: "A" | "AAAA",
  networks: readonly Prefix[],
): Response {
  if (rcode === Rcode.nxDomain) return { rcode: Rcode.nxDomain };
  if (rcode !== Rcode.noError) return { rcode: Rcode.servFail };
  const inside = addresses.flatMap((text) => parseAddress(text) ?? []);
  const address = inside.find((one) => networks.some((network) => contains(network, one)));
  return address === undefined ? { rcode: Rcode.noError } : { rcode: Rcode.noError, data: { type, address } };
}
