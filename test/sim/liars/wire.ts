import { concatBytes, writeUint32 } from "../../../src/core/base/bytes.ts";
import type { Endpoint } from "../../../src/core/netip/endpoint.ts";
import { decodeHandshakePayload } from "../../../src/core/wire/handshake-payload.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES, PacketType } from "../../../src/core/wire/header.ts";
import { counterfeitOf } from "../cast/identities.ts";
import { answerInstead } from "../trouble/impostor.ts";
import type { Crossing } from "../world/stand.ts";
import { roleOf, type Scene } from "./scene.ts";

// What an attacker in the network can do with what it hears.

export interface Call {
  readonly call: Crossing;
  /** Of the caller, which an answer has to name. */
  readonly index: number;
}

export function onCall(scene: Scene, act: (call: Call) => void): void {
  scene.listen((crossing) => {
    if (crossing.source !== scene.faceOf("alpha") || !isCall(crossing)) return;
    const payload = decodeHandshakePayload(crossing.datagram.subarray(HEADER_BYTES + 64));
    if (payload.ok) act({ call: crossing, index: payload.value.initiatorIndex });
  });
}

export function onAnswer(scene: Scene, act: (crossing: Crossing) => void): void {
  scene.listen((crossing) => {
    if (crossing.source === scene.faceOf("charlie") && isAnswer(crossing)) act(crossing);
  });
}

/** Packets between the two, and the index of the session in them. */
export function onData(scene: Scene, act: (crossing: Crossing, index: number) => void): void {
  const faces = (): readonly Endpoint[] => [scene.faceOf("alpha"), scene.faceOf("charlie")];
  scene.listen((crossing) => {
    const header = decodeHeader(crossing.datagram);
    if (!header.ok || (header.value.type !== PacketType.message && header.value.type !== PacketType.test)) return;
    if (faces().includes(crossing.source) && faces().includes(crossing.destination))
      act(crossing, header.value.remoteIndex);
  });
}

export function isCall({ datagram }: Crossing): boolean {
  const header = decodeHeader(datagram);
  return header.ok && header.value.type === PacketType.handshake && header.value.counter === 1n;
}

export function isAnswer({ datagram }: Crossing): boolean {
  const header = decodeHeader(datagram);
  return header.ok && header.value.type === PacketType.handshake && header.value.counter === 2n;
}

/** Sends back to where this came from, as if from where it went. */
export function answer(scene: Scene, { source, destination }: Crossing, datagram: Uint8Array | undefined): void {
  if (datagram) scene.inject(destination, source, datagram);
}

export function junk(scene: Scene, index: number): Uint8Array {
  const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: index, counter: 2n });
  return concatBytes(header, scene.random.bytes(300));
}

export function byMember(scene: Scene, message1: Uint8Array): Uint8Array {
  const answer = answerInstead(scene.member, message1, scene.agenda.now);
  if (!answer) throw new Error("a member can answer every call");
  return answer.datagram;
}

export function counterfeit(scene: Scene, message1: Uint8Array): Uint8Array | undefined {
  const forger = { ...scene.member, credential: counterfeitOf(roleOf("charlie")) };
  return answerInstead(forger, message1, scene.agenda.now)?.datagram;
}

export function withIndex(datagram: Uint8Array, index: number): Uint8Array {
  const copy = datagram.slice();
  writeUint32(copy, 4, index);
  return copy;
}

export function buildTunnel(scene: Scene): void {
  scene.write("charlie");
  scene.run(3_000);
}

/** A tunnel that charlie closes because it shuts down; both start anew. */
export function restartAfterTunnel(scene: Scene): void {
  buildTunnel(scene);
  const [alpha, charlie] = [scene.host("alpha"), scene.host("charlie")];
  charlie.tell({ kind: "shutdown" });
  scene.run(100);
  for (const host of [alpha, charlie]) {
    host.crashControl();
    host.crashPlane();
    host.startPlane();
    host.startControl();
  }
  scene.run(2_000);
}
