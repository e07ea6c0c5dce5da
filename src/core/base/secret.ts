/** Bytes that do not print, do not serialise and do not linger: `using key = new Secret(bytes)` wipes them at the end of the block. */
export class Secret implements Disposable {
  static {
    // Node's util.inspect, and with it every logger, asks for this symbol. A computed member would not be a declarable one.
    Object.defineProperty(Secret.prototype, Symbol.for("nodejs.util.inspect.custom"), { value: () => PRINTED });
  }

  readonly #bytes: Uint8Array;

  /** Takes the bytes over: they are the ones that are wiped. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The bytes themselves, for the primitive that needs them. All zero after disposal. */
  expose(): Uint8Array {
    return this.#bytes;
  }

  toString(): string {
    return PRINTED;
  }

  toJSON(): string {
    return PRINTED;
  }

  [Symbol.dispose](): void {
    this.#bytes.fill(0);
  }
}

const PRINTED = "[secret]";

/** Whether two secrets, or what stands for them, are the same bytes: how long it takes says nothing of where they differ. */
export function isSameSecret(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
