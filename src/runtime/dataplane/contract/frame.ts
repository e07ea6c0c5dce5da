import { concatBytes, readUint32, writeUint32 } from "../../../core/base/bytes.ts";
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
  if (message.length > FRAME_LIMIT_BYTES) return fail(`a message of ${message.length} bytes fits no frame`);
  const length = new Uint8Array(LENGTH_BYTES);
  writeUint32(length, 0, message.length);
  return ok(concatBytes(length, message));
}

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
    for (let wanted = this.#wantedBytes(); wanted !== undefined; wanted = this.#wantedBytes()) {
      if (wanted > LENGTH_BYTES + FRAME_LIMIT_BYTES)
        return fail(`a frame announces ${wanted - LENGTH_BYTES} bytes, more than any frame has`);
      if (this.#bytes < wanted) break;
      const stream = this.#joined();
      messages.push(stream.subarray(LENGTH_BYTES, wanted));
      this.#pieces = [stream.subarray(wanted)];
      this.#bytes = stream.length - wanted;
    }
    return ok(messages);
  }

  /** Length of the frame that begins here, or undefined while it is not known. */
  #wantedBytes(): number | undefined {
    if (this.#bytes < LENGTH_BYTES) return undefined;
    const first = this.#pieces[0];
    return LENGTH_BYTES + readUint32(first && first.length >= LENGTH_BYTES ? first : this.#joined(), 0);
  }

  /** All pieces as one, joined only when something complete is in sight: a long frame in small pieces stays linear. */
  #joined(): Uint8Array {
    const [first] = this.#pieces;
    const joined = first && this.#pieces.length === 1 ? first : concatBytes(...this.#pieces);
    this.#pieces = [joined];
    return joined;
  }
}
