import { LruMap } from "../../core/base/lru.ts";
import type { FlowStory } from "../../core/flow-story.ts";
import { entryOf } from "./flow-entry.ts";

/**
 * Lines of the log, each what JSON.stringify makes of a flow's entry. A host that serves many connections writes thousands a second: those of flows
 * that were allowed are put together piece by piece, which takes a fraction of the time.
 */
export class FlowLines {
  /** Until the second, by Unix seconds. */
  readonly #times = new LruMap<number, string>(KEPT_MAX);
  readonly #names = new LruMap<string, string>(KEPT_MAX);
  readonly #rules = new LruMap<NonNullable<FlowStory["rule"]>, string>(KEPT_MAX);

  /** `now`: Unix milliseconds. */
  of(story: FlowStory, host: string, now: number): string {
    if (story.refusal) return JSON.stringify(entryOf(story, host, now));
    const { happening, end, direction, protocol, peer, path, rule, ageMs, idleMs } = story;
    const { localAddress, localPort, remoteAddress, remotePort } = story;
    const isPeer = peer?.name !== undefined && peer.address === remoteAddress;
    const peerName = this.#text(peer?.name);
    return (
      `{"happening":"${happening}","at":"${this.#time(now)}","began":"${this.#time(now - ageMs)}","last":"${this.#time(now - idleMs)}",` +
      `"end":${end ? `"${end}"` : "null"},"direction":"${direction}","protocol":${protocol},` +
      `"local":{"name":${this.#text(host)},"address":"${localAddress}","port":${localPort}},` +
      `"remote":{"name":${isPeer ? peerName : "null"},"address":"${remoteAddress}","port":${remotePort}},` +
      `"peer":${peer ? `{"name":${peerName},"address":"${peer.address}","groups":[]}` : "null"},` +
      `"path":${path ? `{"endpoint":${this.#text(path.endpoint)},"relay":${this.#text(path.relay?.name)}}` : "null"},` +
      `"verdict":"allowed","reason":null,"drop":null,"by":null,"answered":null,` +
      `"rule":${rule ? this.#rules.getOrMake(rule, () => narrow(JSON.stringify(rule))) : "null"},"closest":null,` +
      `"sentPackets":${story.sentPackets},"sentBytes":${story.sentBytes},` +
      `"receivedPackets":${story.receivedPackets},"receivedBytes":${story.receivedBytes}}`
    );
  }

  #text(name: string | undefined): string {
    return name === undefined ? "null" : this.#names.getOrMake(name, () => narrow(JSON.stringify(name)));
  }

  /** ISO 8601. */
  #time(ms: number): string {
    const second = Math.floor(ms / 1000);
    const begin = this.#times.getOrMake(second, () => new Date(second * 1000).toISOString().slice(0, -"000Z".length));
    return `${begin}${String(ms - second * 1000).padStart(3, "0")}Z`;
  }
}

/** More texts than the flows of one moment have in common. */
const KEPT_MAX = 256;

/** The same text, of a byte a character where it can be: one piece that is wider makes a line of twice the bytes. */
function narrow(text: string): string {
  return Buffer.from(text).toString();
}
