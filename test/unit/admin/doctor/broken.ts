import type { Outcome, Stage } from "../../../../src/admin/doctor/report.ts";
import type { Host } from "../../fixtures/mesh.ts";
import type { Around } from "./mesh-patient.ts";
import { type Changes, SERVER, Trio } from "./trio.ts";

/** Who is examined, and what is asked. */
export interface Patient {
  readonly host: Host;
  readonly asked?: string | undefined;
  readonly around?: Around;
}

/** A set-up with one thing wrong, and what doctor is to say. */
export interface Broken {
  readonly is: string;
  readonly make: () => Patient;
  readonly stage: Stage;
  readonly outcome?: Outcome;
  readonly says: RegExp;
  readonly todo?: RegExp;
}

/** The laptop, asked about the server, unless what is done then says something else. */
export function trio(changes: Changes = {}, then: (trio: Trio) => unknown = () => {}): () => Patient {
  return () => {
    const made = new Trio(changes);
    return { host: made.laptop, asked: SERVER, ...(then(made) as Partial<Patient> | undefined) };
  };
}
