import { concatBytes, readUint32, writeUint32 } from "../../../src/core/base/bytes.ts";
import type { LighthouseReply } from "../../../src/core/discovery/service.ts";
import type { IpAddress } from "../../../src/core/netip/address.ts";
import { type Endpoint, endpointAddress } from "../../../src/core/netip/endpoint.ts";
import { decodeHandshakePayload } from "../../../src/core/wire/handshake-payload.ts";
import { decodeHeader, encodeHeader, HEADER_BYTES, PacketType, recvErrorFor } from "../../../src/core/wire/header.ts";
import { roles } from "../cast/cast.ts";
import { counterfeitOf, identityOf } from "../cast/identities.ts";
import { answerInstead } from "../trouble/impostor.ts";
import type { Crossing } from "../world/stand.ts";
import { type Lies, overlay, type Scene } from "./scene.ts";

/** Something that an attacker or a lighthouse does, and what it may cost. */
export interface Attack {
  /** Alpha talks to charlie although ... */
  readonly although: string;
  /** What happens before, with or without the attack. */
  readonly before?: (scene: Scene) => void;
  readonly begin?: (scene: Scene) => void;
  readonly lies?: (scene: () => Scene) => Lies;
  /** Datagrams that one host sends to places where nobody is: to all of them, and to any one address. */
  readonly drawsAtMost?: number;
  readonly perAddressAtMost?: number;
}

