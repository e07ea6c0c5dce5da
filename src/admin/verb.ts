/** Who may ask: everyone who may open the control socket, or only the owner of the daemon. */
export type Asker = "reader" | "owner";

/** Where the answers of a stream go. */
export interface Sink {
  /** Never waits: what a reader that is far behind cannot take is left out, and it is told how many. */
  push(item: unknown): void;
  /** Whether the reader has taken everything so far. */
  readonly isIdle: boolean;
}

/** What comes of a request: one answer, or many until the returned function is called. */
export type Reply = { readonly answer: () => Promise<unknown> } | { readonly stream: (sink: Sink) => () => void };

/** One thing that can be asked. */
export interface Verb {
  readonly who: Asker;
  /** Reads the other members of a request; a sentence when they make no sense. */
  open(members: Members): Reply | string;
}

export type Members = Readonly<Record<string, unknown>>;

/** A verb with one answer. It throws an OperatorError for what cannot be done. */
export function answers<Arguments extends object>(
  who: Asker,
  parse: (members: Members) => Arguments | string,
  answer: (given: Arguments) => unknown,
): Verb {
  return {
    who,
    open: (members) => {
      const given = parse(members);
      return typeof given === "string" ? given : { answer: async () => answer(given) };
    },
  };
}

/** A verb with a stream of answers. `begin` returns the way to end it. */
export function streams<Arguments extends object>(
  who: Asker,
  parse: (members: Members) => Arguments | string,
  begin: (given: Arguments, sink: Sink) => () => void,
): Verb {
  return {
    who,
    open: (members) => {
      const given = parse(members);
      return typeof given === "string" ? given : { stream: (sink) => begin(given, sink) };
    },
  };
}

/** For verbs that need nothing but their name. */
export function nothing(): object {
  return {};
}
