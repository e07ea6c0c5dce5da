import { systemCode } from "./operator-error.ts";

/** Why a place could not be listened on, or reached: a clause. */
export function listenRefusal(error: unknown): string {
  switch (systemCode(error)) {
    case "EADDRINUSE":
      return "another program uses this port";
    case "EACCES":
      return "this user may not use this port";
    case "EADDRNOTAVAIL":
      return "this machine does not have this address";
    case "ECONNREFUSED":
      return "nobody listens there";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