export const attacks: readonly Attack[] = [
  // An answer to alpha's call that is not charlie's.
  {
    although: "random bytes answer each call first, from where it went",
    begin: (scene) => onCall(scene, ({ call, index }) => answer(scene, call, junk(scene, index))),
  },
  {
    although: "random bytes answer each call first, from elsewhere",
    begin: (scene) =>
      onCall(scene, ({ call, index }) => {
        for (let i = 0; i < 5; i++) scene.inject(place(i), call.source, junk(scene, index));
      }),
  },
  {
    although: "damaged copies of charlie's answer come before it",
    begin: (scene) =>
      onAnswer(scene, ({ source, destination, datagram }) => {
        for (const at of [HEADER_BYTES, HEADER_BYTES + 40, datagram.length - 1]) {
          const damaged = datagram.slice();
          damaged[at] = (damaged[at] ?? 0) ^ 1;
          scene.inject(source, destination, damaged);
        }
      }),
  },
  {
    although: "somebody with a certificate of another authority answers each call first",
    begin: (scene) => onCall(scene, ({ call }) => answer(scene, call, counterfeit(scene, call.datagram))),
  },
  {
    although: "a member answers each call first, from where it went",
    begin: (scene) => onCall(scene, ({ call }) => answer(scene, call, byMember(scene, call.datagram))),
  },
  {
    although: "a member answers once, when the call is new, from where it went",
    begin: (scene) => {
      let isDone = false;
      onCall(scene, ({ call }) => {
        if (!isDone) answer(scene, call, byMember(scene, call.datagram));
        isDone = true;
      });
    },
  },
  {
    although: "a member answers each call first, from everywhere",
    begin: (scene) =>
      onCall(scene, ({ call }) => {
        answer(scene, call, byMember(scene, call.datagram));
        for (let i = 0; i < 3; i++) scene.inject(place(i), call.source, byMember(scene, call.datagram));
      }),
  },
  {
    although: "a member answers each call after charlie",
    begin: (scene) =>
      onAnswer(scene, ({ source, destination }) => {
        const call = scene.tape.findLast((crossing) => crossing.destination === source && isCall(crossing));
        if (call) scene.agenda.after(3, () => scene.inject(source, destination, byMember(scene, call.datagram)));
      }),
  },
  {
    although: "somebody answers each call first with alpha's own certificate",
    begin: (scene) =>
      onCall(scene, ({ call }) => {
        const { credential } = identityOf(roleOf("alpha"));
        const thief = {
          ...scene.member,
          credential: { ...scene.member.credential, certificates: credential.certificates },
        };
        answer(scene, call, answerInstead(thief, call.datagram, scene.agenda.now)?.datagram);
      }),
  },
  {
    although: "charlie's answer to an earlier call answers each call first",
    before: restartAfterTunnel,
    begin: (scene) => {
      const old = scene.tape.filter(isAnswer).map(({ datagram }) => datagram);
      onCall(scene, ({ call, index }) => {
        for (const datagram of old) answer(scene, call, withIndex(datagram, index));
      });
    },
  },
  {
    although: "charlie's answer comes from elsewhere first",
    begin: (scene) =>
      onAnswer(scene, ({ destination, datagram }) => {
        for (let i = 0; i < 2; i++) scene.inject(place(i), destination, datagram);
      }),
  },
  {
    although: "its own call comes back to it, as a call and as an answer",
    begin: (scene) =>
      onCall(scene, ({ call, index }) => {
        answer(scene, call, call.datagram);
        const asAnswer = withIndex(call.datagram, index);
        asAnswer[15] = 2;
        answer(scene, call, asAnswer);
      }),
  },
  {
    although: "eighty false answers a second come from where the call went",
    begin: (scene) => {
      let heard: Call | undefined;
      onCall(scene, (call) => {
        heard = call;
      });
      scene.every(12, () => heard && answer(scene, heard.call, junk(scene, heard.index)));
    },
  },
  {
    although: "a thousand false answers a second come from everywhere",
    begin: (scene) => {
      let heard: Call | undefined;
      onCall(scene, (call) => {
        heard = call;
      });
      scene.every(
        1,
        () => heard && scene.inject(place(scene.random.below(9_999)), heard.call.source, junk(scene, heard.index)),
      );
    },
  },
  // What ends or moves a tunnel.
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
  // What a lighthouse says; the other one is honest.
  { although: "a lighthouse says nothing", lies: () => () => ({ answer: () => [], learned() {}, closed() {} }) },
  {
    although: "a lighthouse names no place for charlie",
    lies: saying((scene) => [toAlpha(scene, [])]),
  },
  {
    although: "a lighthouse names twenty other places for charlie",
    lies: saying((scene) => [toAlpha(scene, places(20))]),
    drawsAtMost: 44,
    perAddressAtMost: 10,
  },
  {
    although: "a lighthouse names other places for charlie every 20 ms",
    lies: saying((scene) => [toAlpha(scene, places(20, scene().agenda.now))]),
    begin: (scene) => scene.every(20, () => scene.tellLighthouse("liar", "alpha", queryFor("charlie"))),
    drawsAtMost: 44,
    perAddressAtMost: 10,
  },
  {
    although: "a lighthouse names twenty private addresses for charlie",
    lies: saying((scene) => [
      toAlpha(
        scene,
        places(20).map((at) => at.replace("203.0.113.", "192.168.2.").replace("2001:db8", "fd00:db8") as Endpoint),
      ),
    ]),
    drawsAtMost: 10,
  },
  {
    although: "a lighthouse names twenty ports of one machine for charlie",
    lies: saying((scene) => [
      toAlpha(
        scene,
        Array.from({ length: 20 }, (_, i) => `203.0.113.7:${i + 1}` as Endpoint),
      ),
    ]),
    drawsAtMost: 10,
  },
  {
    although: "a lighthouse names places for charlie where no single machine is, and alpha's own",
    lies: saying((scene) => [toAlpha(scene, [...nowhere, scene().host("alpha").endpoint]), toCharlie(scene, nowhere)]),
    begin: (scene) => void scene.victims([...nowhere, scene.host("alpha").endpoint]),
    drawsAtMost: 0,
  },
  {
    although: "a lighthouse says that charlie is where bravo is",
    lies: saying((scene) => [toAlpha(scene, [scene().faceOf("bravo")])]),
  },
  {
    although: "a lighthouse says that five other hosts that alpha calls are where charlie is",
    lies: (scene) => (honest) => ({
      ...honest,
      answer: (_, { message }) =>
        message.kind === "host-query" ? [reply(overlay("alpha"), message.target, [scene().faceOf("charlie")])] : [],
    }),
    before: (scene) => {
      for (let number = 100; number < 105; number++) scene.writeTo(`10.77.0.${number}` as IpAddress);
      scene.run(1_000);
    },
  },
  {
    although: "a lighthouse tells both that a thousand strangers are about to call",
    lies: saying((scene) =>
      ["alpha", "charlie"].flatMap((to) =>
        Array.from({ length: 1_000 }, (_, i) => notice(overlay(to), stranger(i), scene().victims(places(10, 10 * i)))),
      ),
    ),
    // What a lighthouse may order at once, and for a little more than a second.
    drawsAtMost: 400,
    perAddressAtMost: 8,
  },
  {
    although:
      "a lighthouse tells charlie a thousand times that one stranger is about to call, from other places each time",
    lies: saying((scene) =>
      Array.from({ length: 1_000 }, (_, i) =>
        notice(overlay("charlie"), stranger(1), scene().victims(places(10, 10 * i))),
      ),
    ),
    drawsAtMost: 10,
  },
  // What a member says to an honest lighthouse.
  {
    although: "bravo asks where charlie is every 10 ms",
    begin: (scene) =>
      scene.every(10, () => {
        for (const lighthouse of ["lighthouse", "liar"]) scene.tellLighthouse(lighthouse, "bravo", queryFor("charlie"));
      }),
  },
  {
    although: "bravo says that it is in twenty places, and alpha calls it",
    begin: (scene) => {
      scene.host("bravo").crashPlane();
      for (const lighthouse of ["lighthouse", "liar"])
        scene.tellLighthouse(lighthouse, "bravo", {
          kind: "host-update",
          address: overlay("bravo"),
          endpoints: scene.victims(places(20)),
          relays: [],
        });
      scene.write("bravo");
    },
    // Both lighthouses are honest, and believe bravo.
    drawsAtMost: 2 * 44,
    perAddressAtMost: 10,
  },
];

