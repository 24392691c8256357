/** What every primitive that can be waited for may be given. */
export interface NameOption {
  /** What it is called in messages and in the task tree. Default: what it is, as in "semaphore". */
  readonly name?: string | undefined;
}
