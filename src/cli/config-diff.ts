import type { PlainValue } from "../core/config/document/effective.ts";
import type { KeyChange } from "../core/config/reload-plan.ts";
import { loadConfig, previewOf, type ReloadPreview, reloadPlan } from "../runtime/config/refusable.ts";
import { nodeSuite } from "../runtime/node-crypto.ts";

/** What a reload would change on a host that runs the first configuration and is to run the second. */
export function compareConfigs(running: string, next: string): ReloadPreview {
  const after = loadConfig(next, nodeSuite);
  return previewOf(reloadPlan(loadConfig(running, nodeSuite), after, next), after);
}

/** The lines for people. */
export function describeDiff({ applied, needsRestart, warnings }: ReloadPreview): readonly string[] {
  return [
    ...(applied.length > 0 ? ["a reload would apply:", ...applied.flatMap(changeLines)] : []),
    ...(needsRestart.length > 0 ? ["only a restart would apply:", ...needsRestart.flatMap(changeLines)] : []),
    ...(applied.length + needsRestart.length === 0 ? ["a reload would change nothing"] : []),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
}

/** Of lists and maps what goes and what comes; of what only names a file that its content is another. */
function changeLines({ path, before, after }: KeyChange): readonly string[] {
  const [old, now] = [partsOf(before), partsOf(after)];
  if (JSON.stringify(before) === JSON.stringify(after))
    return [`  ${path}: ${JSON.stringify(after)} has another content`];
  if (!old || !now) return [`  ${path}: ${JSON.stringify(before)} -> ${JSON.stringify(after)}`];
  const gone = old.filter((part) => !now.includes(part)).map((part) => `    - ${part}`);
  const come = now.filter((part) => !old.includes(part)).map((part) => `    + ${part}`);
  return [`  ${path}:${gone.length + come.length === 0 ? " in another order" : ""}`, ...gone, ...come];
}

function partsOf(value: PlainValue): readonly string[] | undefined {
  if (value === null) return [];
  if (Array.isArray(value)) return value.map((item) => JSON.stringify(item));
  return typeof value === "object"
    ? Object.entries(value).map(([key, item]) => `${key}: ${JSON.stringify(item)}`)
    : undefined;
}