interface Call {
  readonly call: Crossing;
  /** Of the caller, which an answer has to name. */
  readonly index: number;
}

function onCall(scene: Scene, act: (call: Call) => void): void {
  scene.listen((crossing) => {
    if (crossing.source !== scene.faceOf("alpha") || !isCall(crossing)) return;
    const payload = decodeHandshakePayload(crossing.datagram.subarray(HEADER_BYTES + 64));
    if (payload.ok) act({ call: crossing, index: payload.value.initiatorIndex });
  });
}

function onAnswer(scene: Scene, act: (crossing: Crossing) => void): void {
  scene.listen((crossing) => {
    if (crossing.source === scene.faceOf("charlie") && isAnswer(crossing)) act(crossing);
  });
}

/** Packets between the two, and the index of the session in them. */
function onData(scene: Scene, act: (crossing: Crossing, index: number) => void): void {
  const faces = (): readonly Endpoint[] => [scene.faceOf("alpha"), scene.faceOf("charlie")];
  scene.listen((crossing) => {
    const header = decodeHeader(crossing.datagram);
    if (!header.ok || (header.value.type !== PacketType.message && header.value.type !== PacketType.test)) return;
    if (faces().includes(crossing.source) && faces().includes(crossing.destination))
      act(crossing, header.value.remoteIndex);
  });
}

function isCall({ datagram }: Crossing): boolean {
  const header = decodeHeader(datagram);
  return header.ok && header.value.type === PacketType.handshake && header.value.counter === 1n;
}

function isAnswer({ datagram }: Crossing): boolean {
  const header = decodeHeader(datagram);
  return header.ok && header.value.type === PacketType.handshake && header.value.counter === 2n;
}

/** Sends back to where this came from, as if from where it went. */
function answer(scene: Scene, { source, destination }: Crossing, datagram: Uint8Array | undefined): void {
  if (datagram) scene.inject(destination, source, datagram);
}

