import { concatBytes, enlarged, readUint32, writeUint32 } from "../../../core/base/bytes.ts";
import { fail, ok, type Result } from "../../../core/base/result.ts";

// A frame on the socket between control plane and data plane:
//
//   0..3               4..
//   length, big endian  one message of that many bytes

/** Longest message in one frame: who announces more does not speak this contract. */
export const FRAME_LIMIT_BYTES: number = 1 << 20;

const LENGTH_BYTES = 4;

/** One message with its length in front; fails when it is longer than a frame may be. */
export function frameOf(message: Uint8Array): Result<Uint8Array, string> {
  const frames = new FrameBuffer();
  const added = frames.add(message);
  return added.ok ? ok(frames.take()) : added;
}

/** Frames that go out together, one behind the other in memory that is used again. */
export class FrameBuffer {
  #bytes: Uint8Array = EMPTY;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Fails when the message is longer than a frame may be. */
  add(message: Uint8Array): Result<void, string> {
    if (message.length > FRAME_LIMIT_BYTES) return fail(`a message of ${message.length} bytes fits no frame`);
    const count = LENGTH_BYTES + message.length;
    if (this.#length + count > this.#bytes.length) this.#bytes = enlarged(this.#bytes, this.#length, count);
    writeUint32(this.#bytes, this.#length, message.length);
    this.#bytes.set(message, this.#length + LENGTH_BYTES);
    this.#length += count;
    return ok(undefined);
  }

  /** All of them; then it is empty. */
  take(): Uint8Array {
    const whole = this.#bytes.slice(0, this.#length);
    this.clear();
    return whole;
  }

  clear(): void {
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = EMPTY;
  }
}

const EMPTY = new Uint8Array();
/** Memory for more than most turns write is given back. */
const KEPT_BYTES_MAX = 1 << 18;

/**
 * Messages out of a stream that arrives in pieces. It keeps at most one incomplete frame and the piece that came last. After a
 * failure the stream cannot be read any further: close it.
 */
export class FrameReader {
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  /** Takes what the stream delivered and returns the messages that are complete with it. */
  push(chunk: Uint8Array): Result<readonly Uint8Array[], string> {
    this.#pieces.push(chunk);
    this.#bytes += chunk.length;
    const messages: Uint8Array[] = [];
    // All pieces are joined only when something complete is in sight: a long frame in small pieces stays linear.
    if (this.#bytes < this.#wantedBytes()) return ok(messages);
    const stream = this.#joined();
    let start = 0;
    while (stream.length - start >= LENGTH_BYTES) {
      const length = readUint32(stream, start);
      if (length > FRAME_LIMIT_BYTES) return fail(`a frame announces ${length} bytes, more than any frame has`);
      const end = start + LENGTH_BYTES + length;
      if (end > stream.length) break;
      messages.push(stream.subarray(start + LENGTH_BYTES, end));
      start = end;
    }
    this.#pieces = [stream.subarray(start)];
    this.#bytes = stream.length - start;
    return ok(messages);
  }

  /** Length of the frame that begins here, as far as it is known and can be. */
  #wantedBytes(): number {
    if (this.#bytes < LENGTH_BYTES) return LENGTH_BYTES;
    const first = this.#pieces[0];
    const length = readUint32(first && first.length >= LENGTH_BYTES ? first : this.#joined(), 0);
    return LENGTH_BYTES + (length > FRAME_LIMIT_BYTES ? 0 : length);
  }

  #joined(): Uint8Array {
    const [first] = this.#pieces;
    const joined = first && this.#pieces.length === 1 ? first : concatBytes(...this.#pieces);
    this.#pieces = [joined];
    return joined;
  }
}
