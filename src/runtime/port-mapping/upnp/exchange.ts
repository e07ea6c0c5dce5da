import { request } from "node:http";

/** A description of a router with many services has about 20 kB. */
const BODY_BYTES_MAX = 65_536;

export interface HttpQuestion {
  readonly method: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly patienceMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** Asks once, follows nothing, and reads no more than a router has to say. Undefined: no answer in time, or none that ends. */
export async function exchange(
  place: URL,
  { method, headers, body, patienceMs }: HttpQuestion,
): Promise<HttpAnswer | undefined> {
  return new Promise((resolve) => {
    const question = request(
      place,
      { method, agent: false, headers: { ...headers, connection: "close" }, signal: AbortSignal.timeout(patienceMs) },
      (answer) => {
        const pieces: Buffer[] = [];
        let length = 0;
        answer.on("data", (piece: Buffer) => {
          length += piece.length;
          pieces.push(piece);
          if (length <= BODY_BYTES_MAX) return;
          question.destroy();
          resolve(undefined);
        });
        answer.on("end", () => {
          resolve({ status: answer.statusCode ?? 0, body: Buffer.concat(pieces).toString("utf8") });
        });
        answer.on("error", () => resolve(undefined));
        answer.on("close", () => resolve(undefined));
      },
    );
    question.on("error", () => resolve(undefined));
    // Also without an error: whoever changes to another protocol gives no answer.
    question.on("close", () => resolve(undefined));
    question.end(body);
  });
}
