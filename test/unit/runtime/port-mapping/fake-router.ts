import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { IpAddress } from "../../../../src/core/netip/address.ts";
import type { MappingRequest } from "../../../../src/runtime/port-mapping/answer.ts";
import type { Router } from "../../../../src/runtime/port-mapping/ask-router.ts";

/** A router on this machine that answers what a test says. */
export class FakeRouter {
  readonly questions: Uint8Array[] = [];
  readonly #socket: Socket;
  /** Who asked last. */
  #asker: RemoteInfo | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async create(answer: (question: Uint8Array) => readonly Uint8Array[]): Promise<FakeRouter> {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const router = new FakeRouter(socket);
    socket.on("message", (question, asker) => {
      router.questions.push(question);
      router.#asker = asker;
      for (const bytes of answer(question)) router.say(bytes);
    });
    return router;
  }

  /** Says this to whoever asked last. */
  say(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#asker?.port, this.#asker?.address);
  }

  get at(): Router {
    const { port } = this.#socket.address();
    return { gateway: "127.0.0.1" as IpAddress, port, ssdpPort: port };
  }

  close(): void {
    this.#socket.close();
  }
}

export const REQUEST: MappingRequest = {
  nonce: Uint8Array.from({ length: 12 }, (_, i) => i + 1),
  client: "192.168.1.2" as IpAddress,
  internalPort: 4_242,
  externalPort: 4_242,
  lifetimeS: 7_200,
};

export interface PcpFields {
  readonly code?: number;
  readonly lifetimeS?: number;
  readonly nonce?: Uint8Array;
  readonly protocol?: number;
  readonly internalPort?: number;
  readonly externalPort?: number;
  readonly external?: readonly [number, number, number, number];
}

/** An answer in PCP. */
export function pcpAnswer(fields: PcpFields = {}): Uint8Array {
  const bytes = new Uint8Array(60);
  const view = new DataView(bytes.buffer);
  bytes.set([2, 0x81, 0, fields.code ?? 0]);
  view.setUint32(4, fields.lifetimeS ?? 7_200);
  view.setUint32(8, 1_000);
  bytes.set(fields.nonce ?? REQUEST.nonce, 24);
  bytes[36] = fields.protocol ?? 17;
  view.setUint16(40, fields.internalPort ?? REQUEST.internalPort);
  view.setUint16(42, fields.externalPort ?? 5_555);
  bytes.set([0xff, 0xff, ...(fields.external ?? [203, 0, 113, 8])], 54);
  return bytes;
}

/** What a router that speaks NAT-PMP only says to any of its questions. */
export function natPmpAnswer(question: Uint8Array, external: readonly number[] = [203, 0, 113, 8]): Uint8Array {
  if (question[0] !== 0) return Uint8Array.of(0, 0x80 | (question[1] ?? 0), 0, 1, 0, 0, 0, 9);
  if (question[1] === 0) return Uint8Array.of(0, 128, 0, 0, 0, 0, 0, 9, ...external);
  const lifetime = question.slice(8, 12);
  return Uint8Array.of(0, 129, 0, 0, 0, 0, 0, 9, ...question.slice(4, 6), 0x15, 0xb3, ...lifetime);
}
