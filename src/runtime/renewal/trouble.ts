import { formatDuration } from "../../core/base/duration.ts";
import type { Ending } from "../../core/cert/lifetime.ts";
import type { Health } from "../service.ts";

/** Why there is no new certificate yet, and what to do about it. */
export interface Trouble {
  readonly of:
    | "failing"
    /** Asking again is of no use before somebody has done something. */
    | "refused"
    /** Something on this machine, long before a certificate is due. */
    | "hindered"
    /** Somebody has to agree first. */
    | "pending";
  readonly why: string;
  readonly todo: string;
}

/** How long it has gone on. */
export interface Attempts {
  readonly failures: number;
  readonly againMs: number;
  readonly ending: Ending;
}

/** The trouble as `lacis status` shows it. A third of a certificate's life is for this: a service that is away for an hour is worth a note. */
export function troubleHealth({ of, why, todo }: Trouble, { failures, againMs, ending }: Attempts): Health {
  switch (of) {
    case "pending":
      return {
        code: "renewal-pending",
        severity: "note",
        text: `the next certificate waits for somebody: ${why}`,
        todo,
      };
    case "hindered":
      return { code: "renewal-hindered", severity: "warning", text: `this host could not renew itself: ${why}`, todo };
    case "refused":
      return {
        code: "renewal-refused",
        severity: "error",
        text: `this host's certificate is not renewed: ${why}`,
        todo,
      };
    case "failing": {
      const attempts = failures === 1 ? "one attempt" : `${failures} attempts`;
      const again = formatDuration(BigInt(Math.max(0, Math.round(againMs / 1_000))));
      return {
        code: "renewal-failing",
        severity: ending === "no" ? "note" : ending === "soon" ? "warning" : "error",
        text: `this host's certificate is not renewed yet, after ${attempts}: ${why}; again in ${again}`,
        todo,
      };
    }
  }
}
