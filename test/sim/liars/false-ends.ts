import { concatBytes, readUint32 } from "../../../src/core/base/bytes.ts";
import { encodeHeader, PacketType, recvErrorFor } from "../../../src/core/wire/header.ts";
import type { Attack } from "./attack.ts";
import { place } from "./lies.ts";
import { answer, buildTunnel, isCall, onAnswer, onCall, onData, restartAfterTunnel, withIndex } from "./wire.ts";

/** What ends or moves a tunnel for whoever believes it. */
export const falseEnds: readonly Attack[] = [
  {
    although: "every packet of its tunnel is answered by a recv_error",
    before: buildTunnel,
    begin: (scene) => onData(scene, (crossing, index) => answer(scene, crossing, recvErrorFor(index))),
  },
  {
    although: "every handshake message is answered by a recv_error",
    begin: (scene) => {
      onCall(scene, ({ call, index }) => answer(scene, call, recvErrorFor(index)));
      const calls = scene.tape;
      onAnswer(scene, (crossing) => {
        answer(scene, crossing, recvErrorFor(readUint32(crossing.datagram, 4)));
        const call = calls.findLast(isCall);
        if (call) answer(scene, call, recvErrorFor(readUint32(crossing.datagram, 4)));
      });
    },
  },
  {
    although: "every packet of its tunnel is answered by a close that nobody has sealed",
    before: buildTunnel,
    begin: (scene) =>
      onData(scene, (crossing, index) => {
        for (const counter of [3n, 1_000_000n]) {
          const header = encodeHeader({ type: PacketType.closeTunnel, subtype: 0, remoteIndex: index, counter });
          answer(scene, crossing, concatBytes(header, scene.random.bytes(16)));
          scene.inject(crossing.source, crossing.destination, concatBytes(header, scene.random.bytes(16)));
        }
      }),
  },
  {
    although: "the close of an earlier tunnel is replayed, for it and for every tunnel since",
    before: restartAfterTunnel,
    begin: (scene) => {
      const closes = scene.tape.filter(({ datagram }) => datagram[0] === (0x10 | PacketType.closeTunnel));
      if (closes.length === 0) throw new Error("nobody has closed a tunnel");
      onData(scene, (crossing, index) => {
        for (const { datagram } of closes) {
          scene.inject(crossing.source, crossing.destination, datagram);
          scene.inject(crossing.source, crossing.destination, withIndex(datagram, index));
          answer(scene, crossing, withIndex(datagram, index));
        }
      });
    },
  },
  {
    although: "a thousand punches a second come from where charlie is, and from elsewhere",
    begin: (scene) =>
      scene.every(2, () => {
        for (const source of [scene.faceOf("charlie"), place(1)])
          scene.inject(source, scene.faceOf("alpha"), new Uint8Array(scene.random.below(2)));
      }),
  },
];
