import { type ConfigError, type ConfigWarning, inOrder } from "./config-error.ts";

/** Errors reported in full; a file with more is broken as a whole, and each suggestion costs a comparison with every key. */
const FINDINGS_MAX = 100;

/** Collects everything that is wrong, so that the operator sees it at once. */
export class Findings {
  readonly #errors: ConfigError[] = [];
  readonly #warnings: ConfigWarning[] = [];
  #unreported = 0;

  /** No more is kept; callers may spare the work of explaining. */
  get full(): boolean {
    return this.#errors.length >= FINDINGS_MAX;
  }

  /** The same for warnings. */
  get fullOfWarnings(): boolean {
    return this.#warnings.length >= FINDINGS_MAX;
  }

  get hasErrors(): boolean {
    return this.#errors.length > 0;
  }

  error(error: ConfigError): void {
    if (this.full) this.#unreported++;
    else this.#errors.push(error);
  }

  /**
   * Whether an error was found at a key, above it or below it, or at what was probably meant to be it: what the key seems to say, or not to say,
   * then only follows, and one mistake is one finding.
   */
  blame(...paths: readonly string[]): boolean {
    return this.#errors.some(({ path, meant }) =>
      paths.some((asked) => isAlong(path, asked) || (meant !== undefined && isAlong(meant, asked))),
    );
  }

  warn(warning: ConfigWarning): void {
    if (!this.fullOfWarnings) this.#warnings.push(warning);
  }

  /** In the order of the files. */
  errors(): readonly ConfigError[] {
    const errors = inOrder(this.#errors);
    if (this.#unreported === 0) return errors;
    const last = errors.at(-1);
    return [
      ...errors,
      { code: "CONFIG_LIMIT", place: last?.place, path: "", what: `and ${this.#unreported} more errors like these` },
    ];
  }

  warnings(): readonly ConfigWarning[] {
    return inOrder(this.#warnings);
  }
}

/** Whether one of two paths leads to or through the other. */
function isAlong(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return short !== "" && long.startsWith(short) && ["", ".", "["].includes(long.charAt(short.length));
}
