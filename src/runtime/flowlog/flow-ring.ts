import { constants, mkdirSync, readdirSync, rmdirSync, rmSync, statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { thisPlatform } from "../platform/this-platform.ts";

/** The log is cut into so many pieces, of which the oldest goes when there is no room for another. */
const SEGMENTS = 8;
/** Read at once, from the end of a piece on: other work gets its turn in between. */
const CHUNK_BYTES = 64 << 10;
/** A line that is longer is none of ours. */
const LINE_BYTES_MAX = 64 << 10;

const SEGMENT = /^flows-(\d{8})\.jsonl$/;
const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants;

interface Segment {
  readonly number: number;
  bytes: number;
}

/** Lines of text on disk, of which the oldest go when they are more than they may be. Private to this user; what is damaged costs the lines that it is in. */
export class FlowRing {
  readonly #folder: string;
  #limitBytes: number;
  /** The oldest first. */
  #segments: Segment[] = [];
  #handle: FileHandle | undefined;

  #isOpen = false;

  constructor(folder: string, limitBytes: number) {
    this.#folder = folder;
    this.#limitBytes = limitBytes;
  }

  /** Finds what an earlier process has written, once. Throws what the system says; nothing is written before it has gone well. */
  open(): void {
    if (this.#isOpen) return;
    const uid = process.getuid?.() ?? 0;
    mkdirSync(dirname(dirname(this.#folder)), { recursive: true });
    for (const folder of [dirname(this.#folder), this.#folder])
      thisPlatform().places.makePrivate(folder, { uid, gid: undefined, mode: 0o700 });
    const numbers = readdirSync(this.#folder).flatMap((name) => Number(SEGMENT.exec(name)?.[1] ?? 0) || []);
    this.#segments = numbers
      .sort((a, b) => a - b)
      .map((number) => ({ number, bytes: statSync(this.#pathOf(number)).size }));
    this.#isOpen = true;
    this.#makeRoom(0);
  }

  setLimit(limitBytes: number): void {
    this.#limitBytes = limitBytes;
    this.#makeRoom(0);
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Writes whole lines, each with its end. Rejects with what the system says; part of them may be written then. */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      this.open();
      const handle = await this.#handleFor(bytes.length);
      await handle.appendFile(bytes);
    } catch (error) {
      await this.close();
      throw error;
    }
    const current = this.#segments.at(-1);
    if (current) current.bytes += bytes.length;
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => {});
  }

  /** Of a log without a line nothing is left. */
  async end(): Promise<void> {
    await this.close();
    if (!this.#isOpen || this.#segments.length > 0) return;
    try {
      rmdirSync(this.#folder);
    } catch {
      // It was never made, or something of somebody else's is in it.
    }
  }

  /** Nothing is kept any more. */
  async clear(): Promise<void> {
    await this.close();
    for (const { number } of this.#segments.splice(0)) rmSync(this.#pathOf(number), { force: true });
  }

  /** Every line, the last one first. */
  async *backwards(): AsyncGenerator<string, void> {
    for (const { number } of this.#segments.toReversed()) yield* linesOf(this.#pathOf(number));
  }

  async #handleFor(bytes: number): Promise<FileHandle> {
    const current = this.#segments.at(-1);
    const isFull = !current || (current.bytes > 0 && current.bytes + bytes > this.#limitBytes / SEGMENTS);
    if (!isFull && this.#handle) return this.#handle;
    await this.close();
    if (isFull) {
      this.#makeRoom(bytes);
      this.#segments.push({ number: (current?.number ?? 0) + 1, bytes: 0 });
    }
    const segment = this.#segments.at(-1);
    const path = this.#pathOf(segment?.number ?? 1);
    const handle = await open(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
    this.#handle = handle;
    const { size } = await handle.stat();
    await handle.chmod(0o600);
    // The last line may have been cut off, by a crash or by a full disk.
    if (size > 0) await handle.appendFile("\n");
    if (segment) segment.bytes = size;
    return handle;
  }

  /** So that another piece has its place. */
  #makeRoom(bytes: number): void {
    const room = Math.max(bytes, this.#limitBytes / SEGMENTS);
    while (this.#segments.length > 0 && this.bytes + (bytes > 0 ? room : 0) > this.#limitBytes) {
      const oldest = this.#segments.shift();
      if (oldest) rmSync(this.#pathOf(oldest.number), { force: true });
    }
  }

  #pathOf(number: number): string {
    return join(this.#folder, `flows-${String(number).padStart(8, "0")}.jsonl`);
  }
}

/** From the end; nothing of a piece that is gone meanwhile. */
async function* linesOf(path: string): AsyncGenerator<string, void> {
  const handle = await open(path, O_NOFOLLOW | O_RDONLY).catch(() => undefined);
  if (!handle) return;
  try {
    let at = (await handle.stat()).size;
    let rest = Buffer.alloc(0);
    while (at > 0) {
      const length = Math.min(CHUNK_BYTES, at);
      at -= length;
      const chunk = Buffer.alloc(length);
      const { bytesRead } = await handle.read(chunk, 0, length, at);
      const held = Buffer.concat([chunk.subarray(0, bytesRead), rest]);
      const begin = at === 0 ? 0 : held.indexOf(0x0a) + 1;
      if (at > 0 && begin === 0) {
        // A line without an end is damage: no more of it is kept than a line may have.
        rest = held.length > LINE_BYTES_MAX ? Buffer.alloc(0) : held;
        continue;
      }
      rest = held.subarray(0, at === 0 ? 0 : begin - 1);
      for (const line of held.subarray(begin).toString("utf8").split("\n").reverse()) if (line !== "") yield line;
    }
  } finally {
    await handle.close();
  }
}
