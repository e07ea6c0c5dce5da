import { HOST_NAME } from "../core/enrolment/name.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";

/** What a machine calls itself, as a name in the mesh: the first part of it, with hyphens for what cannot stand there. */
export function hostNameFrom(hostname: string): string {
  if (HOST_NAME.test(hostname)) return hostname;
  const [first = ""] = hostname.split(".");
  const name = first.replaceAll(/[^A-Za-z0-9-]+/g, "-").replaceAll(/^-+|-+$/g, "");
  if (HOST_NAME.test(name)) return name;
  throw badName(hostname);
}

/** What somebody has chosen is taken as it is, or refused: under another name nobody would look for the host. */
export function hostNameGiven(text: string): string {
  if (HOST_NAME.test(text)) return text;
  throw badName(text);
}

function badName(text: string): OperatorError {
  return new OperatorError(
    "name-bad",
    {
      what: `the name ${JSON.stringify(text)}`,
      why: "letters, digits, dots and hyphens make a host's name, 63 at most",
      todo: "give another with --name",
    },
    ExitCode.usage,
  );
}
