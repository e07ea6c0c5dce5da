import { fail, ok, type Result } from "../../../core/base/result.ts";

/**
 * Runs a decoder of hostile bytes. The protobuf reader and the readers of values throw on what they cannot read; here that becomes a
 * reason, and the stream it came from can be closed.
 */
export function decoding<Value>(decode: () => Value): Result<Value, string> {
  try {
    return ok(decode());
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
}
