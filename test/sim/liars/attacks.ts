import type { Attack } from "./attack.ts";
import { falseAnswers } from "./false-answers.ts";
import { falseEnds } from "./false-ends.ts";
import { falseHints } from "./false-hints.ts";
import { falsePlaces } from "./false-places.ts";

export const attacks: readonly Attack[] = [...falseAnswers, ...falseEnds, ...falseHints, ...falsePlaces];
