import { Adoption } from "./adoption.ts";
import { Answers } from "./answers.ts";
import { Calls } from "./calls.ts";
import { Health } from "./health.ts";
import { Mail } from "./mail.ts";
import { Pings } from "./pings.ts";
import { Policies } from "./policies.ts";
import { Reload } from "./reload.ts";
import { Sessions } from "./sessions.ts";
import type { NodeState } from "./state.ts";
import { Whereabouts } from "./whereabouts.ts";

/** The parts of a node. They share one state and reach each other only through here. */
export class Parts {
  readonly policies: Policies;
  readonly sessions: Sessions;
  readonly calls: Calls;
  readonly answers: Answers;
  readonly mail: Mail;
  readonly whereabouts: Whereabouts;
  readonly health: Health;
  readonly pings: Pings;
  readonly adoption: Adoption;
  readonly reload: Reload;

  constructor(state: NodeState) {
    this.policies = new Policies(state);
    this.sessions = new Sessions(state, this);
    this.calls = new Calls(state, this);
    this.answers = new Answers(state, this);
    this.mail = new Mail(state, this);
    this.whereabouts = new Whereabouts(state, this);
    this.health = new Health(state, this);
    this.pings = new Pings(state, this);
    this.adoption = new Adoption(state, this);
    this.reload = new Reload(state, this);
  }
}
