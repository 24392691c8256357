/** What a module in commands/ exports as `command`. */
export interface Command {
  /** Runs with the arguments that follow its name; gives the exit code. It throws UsageError for wrong arguments. */
  run(args: readonly string[]): Promise<number>;
}