function junk(scene: Scene, index: number): Uint8Array {
  const header = encodeHeader({ type: PacketType.handshake, subtype: 0, remoteIndex: index, counter: 2n });
  return concatBytes(header, scene.random.bytes(300));
}

function byMember(scene: Scene, message1: Uint8Array): Uint8Array {
  const answer = answerInstead(scene.member, message1, scene.agenda.now);
  if (!answer) throw new Error("a member can answer every call");
  return answer.datagram;
}

function counterfeit(scene: Scene, message1: Uint8Array): Uint8Array | undefined {
  const forger = { ...scene.member, credential: counterfeitOf(roleOf("charlie")) };
  return answerInstead(forger, message1, scene.agenda.now)?.datagram;
}

function withIndex(datagram: Uint8Array, index: number): Uint8Array {
  const copy = datagram.slice();
  writeUint32(copy, 4, index);
  return copy;
}

function buildTunnel(scene: Scene): void {
  scene.write("charlie");
  scene.run(3_000);
}

/** A tunnel that charlie closes because it shuts down; both start anew. */
function restartAfterTunnel(scene: Scene): void {
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

/** Lies for every query, instead of what an honest lighthouse would say. */
function saying(lies: (scene: () => Scene) => readonly LighthouseReply[]): (scene: () => Scene) => Lies {
  return (scene) => (honest) => ({
    ...honest,
    answer: (from, request, now) =>
      request.message.kind === "host-query" ? lies(scene) : honest.answer(from, request, now),
  });
}

function toAlpha(scene: () => Scene, endpoints: readonly Endpoint[]): LighthouseReply {
  scene().victims(endpoints.filter((at) => endpointAddress(at) !== endpointAddress(scene().faceOf("bravo"))));
  return reply(overlay("alpha"), overlay("charlie"), endpoints);
}

function toCharlie(scene: () => Scene, endpoints: readonly Endpoint[]): LighthouseReply {
  return notice(overlay("charlie"), overlay("alpha"), scene().victims(endpoints));
}

function reply(to: IpAddress, target: IpAddress, endpoints: readonly Endpoint[]): LighthouseReply {
  return { to, dialect: 1, message: { kind: "host-query-reply", target, endpoints, relays: [] } };
}

function notice(to: IpAddress, address: IpAddress, endpoints: readonly Endpoint[]): LighthouseReply {
  return { to, dialect: "recipient", message: { kind: "host-punch", address, endpoints, relays: [] } };
}

function queryFor(name: string): { readonly kind: "host-query"; readonly target: IpAddress } {
  return { kind: "host-query", target: overlay(name) };
}

function roleOf(name: string): (typeof roles)[number] {
  const role = roles.find((other) => other.name === name);
  if (!role) throw new RangeError(`${name} does not play`);
  return role;
}

/** Where nobody is: the first ten IPv4 and the first ten IPv6 ones are what one message can carry. */
function places(count: number, from = 0): readonly Endpoint[] {
  return Array.from({ length: count }, (_, i) => (i < 10 ? place(from + i) : place6(from + i)));
}

function place(number: number): Endpoint {
  return `203.0.${113 + ((number >> 8) & 127)}.${number & 255}:4242` as Endpoint;
}

function place6(number: number): Endpoint {
  return `[2001:db8::${(number + 1).toString(16)}]:4242` as Endpoint;
}

function stranger(number: number): IpAddress {
  return `10.77.0.${200 + (number % 50)}` as IpAddress;
}

/** Everything that is not the address of one other machine, as seen from 198.51.100.0/24 and 192.168.0.0/16. */
const nowhere: readonly Endpoint[] = [
  "127.0.0.1:4242",
  "0.0.0.0:4242",
  "169.254.1.1:4242",
  "224.0.0.1:4242",
  "239.255.255.250:1900",
  "255.255.255.255:4242",
  "240.0.0.1:4242",
  "10.77.0.4:4242",
  "[::1]:4242",
  "[fe80::1]:4242",
  "[ff02::1]:4242",
  "[::7f00:1]:4242",
] as Endpoint[];
