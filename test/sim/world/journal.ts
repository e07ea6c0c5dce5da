import { createHash, type Hash } from "node:crypto";

/** How a run is written down. */
export interface JournalOptions {
  readonly print?: ((line: string) => void) | undefined;
  /** False: outputs are only counted, in a run that nobody compares with others. */
  readonly digest?: boolean;
}

/**
 * The ordered log of everything that came out of every host. Its SHA-256 is the run's digest: equal digests mean equal runs. With a
 * printer it is also the readable trace.
 */
export class Journal {
  readonly #hash: Hash | undefined;
  readonly #print: ((line: string) => void) | undefined;
  #entries = 0;
  #pending = "";

  constructor({ print, digest = true }: JournalOptions = {}) {
    this.#print = print;
    this.#hash = digest ? createHash("sha256") : undefined;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Something with bytes in it: `text` says what for people, the digest takes both. */
  bytes(at: number, host: string, kind: string, to: string, bytes: Uint8Array): void {
    this.#entries++;
    if (this.#hash) this.#take(`${at} ${host} ${kind} ${to} ${base64(bytes)}`);
    this.#print?.(line(at, host, `${kind} ${to} ${describeBytes(bytes)}`));
  }

  /** A value of ours, in full. */
  value(at: number, host: string, kind: string, value: unknown): void {
    this.#entries++;
    if (this.#hash) this.#take(`${at} ${host} ${kind} ${canonical(value)}`);
    this.#print?.(line(at, host, `${kind} ${describeValue(value)}`));
  }

  /** For people only: not part of the digest. */
  remark(at: number, host: string, text: string): void {
    this.#print?.(line(at, host, text));
  }

  /** Empty where none is made. */
  digest(): string {
    this.#flush();
    return this.#hash?.copy().digest("hex") ?? "";
  }

  #take(entry: string): void {
    this.#pending += `${entry}\n`;
    if (this.#pending.length > PENDING_MAX) this.#flush();
  }

  #flush(): void {
    this.#hash?.update(this.#pending);
    this.#pending = "";
  }
}

/** Hashing a few large pieces costs a tenth of hashing each entry. */
const PENDING_MAX = 1 << 16;
const typeNames = ["handshake", "message", "recv-error", "lighthouse", "test", "close", "control"];

function describeBytes(bytes: Uint8Array): string {
  if (bytes.length < 16 || (bytes[0] ?? 0) >> 4 !== 1) return `${bytes.length} bytes`;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const type = typeNames[(bytes[0] ?? 0) & 15] ?? "unknown";
  return `${type}/${bytes[1]} index ${view.getUint32(4)} counter ${view.getBigUint64(8)} (${bytes.length} bytes)`;
}

/** The same text for the same value, whatever is in it. */
function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (value instanceof Uint8Array) return base64(value);
  if (value instanceof Map || Array.isArray(value)) return `[${Array.from(value, canonical).join()}]`;
  let text = "{";
  for (const name of Object.keys(value)) text += `${name}:${canonical((value as Record<string, unknown>)[name])},`;
  return `${text}}`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("base64");
}

function describeValue(value: unknown): string {
  const text = JSON.stringify(value, (_, member) => {
    if (typeof member === "bigint") return String(member);
    if (member instanceof Uint8Array) return describeBytes(member);
    return member instanceof Map ? [...member] : member;
  });
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

function line(at: number, host: string, text: string): string {
  return `${(at / 1000).toFixed(3).padStart(9)} ${host.padEnd(10)} ${text}`;
}
