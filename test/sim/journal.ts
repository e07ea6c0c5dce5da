import { createHash, type Hash } from "node:crypto";
import { toHex } from "../../src/core/base/bytes.ts";

/**
 * The ordered log of everything that came out of every host. Its SHA-256 is the run's digest: equal digests mean equal runs. With a
 * printer it is also the readable trace.
 */
export class Journal {
  readonly #hash: Hash = createHash("sha256");
  readonly #print: ((line: string) => void) | undefined;
  #entries = 0;

  constructor(print?: (line: string) => void) {
    this.#print = print;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Something with bytes in it: `text` says what for people, the digest takes both. */
  bytes(at: number, host: string, kind: string, to: string, bytes: Uint8Array): void {
    this.#entries++;
    this.#hash.update(`${at} ${host} ${kind} ${to} ${bytes.length} `).update(bytes);
    this.#print?.(line(at, host, `${kind} ${to} ${describeBytes(bytes)}`));
  }

  /** A value of ours, in full. */
  value(at: number, host: string, kind: string, value: unknown): void {
    this.#entries++;
    const text = JSON.stringify(value, plain);
    this.#hash.update(`${at} ${host} ${kind} ${text}`);
    this.#print?.(line(at, host, `${kind} ${text.length > 400 ? `${text.slice(0, 400)}…` : text}`));
  }

  /** For people only: not part of the digest. */
  remark(at: number, host: string, text: string): void {
    this.#print?.(line(at, host, text));
  }

  digest(): string {
    return this.#hash.copy().digest("hex");
  }
}

const typeNames = ["handshake", "message", "recv-error", "lighthouse", "test", "close", "control"];

function describeBytes(bytes: Uint8Array): string {
  if (bytes.length < 16) return `${bytes.length} bytes`;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const type = typeNames[(bytes[0] ?? 0) & 15] ?? "unknown";
  return `${type}/${bytes[1]} index ${view.getUint32(4)} counter ${view.getBigUint64(8)} (${bytes.length} bytes)`;
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return toHex(value);
  if (value instanceof Map) return [...value];
  return value;
}

function line(at: number, host: string, text: string): string {
  return `${(at / 1000).toFixed(3).padStart(9)} ${host.padEnd(10)} ${text}`;
}
