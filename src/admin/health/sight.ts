import type { NodeStatus } from "../../core/io.ts";
import type { Health } from "../../runtime/service.ts";
import type { DaemonFacts } from "../daemon-facts.ts";

/** What health is read from. */
export interface Sight {
  readonly node: NodeStatus;
  readonly daemon: DaemonFacts;
  /** Unix milliseconds. */
  readonly nowMs: number;
}

/** One file of this folder: looks for troubles of one kind. To add one: a file, and its line in health.ts. */
export type HealthSource = (sight: Sight) => Iterable<Health>;

/** Hosts named one by one; the rest is a number. */
export const NAMED_MAX = 5;

export const DAY_S = 86_400;
