import { HOST_NAME } from "../core/enrolment/name.ts";
import { ExitCode, OperatorError } from "../runtime/operator-error.ts";

/** The first part of a machine's name, as a name in the mesh. */
export function hostNameFrom(text: string): string {
  const [first = ""] = text.split(".");
  const name = HOST_NAME.test(text) ? text : first.replaceAll(/[^A-Za-z0-9-]+/g, "-").replaceAll(/^-+|-+$/g, "");
  if (HOST_NAME.test(name)) return name;
  throw new OperatorError(
    "name-bad",
    {
      what: `the name ${JSON.stringify(text)}`,
      why: "letters, digits, dots and hyphens make a host's name, 63 at most",
      todo: "give another with --name",
    },
    ExitCode.usage,
  );
}
