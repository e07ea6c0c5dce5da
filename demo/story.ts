/** Prints the demo: headings, commands as they are typed, what they answer. Colours only on a terminal. */
export class Story {
  readonly #colours: boolean = process.stdout.isTTY === true && !process.env["NO_COLOR"];
  readonly #startedAt: number = performance.now();
  #chapter = "the start";
  #chapters = 0;

  /** The chapter being told: what to name when something goes wrong. */
  get chapter(): string {
    return this.#chapter;
  }

  begin(chapter: string): void {
    this.#chapter = chapter;
    this.#chapters += 1;
    this.#print(`\n${this.#paint("1", `${this.#chapters}. ${chapter}`)}`);
  }

  /** A command as a person on that machine would type it. */
  typed(machine: string | undefined, command: string): void {
    this.#print(`  ${this.#paint("36", `${machine ?? ""}$`)} ${this.#paint("1", command)}`);
  }

  answered(output: string): void {
    for (const line of output.trimEnd().split("\n")) this.#print(`    ${line}`.trimEnd());
  }

  remark(sentence: string): void {
    this.#print(`  ${this.#paint("2", sentence)}`);
  }

  proved(sentence: string): void {
    this.#print(`  ${this.#paint("32", "ok")} ${sentence}`);
  }

  failed(sentence: string): void {
    this.#print(`\n${this.#paint("31", "FAILED")} in "${this.#chapter}": ${sentence}`);
  }

  end(sentence: string): void {
    this.#print(`\n${sentence} (${((performance.now() - this.#startedAt) / 1000).toFixed(1)} s)`);
  }

  #print(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  #paint(code: string, text: string): string {
    return this.#colours ? `\u001b[${code}m${text}\u001b[0m` : text;
  }
}
