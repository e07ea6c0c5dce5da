import type ssh2 from "ssh2";
import { onDemand } from "../../on-demand.ts";

/** ssh2. */
export const library: () => typeof ssh2 = onDemand<typeof ssh2>("ssh2");
