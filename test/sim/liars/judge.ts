import { realParts } from "../cast/parts.ts";
import { Violation } from "../judge/violation.ts";
import type { Parts } from "../world/host.ts";
import type { Attack } from "./attack.ts";
import { Scene, type Setting, type Talk } from "./scene.ts";

/** How much longer than without an attack anything may have to wait. */
const PATIENCE_MS = 1_000;

interface Course extends Talk {
  /** Datagrams of the host that sent most of them to places where nobody is: all of them, and those to one address. */
  readonly drawn: number;
  readonly mostAtOneAddress: number;
}

/** Undefined when the attack costs no more than it may; else a sentence. */
export function verdict(attack: Attack, setting: Setting, parts: Parts = realParts): string | undefined {
  try {
    const alone = play(
      { although: attack.although, ...(attack.before && { before: attack.before }) },
      setting,
      realParts,
    );
    const attacked = play(attack, setting, parts);
    return complaint(attack, alone, attacked);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return error.message;
  }
}

function complaint(attack: Attack, alone: Course, attacked: Course): string | undefined {
  const { drawsAtMost = 0, perAddressAtMost = drawsAtMost } = attack;
  if (alone.longestWaitMs > 3_000) return `without any attack something waits for ${alone.longestWaitMs} ms`;
  if (attacked.longestWaitMs > alone.longestWaitMs + PATIENCE_MS)
    return `something waits for ${attacked.longestWaitMs} ms, and for ${alone.longestWaitMs} ms without the attack`;
  if (attacked.lost > alone.lost) return `${attacked.lost} packets are lost, and ${alone.lost} without the attack`;
  if (attacked.ends > alone.ends) return "a session ends";
  if (attacked.drawn > drawsAtMost) return `a host sends ${attacked.drawn} datagrams to places where nobody is`;
  if (attacked.mostAtOneAddress > perAddressAtMost)
    return `a host sends ${attacked.mostAtOneAddress} datagrams to one address where nobody is`;
  return undefined;
}

function play(attack: Attack, setting: Setting, parts: Parts): Course {
  const scene: Scene = new Scene(setting, { parts, lies: attack.lies?.(() => scene) ?? ((honest) => honest) });
  scene.begin();
  attack.before?.(scene);
  attack.begin?.(scene);
  const talk = scene.talk();
  const byHost = [...scene.drawn.values()].map((drawn) => [...drawn.values()]);
  return {
    ...talk,
    drawn: Math.max(0, ...byHost.map((counts) => counts.reduce((sum, count) => sum + count, 0))),
    mostAtOneAddress: Math.max(0, ...byHost.flat()),
  };
}
