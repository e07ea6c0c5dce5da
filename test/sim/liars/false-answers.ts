import { HEADER_BYTES } from "../../../src/core/wire/header.ts";
import { identityOf } from "../cast/identities.ts";
import { answerInstead } from "../trouble/impostor.ts";
import type { Attack } from "./attack.ts";
import { place } from "./lies.ts";
import { roleOf } from "./scene.ts";
import {
  answer,
  byMember,
  type Call,
  counterfeit,
  isAnswer,
  isCall,
  junk,
  onAnswer,
  onCall,
  restartAfterTunnel,
  withIndex,
} from "./wire.ts";

/** An answer to alpha's call that is not charlie's. */
export const falseAnswers: readonly Attack[] = [
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
        if (isDone || call.destination !== scene.faceOf("charlie")) return;
        answer(scene, call, byMember(scene, call.datagram));
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
      onCall(scene, (heardNow) => {
        if (heardNow.call.destination === scene.faceOf("charlie")) heard = heardNow;
      });
      scene.every(
        1,
        () => heard && scene.inject(place(scene.random.below(9_999)), heard.call.source, junk(scene, heard.index)),
      );
    },
  },
];
